/** Sorted sets: members in the order of their scores. */
import type { Effect, Option, Stream } from "effect"
import type { CommandError, ValueError } from "../../../schema/CacheError.ts"
import type { StructurePage, StructurePageOptions } from "./StructurePage.ts"

/** Of a range of scores; both ends belong to it, but for an exclusive one. */
export type ScoreBound = number | "-inf" | "+inf" | { readonly exclusive: number }

/** The options of `add` to a sorted set. */
export interface SortedSetAddOptions {
  /**
   * Only members that are absent, or present. `"greater"` and `"less"` update a member only in that direction; missing
   * members are still added. Default: all.
   */
  readonly when?: "absent" | "present" | "greater" | "less" | undefined
  /** Count those whose score changed, not only those that are new. Default false. */
  readonly countChanged?: boolean | undefined
}

/** The options of ranges by rank. */
export interface SortedSetRangeOptions {
  /** From the greatest score on. Default false. */
  readonly reverse?: boolean | undefined
}

/** The options of `rangeByScore`. */
export interface SortedSetScoreRangeOptions extends SortedSetRangeOptions {
  /** How many to leave out. Default 0. */
  readonly offset?: number | undefined
  /** How many to give. Default: all. */
  readonly count?: number | undefined
}

/**
 * Members go through the cache's codec and are told apart by what it makes of them, so a sorted set cannot be encrypted;
 * where scores are equal it is also what orders them. Scores are doubles, the infinities included. Ranks count from 0, from
 * the end where below zero. It lives for ever unless `touch` or `expire` on its key say otherwise, and is gone with its last member.
 */
export interface CacheSortedSet<A, RD = never, RE = never> {
  /** How many are new. Of a member that comes twice the last score counts. */
  readonly add: (
    members: Iterable<readonly [A, number]>,
    options?: SortedSetAddOptions
  ) => Effect.Effect<number, ValueError, RE>
  /** Atomic; an absent member counts from zero. The new score. */
  readonly incr: (member: A, delta: number) => Effect.Effect<number, ValueError, RE>
  /**
   * `incr` under a condition, in one step: only where the member is absent, or present, or where its score becomes greater, or
   * less; the last two add an absent member, too. The new score; none = the condition held it back.
   */
  readonly incrIf: (
    member: A,
    delta: number,
    when: "absent" | "present" | "greater" | "less"
  ) => Effect.Effect<Option.Option<number>, ValueError, RE>
  /** Returns the score of the member; none where it is not a member. */
  readonly score: (member: A) => Effect.Effect<Option.Option<number>, ValueError, RE>
  /** In request order. */
  readonly scores: (members: Iterable<A>) => Effect.Effect<ReadonlyArray<Option.Option<number>>, ValueError, RE>
  /** Returns the rank of the member: 0 for the least score, or with `reverse` for the greatest; none where it is not a member. */
  readonly rank: (member: A, options?: SortedSetRangeOptions) => Effect.Effect<Option.Option<number>, ValueError, RE>
  /** By rank, both ends included. Default: all. */
  readonly range: (
    start?: number,
    stop?: number,
    options?: SortedSetRangeOptions
  ) => Effect.Effect<ReadonlyArray<A>, ValueError, RD>
  /** `range`, and the score of each member. */
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
  /** How many of them were there. */
  readonly remove: (...members: ReadonlyArray<A>) => Effect.Effect<number, ValueError, RE>
  /** Removes the members whose ranks lie between these, both ends included. Returns how many went. */
  readonly removeByRank: (start: number, stop: number) => Effect.Effect<number, CommandError>
  /** Removes the members whose scores lie between the bounds. Returns how many went. */
  readonly removeByScore: (min: ScoreBound, max: ScoreBound) => Effect.Effect<number, CommandError>
  /** Takes those with the least scores. Default: one. */
  readonly popMin: (count?: number) => Effect.Effect<ReadonlyArray<readonly [A, number]>, ValueError, RD>
  /** Takes the members with the greatest scores, the greatest first. `count` is 1 by default. */
  readonly popMax: (count?: number) => Effect.Effect<ReadonlyArray<readonly [A, number]>, ValueError, RD>
  /** Returns the number of members; 0 where there is no sorted set. */
  readonly size: Effect.Effect<number, CommandError>
  /**
   * Member by member, with their scores; a member may come twice while the server resizes its table. `pattern` is a glob over members: text
   * as it is, other values as their JSON. Default: all. Fails with `CacheInputError` where a pattern is given and members are not stored as
   * JSON text. `count` is how many members the server looks at in one round trip, a hint. Default: 1 000.
   */
  readonly scan: (
    pattern?: string,
    options?: { readonly count?: number | undefined }
  ) => Stream.Stream<readonly [A, number], ValueError, RD>
  /**
   * One page of `scan`, and a cursor with which this process or another one goes on. What is there from the first page to the
   * last comes at least once, unless the server restarts or fails over meanwhile. Fails with `CacheInputError` where the
   * cursor is none. Under `IgnoreExceptions` a failure is an empty last page.
   */
  readonly scanPage: (
    pattern?: string,
    options?: StructurePageOptions
  ) => Effect.Effect<StructurePage<readonly [A, number]>, ValueError, RD>
}
