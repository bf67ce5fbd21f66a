/** The first minute: store, read, count, look up. `npm run example examples/quick-start.ts` */
import { Effect, Option } from "effect"
import { CacheFromConfig, CacheService } from "effect-vcache"

const program = Effect.gen(function* () {
  const cache = yield* CacheService
  yield* cache.clear

  yield* cache.set("greeting", { hello: "world" }, { timeToLive: "5 minutes" })
  console.log("hit: ", Option.getOrNull(yield* cache.get("greeting")))
  console.log("miss:", Option.getOrNull(yield* cache.get("nothing here")))

  console.log("count:", yield* cache.incr("visits", 1, { initial: 41 }))

  const slow = Effect.sync(() => {
    console.log("looking up …")
    return 6 * 7
  })
  console.log("answer:", yield* cache.getOrSet("answer", slow))
  console.log("answer:", yield* cache.getOrSet("answer", slow))
})

// In memory, or on the server that VALKEY_URL names.
await Effect.runPromise(Effect.provide(program, CacheFromConfig.layer({ prefix: "quick-start" })))

// Prints:
// hit:  { hello: 'world' }
// miss: null
// count: 42
// looking up …
// answer: 42
// answer: 42
