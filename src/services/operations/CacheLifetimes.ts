/** Lifetimes of keys. */
import type { Duration, Effect, Option } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { KeyOptions, TtlOptions } from "./KeyOptions.ts"

/**
 * The operations of a cache on lifetimes of keys. Each takes one round trip.
 *
 * @example
 * ```ts
 * import { Duration, Effect, Option } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   yield* cache.set("report", "…", { timeToLive: "1 minute" })
 *   yield* cache.persist("report")
 *   console.log(Option.map(yield* cache.ttl("report"), Duration.isFinite))
 *   yield* cache.expire("report", 0)
 *   console.log(yield* cache.has("report"))
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => { _id: 'Option', _tag: 'Some', value: false }
 * // => false
 * ```
 *
 * @since 0.2.0
 * @category values
 * @see docs/operations.md
 */
export interface CacheLifetimes {
  /**
   * Gives the key a new lifetime; zero or less deletes it. Returns whether the key exists, also where it never expired and still
   * does not.
   */
  readonly touch: (key: string, options?: TtlOptions) => Effect.Effect<boolean, CommandError>
  /** Does what `touch` does, with the lifetime as an argument. */
  readonly expire: (
    key: string,
    timeToLive: Duration.Input,
    options?: KeyOptions
  ) => Effect.Effect<boolean, CommandError>
  /**
   * Lets the key end at this instant, which is in milliseconds since 1970 where it is a number. A past instant deletes the key.
   * Returns whether the key exists.
   */
  readonly expireAt: (key: string, instant: Date | number, options?: KeyOptions) => Effect.Effect<boolean, CommandError>
  /** Takes the lifetime of the key away. Returns whether it had one. */
  readonly persist: (key: string, options?: KeyOptions) => Effect.Effect<boolean, CommandError>
  /**
   * Returns the instant at which the key ends, in milliseconds since 1970 by the server's clock. None = no such key;
   * Some(Infinity) = it never expires.
   */
  readonly expireTime: (key: string, options?: KeyOptions) => Effect.Effect<Option.Option<number>, CommandError>
  /** Returns how long the key still lives. None = no such key; Some(Duration.infinity) = it never expires. */
  readonly ttl: (key: string, options?: KeyOptions) => Effect.Effect<Option.Option<Duration.Duration>, CommandError>
}
