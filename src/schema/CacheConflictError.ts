/** How an update fails whose key never stayed the same for long enough. */
import { Schema } from "effect"

/**
 * Others changed the key between each read and write of `update`, `attempts` times in a row. Nothing was written. It is not
 * part of `CacheError`: the cache works, and the program has to decide what to do about the contention.
 *
 * @since 0.2.0
 * @category errors
 * @see docs/errors.md
 */
export class CacheConflictError extends Schema.TaggedError<CacheConflictError>("effect-vcache/CacheConflictError")(
  "CacheConflictError",
  { operation: Schema.String, key: Schema.String, attempts: Schema.Number },
  { httpApiStatus: 409 }
) {
  override get message(): string {
    return `${this.operation}: ${JSON.stringify(this.key)} was changed by others during each of ${this.attempts} attempts`
  }
}
