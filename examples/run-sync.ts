/** In memory everything is synchronous: no server, no promise. `npm run example examples/run-sync.ts` */
import { Effect, Option } from "effect"
// This entry loads no connections.
import { CacheService } from "effect-vcache/memory"

const fibonacci = (n: number): Effect.Effect<number, never, CacheService> =>
  Effect.gen(function* () {
    const cache = yield* CacheService
    const lookup = n < 2 ? Effect.succeed(n) : Effect.zipWith(fibonacci(n - 1), fibonacci(n - 2), (a, b) => a + b)
    return Number(yield* cache.getOrSet(`fib:${n}`, lookup))
  }).pipe(Effect.orDie)

const program = Effect.gen(function* () {
  const value = yield* fibonacci(60)
  const cache = yield* CacheService
  return { value, cached: (yield* cache.keys()).length, half: Option.getOrNull(yield* cache.get("fib:30")) }
})

console.log(Effect.runSync(Effect.provide(program, CacheService.layerMemory())))

// Prints:
// { value: 1548008755920, cached: 61, half: 832040 }
