/** Counters: numbers that the server adds to. */
import type { Duration, Effect } from "effect"
import type { ExistingKeyError } from "../../schema/CacheError.ts"
import type { KeyOptions } from "./KeyOptions.ts"

/**
 * The options of `incr`, `decr` and `incrFloat`.
 *
 * @since 0.2.0
 * @category values
 * @see docs/operations.md
 */
export interface CounterOptions extends KeyOptions {
  /**
   * The number that a missing key counts from. Without it the operation fails with `CacheMissError` where the key is missing.
   * Default: none.
   */
  readonly initial?: number | undefined
  /** The lifetime of a key that `initial` creates. An existing key keeps its lifetime. Default: the cache's own. */
  readonly timeToLive?: Duration.Input | undefined
}

/**
 * The options of `incrBig`.
 *
 * @since 0.2.0
 * @category values
 * @see docs/operations.md
 */
export interface BigCounterOptions extends Omit<CounterOptions, "initial"> {
  /**
   * The number that a missing key counts from. Without it the operation fails with `CacheMissError` where the key is missing.
   * Default: none.
   */
  readonly initial?: bigint | undefined
}

/**
 * The operations of a cache on counters. Each fails with `CacheMissError` where the key is missing and `initial` is not given.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   const visit = cache.incr("visits:today", 1, { initial: 0, timeToLive: "1 day" })
 *   yield* visit
 *   console.log(yield* visit, yield* cache.incrFloat("revenue", 9.5, { initial: 0 }))
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => 2 9.5
 * ```
 *
 * @since 0.2.0
 * @category values
 * @see docs/operations.md
 */
export interface CacheCounters {
  /**
   * Adds `delta`, which is 1 by default, and returns the new number. It is atomic and keeps the lifetime. A result beyond 2^53 is
   * refused with code OVERFLOW and not applied; `incrBig` counts further.
   */
  readonly incr: (key: string, delta?: number, options?: CounterOptions) => Effect.Effect<number, ExistingKeyError>
  /** Subtracts `delta`, which is 1 by default, and returns the new number, which may be below zero. Otherwise it is as `incr`. */
  readonly decr: (key: string, delta?: number, options?: CounterOptions) => Effect.Effect<number, ExistingKeyError>
  /**
   * Adds to a number of any size up to the cache's `limits.maxDigits`, exactly. One round trip within 64 bits; beyond, a
   * compare-and-set that is repeated until it holds. `get` reads the number with `Schema.BigInt`; without a schema, and with
   * `Schema.Number`, it reads only what a number holds exactly.
   */
  readonly incrBig: (
    key: string,
    delta?: bigint,
    options?: BigCounterOptions
  ) => Effect.Effect<bigint, ExistingKeyError>
  /** Adds a number with a fraction, in the server's own arithmetic. `get` reads it, whatever the serializer. */
  readonly incrFloat: (key: string, delta: number, options?: CounterOptions) => Effect.Effect<number, ExistingKeyError>
}
