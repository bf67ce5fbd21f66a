/** Coordination among processes. */
import type { CacheLock, LockOptions } from "./CacheLock.ts"
import type { CacheSemaphore, SemaphoreOptions } from "./CacheSemaphore.ts"

/**
 * The operations of a cache that coordinate processes. Making a lock or a semaphore sends nothing.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   const report = Effect.succeed("made once, by one process at a time")
 *   console.log(yield* cache.lock("report", { wait: "10 seconds" }).withLock(report))
 * })
 * await Effect.runPromise(Effect.provide(program, CacheMemory))
 * // => made once, by one process at a time
 * ```
 *
 * @since 0.2.0
 * @category coordination
 * @see docs/coordination.md
 */
export interface CacheCoordination {
  /** Returns a lock under this key: one holder at a time, in all processes. */
  readonly lock: (key: string, options?: LockOptions) => CacheLock
  /** Returns a semaphore under this key: `permits` for all processes together. */
  readonly semaphore: (key: string, options: SemaphoreOptions) => CacheSemaphore
}
