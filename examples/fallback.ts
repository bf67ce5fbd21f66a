/** A second cache while the first is down. `npm run example examples/fallback.ts` */
import { Effect, Layer, Option } from "effect"
import { CacheLive, CacheService, ValkeyFallback, ValkeyMemory, ValkeyStandalone } from "effect-vcache"

// Nothing listens there.
const first = ValkeyStandalone.layer({ url: "valkey://127.0.0.1:1" })

const client = ValkeyFallback.layer({ first, second: ValkeyMemory.layer({ maxEntries: 10_000 }) })

const program = Effect.gen(function* () {
  const cache = yield* CacheService
  yield* cache.set("greeting", "hello")
  return {
    greeting: Option.getOrNull(yield* cache.get("greeting")),
    visits: yield* cache.incr("visits", 1, { initial: 0 })
  }
})

const alone = Effect.provide(program, Layer.provide(CacheLive, first))
console.log("The server is away. The cache on it fails:", (await Effect.runPromise(Effect.flip(alone)))._tag)

const together = Effect.provide(program, Layer.provide(CacheLive, client))
console.log("With a second one in memory it goes on:", await Effect.runPromise(together))

// Prints:
// The server is away. The cache on it fails: CacheConnectionError
// With a second one in memory it goes on: { greeting: 'hello', visits: 1 }
