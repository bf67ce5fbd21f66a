/** What is kept of other libraries' errors. */
import { Schema } from "effect"

/**
 * What is kept of an error that another library raised.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const refused = Effect.flip(CacheService.use((cache) => cache.withSchema(Schema.Int).set("age", 1.5)))
 * const error = Effect.runSync(Effect.provide(refused, CacheMemory))
 * console.log(error._tag === "CacheCodecError" && error.cause?.message)
 * // => Expected an integer
 * ```
 *
 * @since 0.2.0
 * @category errors
 * @see docs/errors.md
 */
export const ForeignError = Schema.Struct({
  /** The name of the error's class. */
  name: Schema.String,
  /** What the other library said. It may name servers and paths, and never has a value or a credential in it. */
  message: Schema.String,
  /** Its code, where it has one: ECONNREFUSED, WRONGPASS … */
  code: Schema.optionalKey(Schema.String)
})
export type ForeignError = typeof ForeignError.Type
