/** Looked-up values, fresh and stale, against a model of one key, over generated histories. */
import { assert, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import { CacheMemory, CacheService } from "effect-vcache"

/** Seconds. */
const lifetime = Schema.Literals([5, 10, 30])
const staleness = Schema.Literals([0, 0, 4, 20])
const lookup = Schema.Literals(["finds", "finds", "fails"])

const Step = Schema.Union([
  Schema.Struct({ _tag: Schema.tag("Get") }),
  Schema.Struct({ _tag: Schema.tag("Set"), lifetime }),
  Schema.Struct({ _tag: Schema.tag("Delete") }),
  Schema.Struct({ _tag: Schema.tag("MarkStale") }),
  Schema.Struct({ _tag: Schema.tag("Wait"), seconds: Schema.Literals([1, 3, 5, 9, 12, 40]) }),
  Schema.Struct({
    _tag: Schema.Literals(["GetOrSet", "GetOrSetMany"]),
    lookup,
    lifetime,
    staleFor: staleness,
    early: Schema.Boolean,
    singleFlight: Schema.Literals(["process", "cluster"])
  }),
  Schema.Struct({ _tag: Schema.tag("Refresh"), lookup, lifetime, staleFor: staleness }),
  /** While the key that holds nothing is looked up. */
  Schema.Struct({
    _tag: Schema.tag("Meanwhile"),
    change: Schema.Literals(["Set", "SetMany", "Delete", "DeleteMany", "Clear", "Flush", "Nothing"]),
    asked: Schema.Literals(["GetOrSet", "GetOrSetMany", "Refresh"]),
    singleFlight: Schema.Literals(["process", "cluster"])
  })
])

/** What the key holds. Times in seconds. */
interface Held {
  readonly value: number
  /** Undefined where it cannot be stale. */
  readonly freshUntil: number | undefined
  readonly lifetime: number
  readonly gone: number
  /** So long a lookup that failed for the fleet spares the source the next ones. */
  readonly claimedUntil: number
  /** It was made stale before its time. */
  readonly isMarked: boolean
}

/** Seconds. */
const claim = 10

it.effect.prop(
  "gives what the model says, with no lookup more",
  [Schema.Array(Step)],
  ([steps]) =>
    Effect.gen(function* () {
      const cache = (yield* CacheService).withSchema(Schema.Int)
      let held: Held | undefined
      let next = 0
      let lookups = 0
      let expectedLookups = 0

      for (const step of steps) {
        const now = (yield* Clock.currentTimeMillis) / 1000
        if (held !== undefined && now >= held.gone) held = undefined
        const isInTime = held !== undefined && (held.freshUntil === undefined || now < held.freshUntil)
        const isFresh = isInTime && held?.isMarked === false

        const looked = (outcome: "finds" | "fails", lifetime: number, staleFor: number, isTimed: boolean) => {
          expectedLookups++
          if (outcome === "fails") return Option.none<number>()
          const value = next + 1
          const freshUntil = isTimed ? now + lifetime : undefined
          held = { value, freshUntil, lifetime, gone: now + lifetime + staleFor, claimedUntil: 0, isMarked: false }
          return Option.some(value)
        }
        const source = (outcome: "finds" | "fails") =>
          Effect.suspend(() => {
            lookups++
            return outcome === "finds" ? Effect.sync(() => ++next) : Effect.fail("no" as const)
          })

        switch (step._tag) {
          case "Get":
            assert.deepStrictEqual(yield* cache.get("k"), isFresh ? Option.some(held!.value) : Option.none())
            break
          case "Set":
            held = {
              value: ++next,
              freshUntil: undefined,
              lifetime: step.lifetime,
              gone: now + step.lifetime,
              claimedUntil: 0,
              isMarked: false
            }
            assert.isTrue(yield* cache.set("k", next, { timeToLive: step.lifetime * 1000 }))
            break
          case "Delete":
            assert.strictEqual(yield* cache.delete("k"), held !== undefined)
            held = undefined
            break
          case "MarkStale":
            assert.strictEqual(yield* cache.markStale("k"), held !== undefined)
            if (held !== undefined) held = { ...held, isMarked: true, claimedUntil: 0 }
            break
          case "Wait":
            yield* TestClock.adjust(`${step.seconds} seconds`)
            break
          case "GetOrSet":
          case "GetOrSetMany": {
            const { _tag, early, lifetime, singleFlight, staleFor } = step
            const options = {
              timeToLive: lifetime * 1000,
              staleFor: staleFor * 1000,
              errorBackoff: 0,
              ...(early ? { earlyRefresh: { _tag: "fraction", of: 0.5 } as const } : {})
            }
            const asked =
              _tag === "GetOrSet"
                ? cache.getOrSet("k", source(step.lookup), { ...options, singleFlight })
                : Effect.map(
                    cache.getOrSetMany(
                      ["k"],
                      () => Effect.map(source(step.lookup), (value) => [["k", value] as const]),
                      options
                    ),
                    (found) => found.get("k")
                  )
            const before = held
            const forFleet = singleFlight === "cluster" && _tag === "GetOrSet"
            const isClaimed = before !== undefined && now < before.claimedUntil
            const isStale =
              before !== undefined &&
              (isInTime ? before.isMarked : before.freshUntil !== undefined && now < before.freshUntil + staleFor)
            const isEarly =
              early && isFresh && before?.freshUntil !== undefined && before.freshUntil - now <= before.lifetime / 2
            let expected = before === undefined ? Option.none<number>() : Option.some(before.value)
            // It would wait for whoever has the claim.
            if (forFleet && isClaimed && !isFresh && !isStale) break
            if (isStale || isEarly ? !isClaimed : !isFresh) {
              const found = looked(step.lookup, lifetime, staleFor, staleFor > 0 || early)
              if (!isStale && !isEarly) expected = found
              if (Option.isNone(found) && forFleet && before !== undefined)
                held = { ...before, claimedUntil: now + claim }
            }
            assert.deepStrictEqual(yield* Effect.option(asked), expected)
            // What is refreshed in the background is done.
            for (let i = 0; i < 20; i++) yield* Effect.yieldNow
            break
          }
          case "Meanwhile": {
            yield* cache.delete("k")
            held = undefined
            expectedLookups++
            const slow = Effect.delay(source("finds"), "2 seconds")
            const options = { timeToLive: 10_000 }
            const asking = yield* Effect.forkChild(
              step.asked === "GetOrSet"
                ? cache.getOrSet("k", slow, { ...options, singleFlight: step.singleFlight })
                : step.asked === "Refresh"
                  ? cache.refresh("k", slow, options)
                  : cache.getOrSetMany(["k"], () => Effect.map(slow, (value) => [["k", value] as const]), options)
            )
            yield* TestClock.adjust("1 second")
            const changes = {
              Set: cache.set("k", -1, options),
              SetMany: cache.setMany({ k: -1 }, options),
              Delete: cache.delete("k"),
              DeleteMany: cache.deleteMany(["k"]),
              Clear: cache.clear,
              Flush: cache.flushAll,
              Nothing: Effect.void
            }
            yield* changes[step.change]
            yield* TestClock.adjust("1 second")
            yield* Fiber.join(asking)
            // What was begun before a change is not stored after it.
            const value = step.change === "Nothing" ? next : step.change.startsWith("Set") ? -1 : undefined
            const since = step.change === "Nothing" ? now + 2 : now + 1
            if (value !== undefined) {
              held = { value, freshUntil: undefined, lifetime: 10, gone: since + 10, claimedUntil: 0, isMarked: false }
            }
            break
          }
          case "Refresh": {
            const { lifetime, staleFor } = step
            const options = { timeToLive: lifetime * 1000, staleFor: staleFor * 1000 }
            const expected = looked(step.lookup, lifetime, staleFor, staleFor > 0)
            assert.deepStrictEqual(yield* Effect.option(cache.refresh("k", source(step.lookup), options)), expected)
          }
        }
        assert.strictEqual(lookups, expectedLookups, JSON.stringify(step))
      }
    }).pipe(Effect.provide(Layer.fresh(CacheMemory))),
  { timeout: 300_000, arbitrary: { runs: 3000, seed: "effect-vcache", size: 30 } }
)
