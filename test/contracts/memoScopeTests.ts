/** What a scope of `CacheMemo` does on every topology: a part of the contract of lookups, whose servers it shares. */
import { assert, describe, type Vitest } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { CacheMemo, CacheService, type Script, type TypedCache } from "effect-vcache"
import { fresh } from "../support/freshCache.ts"

const some = Option.some

/** Stores it behind the client's back: the key is named beside the one that the client sees. */
const storeElsewhere: Script = {
  name: "storeElsewhere",
  lua: "return redis.call('SET', ARGV[1], ARGV[2]).ok",
  memory: ({ call }, _, [key = "", value = ""]) => call("SET", String(key), value)
}

/** As another process would. */
const elsewhere = (cache: TypedCache<unknown>, key: string, value: number) => {
  const final = cache.makeKey(key)
  return cache.client.eval(storeElsewhere, [`{${final}}`], [final, value])
}

export const memoScopeTests = (it: Vitest.MethodsNonLive<CacheService>): void => {
  describe("CacheMemo.scope", () => {
    it.effect("reads a key once, through whichever operation and view", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        yield* cache.setMany({ a: 1, b: 1 })
        const inside = Effect.gen(function* () {
          assert.deepStrictEqual(yield* cache.get("a"), some(1))
          yield* elsewhere(cache, "a", 2)
          yield* elsewhere(cache, "b", 2)
          assert.deepStrictEqual(yield* cache.withSchema(Schema.Number).get("a"), some(1))
          assert.deepStrictEqual(
            [...(yield* cache.getMany(["b", "a"]))],
            [
              ["b", 2],
              ["a", 1]
            ]
          )
          yield* elsewhere(cache, "b", 3)
          assert.strictEqual(yield* cache.getOrSet("b", Effect.succeed(9)), 2)
          assert.deepStrictEqual([...(yield* cache.getMany(["b", "none", "a"])).values()], [2, 1])
          yield* elsewhere(cache, "none", 4)
          assert.deepStrictEqual(yield* cache.get("none"), Option.none())
          // Within another scope, and beside it.
          assert.deepStrictEqual(yield* CacheMemo.scope(cache.get("a")), some(1))
        })
        yield* CacheMemo.scope(inside)
        assert.deepStrictEqual([...(yield* CacheMemo.scope(cache.getMany(["a", "b", "none"]))).values()], [2, 3, 4])
      })
    )

    it.effect("sees what this process changes, by whichever operation", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const numbers = cache.withSchema(Schema.Number)
        const seen = numbers.get("k")
        yield* CacheMemo.scope(
          Effect.gen(function* () {
            assert.deepStrictEqual(yield* seen, Option.none())
            yield* cache.set("k", 1)
            assert.deepStrictEqual(yield* seen, some(1))
            yield* cache.incr("k", 2)
            assert.deepStrictEqual(yield* seen, some(3))
            yield* numbers.update(
              "k",
              Option.map((n) => n + 1)
            )
            assert.deepStrictEqual(yield* seen, some(4))
            yield* cache.pipeline((queue) => [queue.set("k", 5), queue.get("k")])
            assert.deepStrictEqual(yield* seen, some(5))
            yield* cache.transaction((queue) => [queue.incr("k")])
            assert.deepStrictEqual(yield* seen, some(6))
            yield* cache.rename("k", "other")
            assert.deepStrictEqual(yield* seen, Option.none())
            yield* cache.rename("other", "k")
            assert.deepStrictEqual(yield* seen, some(6))
            yield* cache.markStale("k")
            assert.deepStrictEqual(yield* seen, Option.none())
            yield* cache.clear
            assert.deepStrictEqual(yield* seen, Option.none())
            yield* cache.client.send("SET", [cache.makeKey("k"), "7"])
            assert.deepStrictEqual(yield* seen, some(7))
          })
        )
      })
    )

    it.effect("a lookup runs once, and a claim of another is waited for", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        let lookups = 0
        const lookup = Effect.sync(() => ++lookups)
        for (const singleFlight of ["process", "cluster"] as const) {
          const twice = Effect.all([
            cache.getOrSet(singleFlight, lookup, { singleFlight }),
            cache.getOrSet(singleFlight, lookup, { singleFlight })
          ])
          const [first, second] = yield* CacheMemo.scope(twice)
          assert.strictEqual(first, second)
        }
        assert.strictEqual(lookups, 2)
      })
    )
  })
}
