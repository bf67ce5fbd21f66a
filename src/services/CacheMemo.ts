/** One read of each key: what a request has read from its caches it does not read again. */
import { Effect } from "effect"
import { CurrentMemo, Memo } from "./Memo.ts"

/**
 * Runs the effect so that within it each key is read from a server at most once, through all caches together: by `get`,
 * `getMany`, `getOrSet`, `getOrSetMany`, `cached`, regions and memoised functions. Concurrent reads of one key share one.
 * What was read is forgotten when the effect ends, and what this process changes through a cache is read again. Use it around a
 * request. A scope within another one is part of that. Changes by other processes are not seen meanwhile, so nothing in the
 * effect may wait for them by reading. Structures, pipelines, transactions and scripts ask the server each time, and a near
 * cache answers as it does elsewhere. A scope remembers up to 10 000 keys and 64 MiB; what comes after is read each time.
 *
 * @example
 * ```ts
 * import { Effect, Layer, Option } from "effect"
 * import { CacheLive, CacheMemo, CacheService, ValkeyMemory } from "effect-vcache"
 * import { Faults } from "effect-vcache/testing"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   yield* cache.set("user:1", "Ada")
 *   yield* cache.get("user:1")
 *   yield* (yield* Faults.Faults).set({ failure: "refused" })
 *   // The server is not asked again.
 *   console.log(Option.getOrNull(yield* cache.get("user:1")))
 * })
 * const faulty = CacheLive.pipe(Layer.provideMerge(Faults.layer), Layer.provide(ValkeyMemory.layer()))
 * Effect.runSync(Effect.provide(CacheMemo.scope(program), faulty))
 * // => Ada
 * ```
 *
 * @since 0.2.0
 * @category near cache
 * @see docs/near-cache.md
 */
export const scope = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    const outer = fiber.getRef(CurrentMemo)
    if (outer !== undefined && !outer.isOver) return effect
    return Effect.acquireUseRelease(
      Effect.sync(() => new Memo()),
      (memo) => Effect.provideService(effect, CurrentMemo, memo),
      (memo) => Effect.sync(() => memo.end())
    )
  })
