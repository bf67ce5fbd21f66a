/** What every cache does, whatever it stands on. */
import { assert, describe, layer } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, type Layer, Option, Schema, Stream } from "effect"
import { CacheService, Cipher, Serializer } from "effect-vcache"
import { keyOf } from "../support/formats.ts"
import { keySpaceTests } from "./keySpaceTests.ts"
import { fresh } from "../support/freshCache.ts"
import { stored } from "../support/stored.ts"
import { joining } from "../support/joining.ts"

export interface CacheContractOptions {
  /** Lets this many milliseconds pass: for the server real ones, for the memory store the test clock's. */
  readonly pass: (millis: number) => Effect.Effect<void>
}

const failure = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.flip(effect)

const some = Option.some
const none = Option.none()

export const cacheContract = (
  name: string,
  cacheLayer: Layer.Layer<CacheService, unknown>,
  { pass }: CacheContractOptions
): void => {
  layer(cacheLayer)(name, (it) => {
    describe("values", () => {
      it.effect("get gives what set stored; a miss is none, a stored null is a hit", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const values = [
            "text",
            "",
            "Iñtërnâtiônàlizætiøn ☃ 𝕏",
            0,
            42,
            -1,
            1.5,
            true,
            false,
            null,
            [],
            [1, [2]],
            {},
            { a: { b: null } }
          ]
          assert.deepStrictEqual(yield* cache.get("missing"), none)
          for (const value of values) {
            assert.isTrue(yield* cache.set("key", value))
            assert.deepStrictEqual(yield* cache.get("key"), some(value))
          }
        })
      )

      it.effect("numbers stay numbers and text stays text", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.set("n", 2)
          yield* cache.set("t", "2")
          assert.deepStrictEqual(yield* cache.get("n"), some(2))
          assert.deepStrictEqual(yield* cache.get("t"), some("2"))
          assert.strictEqual(yield* cache.client.send("GET", [cache.makeKey("n")]), "2")
        })
      )

      it.effect("set with `when` stores only under its condition", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          assert.isFalse(yield* cache.set("k", 1, { when: "present" }))
          assert.isTrue(yield* cache.set("k", 2, { when: "absent" }))
          assert.isFalse(yield* cache.set("k", 3, { when: "absent" }))
          assert.isTrue(yield* cache.set("k", 4, { when: "present" }))
          assert.deepStrictEqual(yield* cache.get("k"), some(4))
        })
      )

      it.effect("a failed condition leaves the lifetime alone", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.set("k", 1, { timeToLive: "1 hour" })
          yield* cache.add("k", 2, { timeToLive: "1 second" })
          const ttl = Option.getOrThrow(yield* cache.ttl("k"))
          assert.isTrue(Duration.toMillis(ttl) > 3_500_000)
        })
      )

      it.effect("storing for no time leaves the key absent and keeps the conditions", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const zero = { timeToLive: 0 }
          yield* cache.set("k", 1)
          assert.isFalse(yield* cache.set("k", 2, { ...zero, when: "absent" }))
          assert.deepStrictEqual(yield* cache.get("k"), some(1))
          assert.isTrue(yield* cache.set("k", 2, { ...zero, when: "present" }))
          assert.deepStrictEqual(yield* cache.get("k"), none)
          assert.isFalse(yield* cache.set("k", 2, { ...zero, when: "present" }))
          assert.isTrue(yield* cache.add("k", 2, zero))
          assert.isTrue(yield* cache.set("k", 2, { timeToLive: -5 }))
          assert.deepStrictEqual(yield* cache.get("k"), none)
          yield* cache.set("k", 1)
          assert.deepStrictEqual(yield* cache.getAndSet("k", 2, zero), some(1))
          assert.isFalse(yield* cache.has("k"))
        })
      )

      it.effect("keepTtl over a value that could become stale ends when that one would have", () =>
        Effect.gen(function* () {
          for (const options of [{}, { cipher: Cipher.aes256gcm([keyOf(1)]) }, { serializer: Serializer.msgpack }]) {
            const cache = yield* fresh(options)
            yield* cache.set("k", 1, { timeToLive: "1 minute", staleFor: "1 hour" })
            assert.isTrue(yield* cache.set("k", 2, { keepTtl: true }))
            assert.deepStrictEqual(yield* cache.get("k"), some(2))
            const left = Duration.toMillis(Option.getOrThrow(yield* cache.ttl("k")))
            assert.isTrue(left <= 60_000 && left > 0, `${left}`)
            yield* cache.set("g", 1, { timeToLive: "1 minute", staleFor: "1 hour" })
            assert.deepStrictEqual(yield* cache.getAndSet("g", 2, { keepTtl: true, when: "present" }), some(1))
            assert.isAtMost(Duration.toMillis(Option.getOrThrow(yield* cache.ttl("g"))), 60_000)
            assert.isFalse(yield* cache.set("g", 3, { keepTtl: true, when: "absent" }))
            assert.isTrue(yield* cache.set("new", 3, { keepTtl: true, when: "absent" }))
            assert.deepStrictEqual(yield* cache.ttl("new"), some(Duration.infinity))
          }
        })
      )

      it.effect("keepTtl keeps the lifetime and contradicts timeToLive", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.set("k", 1, { timeToLive: "1 hour" })
          yield* cache.set("k", 2, { keepTtl: true })
          assert.isTrue(Duration.toMillis(Option.getOrThrow(yield* cache.ttl("k"))) > 3_500_000)
          const error = yield* failure(cache.set("k", 3, { keepTtl: true, timeToLive: "1 second" }))
          assert.strictEqual(error._tag, "CacheInputError")
          assert.deepStrictEqual(yield* cache.get("k"), some(2))
        })
      )

      it.effect("getAndTouch gives the value and a new lifetime; expireTime says when a key ends", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          assert.deepStrictEqual(yield* cache.getAndTouch("k", "1 hour"), none)
          assert.deepStrictEqual(yield* cache.expireTime("k"), none)
          yield* cache.set("k", { a: 1 }, { timeToLive: "1 minute" })
          const before = Option.getOrThrow(yield* cache.expireTime("k"))
          assert.deepStrictEqual(yield* cache.getAndTouch("k", "1 hour"), some({ a: 1 }))
          const prolonged = Option.getOrThrow(yield* cache.expireTime("k")) - before
          assert.isTrue(prolonged > 3_500_000 && prolonged < 3_640_000, String(prolonged))
          assert.isAbove(Duration.toMillis(Option.getOrThrow(yield* cache.ttl("k"))), 3_500_000)
          const instant = Math.ceil(before) + 120_000
          yield* cache.expireAt("k", instant)
          assert.deepStrictEqual(yield* cache.expireTime("k"), some(instant))
          assert.deepStrictEqual(yield* cache.getAndTouch("k", "Infinity"), some({ a: 1 }))
          assert.deepStrictEqual(yield* cache.expireTime("k"), some(Infinity))
          const queued = yield* cache.pipeline((queue) => [queue.getAndTouch("k", "1 minute"), queue.expireTime("k")])
          assert.deepStrictEqual(queued[0], some({ a: 1 }))
          assert.isBelow(Option.getOrThrow(queued[1]), Infinity)
          assert.deepStrictEqual(yield* cache.getAndTouch("k", 0), some({ a: 1 }))
          assert.isFalse(yield* cache.has("k"))
          yield* cache.list("list").pushLeft(1)
          assert.strictEqual((yield* failure(cache.getAndTouch("list", "1 hour")))._tag, "CacheServerError")
        })
      )

      it.effect("keys with a limit gives as many different keys of the cache, and ends its scan", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.setMany(Array.from({ length: 3000 }, (_, i): [string, number] => [`k${i}`, i]))
          const some = yield* cache.keys("k*", { limit: 10 })
          assert.strictEqual(new Set(some).size, 10)
          assert.strictEqual(some.length, 10)
          assert.isTrue(some.every((key) => /^k\d+$/.test(key)))
          assert.strictEqual((yield* cache.keys("k*", { limit: 5000 })).length, 3000)
          assert.deepStrictEqual(yield* cache.keys("none*", { limit: 1 }), [])
          for (const limit of [0, -1, 1.5, Number.NaN]) {
            assert.strictEqual((yield* failure(cache.keys("*", { limit })))._tag, "CacheInputError")
          }
        })
      )

      it.effect("getAndSet, getAndDelete, delete, has, add", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          assert.deepStrictEqual(yield* cache.getAndSet("k", 1), none)
          assert.deepStrictEqual(yield* cache.getAndSet("k", null), some(1))
          assert.deepStrictEqual(yield* cache.getAndSet("k", 2, { when: "absent" }), some(null))
          assert.deepStrictEqual(yield* cache.getAndDelete("k"), some(null))
          assert.deepStrictEqual(yield* cache.getAndDelete("k"), none)
          assert.isTrue(yield* cache.add("k", 5))
          assert.isFalse(yield* cache.add("k", 6))
          assert.isTrue(yield* cache.has("k"))
          assert.isTrue(yield* cache.delete("k"))
          assert.isFalse(yield* cache.delete("k"))
          assert.isFalse(yield* cache.has("k"))
        })
      )
    })

    describe("batches", () => {
      it.effect("getMany gives hits in request order, each key once", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          assert.deepStrictEqual(yield* cache.setMany({ a: 1, b: null, c: "x" }), [])
          const found = yield* cache.getMany(["c", "missing", "b", "a", "c"])
          assert.deepStrictEqual(
            [...found],
            [
              ["c", "x"],
              ["b", null],
              ["a", 1]
            ]
          )
          assert.deepStrictEqual([...(yield* cache.getMany([]))], [])
          assert.deepStrictEqual(yield* cache.setMany([]), [])
          assert.strictEqual(yield* cache.deleteMany([]), 0)
        })
      )

      it.effect("takes generators, and runs again with the same keys", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const keys = function* () {
            yield "a"
            yield "b"
          }
          yield* cache.setMany(
            new Map([
              ["a", 1],
              ["b", 2]
            ])
          )
          const read = cache.getMany(keys())
          assert.strictEqual((yield* read).size, 2)
          assert.strictEqual((yield* read).size, 2)
          assert.strictEqual(yield* cache.deleteMany(keys()), 2)
          assert.strictEqual(yield* cache.deleteMany(keys()), 0)
        })
      )

      it.effect("25 000 entries keep their order and values", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const entries = Array.from({ length: 25_000 }, (_, i) => [`k${i}`, { i }] as const)
          assert.deepStrictEqual(yield* cache.setMany(entries), [])
          const found = yield* cache.getMany(entries.map(([key]) => key))
          assert.deepStrictEqual(
            [...found],
            entries.map(([key, value]) => [key, value])
          )
          assert.strictEqual(yield* cache.deleteMany(entries.map(([key]) => key)), entries.length)
        })
      )

      it.effect("large values go through in parts", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const entries = Array.from({ length: 40 }, (_, i) => [`k${i}`, String(i).repeat(100_000)] as const)
          yield* cache.setMany(entries)
          for (let round = 0; round < 2; round++) {
            const found = yield* cache.getMany(entries.map(([key]) => key))
            assert.deepStrictEqual(
              [...found],
              entries.map(([key, value]) => [key, value])
            )
          }
        })
      )

      it.effect("a value that cannot be stored keeps the whole batch from being sent", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const error = yield* failure(cache.setMany({ good: 1, bad: undefined }))
          assert.strictEqual(error._tag, "CacheCodecError")
          assert.isFalse(yield* cache.has("good"))
        })
      )

      it.effect("a lifetime of zero deletes", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.setMany({ a: 1, b: 2 })
          assert.deepStrictEqual(yield* cache.setMany({ a: 1, b: 2 }, { timeToLive: 0 }), [])
          assert.strictEqual((yield* cache.getMany(["a", "b"])).size, 0)
        })
      )
    })

    describe("counters", () => {
      it.effect("incr and decr count, keep the lifetime, and miss without `initial`", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.set("n", 41, { timeToLive: "1 hour" })
          assert.strictEqual(yield* cache.incr("n"), 42)
          assert.strictEqual(yield* cache.incr("n", 10), 52)
          assert.strictEqual(yield* cache.decr("n", 60), -8)
          assert.isTrue(Duration.toMillis(Option.getOrThrow(yield* cache.ttl("n"))) > 3_500_000)
          assert.deepStrictEqual(yield* cache.get("n"), some(-8))
          const miss = yield* failure(cache.incr("missing"))
          assert.strictEqual(miss._tag, "CacheMissError")
          assert.isFalse(yield* cache.has("missing"))
        })
      )

      it.effect("`initial` creates the counter with a lifetime", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          assert.strictEqual(yield* cache.incr("n", 2, { initial: 10, timeToLive: "1 hour" }), 12)
          assert.strictEqual(yield* cache.decr("n", 2, { initial: 10 }), 10)
          assert.isTrue(Duration.toMillis(Option.getOrThrow(yield* cache.ttl("n"))) > 3_500_000)
          yield* cache.incr("forever", 1, { initial: 0, timeToLive: "Infinity" })
          assert.deepStrictEqual(yield* cache.ttl("forever"), some(Duration.infinity))
          assert.strictEqual(yield* cache.incr("gone", 1, { initial: 0, timeToLive: 0 }), 1)
          assert.isFalse(yield* cache.has("gone"))
          yield* cache.incr("default", 1, { initial: 0 })
          assert.isTrue(Duration.toMillis(Option.getOrThrow(yield* cache.ttl("default"))) <= 300_000)
        })
      )

      it.effect("a result beyond 2^53 is refused and not applied", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.set("n", Number.MAX_SAFE_INTEGER)
          const error = yield* failure(cache.incr("n"))
          assert.strictEqual(error._tag, "CacheServerError")
          assert.strictEqual(error._tag === "CacheServerError" ? error.code : "", "OVERFLOW")
          assert.deepStrictEqual(yield* cache.get("n"), some(Number.MAX_SAFE_INTEGER))
          assert.strictEqual(yield* cache.incrBig("n", 2n), 2n ** 53n + 1n)
          assert.strictEqual((yield* failure(cache.get("n")))._tag, "CacheCodecError")
          // What a number holds exactly is read.
          assert.strictEqual(yield* cache.incrBig("n"), 2n ** 53n + 2n)
          assert.deepStrictEqual(yield* cache.get("n"), some(2 ** 53 + 2))
        })
      )

      it.effect("incrBig is exact at any size", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.set("n", 1, { timeToLive: "1 hour" })
          assert.strictEqual(yield* cache.incrBig("n", 2n ** 62n), 2n ** 62n + 1n)
          assert.strictEqual(yield* cache.incrBig("n", 2n ** 62n), 2n ** 63n + 1n)
          assert.strictEqual(yield* cache.incrBig("n", 10n ** 40n), 2n ** 63n + 1n + 10n ** 40n)
          assert.strictEqual(yield* cache.incrBig("n", -(10n ** 40n) - 2n ** 63n), 1n)
          assert.isTrue(Duration.toMillis(Option.getOrThrow(yield* cache.ttl("n"))) > 3_500_000)
          assert.strictEqual((yield* failure(cache.incrBig("missing")))._tag, "CacheMissError")
          yield* cache.set("text", "x")
          assert.strictEqual((yield* failure(cache.incrBig("text")))._tag, "CacheServerError")
        })
      )

      it.effect("incrBig counts from initial, with its lifetime, at any size", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const huge = 10n ** 40n
          assert.strictEqual(yield* cache.incrBig("small", 2n, { initial: 5n, timeToLive: "1 hour" }), 7n)
          assert.strictEqual(yield* cache.incrBig("small", 2n, { initial: 5n }), 9n)
          assert.strictEqual(yield* cache.incrBig("huge", 1n, { initial: huge }), huge + 1n)
          assert.strictEqual(yield* cache.incrBig("delta", huge, { initial: 1n, timeToLive: "1 hour" }), huge + 1n)
          assert.strictEqual(yield* cache.incrBig("delta", huge, { initial: 1n }), 2n * huge + 1n)
          for (const key of ["small", "delta"]) {
            const millis = Duration.toMillis(Option.getOrThrow(yield* cache.ttl(key)))
            assert.isTrue(millis > 3_500_000 && millis <= 3_600_000)
          }
          assert.isTrue(Duration.toMillis(Option.getOrThrow(yield* cache.ttl("huge"))) <= 300_000)
          assert.strictEqual(yield* cache.incrBig("gone", 1n, { initial: 0n, timeToLive: 0 }), 1n)
          assert.isFalse(yield* cache.has("gone"))
          const atOnce = Effect.forEach(Array.from({ length: 8 }), () => cache.incrBig("n", huge, { initial: 0n }), {
            concurrency: "unbounded"
          })
          assert.strictEqual((yield* atOnce).toSorted((a, b) => (a < b ? -1 : 1)).at(-1), 8n * huge)
        })
      )

      it.effect("get reads what was counted, under every serializer", () =>
        Effect.gen(function* () {
          const json = yield* fresh()
          for (const serializer of [Serializer.json, Serializer.msgpack, Serializer.binary]) {
            const untyped = json.withOptions({ serializer, prefix: `${json.options.prefix}-${serializer.id}` })
            const cache = untyped.withSchema(Schema.Finite)
            yield* cache.incr("int", 2, { initial: 40 })
            assert.deepStrictEqual(yield* cache.get("int"), some(42))
            assert.deepStrictEqual(yield* untyped.get("int"), some(42))
            for (const [initial, delta] of [
              [0, 1.5],
              [1, -0.000_001],
              [1e15, 0.25],
              [2 ** 60, 2 ** 10]
            ] as const) {
              yield* cache.delete("float")
              const counted = yield* cache.incrFloat("float", delta, { initial })
              assert.deepStrictEqual(yield* cache.get("float"), some(counted))
              assert.deepStrictEqual(yield* cache.get("float"), some(yield* cache.incrFloat("float", 0)))
              assert.deepStrictEqual(yield* untyped.getMany(["float"]), new Map([["float", counted]]))
            }
            yield* cache.set("stored", 1.5)
            assert.strictEqual(yield* cache.incrFloat("stored", 1), 2.5)
            const hash = cache.hash("h")
            assert.strictEqual(yield* hash.incrFloat("f", 1.25), 1.25)
            assert.deepStrictEqual(yield* hash.get("f"), some(1.25))
            yield* hash.set("stored", 0.5)
            assert.strictEqual(yield* hash.incrFloat("stored", 1), 1.5)
            assert.strictEqual(yield* hash.incr("n", 3), 3)
            assert.deepStrictEqual(yield* hash.getAll, new Map(Object.entries({ f: 1.25, stored: 1.5, n: 3 })))
          }
        })
      )

      it.effect("a schema of bigints reads counters of every size, and what it stores can be counted", () =>
        Effect.gen(function* () {
          const json = yield* fresh()
          for (const serializer of [Serializer.json, Serializer.msgpack, Serializer.binary]) {
            const cache = json.withOptions({ serializer, prefix: `${json.options.prefix}-${serializer.id}` })
            for (const schema of [Schema.BigInt, Schema.NullOr(Schema.BigInt)]) {
              const bigints = cache.withSchema<Schema.Codec<bigint | null, unknown>>(schema)
              yield* bigints.set("n", -5n)
              assert.strictEqual(yield* cache.incr("n"), -4)
              assert.deepStrictEqual(yield* bigints.get("n"), some(-4n))
              assert.strictEqual(yield* cache.incrBig("n", 10n ** 40n), 10n ** 40n - 4n)
              assert.deepStrictEqual(yield* bigints.get("n"), some(10n ** 40n - 4n))
              yield* bigints.set("n", 10n ** 30n)
              assert.strictEqual(yield* cache.incrBig("n", 1n), 10n ** 30n + 1n)
              assert.deepStrictEqual(yield* bigints.getOrSet("n", Effect.succeed(0n)), 10n ** 30n + 1n)
            }
            const nullable = cache.withSchema(Schema.NullOr(Schema.BigInt))
            yield* nullable.set("none", null)
            assert.deepStrictEqual(yield* nullable.get("none"), some(null))
          }
        })
      )

      it.effect("incrBig loses nothing to concurrent callers beyond 64 bits", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.set("n", 0)
          yield* cache.incrBig("n", 10n ** 30n)
          yield* Effect.forEach(Array.from({ length: 8 }), () => cache.incrBig("n", 1n), { concurrency: "unbounded" })
          assert.strictEqual(yield* cache.incrBig("n", 0n), 10n ** 30n + 8n)
        })
      )

      it.effect("incrFloat", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          assert.strictEqual(yield* cache.incrFloat("n", 0.5, { initial: 10 }), 10.5)
          assert.strictEqual(yield* cache.incrFloat("n", -0.25), 10.25)
          assert.strictEqual(yield* cache.incrFloat("large", 2 ** 60, { initial: 0 }), 2 ** 60)
          assert.strictEqual(yield* cache.incrFloat("large", 2 ** 60), 2 ** 61)
          assert.deepStrictEqual(yield* cache.get("n"), some(10.25))
          assert.strictEqual((yield* failure(cache.incrFloat("missing", 1)))._tag, "CacheMissError")
        })
      )

      it.effect("what is not a number is the server's error", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.set("text", "abc")
          const error = yield* failure(cache.incr("text"))
          assert.strictEqual(error._tag, "CacheServerError")
          assert.deepStrictEqual(yield* cache.get("text"), some("abc"))
        })
      )

      it.effect("1 000 concurrent increments all count", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.set("n", 0)
          yield* Effect.forEach(Array.from({ length: 1000 }), () => cache.incr("n"), { concurrency: "unbounded" })
          assert.deepStrictEqual(yield* cache.get("n"), some(1000))
        })
      )
    })

    describe("lifetimes", () => {
      it.effect("entries expire, to the millisecond", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.set("short", 1, { timeToLive: "600 millis" })
          yield* cache.set("long", 1, { timeToLive: "1 hour" })
          yield* cache.set("forever", 1, { timeToLive: "Infinity" })
          assert.isTrue(yield* cache.has("short"))
          yield* pass(700)
          assert.deepStrictEqual(yield* cache.get("short"), none)
          assert.deepStrictEqual([...(yield* cache.getMany(["short", "long", "forever"])).keys()], ["long", "forever"])
          assert.isTrue(yield* cache.add("short", 2))
        })
      )

      it.effect("the default is the cache's own", () =>
        Effect.gen(function* () {
          const cache = yield* fresh({ timeToLive: "10 seconds" })
          yield* cache.set("k", 1)
          const millis = Duration.toMillis(Option.getOrThrow(yield* cache.ttl("k")))
          assert.isTrue(millis > 9000 && millis <= 10_000, String(millis))
        })
      )

      it.effect("jitter spreads lifetimes", () =>
        Effect.gen(function* () {
          const cache = yield* fresh({ timeToLive: "100 seconds", jitter: 0.5 })
          const keys = Array.from({ length: 50 }, (_, i) => `k${i}`)
          yield* cache.setMany(keys.map((key) => [key, 1] as const))
          const ttls = yield* Effect.forEach(keys, (key) => cache.ttl(key))
          const millis = ttls.map((ttl) => Duration.toMillis(Option.getOrThrow(ttl)))
          assert.isTrue(
            millis.every((ms) => ms > 48_000 && ms <= 150_000),
            String(millis)
          )
          assert.isTrue(Math.max(...millis) - Math.min(...millis) > 20_000, String(millis))
        })
      )

      it.effect("touch, expire, expireAt, persist, ttl", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const millis = (key: string) =>
            Effect.map(cache.ttl(key), (ttl) => Duration.toMillis(Option.getOrElse(ttl, () => Duration.zero)))
          assert.deepStrictEqual(yield* cache.ttl("k"), none)
          assert.isFalse(yield* cache.touch("k"))
          assert.isFalse(yield* cache.expire("k", "1 hour"))
          yield* cache.set("k", 1)
          assert.isTrue(yield* cache.touch("k", { timeToLive: "1 hour" }))
          assert.isTrue((yield* millis("k")) > 3_500_000)
          assert.isTrue(yield* cache.touch("k"))
          assert.isTrue((yield* millis("k")) <= 300_000)
          assert.isTrue(yield* cache.touch("k", { timeToLive: "Infinity" }))
          assert.isTrue(yield* cache.touch("k", { timeToLive: "Infinity" }), "persistent and touched again")
          assert.deepStrictEqual(yield* cache.ttl("k"), some(Duration.infinity))
          assert.isFalse(yield* cache.persist("k"))
          assert.isTrue(yield* cache.expire("k", "1 hour"))
          assert.isTrue(yield* cache.persist("k"))
          assert.isTrue(yield* cache.expireAt("k", 4_000_000_000_000))
          assert.isTrue(yield* cache.expireAt("k", new Date(4_100_000_000_000)))
          assert.isTrue((yield* millis("k")) > 1e12)
          assert.isTrue(yield* cache.touch("k", { timeToLive: 0 }))
          assert.isFalse(yield* cache.has("k"))
          yield* cache.set("k", 1)
          assert.isTrue(yield* cache.expireAt("k", 0))
          assert.isFalse(yield* cache.has("k"))
        })
      )
    })

    describe("getOrSet", () => {
      it.effect("looks up once and stores, null included", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          let lookups = 0
          const lookup = Effect.sync(() => {
            lookups++
            return null
          })
          assert.isNull(yield* cache.getOrSet("k", lookup, { timeToLive: "1 hour" }))
          yield* stored(cache, "k")
          assert.isNull(yield* cache.getOrSet("k", lookup))
          assert.strictEqual(lookups, 1)
          assert.isTrue(Duration.toMillis(Option.getOrThrow(yield* cache.ttl("k"))) > 3_500_000)
        })
      )

      it.effect("1 000 concurrent callers share one lookup", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          let lookups = 0
          const lookup = Effect.sync(() => ++lookups).pipe(Effect.tap(() => Effect.yieldNow))
          const values = yield* Effect.forEach(Array.from({ length: 1000 }), () => cache.getOrSet("k", lookup), {
            concurrency: "unbounded"
          })
          assert.strictEqual(lookups, 1)
          assert.deepStrictEqual(new Set(values), new Set([1]))
        })
      )

      it.effect("views of one schema share lookups, other keys do not", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const latch = yield* Deferred.make<void>()
          let lookups = 0
          const lookup = Deferred.await(latch).pipe(Effect.andThen(Effect.sync(() => ++lookups)))
          const joined = yield* joining
          const callers = yield* Effect.forEach(["a", "a", "b"], (key) =>
            Effect.forkChild(cache.withSchema(Schema.Number).getOrSet(key, lookup))
          )
          yield* joined(1)
          yield* Deferred.succeed(latch, undefined)
          yield* Effect.forEach(callers, Fiber.join)
          assert.strictEqual(lookups, 2)
        })
      )

      it.effect("a failed lookup is everybody's own error and is not stored", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          let lookups = 0
          const lookup = Effect.suspend(() => Effect.fail(`failure ${++lookups}`)).pipe(Effect.delay(0))
          assert.strictEqual(yield* failure(cache.getOrSet("k", Effect.fail("mine"))), "mine")
          assert.isFalse(yield* cache.has("k"))
          assert.strictEqual(yield* cache.getOrSet("k", Effect.succeed(7)), 7)
          yield* stored(cache, "k")
          assert.strictEqual(yield* cache.getOrSet("k", lookup), 7)
        })
      )

      it.effect("is interrupted only when the last caller leaves", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const latch = yield* Deferred.make<void>()
          const started = yield* Deferred.make<void>()
          let interrupted = 0
          const lookup = Deferred.succeed(started, undefined).pipe(
            Effect.andThen(Deferred.await(latch)),
            Effect.as("value"),
            Effect.onInterrupt(() => Effect.sync(() => interrupted++))
          )
          const joined = yield* joining
          const first = yield* Effect.forkChild(cache.getOrSet("k", lookup))
          const second = yield* Effect.forkChild(cache.getOrSet("k", lookup))
          yield* Deferred.await(started)
          yield* joined(1)
          yield* Fiber.interrupt(first)
          assert.strictEqual(interrupted, 0)
          yield* Deferred.succeed(latch, undefined)
          assert.strictEqual(yield* Fiber.join(second), "value")

          const never = Effect.never.pipe(Effect.onInterrupt(() => Effect.sync(() => interrupted++)))
          const both = yield* Effect.forEach([1, 2], () => Effect.forkChild(cache.getOrSet("n", never)))
          yield* joined(2)
          yield* Effect.forEach(both, Fiber.interrupt)
          assert.strictEqual(interrupted, 1)
          assert.strictEqual(yield* cache.getOrSet("n", Effect.succeed(1)), 1)
        })
      )

      it.effect("what cannot be decoded is looked up again; what cannot be stored is returned all the same", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.client.send("SET", [cache.makeKey("k"), "not json"])
          assert.strictEqual((yield* failure(cache.get("k")))._tag, "CacheCodecError")
          assert.strictEqual(yield* cache.getOrSet("k", Effect.succeed(1)), 1)
          yield* stored(cache, "k")
          assert.deepStrictEqual(yield* cache.get("k"), some(1))
          const value = yield* cache.getOrSet("u", Effect.succeed(undefined))
          assert.isUndefined(value)
          assert.isFalse(yield* cache.has("u"))
        })
      )

      it.effect("bad arguments fail before the lookup runs", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          let lookups = 0
          const lookup = Effect.sync(() => ++lookups)
          yield* failure(cache.getOrSet("", lookup))
          yield* failure(cache.getOrSet("k", lookup, { timeToLive: Number.NaN }))
          assert.strictEqual(lookups, 0)
        })
      )
    })

    keySpaceTests(it)

    describe("keys and versions", () => {
      it.effect("a separator within a prefix separates nothing", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const { prefix } = cache.options
          const other = cache.withOptions({ prefix: `${prefix}:1`, version: 2 })
          yield* cache.set("2:k", "one")
          yield* other.set("k", "other")
          assert.deepStrictEqual(yield* cache.get("2:k"), some("one"))
          assert.deepStrictEqual(yield* other.keys("*"), ["k"])
          assert.strictEqual(yield* other.clearAllVersions, 1)
          assert.deepStrictEqual(yield* cache.keys("*"), ["2:k"])
          assert.strictEqual(cache.makeKey("k", { version: 3 }), `${prefix}:3:k`)
          const percent = cache.withOptions({ prefix: "50%:50" })
          assert.strictEqual(percent.makeKey("k"), "50%25%3A50:1:k")
          assert.strictEqual(percent.reverseKey("50%25%3A50:1:k"), "k")
        })
      )

      it.effect("prefixes and versions keep entries apart", () =>
        Effect.gen(function* () {
          const one = yield* fresh()
          const other = yield* fresh()
          yield* one.set("k", 1)
          yield* other.set("k", 2)
          yield* one.set("k", 3, { version: 2 })
          assert.deepStrictEqual(yield* one.get("k"), some(1))
          assert.deepStrictEqual(yield* other.get("k"), some(2))
          assert.deepStrictEqual(yield* one.get("k", { version: 2 }), some(3))
          assert.deepStrictEqual(yield* one.withOptions({ version: 2 }).get("k"), some(3))
          assert.deepStrictEqual(yield* one.withOptions({ version: 2 }).get("k", { version: 1 }), some(1))
          yield* one.set("zero", 0, { version: 0 })
          assert.deepStrictEqual(yield* one.get("zero"), none)
        })
      )

      it.effect("incrVersion moves the value with its lifetime", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.set("k", null, { timeToLive: "1 hour" })
          assert.strictEqual(yield* cache.incrVersion("k"), 2)
          assert.deepStrictEqual(yield* cache.get("k"), none)
          assert.deepStrictEqual(yield* cache.get("k", { version: 2 }), some(null))
          assert.isTrue(Duration.toMillis(Option.getOrThrow(yield* cache.ttl("k", { version: 2 }))) > 3_500_000)
          assert.strictEqual(yield* cache.decrVersion("k", 1, { version: 2 }), 1)
          assert.deepStrictEqual(yield* cache.get("k"), some(null))
          assert.strictEqual((yield* failure(cache.incrVersion("missing")))._tag, "CacheMissError")
        })
      )

      it.effect("rename", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.setMany({ a: 1, b: 2 })
          assert.isFalse(yield* cache.rename("a", "b", { overwrite: false }))
          assert.isTrue(yield* cache.rename("a", "b"))
          assert.deepStrictEqual(yield* cache.get("b"), some(1))
          assert.isTrue(yield* cache.rename("b", "c", { overwrite: false, toVersion: 3 }))
          assert.deepStrictEqual(yield* cache.get("c", { version: 3 }), some(1))
          assert.strictEqual((yield* failure(cache.rename("gone", "x")))._tag, "CacheMissError")
        })
      )

      it.effect("typeOf", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.set("k", 1)
          assert.deepStrictEqual(yield* cache.typeOf("k"), some("string"))
          assert.deepStrictEqual(yield* cache.typeOf("missing"), none)
        })
      )

      it.effect("keys, scan, deletePattern see this prefix and version only, globs over user keys", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const stranger = yield* fresh()
          yield* stranger.setMany({ "user:1": 0, "user:2": 0 })
          yield* cache.set("user:1", 0, { version: 2 })
          yield* cache.setMany({ "user:1": 1, "user:2": 2, "user:10": 3, "item:1": 4, "a*b": 5, "a[b": 6 })
          const sorted = (pattern?: string) => Effect.map(cache.keys(pattern), (keys) => keys.toSorted())
          assert.deepStrictEqual(yield* sorted(), ["a*b", "a[b", "item:1", "user:1", "user:10", "user:2"])
          assert.deepStrictEqual(yield* sorted("user:?"), ["user:1", "user:2"])
          assert.deepStrictEqual(yield* sorted("*:[^2]"), ["item:1", "user:1"])
          assert.deepStrictEqual(yield* sorted("a\\*b"), ["a*b"])
          const scanned = yield* Stream.runCollect(cache.scan("user:*", { count: 1 }))
          assert.deepStrictEqual([...new Set(scanned)].toSorted(), ["user:1", "user:10", "user:2"])
          assert.deepStrictEqual(yield* Stream.runCollect(cache.scan("*", { type: "list" })), [])
          assert.strictEqual(yield* cache.deletePattern("user:*"), 3)
          assert.strictEqual((yield* cache.keys()).length, 3)
          assert.strictEqual((yield* stranger.keys()).length, 2)
          assert.isTrue(yield* cache.has("user:1", { version: 2 }))
        })
      )

      it.effect("clear takes this version, clearAllVersions all, neither a stranger's", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const lookAlike = cache.withOptions({ prefix: `${cache.options.prefix}x` })
          yield* cache.setMany(Array.from({ length: 2500 }, (_, i) => [`k${i}`, i] as const))
          yield* cache.set("k", 1, { version: 2 })
          yield* cache.set("k", 1, { version: -3 })
          yield* lookAlike.set("k", 1)
          assert.strictEqual(yield* cache.clear, 2500)
          assert.strictEqual(yield* cache.clear, 0)
          assert.isTrue(yield* cache.has("k", { version: 2 }))
          yield* cache.set("k", 1)
          assert.strictEqual(yield* cache.clearAllVersions, 3)
          assert.isTrue(yield* lookAlike.has("k"))
        })
      )

      it.effect("keys of others that are not UTF-8 are deleted with the prefix, and are no key of the cache", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          // In memory there are none.
          if (cache.client.topology === "memory") return
          const binary = (user: string, bytes: ReadonlyArray<number>) =>
            cache.client.send("SET", [Buffer.from([...Buffer.from(cache.makeKey(user)), ...bytes]), 1])
          yield* binary("a", [0xff, 0xfe, 0x80])
          yield* binary("a", [0xff, 0xfe])
          yield* binary("b", [0xff])
          yield* cache.setMany({ "a\ufffd\ufffd": 1, c: 2 })
          assert.deepStrictEqual((yield* cache.keys()).toSorted(), ["a\ufffd\ufffd", "c"])
          assert.strictEqual(yield* cache.deletePattern("a*"), 3)
          assert.strictEqual(yield* cache.clear, 2)
          assert.strictEqual(yield* cache.clear, 0)
        })
      )

      it.effect("a prefix of glob characters matches only itself", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const wild = cache.withOptions({ prefix: "*" })
          yield* cache.set("k", 1)
          yield* wild.set("k", 2)
          assert.deepStrictEqual(yield* wild.keys(), ["k"])
          assert.strictEqual(yield* wild.clear, 1)
          assert.isTrue(yield* cache.has("k"))
        })
      )

      it.effect("a key function of one's own", () =>
        Effect.gen(function* () {
          const cache = yield* fresh({
            keyFunction: {
              make: ({ prefix, version, key }) => `${key}|${prefix}|v${version}`,
              reverse: (final) => final.slice(0, final.indexOf("|"))
            }
          })
          yield* cache.setMany({ a: 1, b: 2 })
          yield* cache.set("a", 3, { version: 2 })
          assert.strictEqual(cache.makeKey("a"), `a|${cache.options.prefix}|v1`)
          assert.strictEqual(cache.reverseKey(cache.makeKey("a")), "a")
          assert.deepStrictEqual((yield* cache.keys()).toSorted(), ["a", "b"])
          assert.strictEqual(yield* cache.clear, 2)
          assert.strictEqual(yield* cache.clearAllVersions, 1)
        })
      )

      it.effect("keys of every kind of text come back", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const keys = [
            "with space",
            "new\r\nline",
            "nul\u0000",
            "ключ",
            "𝕏",
            "a:b:c",
            "{tag}",
            "__proto__",
            "k".repeat(60_000)
          ]
          yield* cache.setMany(keys.map((key) => [key, key.length] as const))
          assert.deepStrictEqual([...(yield* cache.getMany(keys)).keys()], keys)
          assert.deepStrictEqual((yield* cache.keys()).toSorted(), keys.toSorted())
        })
      )

      it.effect("flushAll empties the database", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.set("k", 1)
          yield* cache.flushAll
          assert.strictEqual(yield* cache.client.send("DBSIZE", []), 0)
        })
      )
    })

    describe("schemas", () => {
      const User = Schema.Struct({ id: Schema.Int, name: Schema.String, born: Schema.Date })

      it.effect("values are encoded and decoded by the schema", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const users = cache.withSchema(User)
          const ada = { id: 1, name: "Ada", born: new Date("1815-12-10") }
          yield* users.set("ada", ada)
          assert.deepStrictEqual(yield* users.get("ada"), some(ada))
          assert.deepStrictEqual(yield* cache.get("ada"), some({ ...ada, born: "1815-12-10T00:00:00.000Z" }))
          assert.deepStrictEqual([...(yield* users.getMany(["ada"])).values()], [ada])
          assert.deepStrictEqual(yield* users.getAndDelete("ada"), some(ada))
        })
      )

      it.effect("a value of another shape is a codec error that names the path, not the value", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.set("bad", { id: 1, name: "SECRET", born: 5 })
          const error = yield* failure(cache.withSchema(User).get("bad"))
          assert.strictEqual(error._tag, "CacheCodecError")
          assert.include(error.message, "born")
          assert.notInclude(JSON.stringify(error) + error.message, "SECRET")
        })
      )

      it.effect("counters are raw under a schema too", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const numbers = cache.withSchema(Schema.Int)
          yield* numbers.set("n", 5)
          assert.strictEqual(yield* numbers.incr("n"), 6)
          assert.deepStrictEqual(yield* numbers.get("n"), some(6))
        })
      )
    })

    describe("bad input", () => {
      const lone = "x\ud800y"
      const cyclic: Record<string, unknown> = {}
      cyclic["self"] = cyclic

      it.effect("keys", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          for (const key of ["", lone, "k".repeat(1_000_000)]) {
            const operations: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>> = [
              cache.get(key),
              cache.set(key, 1),
              cache.getMany(["ok", key]),
              cache.setMany([
                ["ok", 1],
                [key, 1]
              ]),
              cache.deleteMany([key]),
              cache.incr(key),
              cache.incrBig(key),
              cache.touch(key),
              cache.ttl(key),
              cache.rename("ok", key),
              cache.incrVersion(key),
              cache.getOrSet(key, Effect.succeed(1)),
              cache.keys(key),
              cache.deletePattern(key),
              Stream.runDrain(cache.scan(key))
            ]
            for (const operation of operations) {
              assert.strictEqual((yield* failure(operation))._tag, "CacheInputError")
            }
          }
          assert.isFalse(yield* cache.has("ok"))
        })
      )

      it.effect("values that JSON would change", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const values = [
            undefined,
            Number.NaN,
            Infinity,
            -0,
            10n,
            new Date(),
            new Map(),
            new Set([1]),
            Symbol("s"),
            () => 1,
            { a: undefined },
            [undefined],
            // oxlint-disable-next-line no-sparse-arrays
            [1, , 2],
            Object.assign([1], { extra: 1 }),
            { deep: [{ x: Number.NaN }] },
            new (class Point {
              x = 1
            })(),
            { [Symbol("s")]: 1 },
            { toJSON: () => 1 },
            Buffer.from("x"),
            cyclic
          ]
          for (const value of values) {
            const error = yield* failure(cache.set("k", value))
            assert.strictEqual(error._tag, "CacheCodecError", String(error))
          }
          assert.isFalse(yield* cache.has("k"))
        })
      )

      it.effect("lifetimes, deltas, versions, settings", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.set("n", 1)
          const bad: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>> = [
            cache.set("k", 1, { timeToLive: Number.NaN }),
            cache.set("k", 1, { timeToLive: 1e300 }),
            cache.touch("n", { timeToLive: Number.NaN }),
            cache.expire("n", Number.NaN),
            cache.expireAt("n", Number.NaN),
            cache.expireAt("n", new Date("nonsense")),
            cache.incr("n", 0.5),
            cache.incr("n", 2 ** 53),
            cache.incr("x", 1, { initial: Number.MAX_SAFE_INTEGER }),
            cache.incrFloat("n", Number.NaN),
            cache.incrFloat("n", Infinity),
            cache.get("k", { version: 1.5 }),
            cache.incrVersion("n", 0.1),
            Stream.runDrain(cache.scan("*", { count: 0 })),
            cache.withOptions({ jitter: 2 }).get("k"),
            cache.withOptions({ version: Number.NaN }).get("k"),
            cache.withOptions({ timeToLive: -1 }).set("k", 1),
            cache.withOptions({ prefix: lone }).clear
          ]
          for (const operation of bad) assert.strictEqual((yield* failure(operation))._tag, "CacheInputError")
          assert.deepStrictEqual(yield* cache.get("n"), some(1))
        })
      )
    })

    it.effect("interrupting an operation ends it", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const fiber = yield* Effect.forkChild(Effect.forever(cache.get("k")))
        yield* Effect.yieldNow
        const exit = yield* Fiber.interrupt(fiber).pipe(Effect.andThen(Fiber.await(fiber)))
        assert.isTrue(Exit.isFailure(exit))
        assert.isTrue(yield* cache.set("k", 1))
      })
    )
  })
}

/** Enough turns of the event loop for every caller to have seen its miss. */
