/**
 * Policies of one's own: every operation of a cache passes them. One counts hits and misses, one keeps writes away during maintenance.
 * `npm run example examples/policy.ts`
 */
import { Effect, Layer, Option } from "effect"
import { CacheFromConfig, CachePolicy, CacheService, CacheUnsupportedError } from "effect-vcache"

const counts = { hits: 0, misses: 0 }

/** An operation says by itself what its result means: `getMany` of three keys may be two hits and a miss. */
const counting = CachePolicy.layer((operation, effect) =>
  Effect.tap(effect, (result) =>
    Effect.sync(() => {
      const { hits = 0, misses = 0 } = operation.tally?.(result) ?? {}
      counts.hits += hits
      counts.misses += misses
    })
  )
)

let isMaintenance = false
const reads = new Set(["get", "getMany", "has", "keys"])

/** Lets reads pass, and refuses everything else while `isMaintenance` says so. */
const readOnly = CachePolicy.layer((operation, effect) => {
  const refused = Effect.suspend(() => {
    if (!isMaintenance || reads.has(operation.name)) return Effect.void
    const reason = "the cache is read-only during maintenance"
    return Effect.fail(new CacheUnsupportedError({ operation: operation.name, topology: "standalone", reason }))
  })
  return Effect.andThen(refused, effect)
})

const program = Effect.gen(function* () {
  const cache = (yield* CacheService).withOptions({ prefix: "policy" })
  yield* cache.clear
  yield* cache.setMany({ "user:1": "Ada", "user:2": "Grace" })
  yield* cache.getMany(["user:1", "user:2", "user:3"])
  console.log(counts)

  isMaintenance = true
  console.log("read:", Option.getOrNull(yield* cache.get("user:1")))
  console.log("written:", (yield* Effect.flip(cache.set("user:1", "Barbara"))).message)
  isMaintenance = false
  yield* cache.clear
})

// Policies add up; the one that is provided nearest to the cache is the innermost.
const live = CacheFromConfig.pipe(Layer.provide(counting), Layer.provide(readOnly))
await Effect.runPromise(Effect.provide(program, live))

// Prints:
// { hits: 2, misses: 1 }
// read: Ada
// written: set: not possible in the standalone topology: the cache is read-only during maintenance
