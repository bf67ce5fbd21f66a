/** What getOrSet and regions do on every topology. The times that values carry are the test clock's. */
import { assert, describe, layer } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, type Layer, Option, Random, Ref, Schema } from "effect"
import { TestClock } from "effect/testing"
import {
  type CacheError,
  CacheService,
  Cipher,
  Compressor,
  Serializer,
  type Stale,
  type TypedCache
} from "effect-vcache"
import { keyOf } from "../support/formats.ts"
import { fresh } from "../support/freshCache.ts"
import { stored } from "../support/stored.ts"
import { until } from "../support/until.ts"
import { batchTests } from "./batchTests.ts"
import { cacheFailuresTests } from "./cacheFailuresTests.ts"
import { lookupAnswersTests } from "./lookupAnswersTests.ts"
import { lookupDefaultsTests } from "./lookupDefaultsTests.ts"
import { markStaleTests } from "./markStaleTests.ts"
import { memoizeTests } from "./memoizeTests.ts"
import { memoScopeTests } from "./memoScopeTests.ts"
import { updateTests } from "./updateTests.ts"

/** Looks up 1, then 2, and so on. */
const counting = Effect.map(Ref.make(0), (count) => ({
  lookup: Ref.updateAndGet(count, (n) => n + 1),
  count: Ref.get(count)
}))

/** Fails, and counts how often. */
const failing = Effect.map(counting, ({ count, lookup }) => ({
  count,
  lookup: Effect.andThen(lookup, Effect.fail("down"))
}))

const background = Effect.yieldNow.pipe(Effect.repeat({ times: 50 }))

/** Until it is so; what runs in the background takes a round trip or two. */
const eventually = <E, R>(check: Effect.Effect<boolean, E, R>) =>
  until("what runs in the background", check, Boolean, { every: 1 })

/** Lets the test clock's time pass, when what was looked up is stored: who asks before shares it, however old it is. */
const pass = (cache: TypedCache<unknown>, key: string, duration: Duration.Input) =>
  Effect.andThen(stored(cache, key), TestClock.adjust(duration))

const stale = { timeToLive: "10 seconds", staleFor: "1 hour" } as const

export const lookupContract = (name: string, cacheLayer: Layer.Layer<CacheService, unknown>): void => {
  layer(cacheLayer)(`${name}: lookups`, (it) => {
    describe("a stale value", () => {
      it.effect("is served while one fiber refreshes it", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const { count, lookup } = yield* counting
          assert.strictEqual(yield* cache.getOrSet("k", lookup, stale), 1)
          yield* pass(cache, "k", "9 seconds")
          assert.strictEqual(yield* cache.getOrSet("k", lookup, stale), 1)
          assert.strictEqual(yield* count, 1)
          yield* pass(cache, "k", "2 seconds")
          const gate = yield* Deferred.make<void>()
          const slow = Effect.andThen(Deferred.await(gate), lookup)
          const served = yield* Effect.forEach(Array.from({ length: 100 }), () => cache.getOrSet("k", slow, stale), {
            concurrency: "unbounded"
          })
          assert.deepStrictEqual(new Set(served), new Set([1]))
          yield* Deferred.succeed(gate, undefined)
          yield* eventually(Effect.map(cache.get("k"), (found) => Option.contains(found, 2)))
          assert.strictEqual(yield* cache.getOrSet("k", lookup, stale), 2)
          assert.strictEqual(yield* count, 2)
        })
      )

      it.effect("is shown to a lookup that asks for it, also when it is kept and no longer served", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          for (const singleFlight of ["process", "cluster"] as const) {
            const key = `shown ${singleFlight}`
            const seen: Array<Option.Option<unknown>> = []
            const options = { timeToLive: "10 seconds", keepFor: "1 hour", singleFlight } as const
            const next = (value: number) => (stale: Option.Option<Stale<unknown>>) =>
              Effect.sync(() => {
                seen.push(Option.map(stale, ({ value }) => value))
                return value
              })
            assert.strictEqual(yield* cache.getOrSet(key, next(1), options), 1)
            yield* pass(cache, key, "11 seconds")
            assert.strictEqual(yield* Effect.flip(cache.getOrSet(key, Effect.fail("down"), options)), "down")
            assert.strictEqual(yield* cache.getOrSet(key, next(2), options), 2)
            assert.deepStrictEqual(seen, [Option.none(), Option.some(1)])
          }
        })
      )

      it.effect("is served as long as a function of it says", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const staleFor = (value: unknown) => (value === "patient" ? "1 hour" : "0 seconds")
          const options = { timeToLive: "10 seconds", keepFor: "1 hour", staleFor } as const
          for (const value of ["patient", "strict"]) {
            yield* cache.getOrSet(value, Effect.succeed(value), options)
            yield* pass(cache, value, "11 seconds")
            const expected = value === "patient" ? value : "new"
            assert.strictEqual(yield* cache.getOrSet(value, Effect.succeed("new"), options), expected)
          }
          const failing = { ...options, staleFor: () => assert.fail("no duration") }
          yield* cache.getOrSet("failing", Effect.succeed(1), failing)
          yield* pass(cache, "failing", "11 seconds")
          assert.strictEqual(yield* cache.getOrSet("failing", Effect.succeed(2), failing), 2)
        })
      )

      it.effect("is no longer there for get, getMany, getAndSet and has; ttl tells of the entry", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.getOrSet("k", Effect.succeed("old"), stale)
          yield* stored(cache, "k")
          yield* cache.set("s", "old", stale)
          assert.deepStrictEqual(
            yield* cache.getMany(["k", "s"]),
            new Map([
              ["k", "old"],
              ["s", "old"]
            ])
          )
          yield* pass(cache, "k", "11 seconds")
          assert.deepStrictEqual(yield* cache.get("k"), Option.none())
          assert.deepStrictEqual(yield* cache.getMany(["k", "s"]), new Map())
          assert.isFalse(yield* cache.has("k"))
          assert.isTrue(Option.isSome(yield* cache.ttl("k")))
          assert.strictEqual(yield* cache.getOrSet("s", Effect.never, stale), "old")
          assert.deepStrictEqual(yield* cache.getAndSet("k", "new"), Option.none())
          assert.deepStrictEqual(yield* cache.get("k"), Option.some("new"))
        })
      )

      it.effect("is served when the lookup fails, and the failure is nobody's", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.getOrSet("k", Effect.succeed("old"), stale)
          yield* pass(cache, "k", "11 seconds")
          for (const lookup of [Effect.fail("down"), Effect.die(new Error("bug")), Effect.interrupt]) {
            assert.strictEqual(yield* cache.getOrSet("k", lookup, stale), "old")
            yield* background
            assert.strictEqual(yield* cache.getOrSet("k", lookup, { ...stale, softTimeout: "1 minute" }), "old")
          }
          yield* pass(cache, "k", "2 hours")
          assert.strictEqual(yield* Effect.flip(cache.getOrSet("k", Effect.fail("down"), stale)), "down")
        })
      )

      it.effect("waits for the lookup as long as softTimeout says; the lookup goes on", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const options = { ...stale, softTimeout: "100 millis" } as const
          yield* cache.getOrSet("k", Effect.succeed("old"), options)
          yield* pass(cache, "k", "11 seconds")
          const begun = yield* Deferred.make<void>()
          const found = yield* Deferred.make<string>()
          const lookup = Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(found))
          const quick = yield* Effect.forkChild(cache.getOrSet("k", lookup, options))
          yield* Deferred.await(begun)
          yield* TestClock.adjust("50 millis")
          assert.isUndefined(quick.pollUnsafe())
          yield* Deferred.succeed(found, "new")
          assert.strictEqual(yield* Fiber.join(quick), "new")
          yield* pass(cache, "k", "11 seconds")
          const gate = yield* Deferred.make<void>()
          const slow = yield* Effect.forkChild(cache.getOrSet("k", Effect.as(Deferred.await(gate), "newer"), options))
          const given = Effect.map(TestClock.adjust("10 millis"), () => slow.pollUnsafe())
          yield* until("the end of the soft timeout", given, (exit) => exit !== undefined, { every: 1 })
          assert.strictEqual(yield* Fiber.join(slow), "new")
          yield* Deferred.succeed(gate, undefined)
          yield* until("what the lookup gave", cache.get("k"), (found) => Option.contains(found, "newer"))
        })
      )

      it.effect("beyond a reader's own window is a miss", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.getOrSet("k", Effect.succeed("old"), stale)
          yield* pass(cache, "k", "15 seconds")
          const patient = { timeToLive: "10 seconds", staleFor: "6 seconds" } as const
          assert.strictEqual(yield* cache.getOrSet("k", Effect.fail("down"), patient), "old")
          yield* background
          yield* pass(cache, "k", "2 seconds")
          assert.strictEqual(
            yield* cache.withOptions({}).getOrSet("k", Effect.succeed("new"), { timeToLive: 1 }),
            "new"
          )
        })
      )
    })

    describe("early refresh", () => {
      it.effect("by fraction: once that part of the lifetime has passed", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const { count, lookup } = yield* counting
          const options = { timeToLive: "10 seconds", earlyRefresh: { _tag: "fraction", of: 0.8 } } as const
          yield* cache.getOrSet("k", lookup, options)
          yield* pass(cache, "k", "7900 millis")
          assert.strictEqual(yield* cache.getOrSet("k", lookup, options), 1)
          yield* background
          assert.strictEqual(yield* count, 1)
          yield* pass(cache, "k", "200 millis")
          assert.strictEqual(yield* cache.getOrSet("k", lookup, options), 1)
          yield* eventually(Effect.map(cache.get("k"), (found) => Option.contains(found, 2)))
        })
      )

      it.effect("by XFetch: with the probability that the lookup's own duration gives", () =>
        Effect.gen(function* () {
          const options = { timeToLive: "60 seconds", earlyRefresh: { _tag: "xfetch" }, errorBackoff: 0 } as const
          /** The part of readers that begin a refresh, for a lookup of one second. */
          const share = Effect.fnUntraced(function* (remaining: number) {
            const cache = yield* fresh()
            const began = yield* Deferred.make<void>()
            const second = Effect.andThen(
              Deferred.succeed(began, undefined),
              Effect.delay(Effect.succeed(0), "1 second")
            )
            const first = yield* Effect.forkChild(cache.getOrSet("k", second, options))
            yield* Deferred.await(began)
            yield* background
            yield* TestClock.adjust("1 second")
            yield* Fiber.join(first)
            yield* pass(cache, "k", 60_000 - remaining)
            const { count, lookup } = yield* counting
            let begun = 0
            for (let i = 0; i < 400; i++) {
              // Not stored, so that the next reader finds the same entry.
              yield* cache.getOrSet(
                "k",
                Effect.flatMap(lookup, () => Effect.fail("not now")),
                options
              )
              yield* background
              begun = yield* count
            }
            return begun / 400
          })
          const shares = yield* Random.withSeed(Effect.forEach([30_000, 2000, 700, 1], share), "xfetch")
          // e^(-remaining / cost)
          assert.strictEqual(shares[0], 0)
          assert.isTrue(shares[1]! > 0.08 && shares[1]! < 0.2, `${shares[1]}`)
          assert.isTrue(shares[2]! > 0.4 && shares[2]! < 0.6, `${shares[2]}`)
          assert.isAbove(shares[3]!, 0.95)
        })
      )
    })

    describe("the lifetime", () => {
      it.effect("may be a function of the value, so that what was not found lives shorter", () =>
        Effect.gen(function* () {
          const cache = (yield* fresh()).withSchema(Schema.Option(Schema.String))
          const timeToLive = Option.match({ onNone: () => 5000, onSome: () => 500_000 })
          yield* cache.getOrSet("yes", Effect.succeedSome("x"), { timeToLive })
          yield* cache.getOrSet("no", Effect.succeedNone, { timeToLive })
          yield* cache.getOrSet("never", Effect.succeedNone, { timeToLive: () => 0 })
          yield* stored(cache, "yes", "no", "never")
          const millis = Effect.fnUntraced(function* (key: string) {
            return Option.map(yield* cache.ttl(key), Duration.toMillis)
          })
          assert.isTrue(Option.exists(yield* millis("yes"), (ms) => ms > 400_000))
          assert.isTrue(Option.exists(yield* millis("no"), (ms) => ms > 3000 && ms <= 5000))
          assert.isFalse(yield* cache.has("never"))
          assert.strictEqual(
            yield* (yield* fresh()).getOrSet("k", Effect.succeed(1), { timeToLive: () => Number.NaN }),
            1
          )
        })
      )

      it.effect("is spread by the call's own jitter", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const lives = yield* Random.withSeed(
            Effect.forEach(Array.from({ length: 20 }), (_, i) =>
              Effect.andThen(
                cache.getOrSet(`k${i}`, Effect.succeed(1), { timeToLive: 100_000, jitter: 0.5 }),
                Effect.andThen(
                  stored(cache, `k${i}`),
                  Effect.map(cache.ttl(`k${i}`), (ttl) => Duration.toMillis(Option.getOrThrow(ttl)))
                )
              )
            ),
            "jitter"
          )
          assert.isAbove(new Set(lives.map((ms) => Math.round(ms / 100))).size, 10)
          assert.isTrue(lives.every((ms) => ms > 45_000 && ms <= 150_000))
        })
      )
    })

    describe("options that cannot be", () => {
      it.effect("are refused before the lookup runs", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          for (const options of [
            { staleFor: Number.NaN },
            { softTimeout: Number.NaN },
            { jitter: 2 },
            { singleFlight: "planet" as "process" },
            { errorBackoff: Number.NaN },
            { keepFor: Number.NaN },
            { waitFor: Number.NaN },
            { earlyRefresh: { _tag: "xfetch", beta: 0 } as const },
            { earlyRefresh: { _tag: "fraction", of: 1 } as const }
          ]) {
            const error = yield* Effect.flip(cache.getOrSet("k", Effect.die("must not run"), options))
            assert.strictEqual(error._tag, "CacheInputError", JSON.stringify(options))
          }
          assert.strictEqual(
            (yield* Effect.flip(cache.set("k", 1, { keepTtl: true, staleFor: 5 })))._tag,
            "CacheInputError"
          )
        })
      )
    })

    describe("a key that changes while it is looked up", () => {
      for (const singleFlight of ["process", "cluster"] as const) {
        it.effect(`does not get the older result (${singleFlight})`, () =>
          Effect.gen(function* () {
            const cache = yield* fresh()
            const other = cache.withSchema(Schema.String)
            const changes = {
              delete: other.delete("k"),
              deleteMany: cache.deleteMany(["k", "j"]),
              set: other.set("k", "newer"),
              setMany: cache.setMany({ k: "newer" }),
              getAndSet: cache.getAndSet("k", "newer"),
              getAndDelete: cache.getAndDelete("k"),
              "getAndTouch for no time": cache.getAndTouch("k", 0),
              clear: cache.clear,
              deletePattern: other.deletePattern("?")
            }
            for (const [how, change] of Object.entries(changes)) {
              yield* cache.delete("k")
              const began = yield* Deferred.make<void>()
              const gate = yield* Deferred.make<void>()
              const lookup = Effect.andThen(Deferred.succeed(began, undefined), Deferred.await(gate)).pipe(
                Effect.as("older")
              )
              const fiber = yield* Effect.forkChild(cache.getOrSet("k", lookup, { singleFlight }))
              yield* Deferred.await(began)
              yield* change
              yield* Deferred.succeed(gate, undefined)
              assert.strictEqual(yield* Fiber.join(fiber), "older", how)
              const expected = how.toLowerCase().includes("set") ? Option.some("newer") : Option.none()
              assert.deepStrictEqual(yield* cache.get("k"), expected, how)
            }
          })
        )
      }

      it.effect("is looked up anew by whoever asks after the deletion", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const gate = yield* Deferred.make<void>()
          const began = yield* Deferred.make<void>()
          const lookup = Effect.andThen(Deferred.succeed(began, undefined), Deferred.await(gate)).pipe(Effect.as("old"))
          const old = yield* Effect.forkChild(cache.getOrSet("k", lookup))
          yield* Deferred.await(began)
          yield* cache.delete("k")
          assert.strictEqual(yield* cache.getOrSet("k", Effect.succeed("new")), "new")
          yield* Deferred.succeed(gate, undefined)
          assert.strictEqual(yield* Fiber.join(old), "old")
          yield* stored(cache, "k")
          assert.deepStrictEqual(yield* cache.get("k"), Option.some("new"))
        })
      )
    })

    describe("single flight", () => {
      it.effect("who joins waits as long as he wants to; who began waits until it ends", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const options = { waitFor: "1 second" } as const
          const [started, gate] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
          const slow = Effect.as(Effect.andThen(Deferred.succeed(started, undefined), Deferred.await(gate)), "slow")
          const first = yield* Effect.forkChild(cache.getOrSet("k", slow, options))
          yield* Deferred.await(started)
          const second = yield* Effect.forkChild(Effect.flip(cache.getOrSet("k", Effect.succeed("own"), options)))
          yield* eventually(Effect.map(TestClock.adjust("1 second"), () => second.pollUnsafe() !== undefined))
          assert.deepInclude(yield* Fiber.join(second), { _tag: "CacheTimeoutError", phase: "lookup", timeout: 1000 })
          yield* Deferred.succeed(gate, undefined)
          assert.strictEqual(yield* Fiber.join(first), "slow")
          assert.strictEqual(yield* cache.getOrSet("k", Effect.succeed("own"), options), "slow")
        })
      )

      for (const singleFlight of ["process", "cluster"] as const) {
        it.effect(`10 000 callers of a cold key: one lookup (${singleFlight})`, () =>
          Effect.gen(function* () {
            const cache = yield* fresh()
            const { count, lookup } = yield* counting
            const values = yield* Effect.forEach(
              Array.from({ length: 10_000 }),
              () => cache.getOrSet("cold", Effect.andThen(background, lookup), { singleFlight }),
              { concurrency: "unbounded" }
            )
            assert.deepStrictEqual(new Set(values), new Set([1]))
            assert.strictEqual(yield* count, 1)
          })
        )
      }

      it.effect("a lease is no value, and is gone when its lookup fails", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const began = yield* Deferred.make<void>()
          const gate = yield* Deferred.make<void>()
          const failing = Effect.andThen(Deferred.succeed(began, undefined), Deferred.await(gate)).pipe(
            Effect.andThen(Effect.fail("no"))
          )
          const fiber = yield* Effect.forkChild(Effect.flip(cache.getOrSet("k", failing, { singleFlight: "cluster" })))
          yield* Deferred.await(began)
          assert.isTrue(yield* cache.has("k"))
          assert.deepStrictEqual(yield* cache.get("k"), Option.none())
          assert.deepStrictEqual(yield* cache.getMany(["k"]), new Map())
          yield* Deferred.succeed(gate, undefined)
          assert.strictEqual(yield* Fiber.join(fiber), "no")
          yield* eventually(Effect.map(cache.has("k"), (there) => !there))
          const interrupted = yield* Effect.forkChild(cache.getOrSet("k", Effect.never, { singleFlight: "cluster" }))
          yield* eventually(cache.has("k"))
          yield* Fiber.interrupt(interrupted)
          yield* eventually(Effect.map(cache.has("k"), (there) => !there))
        })
      )

      it.effect("a stale value is claimed for the refresh, and keeps its place", () =>
        Effect.gen(function* () {
          const cache = yield* fresh({ cipher: Cipher.aes256gcm([keyOf(1)]) })
          const options = { ...stale, singleFlight: "cluster" } as const
          yield* cache.getOrSet("k", Effect.succeed("old"), options)
          yield* pass(cache, "k", "11 seconds")
          const gate = yield* Deferred.make<void>()
          yield* cache.getOrSet("k", Effect.as(Deferred.await(gate), "new"), options)
          yield* eventually(
            Effect.map(cache.client.send("GET", [cache.makeKey("k")]), (stored) =>
              /^.*![0-9a-z]+\.[0-9a-f]+\n/.test(String(stored))
            )
          )
          // In another process, which sees the claim, nobody would look it up.
          const elsewhere = cache.withSchema(Schema.String)
          assert.strictEqual(yield* elsewhere.getOrSet("k", Effect.die("must not run"), options), "old")
          yield* Deferred.succeed(gate, undefined)
          yield* eventually(Effect.map(cache.get("k"), (found) => Option.contains(found, "new")))
        })
      )

      it.effect("what cannot be decoded is replaced under a lease, too", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          for (const damaged of ["{", "\u00011json>zstd\nx", "\u00019?\n"]) {
            for (const singleFlight of ["process", "cluster"] as const) {
              yield* cache.client.send("SET", [cache.makeKey("k"), damaged])
              assert.strictEqual((yield* Effect.flip(cache.get("k")))._tag, "CacheCodecError")
              assert.strictEqual(yield* cache.getOrSet("k", Effect.succeed("good"), { singleFlight }), "good")
              yield* stored(cache, "k")
              assert.deepStrictEqual(yield* cache.get("k"), Option.some("good"))
            }
          }
        })
      )
    })

    describe("refresh", () => {
      it.effect("replaces what is there, and leaves it when the lookup fails", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.set("k", 1)
          assert.strictEqual(yield* Effect.flip(cache.refresh("k", Effect.fail("down"))), "down")
          assert.deepStrictEqual(yield* cache.get("k"), Option.some(1))
          assert.strictEqual(yield* cache.refresh("k", Effect.succeed(2), stale), 2)
          yield* stored(cache, "k")
          assert.deepStrictEqual(yield* cache.get("k"), Option.some(2))
        })
      )
    })

    describe("lookups that wait for each other", () => {
      it.effect("one that asks for its own key is refused, not left to wait", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const own: Effect.Effect<unknown, CacheError> = Effect.suspend(() => cache.getOrSet("own", own))
          const error = yield* Effect.flip(cache.getOrSet("own", own))
          assert.deepInclude(error, { _tag: "CacheInputError", operation: "getOrSet" })
          const final = JSON.stringify(cache.makeKey("own"))
          assert.include(error.message, `would wait for itself: ${final} → ${final}`)
          const again: Effect.Effect<unknown, CacheError> = Effect.suspend(() => cache.refresh("own", again))
          assert.strictEqual((yield* Effect.flip(cache.refresh("own", again)))._tag, "CacheInputError")
          assert.deepStrictEqual(yield* cache.get("own"), Option.none())
        })
      )

      it.effect("two that ask for each other's keys are, whoever began", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const gate = yield* Deferred.make<void>()
          const ask = (key: string, other: string): Effect.Effect<unknown, CacheError> =>
            cache.getOrSet(
              key,
              Effect.andThen(
                Deferred.await(gate),
                Effect.suspend(() => ask(other, key))
              )
            )
          const both = yield* Effect.forkChild(
            Effect.all([Effect.exit(ask("a", "b")), Effect.exit(ask("b", "a"))], { concurrency: 2 })
          )
          yield* background
          yield* Deferred.succeed(gate, undefined)
          const exits = yield* Fiber.join(both)
          assert.isTrue(exits.every(Exit.isFailure))
        })
      )

      it.effect("one that asks for others, and meets them again beside it, is not", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const part = cache.getOrSet("part", Effect.succeed(1))
          const whole = cache.getOrSet(
            "whole",
            Effect.map(Effect.all([part, part], { concurrency: 2 }), ([a, b]) => [a, b])
          )
          assert.deepStrictEqual(yield* Effect.all([whole, part, whole], { concurrency: 3 }), [[1, 1], 1, [1, 1]])
        })
      )
    })

    describe("a source that fails", () => {
      it.effect("is left alone for a while where there is a stale value, in every mode", () =>
        Effect.gen(function* () {
          for (const options of [
            stale,
            { ...stale, softTimeout: "1 minute" },
            { ...stale, singleFlight: "cluster" }
          ] as const) {
            const cache = yield* fresh()
            yield* cache.getOrSet("k", Effect.succeed("old"), options)
            yield* pass(cache, "k", "20 seconds")
            const { count, lookup } = yield* failing
            for (let i = 0; i < 20; i++) {
              assert.strictEqual(yield* cache.getOrSet("k", lookup, options), "old")
              yield* eventually(Effect.map(count, (n) => n > 0))
            }
            assert.strictEqual(yield* count, 1)
            const many = (missing: ReadonlyArray<string>) =>
              Effect.map(lookup, () => missing.map((key) => [key, ""] as const))
            assert.deepStrictEqual(yield* cache.getOrSetMany(["k"], many, stale), new Map([["k", "old"]]))
            yield* background
            assert.strictEqual(yield* count, 1)
            yield* pass(cache, "k", "11 seconds")
            assert.strictEqual(yield* cache.getOrSet("k", lookup, options), "old")
            yield* eventually(Effect.map(count, (n) => n === 2))
          }
        })
      )

      it.effect("is asked again as soon as it has answered, whoever asked it", () =>
        Effect.gen(function* () {
          const options = { ...stale, errorBackoff: "1 hour" } as const
          const answers = {
            getOrSet: (cache: TypedCache<unknown>) =>
              Effect.andThen(cache.delete("k"), cache.getOrSet("k", Effect.succeed("new"), options)),
            getOrSetMany: (cache: TypedCache<unknown>) =>
              Effect.andThen(
                cache.delete("k"),
                cache.getOrSetMany(["k"], () => Effect.succeed([["k", "new"] as const]), options)
              ),
            refresh: (cache: TypedCache<unknown>) => cache.refresh("k", Effect.succeed("new"), options)
          }
          for (const answer of Object.values(answers)) {
            const cache = yield* fresh()
            yield* cache.getOrSet("k", Effect.succeed("old"), options)
            yield* pass(cache, "k", "20 seconds")
            const { count, lookup } = yield* failing
            yield* cache.getOrSet("k", lookup, options)
            yield* eventually(Effect.map(count, (n) => n === 1))
            yield* answer(cache)
            yield* stored(cache, "k")
            yield* pass(cache, "k", "20 seconds")
            assert.strictEqual(yield* cache.getOrSet("k", lookup, options), "new")
            yield* eventually(Effect.map(count, (n) => n === 2))
          }
        })
      )
    })

    describe("what another process has stored meanwhile", () => {
      /** Past this client's own knowledge, as another process does it. */
      const elsewhere = (cache: TypedCache<unknown>, value: string) =>
        cache.client.send("SET", [cache.makeKey("k"), JSON.stringify(value)])

      it.effect("stays: on a key that held nothing, over a stale value, over one that cannot be read", () =>
        Effect.gen(function* () {
          const held = {
            nothing: () => Effect.void,
            stale: (cache: TypedCache<unknown>) =>
              Effect.andThen(
                cache.set("k", "old", { timeToLive: "10 seconds", staleFor: "20 seconds" }),
                TestClock.adjust("31 seconds")
              ),
            rubbish: (cache: TypedCache<unknown>) => cache.client.send("SET", [cache.makeKey("k"), "{rubbish"])
          }
          for (const before of Object.values(held)) {
            const cache = yield* fresh()
            yield* before(cache)
            const lookup = Effect.as(elsewhere(cache, "theirs"), "mine")
            assert.strictEqual(yield* cache.getOrSet("k", lookup), "mine")
            yield* background
            assert.deepStrictEqual(yield* cache.get("k"), Option.some("theirs"))
            const many = yield* cache.getOrSetMany(["k", "other"], (missing) =>
              Effect.succeed(missing.map((key) => [key, "mine"] as const))
            )
            assert.deepStrictEqual(
              many,
              new Map([
                ["k", "theirs"],
                ["other", "mine"]
              ])
            )
          }
        })
      )

      it.effect("and what was there is replaced, whatever it is", () =>
        Effect.gen(function* () {
          for (const rubbish of [
            "{rubbish",
            "\u00011json@zzz\n",
            "\u00019unknown\n1",
            Buffer.from([0x22, 0xff, 0xfe])
          ]) {
            for (const singleFlight of ["process", "cluster"] as const) {
              const cache = yield* fresh()
              yield* cache.client.send("SET", [cache.makeKey("k"), rubbish])
              assert.strictEqual(yield* cache.getOrSet("k", Effect.succeed("mine"), { singleFlight }), "mine")
              yield* eventually(
                Effect.map(Effect.option(cache.get("k")), (found) => Option.contains(Option.flatten(found), "mine"))
              )
              yield* cache.client.send("SET", [cache.makeKey("m"), rubbish])
              yield* cache.getOrSetMany(["m"], () => Effect.succeed([["m", "mine"] as const]))
              yield* eventually(
                Effect.map(Effect.option(cache.get("m")), (found) => Option.contains(Option.flatten(found), "mine"))
              )
            }
          }
        })
      )

      it.effect("refresh stores over it", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          assert.strictEqual(yield* cache.refresh("k", Effect.as(elsewhere(cache, "theirs"), "mine")), "mine")
          yield* stored(cache, "k")
          assert.deepStrictEqual(yield* cache.get("k"), Option.some("mine"))
        })
      )
    })

    describe("a lookup's scope", () => {
      const resource = (events: Array<string>) =>
        Effect.acquireRelease(
          Effect.sync(() => events.push("acquired")),
          () => Effect.sync(() => events.push("released"))
        )

      it.effect("is its own, and closes when it ends", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const events: Array<string> = []
          const gate = yield* Deferred.make<void>()
          const lookup = Effect.gen(function* () {
            yield* resource(events)
            yield* Deferred.await(gate)
            events.push("used")
            return 1
          })
          // The first caller leaves, and its own scope closes; the second waits on.
          const first = yield* Effect.forkChild(Effect.scoped(cache.getOrSet("k", lookup)))
          const second = yield* Effect.forkChild(Effect.scoped(cache.getOrSet("k", lookup)))
          yield* eventually(Effect.sync(() => events.length > 0))
          yield* background
          yield* Fiber.interrupt(first)
          yield* Deferred.succeed(gate, undefined)
          assert.strictEqual(yield* Fiber.join(second), 1)
          assert.deepStrictEqual(events, ["acquired", "used", "released"])
          yield* cache.refresh("k", Effect.as(resource(events), 2))
          yield* cache.getOrSetMany(["m"], () => Effect.as(resource(events), [["m", 1] as const]))
          assert.deepStrictEqual(events.slice(3), ["acquired", "released", "acquired", "released"])
        })
      )
    })

    describe("a claim", () => {
      it.effect("is given back where its caller leaves while its reply is due, at whatever moment", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const keys = Array.from({ length: 300 }, (_, i) => `k${i}`)
          yield* Effect.forEach(
            keys,
            (key, i) =>
              Effect.gen(function* () {
                const asking = yield* Effect.forkChild(cache.getOrSet(key, Effect.never, { singleFlight: "cluster" }), {
                  startImmediately: true
                })
                yield* Effect.repeat(Effect.yieldNow, { times: i % 40 })
                yield* Fiber.interrupt(asking)
              }),
            { concurrency: 20, discard: true }
          )
          yield* eventually(
            Effect.map(
              cache.client.send(
                "EXISTS",
                keys.map((key) => cache.makeKey(key))
              ),
              (n) => n === 0
            )
          )
        })
      )
    })

    describe("getOrSetMany", () => {
      it.effect("looks up what is missing at once, and what is stale in the background", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const asked: Array<ReadonlyArray<string>> = []
          const lookup = (suffix: string) => (missing: ReadonlyArray<string>) =>
            Effect.sync(() => {
              asked.push(missing)
              return missing.filter((key) => key !== "nobody").map((key) => [key, key + suffix] as const)
            })
          yield* cache.set("a", "a0", stale)
          const found = yield* cache.getOrSetMany(["b", "a", "nobody", "c", "b"], lookup("1"), stale)
          assert.deepStrictEqual([...found].toSorted(), [
            ["a", "a0"],
            ["b", "b1"],
            ["c", "c1"]
          ])
          assert.deepStrictEqual(asked, [["b", "nobody", "c"]])
          yield* stored(cache, "b", "c")
          assert.deepStrictEqual(
            yield* cache.getMany(["a", "b", "c"]),
            new Map([
              ["a", "a0"],
              ["b", "b1"],
              ["c", "c1"]
            ])
          )
          yield* pass(cache, "a", "11 seconds")
          const served = yield* cache.getOrSetMany(["a", "b"], lookup("2"), stale)
          assert.deepStrictEqual([...served.values()], ["a0", "b1"])
          yield* eventually(Effect.map(cache.getMany(["a", "b"]), (found) => found.get("b") === "b2"))
          assert.deepStrictEqual(asked[1], ["a", "b"])
          assert.deepStrictEqual(yield* cache.getOrSetMany([], () => Effect.die("must not run")), new Map())
          assert.strictEqual(yield* Effect.flip(cache.getOrSetMany(["x"], () => Effect.fail("down"))), "down")
        })
      )

      it.effect("stores no older result", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const lookup = () =>
            Effect.as(Effect.andThen(cache.delete("a"), cache.set("b", "newer")), [
              ["a", "older"],
              ["b", "older"],
              ["c", "older"]
            ] as const)
          yield* cache.getOrSetMany(["a", "b", "c"], lookup)
          yield* stored(cache, "a", "b", "c")
          assert.deepStrictEqual(
            yield* cache.getMany(["a", "b", "c"]),
            new Map([
              ["b", "newer"],
              ["c", "older"]
            ])
          )
        })
      )
    })

    describe("formats", () => {
      const secret = Cipher.aes256gcm([keyOf(7)])
      for (const [name, options] of Object.entries({
        msgpack: { serializer: Serializer.msgpack },
        zstd: { compressor: Compressor.zstd({ threshold: 10 }) },
        encrypted: { cipher: secret },
        all: { serializer: Serializer.msgpack, compressor: Compressor.lz4({ threshold: 10 }), cipher: secret }
      })) {
        it.effect(`${name}: every operation on values`, () =>
          Effect.gen(function* () {
            const cache = yield* fresh(options)
            const value = { text: "some text ".repeat(20), n: 1 }
            yield* cache.set("a", value)
            assert.deepStrictEqual(yield* cache.get("a"), Option.some(value))
            assert.isTrue(yield* cache.add("b", value))
            assert.deepStrictEqual(yield* cache.setMany({ c: value, d: null }), [])
            assert.deepStrictEqual(
              yield* cache.getMany(["a", "b", "c", "d", "e"]),
              new Map<string, unknown>([
                ["a", value],
                ["b", value],
                ["c", value],
                ["d", null]
              ])
            )
            assert.deepStrictEqual(yield* cache.getAndSet("a", "x"), Option.some(value))
            assert.deepStrictEqual(yield* cache.getAndDelete("a"), Option.some("x"))
            assert.deepStrictEqual(yield* cache.getOrSet("f", Effect.succeed(value), stale), value)
            assert.deepStrictEqual(yield* cache.getOrSet("f", Effect.never, stale), value)
            yield* cache.expire("b", "1 hour")
            assert.isTrue(yield* cache.rename("b", "g"))
            assert.deepStrictEqual(yield* cache.get("g"), Option.some(value))
            assert.isTrue(Option.exists(yield* cache.ttl("g"), (ttl) => Duration.toMillis(ttl) > 3_000_000))
            assert.isFalse(yield* cache.rename("g", "c", { overwrite: false }))
            assert.strictEqual(yield* cache.incrVersion("g"), 2)
            assert.deepStrictEqual(yield* cache.get("g", { version: 2 }), Option.some(value))
            assert.isFalse(yield* cache.has("g"))
            assert.strictEqual((yield* Effect.flip(cache.rename("nothing", "x")))._tag, "CacheMissError")
            assert.strictEqual(yield* cache.incr("count", 1, { initial: 0 }), 1)
            assert.strictEqual(yield* cache.incr("count"), 2)
          })
        )
      }

      it.effect("a value under a foreign key is refused, and missed by getOrSet", () =>
        Effect.gen(function* () {
          const cache = yield* fresh({ cipher: secret })
          yield* cache.set("mine", "balance: 100")
          const { client } = cache
          const stolen = yield* client.send("GET", [cache.makeKey("mine")], { reply: "buffer" })
          assert.isTrue(Buffer.isBuffer(stolen))
          if (Buffer.isBuffer(stolen)) yield* client.send("SET", [cache.makeKey("yours"), stolen])
          assert.strictEqual((yield* Effect.flip(cache.get("yours")))._tag, "CacheCodecError")
          assert.strictEqual(yield* cache.getOrSet("yours", Effect.succeed("balance: 0")), "balance: 0")
        })
      )
    })

    batchTests(it)
    cacheFailuresTests(it)
    lookupAnswersTests(it)
    lookupDefaultsTests(it)
    markStaleTests(it)
    memoizeTests(it)
    memoScopeTests(it)
    updateTests(it)

    it.effect("interrupted callers leave nothing behind", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const exit = yield* Effect.exit(Effect.timeoutOption(Effect.never, 0))
        assert.isTrue(Exit.isSuccess(exit))
        const fibers = yield* Effect.forEach(Array.from({ length: 50 }), () =>
          Effect.forkChild(cache.getOrSet("k", Effect.never, stale))
        )
        yield* background
        yield* Fiber.interruptAll(fibers)
        assert.strictEqual(yield* cache.getOrSet("k", Effect.succeed("free"), stale), "free")
      })
    )
  })
}
