/**
 * The testing kit: a program is tried against slow and failing servers, and hours pass in no time, without a server.
 * `npm run example examples/testing.ts`
 */
import { Effect, Fiber, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { CacheLive, CacheService, ValkeyMemory } from "effect-vcache"
import { Faults, snapshot } from "effect-vcache/testing"

/** The program under test: a price that may be an hour old when its source or the cache fails. */
const priceOf = (source: Effect.Effect<number, string>) =>
  CacheService.use((cache) =>
    cache
      .getOrSet("price", source, { timeToLive: "1 minute", staleFor: "1 hour" })
      .pipe(Effect.catchTag(["CacheConnectionError", "CacheTimeoutError"], () => source))
  )

const test = Effect.gen(function* () {
  const faults = yield* Faults.Faults

  console.log("looked up:", yield* priceOf(Effect.succeed(10)))
  console.log("stored:", [...(yield* snapshot).keys()])

  // The source fails, and the value is stale.
  yield* TestClock.adjust("2 minutes")
  console.log("served stale:", yield* priceOf(Effect.fail("the source is down")))

  // The cache is down: the source answers.
  yield* faults.set({ failure: "refused" })
  console.log("without a cache:", yield* priceOf(Effect.succeed(12)))

  // The cache answers late, by the clock of the test.
  yield* faults.set({ commands: ["GET"], latency: "5 seconds" })
  const late = yield* Effect.forkChild(priceOf(Effect.succeed(13)))
  yield* TestClock.adjust("5 seconds")
  console.log("five seconds late:", yield* Fiber.join(late))

  // The reply to a write is lost: it may have been executed, and was.
  const cache = yield* CacheService
  yield* faults.set({ commands: ["SET"], failure: "lostReply" })
  const error = yield* Effect.flip(cache.set("k", 1))
  yield* faults.clear
  console.log("lost reply:", error._tag, "- stored:", Option.getOrNull(yield* cache.get("k")))
})

const live = CacheLive.pipe(
  Layer.provideMerge(Faults.layer),
  Layer.provide(ValkeyMemory.layer()),
  Layer.provideMerge(TestClock.layer())
)
await Effect.runPromise(Effect.scoped(Effect.provide(test, live)))

// Prints:
// looked up: 10
// stored: [ 'price' ]
// served stale: 10
// without a cache: 12
// five seconds late: 10
// lost reply: CacheConnectionError - stored: 1
