/** Which failures of the cache may pass. */
import { isCacheError } from "./CacheError.ts"

const transientCodes: ReadonlySet<string> = new Set([
  "LOADING",
  "TRYAGAIN",
  "CLUSTERDOWN",
  "READONLY",
  "MASTERDOWN",
  "NOREPLICAS",
  "BUSY",
  "MOVED",
  "ASK",
  "UNBLOCKED"
])

/**
 * Returns true for failures of the cache that a later attempt may not meet, and false for whatever is not a failure of the cache.
 * Look at `mayHaveExecuted` before you repeat a write.
 *
 * @example
 * ```ts
 * import { Effect, Schedule } from "effect"
 * import { CacheMemory, CacheService, isTransient } from "effect-vcache"
 *
 * // A read can be repeated; a write only where `mayHaveExecuted` is false.
 * const read = CacheService.use((cache) => cache.get("user:1")).pipe(
 *   Effect.retry({ while: isTransient, times: 3, schedule: Schedule.exponential("50 millis") })
 * )
 * console.log(Effect.runSync(Effect.provide(read, CacheMemory))._tag)
 * // => None
 * ```
 *
 * @since 0.2.0
 * @category errors
 * @see docs/errors.md
 */
export const isTransient = (error: unknown): boolean => {
  if (!isCacheError(error)) return false
  switch (error._tag) {
    case "CacheConnectionError":
      return error.phase !== "closed"
    case "CacheTimeoutError":
      return true
    case "CacheServerError":
      return transientCodes.has(error.code)
    default:
      return false
  }
}
