/** Values: one key, one value. */
import type { Duration, Effect, Option } from "effect"
import type { CommandError, ValueError } from "../../schema/CacheError.ts"
import type { KeyType } from "../../schema/Command.ts"
import type { KeyOptions, ReadOptions, TtlOptions } from "./KeyOptions.ts"
import type { TagOptions } from "./TagOptions.ts"

/**
 * The options of `set` and `getAndSet`.
 *
 * @since 0.2.0
 * @category values
 * @see docs/operations.md
 */
export interface SetOptions extends TtlOptions, TagOptions {
  /** Whether the value is stored only where the key is absent, or only where it is present. Default: always. */
  readonly when?: "absent" | "present" | undefined
  /**
   * The instant at which the key ends by the server's clock, in milliseconds since 1970 where it is a number. A past instant
   * deletes the key, and `Infinity` never comes. No jitter is added. Not together with `timeToLive` or `keepTtl`. Default:
   * none, and `timeToLive` decides.
   */
  readonly expireAt?: Date | number | undefined
  /** Whether the key keeps the lifetime that it has. Not together with `timeToLive`. Default: false. */
  readonly keepTtl?: boolean | undefined
  /** How long past its lifetime `getOrSet` may still serve the value while it looks up another. Default 0. Not together with `keepTtl`. */
  readonly staleFor?: Duration.Input | undefined
}

/**
 * The operations of a cache on single values.
 *
 * @example
 * ```ts
 * import { Effect, Option } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   yield* cache.set("user:1", "Ada", { timeToLive: "5 minutes" })
 *   console.log(yield* cache.add("user:1", "Grace"), Option.getOrNull(yield* cache.get("user:1")))
 *   console.log(yield* cache.delete("user:1"), yield* cache.has("user:1"))
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => false Ada
 * // => true false
 * ```
 *
 * @since 0.2.0
 * @category values
 * @see docs/operations.md
 */
export interface CacheValues<A, RD = never, RE = never> {
  /** Returns the value; none on a miss. A stored `null` is a hit. */
  readonly get: (key: string, options?: ReadOptions) => Effect.Effect<Option.Option<A>, ValueError, RD>
  /** Stores the value. Returns false only where `when` held it back. */
  readonly set: (key: string, value: A, options?: SetOptions) => Effect.Effect<boolean, ValueError, RE>
  /** Stores the value and returns the one that was there. */
  readonly getAndSet: (
    key: string,
    value: A,
    options?: SetOptions
  ) => Effect.Effect<Option.Option<A>, ValueError, RD | RE>
  /** Deletes the key and returns the value that was there. */
  readonly getAndDelete: (key: string, options?: KeyOptions) => Effect.Effect<Option.Option<A>, ValueError, RD>
  /**
   * Returns the value and gives its key a new lifetime, in one step (GETEX). `"Infinity"` = it never expires; zero or less deletes
   * it. As with `touch`, the instant at which a value becomes stale stays as it is. Returns none where `get` would return none.
   */
  readonly getAndTouch: (
    key: string,
    timeToLive: Duration.Input,
    options?: KeyOptions
  ) => Effect.Effect<Option.Option<A>, ValueError, RD>
  /**
   * Stores the value only where `get` would return none: the key is absent, or its value is stale or was invalidated. Returns
   * whether it did. In a pipeline or transaction it stores only where the key is absent. One round trip, and two to four where the
   * key exists.
   */
  readonly add: (key: string, value: A, options?: TtlOptions & TagOptions) => Effect.Effect<boolean, ValueError, RE>
  /** Deletes the key. Returns whether there was something to delete. */
  readonly delete: (key: string, options?: KeyOptions) => Effect.Effect<boolean, CommandError>
  /**
   * Makes the value stale now, in all processes: `get` returns none, and `getOrSet` serves the value while one lookup runs, for as
   * long as it would have been served without this. Use it in place of `delete` where many ask for the key and an old answer does
   * no harm. As with `delete`, the result of a lookup that is under way for the key is not stored. Returns whether there was a
   * value, be it stale already. One script, whatever the size of the value; a counter that was made stale counts no more.
   */
  readonly markStale: (key: string, options?: KeyOptions) => Effect.Effect<boolean, CommandError>
  /** Returns whether `get` would find a value, or the key holds a structure. */
  readonly has: (key: string, options?: ReadOptions) => Effect.Effect<boolean, CommandError>
  /** Returns the type of what is under the key; none where there is no such key. */
  readonly typeOf: (key: string, options?: KeyOptions) => Effect.Effect<Option.Option<KeyType>, CommandError>
}
