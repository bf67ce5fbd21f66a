/** Tags without a server, and where it fails. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
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

  it.effect(
    "that a batch bears many of are told by the ledger alone, until one is invalidated or a second has passed",
    () =>
      Effect.gen(function* () {
        const memory = yield* ValkeyClient
        let asked: Array<number> = []
        const counting: typeof memory = {
          ...memory,
          tracked: (keys, options) => {
            asked.push(keys.length)
            return memory.tracked(keys, options)
          }
        }
        const keys = Array.from({ length: 10 }, (_, i) => `k${i}`)
        const list = (key: string) => ["all", ...Array.from({ length: 9 }, (_, i) => `${key} ${i}`)]
        const writer = yield* cacheOver(memory, { prefix: "p" })
        const open = (settings: Parameters<typeof cacheOver>[1]) => cacheOver(counting, { prefix: "p", ...settings })
        const cache = yield* open({})
        const store = writer.setMany(
          keys.map((key) => [key, key] as const),
          { tags: list }
        )
        const reads = (reader: typeof cache) =>
          Effect.suspend(() => {
            asked = []
            return Effect.map(reader.getMany(keys), (found) => [asked, [...found.keys()]] as const)
          })
        const settled = (reader: typeof cache) => Effect.repeat(reads(reader), { times: 2 })
        const all = [92]
        yield* store
        for (const expected of [all, all, [1], [1]]) assert.deepStrictEqual(yield* reads(cache), [expected, keys])
        for (const mode of ["remove", "stale"] as const) {
          yield* settled(cache)
          yield* writer.invalidateTags(["k3 4"], { mode })
          assert.deepStrictEqual(yield* reads(cache), [[1, 92], keys.filter((key) => key !== "k3")])
          // What is made anew is live at once.
          yield* writer.set("k3", "new", { tags: list("k3") })
          assert.deepStrictEqual((yield* reads(cache))[1], keys)
        }
        // A token that is lost is missed a second later, and its value does not come back.
        yield* settled(cache)
        yield* memory.send("UNLINK", ["%vcache:tag:{p#tags}:k5 1"])
        yield* TestClock.adjust("1 second")
        const left = keys.filter((key) => key !== "k5")
        for (const expected of [all, all]) assert.deepStrictEqual(yield* reads(cache), [expected, left])
        yield* writer.set("other", 1, { tags: ["k5 1"] })
        assert.deepStrictEqual((yield* settled(cache))[1], left)
        // The ledger is seen to be another at once.
        yield* store
        yield* settled(cache)
        yield* memory.send("UNLINK", ["%vcache:tags:{p#tags}"])
        assert.deepStrictEqual(yield* reads(cache), [[1, 92], []])
        yield* store
        // Without a history nobody knows whose ledger it is.
        assert.deepStrictEqual(yield* settled(yield* open({ tags: { afterFailover: "trust" } })), [all, keys])
        // Few tags are cheap to read, and each look is at all of them.
        asked = []
        for (let i = 0; i < 3; i++) yield* cache.getMany(keys.slice(0, 6))
        assert.deepStrictEqual(asked, [56, 56, 56])
      }).pipe(Effect.provide(ValkeyMemory.layer()))
  )

  it.effect("that the ledger alone tells of stay told while others are learned: no value is taken for gone", () =>
    Effect.gen(function* () {
      const memory = yield* ValkeyClient
      const [asking, gate] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      let isHeld = false
      const held: typeof memory = {
        ...memory,
        tracked: (keys, options) => {
          const read = memory.tracked(keys, options)
          if (!isHeld) return read
          isHeld = false
          return Effect.andThen(Effect.andThen(Deferred.succeed(asking, undefined), Deferred.await(gate)), read)
        }
      }
      const keys = (name: string) => Array.from({ length: 10 }, (_, i) => `${name}${i}`)
      const cache = yield* cacheOver(held, { prefix: "p" })
      for (const name of ["a", "b"]) {
        const pairs = keys(name).map((key) => [key, key] as const)
        yield* cache.setMany(pairs, { tags: (key) => Array.from({ length: 9 }, (_, i) => `${key} ${i}`) })
      }
      yield* Effect.repeat(cache.getMany(keys("a")), { times: 2 })
      isHeld = true
      const read = yield* Effect.forkChild(cache.getMany(keys("a")))
      yield* Deferred.await(asking)
      yield* TestClock.adjust("1 second")
      yield* cache.getMany(keys("b"))
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual([...(yield* Fiber.join(read)).keys()], keys("a"))
    }).pipe(Effect.provide(ValkeyMemory.layer()))
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
