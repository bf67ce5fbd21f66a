/** Uses a cache, closes it, and leaves the process nothing to do. Run as a child by the fault tests. */
import { Effect, Layer } from "effect"
import { CacheLive, CacheService, ValkeyUrl } from "effect-vcache"

const url = process.argv[2] ?? ""
const program = Effect.flatMap(CacheService, (cache) => Effect.result(cache.set("k", 1)))
await Effect.runPromise(
  Effect.provide(program, Layer.provide(CacheLive, ValkeyUrl.layer(url, { connectTimeout: 500 })))
)
process.stdout.write("closed\n")
