/** What `CacheOptions.lookup` does on every topology: a part of the contract of lookups, whose servers it shares. */
import { assert, describe, type Vitest } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import { type CacheService, CacheRegion, type LookupDefaults, type TypedCache } from "effect-vcache"
import { fresh } from "../support/freshCache.ts"
import { stored } from "../support/stored.ts"
import { until } from "../support/until.ts"

const stale: LookupDefaults = { staleFor: "1 hour", errorBackoff: 0 }

const later = (cache: TypedCache<unknown>, key: string) =>
  Effect.andThen(stored(cache, key), TestClock.adjust("11 seconds"))

const raw = (cache: TypedCache<unknown>, key: string) => cache.client.send("GET", [cache.makeKey(key)])

export const lookupDefaultsTests = (it: Vitest.MethodsNonLive<CacheService>): void => {
  describe("the options of a cache for lookups", () => {
    it.effect("hold for all its lookups that say nothing else, and not for set", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ timeToLive: "10 seconds", lookup: stale })
        yield* cache.getOrSet("one", Effect.succeed(1))
        yield* cache.getOrSetMany(["many"], () => Effect.succeed([["many", 1]] as const))
        yield* cache.refresh("refreshed", Effect.succeed(1))
        yield* cache.set("plain", 1)
        yield* stored(cache, "one", "many", "refreshed")
        assert.strictEqual(yield* raw(cache, "plain"), "1")
        assert.strictEqual(yield* cache.incr("plain"), 2)
        for (const key of ["one", "many", "refreshed"]) {
          assert.match(String(yield* raw(cache, key)), /^.1num@/, key)
        }
        yield* later(cache, "one")
        for (const key of ["one", "many", "refreshed"]) {
          assert.isTrue(Option.isNone(yield* cache.get(key)))
          assert.strictEqual(yield* cache.getOrSet(key, Effect.fail("down")), 1)
        }
        const many = yield* cache.getOrSetMany(["one", "many"], () => Effect.fail("down"))
        assert.deepStrictEqual([...many.values()], [1, 1])
      })
    )

    it.effect("give way to those of a call, also where they say no", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({
          timeToLive: "10 seconds",
          lookup: { ...stale, earlyRefresh: { _tag: "fraction", of: 0.5 }, softTimeout: "1 minute" }
        })
        yield* cache.getOrSet("k", Effect.succeed(1), { staleFor: 0, earlyRefresh: false })
        yield* stored(cache, "k")
        assert.strictEqual(yield* raw(cache, "k"), "1")
        yield* cache.getOrSet("s", Effect.succeed(1))
        yield* stored(cache, "s")
        yield* TestClock.adjust("6 seconds")
        assert.strictEqual(
          yield* cache.getOrSet("s", Effect.die("must not run"), { earlyRefresh: false }),
          1,
          "no early refresh"
        )
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(yield* cache.getOrSet("s", Effect.fail("down"), { softTimeout: 0 }), 1)
        // The lookup is waited for.
        assert.strictEqual(yield* cache.getOrSet("s", Effect.succeed(2)), 2)
      })
    )

    it.effect("let all processes share a lookup", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ lookup: { singleFlight: "cluster" } })
        const gate = yield* Deferred.make<void>()
        const asking = yield* Effect.forkChild(cache.getOrSet("k", Effect.as(Deferred.await(gate), "one")))
        const claim = until("a claim", raw(cache, "k"), (found) => String(found).startsWith("\u00011!"), { every: 1 })
        yield* claim
        const alone = yield* cache
          .withSchema(Schema.String)
          .getOrSet("l", Effect.succeed("two"), { singleFlight: "process" })
        assert.strictEqual(alone, "two")
        yield* Deferred.succeed(gate, undefined)
        assert.strictEqual(yield* Fiber.join(asking), "one")
      })
    )

    it.effect("are those of its regions and memoised functions, also for what they store without a lookup", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ timeToLive: "10 seconds", lookup: stale })
        const options = { key: Schema.Int, value: Schema.Int }
        const lookup = () => Effect.fail("down")
        const region = yield* CacheRegion.make(cache, "region", { ...options, lookup })
        const memoized = yield* cache.memoize({ ...options, name: "memoized" }, lookup)
        const strict = yield* CacheRegion.make(cache, "strict", { ...options, lookup, staleFor: 0 })
        for (const { set } of [region, memoized, strict]) yield* set(1, 7)
        assert.strictEqual(yield* raw(cache, "strict:1"), "7")
        yield* TestClock.adjust("11 seconds")
        assert.strictEqual(yield* region.get(1), 7)
        assert.strictEqual(yield* memoized(1), 7)
      })
    )

    it.effect("that cannot be are refused", () =>
      Effect.gen(function* () {
        for (const [lookup, reason] of [
          [{ staleFor: Number.NaN }, "staleFor"],
          [{ errorBackoff: Number.NaN }, "errorBackoff"],
          [{ softTimeout: Number.NaN }, "softTimeout"],
          [{ singleFlight: "planet" as "process" }, "singleFlight"],
          [{ earlyRefresh: { _tag: "fraction", of: 2 } }, "fraction"],
          [{ earlyRefresh: { _tag: "sometimes" as "xfetch" } }, "earlyRefresh"]
        ] as ReadonlyArray<readonly [LookupDefaults, string]>) {
          const cache = yield* fresh({ lookup })
          for (const refused of [cache.get("k"), cache.getOrSet("k", Effect.die("must not run"))]) {
            const error = yield* Effect.flip(refused)
            assert.include(error.message, `lookup: `)
            assert.include(error.message, reason)
          }
        }
      })
    )
  })
}
