/** Sorted sets: members in the order of their scores. */
import type { Effect, Option, Stream } from "effect"
import type { CommandError, ValueError } from "../../../schema/CacheError.ts"
import type { StructurePage, StructurePageOptions } from "./StructurePage.ts"

/**
 * An end of a range of scores, which belongs to the range unless it is exclusive.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export type ScoreBound = number | "-inf" | "+inf" | { readonly exclusive: number }

/**
 * The options of `add` to a sorted set.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface SortedSetAddOptions {
  /**
   * Which members are stored: only those that are absent, or only those that are present. `"greater"` and `"less"` update a member
   * only in that direction; missing members are still added. Default: all.
   */
  readonly when?: "absent" | "present" | "greater" | "less" | undefined
  /** Whether members whose score changed are counted, too. Default: false, which counts only new ones. */
  readonly countChanged?: boolean | undefined
}

/**
 * The options of ranges by rank.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface SortedSetRangeOptions {
  /** Whether the order begins with the greatest score. Default: false. */
  readonly reverse?: boolean | undefined
}

/**
 * The options of `rangeByScore`.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface SortedSetScoreRangeOptions extends SortedSetRangeOptions {
  /** How many members are left out at the beginning. Default: 0. */
  readonly offset?: number | undefined
  /** How many members are returned at most. Default: all. */
  readonly count?: number | undefined
}

/**
 * Members go through the cache's codec and are told apart by what it makes of them, so a sorted set cannot be encrypted;
 * where scores are equal it is also what orders them. Scores are doubles, the infinities included. Ranks count from 0, from
 * the end where below zero. It lives for ever unless `touch` or `expire` on its key say otherwise, and is gone with its last member.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const board = (yield* CacheService).sortedSet("board")
 *   yield* board.add([
 *     ["ada", 120],
 *     ["bob", 95]
 *   ])
 *   yield* board.incr("bob", 60)
 *   console.log(yield* board.rangeWithScores(0, 2, { reverse: true }))
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => [ [ 'bob', 155 ], [ 'ada', 120 ] ]
 * ```
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface CacheSortedSet<A, RD = never, RE = never> {
  /** Adds members with their scores. Returns how many are new. Where a member comes twice, its last score counts. */
  readonly add: (
    members: Iterable<readonly [A, number]>,
    options?: SortedSetAddOptions
  ) => Effect.Effect<number, ValueError, RE>
  /** Adds `delta` to the score of the member, atomically, and returns the new score. An absent member counts from zero. */
  readonly incr: (member: A, delta: number) => Effect.Effect<number, ValueError, RE>
  /**
   * Adds `delta` as `incr` does, under a condition and in one step: only where the member is absent, or is present, or where its
   * score becomes greater, or less. `"greater"` and `"less"` add an absent member, too. Returns the new score; none where the
   * condition held it back.
   */
  readonly incrIf: (
    member: A,
    delta: number,
    when: "absent" | "present" | "greater" | "less"
  ) => Effect.Effect<Option.Option<number>, ValueError, RE>
  /** Returns the score of the member; none where it is not a member. */
  readonly score: (member: A) => Effect.Effect<Option.Option<number>, ValueError, RE>
  /** Returns the scores of the members in request order; none for what is not a member. */
  readonly scores: (members: Iterable<A>) => Effect.Effect<ReadonlyArray<Option.Option<number>>, ValueError, RE>
  /** Returns the rank of the member: 0 for the least score, or with `reverse` for the greatest; none where it is not a member. */
  readonly rank: (member: A, options?: SortedSetRangeOptions) => Effect.Effect<Option.Option<number>, ValueError, RE>
  /** Returns the members whose ranks lie between `start` and `stop`, both included. Default: all. */
  readonly range: (
    start?: number,
    stop?: number,
    options?: SortedSetRangeOptions
  ) => Effect.Effect<ReadonlyArray<A>, ValueError, RD>
  /** Returns what `range` does, and the score of each member. */
  readonly rangeWithScores: (
    start?: number,
    stop?: number,
    options?: SortedSetRangeOptions
  ) => Effect.Effect<ReadonlyArray<readonly [A, number]>, ValueError, RD>
  /** Returns the members whose scores lie between the bounds, and their scores. `min` is the lower bound also with `reverse`. */
  readonly rangeByScore: (
    min: ScoreBound,
    max: ScoreBound,
    options?: SortedSetScoreRangeOptions
  ) => Effect.Effect<ReadonlyArray<readonly [A, number]>, ValueError, RD>
  /** Returns the number of members whose scores lie between the bounds. */
  readonly countByScore: (min: ScoreBound, max: ScoreBound) => Effect.Effect<number, CommandError>
  /** Removes the members. Returns how many of them were there. */
  readonly remove: (...members: ReadonlyArray<A>) => Effect.Effect<number, ValueError, RE>
  /** Removes the members whose ranks lie between these, both ends included. Returns how many went. */
  readonly removeByRank: (start: number, stop: number) => Effect.Effect<number, CommandError>
  /** Removes the members whose scores lie between the bounds. Returns how many went. */
  readonly removeByScore: (min: ScoreBound, max: ScoreBound) => Effect.Effect<number, CommandError>
  /** Takes the members with the least scores, the least first. `count` is 1 by default. */
  readonly popMin: (count?: number) => Effect.Effect<ReadonlyArray<readonly [A, number]>, ValueError, RD>
  /** Takes the members with the greatest scores, the greatest first. `count` is 1 by default. */
  readonly popMax: (count?: number) => Effect.Effect<ReadonlyArray<readonly [A, number]>, ValueError, RD>
  /** Returns the number of members; 0 where there is no sorted set. */
  readonly size: Effect.Effect<number, CommandError>
  /**
   * Streams the members with their scores. A member may come twice while the server resizes its table. `pattern` is a glob over
   * members: text as it is, other values as their JSON. Fails with `CacheInputError` where a pattern is given and members are not
   * stored as JSON text. `count` is how many members the server looks at in one round trip, as a hint. Default: all members, and a
   * `count` of 1 000.
   */
  readonly scan: (
    pattern?: string,
    options?: { readonly count?: number | undefined }
  ) => Stream.Stream<readonly [A, number], ValueError, RD>
  /**
   * Returns one page of `scan`, and a cursor with which this process or another one goes on. What is there from the first page to
   * the last comes at least once, unless the server restarts or fails over meanwhile. Fails with `CacheInputError` where the
   * cursor is not one that `scanPage` returned. Under `IgnoreExceptions` a failure is an empty last page.
   */
  readonly scanPage: (
    pattern?: string,
    options?: StructurePageOptions
  ) => Effect.Effect<StructurePage<readonly [A, number]>, ValueError, RD>
}
