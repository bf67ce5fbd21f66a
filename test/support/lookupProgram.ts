/** One of several processes that look the same key up at the same time. Run as a child by the fleet tests. */
import { Effect, Layer, Schema } from "effect"
import { CacheLive, CacheService, ValkeyUrl } from "effect-vcache"

const [, , url = "", key = "", callers = "1", startAt = "0"] = process.argv

const program = Effect.gen(function* () {
  const cache = (yield* CacheService).withSchema(Schema.Number)
  // The key's hash tag keeps both in one slot.
  const lookup = Effect.delay(cache.incr(`{${key}}:lookups`, 1, { initial: 0 }), "300 millis")
  yield* cache.get(key)
  yield* Effect.sleep(Math.max(0, Number(startAt) - performance.timeOrigin - performance.now()))
  const values = yield* Effect.forEach(
    Array.from({ length: Number(callers) }),
    () => cache.getOrSet(key, lookup, { singleFlight: "cluster" }),
    { concurrency: "unbounded" }
  )
  return [...new Set(values)]
})

/** A claim that a busy machine answers too late is no claim, and its lookup would be one more. */
const client = ValkeyUrl.layer(url, { commandTimeout: "20 seconds", socketTimeout: "30 seconds" })

const values = await Effect.runPromise(Effect.provide(program, Layer.provide(CacheLive, client)))
process.stdout.write(JSON.stringify(values))
