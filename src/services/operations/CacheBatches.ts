/** Batches: many values in few commands. */
import type { Effect } from "effect"
import type { CommandError, ValueError } from "../../schema/CacheError.ts"
import type { KeyOptions, ReadOptions, TtlOptions } from "./KeyOptions.ts"
import type { TagOptions } from "./TagOptions.ts"

/**
 * The options of `setMany`, which hold for all values of the batch.
 *
 * @since 0.2.0
 * @category values
 * @see docs/operations.md
 */
export interface BatchSetOptions<A = unknown> extends TtlOptions, Pick<TagOptions, "since"> {
  /**
   * When values are stored. `"absent"`: all values are stored in one step or, where one of the keys has a value that `get` would
   * return, none of them is. Then the keys that were there are returned. Keys of several hash slots fail with
   * `CacheUnsupportedError` in a cluster or a ring: give them one hash tag. Default: each value is stored for itself.
   */
  readonly when?: "absent" | undefined
  /**
   * The tags of each value, or a function of its key and the value. They cost one round trip for all values together. Default:
   * none.
   */
  readonly tags?: ReadonlyArray<string> | ((key: string, value: A) => ReadonlyArray<string>) | undefined
}

/**
 * The operations of a cache on many values at once.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   yield* cache.setMany({ ada: 1, bob: 2, eve: 3 }, { timeToLive: "1 hour" })
 *   console.log(yield* cache.getMany(["ada", "nobody", "eve"]))
 *   console.log(yield* cache.deleteMany(["ada", "nobody"]))
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => Map(2) { 'ada' => 1, 'eve' => 3 }
 * // => 1
 * ```
 *
 * @since 0.2.0
 * @category values
 * @see docs/operations.md
 */
export interface CacheBatches<A, RD = never, RE = never> {
  /**
   * Returns the values that are there, in request order. A key that holds something other than a value counts as a miss. One round
   * trip.
   */
  readonly getMany: (
    keys: Iterable<string>,
    options?: ReadOptions
  ) => Effect.Effect<ReadonlyMap<string, A>, ValueError, RD>
  /**
   * Stores the values. Returns the user keys that could not be stored, which is empty when all were; fails when none could. One
   * round trip for each 1 000 entries or 1 MB, and with `when` one for all.
   */
  readonly setMany: (
    entries: Iterable<readonly [string, A]> | Readonly<Record<string, A>>,
    options?: BatchSetOptions<A>
  ) => Effect.Effect<ReadonlyArray<string>, ValueError, RE>
  /** Deletes the keys. Returns how many of them existed. */
  readonly deleteMany: (keys: Iterable<string>, options?: KeyOptions) => Effect.Effect<number, CommandError>
}
