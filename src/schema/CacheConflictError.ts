/** How an update fails whose key never stayed the same for long enough. */
import { Schema } from "effect"

/**
 * Others changed the key between each read and write of `update`, `attempts` times in a row. Nothing was written. It is not
 * part of `CacheError`: the cache works, and the program has to decide what to do about the contention.
 *
 * @example
 * ```ts
 * import { Effect, Option, Schema } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const sell = CacheService.use((cache) =>
 *   cache
 *     .withSchema(Schema.Int)
 *     .update(
 *       "stock",
 *       Option.map((left) => left - 1),
 *       { attempts: 20 }
 *     )
 *     .pipe(Effect.catchTag("CacheConflictError", ({ attempts }) => Effect.die(`busy after ${attempts} attempts`)))
 * )
 * const program = Effect.andThen(
 *   CacheService.use((cache) => cache.set("stock", 5)),
 *   sell
 * )
 * console.log(Option.getOrNull(Effect.runSync(Effect.provide(program, CacheMemory))))
 * // => 4
 * ```
 *
 * @since 0.2.0
 * @category errors
 * @see docs/errors.md
 */
export class CacheConflictError extends Schema.TaggedError<CacheConflictError>("effect-vcache/CacheConflictError")(
  "CacheConflictError",
  {
    /** The name of the operation that failed. */ operation: Schema.String,
    /** The user key that others changed. */ key: Schema.String,
    /** How often it was tried. */ attempts: Schema.Number
  },
  { httpApiStatus: 409 }
) {
  /** The failure in one sentence. */
  override get message(): string {
    return `${this.operation}: ${JSON.stringify(this.key)} was changed by others during each of ${this.attempts} attempts`
  }
}
