/** Sets: members without order, each once. */
import type { Effect, Option, Stream } from "effect"
import type { CommandError, ValueError } from "../../../schema/CacheError.ts"
import type { StructurePage, StructurePageOptions } from "./StructurePage.ts"

/** Where the result of a combination goes. */
export interface SetDestinationOptions {
  /** Of the destination. Default: the set's own. */
  readonly version?: number | undefined
}

/**
 * Members go through the cache's codec and are told apart by what it makes of them, so a set cannot be encrypted. It lives
 * for ever unless `touch` or `expire` on its key say otherwise, and is gone with its last member. Operations on several
 * sets need all of them in one slot of a cluster: give their keys the same hash tag, as in `{cart}:a`, `{cart}:b`.
 */
export interface CacheSet<A, RD = never, RE = never> {
  /** How many of them are new. */
  readonly add: (...members: ReadonlyArray<A>) => Effect.Effect<number, ValueError, RE>
  /** How many of them were there. */
  readonly remove: (...members: ReadonlyArray<A>) => Effect.Effect<number, ValueError, RE>
  /** Returns whether it is a member. */
  readonly has: (member: A) => Effect.Effect<boolean, ValueError, RE>
  /** In request order. */
  readonly hasMany: (members: Iterable<A>) => Effect.Effect<ReadonlyArray<boolean>, ValueError, RE>
  /** The whole set in one reply: for large ones use `scan`. */
  readonly members: Effect.Effect<ReadonlyArray<A>, ValueError, RD>
  /** Returns the number of members; 0 where there is no set. */
  readonly size: Effect.Effect<number, CommandError>
  /** Takes one by chance. */
  readonly pop: Effect.Effect<Option.Option<A>, ValueError, RD>
  /** Takes up to `count` different members by chance. */
  readonly popMany: (count: number) => Effect.Effect<ReadonlyArray<A>, ValueError, RD>
  /** One by chance, which stays. */
  readonly random: Effect.Effect<Option.Option<A>, ValueError, RD>
  /** Up to `count` distinct members. A negative count returns `-count` members, possibly repeated. */
  readonly randomMany: (count: number) => Effect.Effect<ReadonlyArray<A>, ValueError, RD>
  /** False where it is not a member. Atomic. */
  readonly moveTo: (
    destination: string,
    member: A,
    options?: SetDestinationOptions
  ) => Effect.Effect<boolean, ValueError, RE>
  /** With other sets of the same version. */
  readonly union: (...others: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<A>, ValueError, RD>
  /** Returns the members that are also in each of the other sets. */
  readonly intersection: (...others: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<A>, ValueError, RD>
  /** What is in this one and in none of the others. */
  readonly difference: (...others: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<A>, ValueError, RD>
  /** Stores the result in place of whatever is under `destination`; its size. */
  readonly storeUnion: (
    destination: string,
    others: ReadonlyArray<string>,
    options?: SetDestinationOptions
  ) => Effect.Effect<number, CommandError>
  /** `storeUnion` of the members that are in all of the sets. */
  readonly storeIntersection: (
    destination: string,
    others: ReadonlyArray<string>,
    options?: SetDestinationOptions
  ) => Effect.Effect<number, CommandError>
  /** `storeUnion` of the members that are in this set and in none of the others. */
  readonly storeDifference: (
    destination: string,
    others: ReadonlyArray<string>,
    options?: SetDestinationOptions
  ) => Effect.Effect<number, CommandError>
  /**
   * Member by member; a member may come twice while the server resizes its table. `pattern` is a glob over members: text as it is, other
   * values as their JSON. Default: all. Fails with `CacheInputError` where a pattern is given and members are not stored as JSON text.
   * `count` is how many members the server looks at in one round trip, a hint. Default: 1 000.
   */
  readonly scan: (
    pattern?: string,
    options?: { readonly count?: number | undefined }
  ) => Stream.Stream<A, ValueError, RD>
  /**
   * One page of `scan`, and a cursor with which this process or another one goes on. What is there from the first page to the
   * last comes at least once, unless the server restarts or fails over meanwhile. Fails with `CacheInputError` where the
   * cursor is none. Under `IgnoreExceptions` a failure is an empty last page.
   */
  readonly scanPage: (
    pattern?: string,
    options?: StructurePageOptions
  ) => Effect.Effect<StructurePage<A>, ValueError, RD>
}
