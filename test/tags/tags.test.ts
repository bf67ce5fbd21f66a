/** Tags without a server, and where it fails. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import {
  type CacheError,
  type CommandError,
  CacheLive,
  CacheMemory,
  CacheService,
  type Stale,
  ValkeyClient,
  ValkeyMemory
} from "effect-vcache"
import { Faults } from "effect-vcache/testing"
import { cacheOver } from "../support/cacheOver.ts"
import { until } from "../support/until.ts"
import { Tags } from "../../src/services/cache/tags/Tags.ts"

describe("tags in memory", () => {
  it("work under runSync", () => {
    const program = Effect.gen(function* () {
      const cache = yield* CacheService
      yield* cache.set("k", 1, { tags: ["t"] })
      const found = yield* cache.get("k")
      yield* cache.invalidateTags(["t"])
      return [found, yield* cache.get("k")]
    })
    assert.deepStrictEqual(Effect.runSync(Effect.provide(program, CacheMemory)), [Option.some(1), Option.none()])
  })

  it.effect("of which the server tells nothing: no value is given, and none is stored without its tags", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const faults = yield* Faults.Faults
      yield* cache.set("k", 1, { tags: ["t"] })
      yield* faults.set({ failure: "refused", commands: ["readTags", "ensureTags", "invalidateTags"] })
      for (const call of [
        cache.get("k"),
        cache.getMany(["k"]),
        cache.has("k"),
        cache.set("l", 1, { tags: ["t"] }),
        cache.setMany({ l: 1 }, { tags: ["t"] }),
        cache.invalidateTags(["t"]),
        cache.tagSnapshot(["t"])
      ]) {
        assert.strictEqual(
          (yield* Effect.flip(Effect.asVoid<unknown, CacheError, never>(call)))._tag,
          "CacheConnectionError"
        )
      }
      yield* faults.clear
      assert.isFalse(yield* cache.has("l"))
      assert.deepStrictEqual(yield* cache.get("k"), Option.some(1))
    }).pipe(Effect.provide(Layer.provideMerge(CacheLive, Layer.provideMerge(Faults.layer, ValkeyMemory.layer()))))
  )

  it.effect("that are removed before a lookup begins: it is not shown what was stale when it was read", () =>
    Effect.gen(function* () {
      const client = yield* ValkeyClient
      const there = yield* cacheOver(client, { prefix: "p" })
      /** What happens after the value was read, and before the lookup's tags are. */
      let meanwhile: Effect.Effect<void, CommandError> = Effect.void
      const delayed: typeof client = {
        ...client,
        eval: (script, keys, args) =>
          Effect.suspend(() => {
            const first = script.name === "ensureTags" ? meanwhile : Effect.void
            meanwhile = Effect.void
            return Effect.andThen(first, client.eval(script, keys, args))
          })
      }
      const here = yield* cacheOver(delayed, { prefix: "p" })
      const shown: Array<unknown> = []
      const kept = (stale: Option.Option<Stale<unknown>>) =>
        Effect.sync(() => {
          shown.push(Option.map(stale, ({ value }) => value))
          return Option.match(stale, { onNone: () => "new", onSome: ({ value }) => value })
        })
      for (const tags of [["t"], () => ["t"]]) {
        shown.length = 0
        yield* here.set("k", "old", { tags: ["t"] })
        yield* there.invalidateTags(["t"], { mode: "stale" })
        assert.strictEqual(yield* here.getOrSet("k", kept, { tags }), "old")
        yield* until("the old value again", there.get("k"), (found) => Option.contains(found, "old"))
        yield* there.invalidateTags(["t"], { mode: "stale" })
        meanwhile = there.invalidateTags(["t"])
        assert.strictEqual(yield* here.getOrSet("k", kept, { tags }), "old")
        yield* until("the new value", there.get("k"), (found) => Option.contains(found, "new"))
        assert.deepStrictEqual(shown, [Option.some("old"), Option.none()])
      }
    }).pipe(Effect.provide(ValkeyMemory.layer()))
  )

  it.effect("have their records in one slot, whatever the prefix", () =>
    Effect.gen(function* () {
      const { client } = yield* CacheService
      const keys: Array<string> = []
      const noting = {
        ...client,
        eval: (...[script, all, args]: Parameters<typeof client.eval>) => {
          keys.push(...all)
          return client.eval(script, all, args)
        }
      }
      for (const prefix of ["", "}", "{}", "a{b}c", "%7B"]) {
        keys.length = 0
        yield* new Tags(noting, prefix, Effect.succeed("r")).ensure(["x", "{y}", "}"], 1)
        const slots = keys.map((key) => /\{([^}]*)\}/.exec(key)?.[1])
        assert.strictEqual(keys.length, 4)
        assert.isNotEmpty(slots[0])
        assert.strictEqual(new Set(slots).size, 1, prefix)
      }
    }).pipe(Effect.provide(CacheMemory))
  )
})
