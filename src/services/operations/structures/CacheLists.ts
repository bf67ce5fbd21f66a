/** Several lists at once: elements of the first that has any. */
import type { Duration, Effect, Option } from "effect"
import type { ValueError } from "../../../schema/CacheError.ts"

/**
 * The options of `lists.pop`.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface ListsPopOptions {
  /** The end that elements are taken from. Default: `"left"`. */
  readonly from?: "left" | "right" | undefined
  /** How many elements are taken at most, all of one list. Default: 1. */
  readonly count?: number | undefined
  /** How long to wait for an element, on a dedicated connection; `"Infinity"` = for ever. Default: not at all. */
  readonly timeout?: Duration.Input | undefined
}

/**
 * What was taken, and from where.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface PoppedElements<A> {
  /** The key of the list, as it was given. */
  readonly key: string
  /** The elements in the order in which they were taken: one or more. */
  readonly values: ReadonlyArray<A>
}

/**
 * Several lists, which are asked in the order of their keys. In a cluster all of them need one slot: give their keys the same hash
 * tag.
 *
 * @example
 * ```ts
 * import { Effect, Option } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   yield* cache.list("slow").pushRight("mail")
 *   console.log(Option.getOrNull(yield* cache.lists(["urgent", "slow"]).pop()))
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => { key: 'slow', values: [ 'mail' ] }
 * ```
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface CacheLists<A, RD = never> {
  /**
   * Takes elements from the first of the lists that has any; none where all are empty, or stay empty for `timeout`. LMPOP, and
   * where it waits BLMPOP in steps of a second.
   *
   * What the server takes is on its way to the caller, as with every pop. Interruption loses nothing: what is taken within a second after
   * it goes back to the end that it came from. A connection that is lost while the server may have taken something fails with
   * `mayHaveExecuted`. Where nothing may be lost at all, wait for one list with `list.awaitLeft` or move elements with `list.moveTo`.
   *
   * Fails with `CacheUnsupportedError` where the lists are in several slots of a cluster, and with `CacheServerError` (WRONGTYPE) where one
   * of the keys that are asked holds something else.
   */
  readonly pop: (options?: ListsPopOptions) => Effect.Effect<Option.Option<PoppedElements<A>>, ValueError, RD>
}
