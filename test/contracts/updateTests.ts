/** What compare-and-set does on every topology: a part of the contract of lookups, whose servers it shares. */
import { assert, describe, type Vitest } from "@effect/vitest"
import { Duration, Effect, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import { CacheService, Cipher } from "effect-vcache"
import { keyOf } from "../support/formats.ts"
import { fresh } from "../support/freshCache.ts"

const some = Option.some
const none = Option.none()
const next = Option.match({ onNone: () => some(1), onSome: (n: number) => some(n + 1) })

export const updateTests = (it: Vitest.MethodsNonLive<CacheService>): void => {
  describe("compare-and-set", () => {
    it.effect("update replaces, creates and deletes, and keeps the lifetime unless it is given", () =>
      Effect.gen(function* () {
        const cache = (yield* fresh({ timeToLive: "1 hour" })).withSchema(Schema.Number)
        const left = Effect.map(cache.ttl("k"), Option.map(Duration.toSeconds))
        assert.deepStrictEqual(yield* cache.update("k", next), some(1))
        assert.isAbove(Option.getOrThrow(yield* left), 3500)
        yield* cache.expire("k", "10 minutes")
        assert.deepStrictEqual(yield* cache.update("k", next), some(2))
        const kept = Option.getOrThrow(yield* left)
        assert.isTrue(kept > 500 && kept <= 600, String(kept))
        yield* cache.update("k", next, { timeToLive: "Infinity" })
        assert.deepStrictEqual(yield* cache.ttl("k"), some(Duration.infinity))
        assert.deepStrictEqual(yield* cache.get("k"), some(3))
        assert.deepStrictEqual(yield* cache.update("k", () => none), none)
        assert.isFalse(yield* cache.has("k"))
        assert.deepStrictEqual(yield* cache.update("k", () => none), none)
        assert.deepStrictEqual(yield* cache.update("k", next, { timeToLive: 0 }), some(1))
        assert.isFalse(yield* cache.has("k"))
      })
    )

    it.effect("update loses nothing among its own kind and among other writers", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const numbers = cache.withSchema(Schema.Number)
        yield* numbers.set("n", 0)
        const both = Effect.all([numbers.update("n", next), cache.incr("n")], { concurrency: "unbounded" })
        yield* Effect.all(
          Array.from({ length: 25 }, () => both),
          { concurrency: "unbounded", discard: true }
        )
        assert.deepStrictEqual(yield* numbers.get("n"), some(50))
      })
    )

    it.effect("setIf stores over an equal value only, and none expects that there is none", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        assert.isFalse(yield* cache.setIf("k", some({ a: [1] }), 1))
        assert.isTrue(yield* cache.setIf("k", none, { a: [1] }))
        assert.isFalse(yield* cache.setIf("k", none, 2))
        assert.isFalse(yield* cache.setIf("k", some({ a: [2] }), 2))
        assert.isTrue(yield* cache.setIf("k", some({ a: [1] }), "b\ufffdc", { timeToLive: "1 minute" }))
        assert.isTrue(yield* cache.setIf("k", some("b\ufffdc"), null, { keepTtl: true }))
        assert.isBelow(Duration.toSeconds(Option.getOrThrow(yield* cache.ttl("k"))), 61)
        assert.isTrue(yield* cache.setIf("k", some(5), "any", { equivalence: () => true }))
        assert.deepStrictEqual(yield* cache.get("k"), some("any"))
      })
    )

    it.effect("a value that is stale counts as absent; one that is fresh keeps when it becomes stale", () =>
      Effect.gen(function* () {
        const cache = (yield* fresh()).withSchema(Schema.Number)
        yield* cache.set("k", 1, { timeToLive: "1 minute", staleFor: "1 hour" })
        yield* TestClock.adjust("40 seconds")
        assert.deepStrictEqual(yield* cache.update("k", next), some(2))
        yield* TestClock.adjust("30 seconds")
        assert.deepStrictEqual(yield* cache.get("k"), none)
        assert.isFalse(yield* cache.setIf("k", some(2), 7))
        assert.deepStrictEqual(yield* cache.update("k", next), some(1))
        assert.deepStrictEqual(yield* cache.get("k"), some(1))
        yield* cache.update("k", next, { timeToLive: "1 minute", staleFor: "1 hour" })
        assert.deepStrictEqual(yield* cache.get("k"), some(2))
        yield* TestClock.adjust("2 minutes")
        assert.deepStrictEqual(yield* cache.get("k"), none)
      })
    )

    it.effect("encrypted values are compared, too; what is no value of the cache is not touched", () =>
      Effect.gen(function* () {
        const cache = (yield* fresh({ cipher: Cipher.aes256gcm([keyOf(1)]) })).withSchema(Schema.Number)
        const all = Array.from({ length: 20 }, () => cache.update("n", next))
        yield* Effect.forEach(all, (one) => one, { concurrency: "unbounded", discard: true })
        assert.deepStrictEqual(yield* cache.get("n"), some(20))
        yield* cache.client.send("SET", [cache.makeKey("foreign"), "{"])
        assert.strictEqual((yield* Effect.flip(cache.update("foreign", next)))._tag, "CacheCodecError")
        yield* cache.list("list").pushLeft(1)
        assert.strictEqual((yield* Effect.flip(cache.update("list", next)))._tag, "CacheServerError")
        assert.strictEqual((yield* Effect.flip(cache.update("n", next, { attempts: 0 })))._tag, "CacheInputError")
        assert.strictEqual((yield* Effect.flip(cache.update("n", next, { staleFor: 5 })))._tag, "CacheInputError")
      })
    )
  })
}
