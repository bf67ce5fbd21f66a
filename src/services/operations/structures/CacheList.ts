/** Lists: elements in order, taken from either end. */
import type { Duration, Effect, Option } from "effect"
import type { CommandError, ValueError } from "../../../schema/CacheError.ts"

/**
 * The options of `indexOf` and `indexesOf`.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface ListFindOptions {
  /** Which match is meant: 1 = the first, 2 = the second, −1 = the first from the end. Default: 1. */
  readonly rank?: number | undefined
  /** How many elements are compared at most. Default: all. */
  readonly maxLength?: number | undefined
}

/**
 * The options of `moveTo`.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface ListMoveOptions {
  /** The end that the element is taken from. Default: `"left"`. */
  readonly from?: "left" | "right" | undefined
  /** The end that the element goes to. Default: `"right"`. */
  readonly to?: "left" | "right" | undefined
  /** The version of the destination's key. Default: the list's own. */
  readonly version?: number | undefined
  /** How long to wait for an element, on a dedicated connection. Default: not at all. */
  readonly timeout?: Duration.Input | undefined
}

/**
 * Elements go through the cache's codec. Indexes count from 0, from the end where below zero. A list lives for ever unless
 * `touch` or `expire` on its key say otherwise, and is gone with its last element. Operations that look for an element
 * compare what the codec makes of it, and so are refused where values are encrypted.
 *
 * @example
 * ```ts
 * import { Effect, Option } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const jobs = (yield* CacheService).list("jobs")
 *   yield* jobs.pushRight("resize", "mail")
 *   console.log(Option.getOrNull(yield* jobs.popLeft), yield* jobs.range())
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => resize [ 'mail' ]
 * ```
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface CacheList<A, RD = never, RE = never> {
  /** Prepends the values in order, so the last argument becomes the first element. Returns the new length. */
  readonly pushLeft: (...values: ReadonlyArray<A>) => Effect.Effect<number, ValueError, RE>
  /** Appends the values in order, so the last argument becomes the last element. Returns the new length. */
  readonly pushRight: (...values: ReadonlyArray<A>) => Effect.Effect<number, ValueError, RE>
  /** Takes the first element. Returns none where the list is empty. */
  readonly popLeft: Effect.Effect<Option.Option<A>, ValueError, RD>
  /** Takes the last element. Returns none where the list is empty. */
  readonly popRight: Effect.Effect<Option.Option<A>, ValueError, RD>
  /** Takes up to `count` elements from the start, the first one first. */
  readonly popLeftMany: (count: number) => Effect.Effect<ReadonlyArray<A>, ValueError, RD>
  /** Takes up to `count` elements from the end, the last one first. */
  readonly popRightMany: (count: number) => Effect.Effect<ReadonlyArray<A>, ValueError, RD>
  /**
   * Waits for an element and takes the first one; none when `timeout` is over. `"Infinity"` waits for ever. It waits on a
   * dedicated connection and goes on over lost connections. Interruption gives up without losing an element. Where several callers
   * wait for one element, any of them may get it.
   */
  readonly awaitLeft: (timeout: Duration.Input) => Effect.Effect<Option.Option<A>, ValueError, RD>
  /** Waits as `awaitLeft` does, and takes the last element. */
  readonly awaitRight: (timeout: Duration.Input) => Effect.Effect<Option.Option<A>, ValueError, RD>
  /** Returns the elements from index `start` to index `stop`, both included. Default: all. */
  readonly range: (start?: number, stop?: number) => Effect.Effect<ReadonlyArray<A>, ValueError, RD>
  /** Returns the element at this index; none where there is no such element. */
  readonly at: (index: number) => Effect.Effect<Option.Option<A>, ValueError, RD>
  /** Replaces the element at this index. Fails where there is no such element. */
  readonly setAt: (index: number, value: A) => Effect.Effect<void, ValueError, RE>
  /**
   * Inserts the value before or after the first element that equals `pivot`. Returns the new length; none where there is no such
   * element.
   */
  readonly insert: (
    where: "before" | "after",
    pivot: A,
    value: A
  ) => Effect.Effect<Option.Option<number>, ValueError, RE>
  /**
   * Removes elements that equal the value: all of them, or with `count` that many from the left, from the right where it is below
   * zero. Returns how many it removed.
   */
  readonly remove: (value: A, count?: number) => Effect.Effect<number, ValueError, RE>
  /** Keeps the elements from index `start` to index `stop`, both included, and drops all others. */
  readonly trim: (start: number, stop: number) => Effect.Effect<void, CommandError>
  /** Returns the index of the first element that equals the value, or of the one that `rank` names; none where there is none. */
  readonly indexOf: (value: A, options?: ListFindOptions) => Effect.Effect<Option.Option<number>, ValueError, RE>
  /** Returns the indexes of the elements that equal the value: at most `count` of them. Default: all. */
  readonly indexesOf: (
    value: A,
    options?: ListFindOptions & { readonly count?: number | undefined }
  ) => Effect.Effect<ReadonlyArray<number>, ValueError, RE>
  /**
   * Takes an element of this list and adds it to another one, in one step. Returns none where this list is empty. In a cluster
   * both lists need one slot.
   */
  readonly moveTo: (destination: string, options?: ListMoveOptions) => Effect.Effect<Option.Option<A>, ValueError, RD>
  /** Returns the number of elements; 0 where there is no list. */
  readonly size: Effect.Effect<number, CommandError>
}
