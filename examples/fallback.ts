/** A second cache while the first is down. `npm run example examples/fallback.ts` */
import { Effect, Layer, Option } from "effect"
import { CacheLive, CacheService, ValkeyFallback, ValkeyMemory, ValkeyStandalone } from "effect-vcache"

// Nothing listens there.
const client = ValkeyFallback.layer({
  first: ValkeyStandalone.layer({ url: "valkey://127.0.0.1:1" }),
  second: ValkeyMemory.layer({ maxEntries: 10_000 })
})

const program = Effect.gen(function* () {
  const cache = yield* CacheService
  yield* cache.set("k", "kept in memory")
  console.log("get:", Option.getOrNull(yield* cache.get("k")))
  console.log("incr:", yield* cache.incr("n", 1, { initial: 0 }))
  console.log("the client is", (yield* cache.client.state)._tag)
})

await Effect.runPromise(Effect.provide(program, Layer.provide(CacheLive, client)))

// Prints:
// get: kept in memory
// incr: 1
// the client is Degraded
