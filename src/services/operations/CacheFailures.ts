/** Failures of lookups that are stored for a while. */
import type { Duration, Schema } from "effect"

/**
 * Which failures of a lookup are stored, and for how long.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * class NoUser extends Schema.TaggedError<NoUser>("NoUser")("NoUser", { id: Schema.Int }) {}
 *
 * const findUser = Effect.suspend(() => (console.log("asking the database"), Effect.fail(new NoUser({ id: 7 }))))
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   const cacheFailures = { errors: NoUser, timeToLive: "10 seconds" } as const
 *   for (let i = 0; i < 2; i++)
 *     console.log((yield* Effect.flip(cache.getOrSet("user:7", findUser, { cacheFailures })))._tag)
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => asking the database
 * // => NoUser
 * // => NoUser
 * ```
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/stampedes.md
 */
export interface CacheFailures<out F> {
  /**
   * The schema of the failures that are stored: those that it accepts. All others are not stored, and neither are defects and
   * interruptions.
   */
  readonly errors: Schema.Constraint & {
    readonly Type: F
    readonly DecodingServices: never
    readonly EncodingServices: never
  }
  /** How long a failure is served without a lookup. Zero or less = it is not stored. */
  readonly timeToLive: Duration.Input
}

/**
 * The option of lookups that stores their failures.
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/stampedes.md
 */
export interface FailureOptions<out F> {
  /**
   * Stores failures under the key of the value, so that the callers of a row that is missing share one lookup for a while, in
   * all processes. `getOrSet` fails with what was stored; for all else the key has no value. A failure never takes the place of
   * a value, be it stale. It bears the tags of the call where those are a list. Default: failures are not stored.
   */
  readonly cacheFailures?: CacheFailures<F> | undefined
}
