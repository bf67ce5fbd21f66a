/** A limit on concurrent calls, for all processes together: twelve calls of a service that bears three at a time. `npm run example examples/semaphore.ts` */
import { Effect } from "effect"
import { CacheFromConfig, CacheService } from "effect-vcache"

const program = Effect.gen(function* () {
  const cache = (yield* CacheService).withOptions({ prefix: "semaphore" })
  // `wait`: how long a caller waits for its turn. `lease`: how long the permits of a process that died are missing.
  const calls = cache.semaphore("api", { permits: 3, wait: "10 seconds", lease: "15 seconds" })

  let running = 0
  let most = 0
  const call = Effect.acquireUseRelease(
    Effect.sync(() => (most = Math.max(most, ++running))),
    () => Effect.sleep("10 millis"),
    () => Effect.sync(() => running--)
  )
  yield* Effect.all(
    Array.from({ length: 12 }, () => calls.withPermits(1)(call)),
    { concurrency: "unbounded" }
  )
  console.log("calls: 12, at once at most:", most)

  // A heavy call takes several permits. It fails where they do not become free in time.
  const impatient = cache.semaphore("api", { permits: 3, wait: "50 millis" })
  const outcome = yield* calls.withPermits(2)(Effect.flip(impatient.withPermits(2)(Effect.void)))
  console.log("a second heavy call:", outcome._tag)
  console.log("free again:", yield* calls.available)
})

await Effect.runPromise(Effect.provide(program, CacheFromConfig))

// Prints:
// calls: 12, at once at most: 3
// a second heavy call: LockUnavailable
// free again: 3
