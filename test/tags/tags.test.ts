/** Tags without a server, and where it fails. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { type CacheError, CacheLive, CacheMemory, CacheService, ValkeyMemory } from "effect-vcache"
import { Faults } from "effect-vcache/testing"
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
