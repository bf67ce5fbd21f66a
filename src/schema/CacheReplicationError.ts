/** How an invalidation fails of which too few replicas have said that they have it. */
import { Schema } from "effect"

/**
 * The tags are invalidated at the primary, and all processes see that. Fewer replicas than asked for have acknowledged it in time: if
 * one of the others becomes the primary now, it may not know of it. The call can be repeated. It is not part of `CacheError`: the
 * cache works, and the program has to decide whether this is enough.
 *
 * @example
 * ```ts
 * import { Effect, Schedule } from "effect"
 * import { CacheService, ValkeyReplicated } from "effect-vcache"
 *
 * // Repeats the invalidation until two replicas have it.
 * export const forget = CacheService.use((cache) => cache.invalidateTags(["prices"], { replicas: 2 })).pipe(
 *   Effect.retry({ while: ({ _tag }) => _tag === "CacheReplicationError", schedule: Schedule.spaced("1 second") })
 * )
 * export const client = ValkeyReplicated.layer({ urls: ["valkey://db-1", "valkey://db-2", "valkey://db-3"] })
 * ```
 *
 * @since 0.2.0
 * @category errors
 * @see docs/tags.md
 */
export class CacheReplicationError extends Schema.TaggedError<CacheReplicationError>(
  "effect-vcache/CacheReplicationError"
)(
  "CacheReplicationError",
  {
    /** The name of the operation that failed. */ operation: Schema.String,
    /** How many replicas were to acknowledge it. */ replicas: Schema.Number,
    /** How many have. */ acknowledged: Schema.Number
  },
  { httpApiStatus: 503 }
) {
  /** The failure in one sentence. */
  override get message(): string {
    const { acknowledged, operation, replicas } = this
    return `${operation}: it is done at the primary, and ${acknowledged} of ${replicas} replicas have acknowledged it`
  }
}
