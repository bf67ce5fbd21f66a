/** Sets: members without order, each once. */
import type { Effect, Option, Stream } from "effect"
import type { CommandError, ValueError } from "../../../schema/CacheError.ts"
import type { StructurePage, StructurePageOptions } from "./StructurePage.ts"

/**
 * Where the result of a combination goes.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface SetDestinationOptions {
  /** The version of the destination's key. Default: the set's own. */
  readonly version?: number | undefined
}

/**
 * Members go through the cache's codec and are told apart by what it makes of them, so a set cannot be encrypted. It lives
 * for ever unless `touch` or `expire` on its key say otherwise, and is gone with its last member. Operations on several
 * sets need all of them in one slot of a cluster: give their keys the same hash tag, as in `{cart}:a`, `{cart}:b`.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   const online = cache.unorderedSet("online")
 *   yield* online.add("ada", "bob")
 *   yield* cache.unorderedSet("friends").add("bob", "eve")
 *   console.log(yield* online.intersection("friends"))
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => [ 'bob' ]
 * ```
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface CacheSet<A, RD = never, RE = never> {
  /** Adds the members. Returns how many of them are new. */
  readonly add: (...members: ReadonlyArray<A>) => Effect.Effect<number, ValueError, RE>
  /** Removes the members. Returns how many of them were there. */
  readonly remove: (...members: ReadonlyArray<A>) => Effect.Effect<number, ValueError, RE>
  /** Returns whether it is a member. */
  readonly has: (member: A) => Effect.Effect<boolean, ValueError, RE>
  /** Returns for each of the values whether it is a member, in request order. */
  readonly hasMany: (members: Iterable<A>) => Effect.Effect<ReadonlyArray<boolean>, ValueError, RE>
  /** Returns the whole set in one reply: for large sets use `scan`. */
  readonly members: Effect.Effect<ReadonlyArray<A>, ValueError, RD>
  /** Returns the number of members; 0 where there is no set. */
  readonly size: Effect.Effect<number, CommandError>
  /** Takes one member, chosen at random. Returns none where the set is empty. */
  readonly pop: Effect.Effect<Option.Option<A>, ValueError, RD>
  /** Takes up to `count` members, chosen at random. */
  readonly popMany: (count: number) => Effect.Effect<ReadonlyArray<A>, ValueError, RD>
  /** Returns one member, chosen at random, and leaves it in the set. */
  readonly random: Effect.Effect<Option.Option<A>, ValueError, RD>
  /** Returns up to `count` distinct members, chosen at random. A negative count returns `-count` members, possibly repeated. */
  readonly randomMany: (count: number) => Effect.Effect<ReadonlyArray<A>, ValueError, RD>
  /** Moves a member to another set, atomically. Returns false where it is not a member of this set. */
  readonly moveTo: (
    destination: string,
    member: A,
    options?: SetDestinationOptions
  ) => Effect.Effect<boolean, ValueError, RE>
  /** Returns the members of this set and of the other sets. All of them have the version of this set's key. */
  readonly union: (...others: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<A>, ValueError, RD>
  /** Returns the members that are also in each of the other sets. */
  readonly intersection: (...others: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<A>, ValueError, RD>
  /** Returns the members that are in none of the other sets. */
  readonly difference: (...others: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<A>, ValueError, RD>
  /** Stores the union of the sets in place of whatever is under `destination`. Returns its size. */
  readonly storeUnion: (
    destination: string,
    others: ReadonlyArray<string>,
    options?: SetDestinationOptions
  ) => Effect.Effect<number, CommandError>
  /** Does what `storeUnion` does, with the members that are in all of the sets. */
  readonly storeIntersection: (
    destination: string,
    others: ReadonlyArray<string>,
    options?: SetDestinationOptions
  ) => Effect.Effect<number, CommandError>
  /** Does what `storeUnion` does, with the members that are in this set and in none of the others. */
  readonly storeDifference: (
    destination: string,
    others: ReadonlyArray<string>,
    options?: SetDestinationOptions
  ) => Effect.Effect<number, CommandError>
  /**
   * Streams the members. A member may come twice while the server resizes its table. `pattern` is a glob over members: text as it
   * is, other values as their JSON. Fails with `CacheInputError` where a pattern is given and members are not stored as JSON text.
   * `count` is how many members the server looks at in one round trip, as a hint. Default: all members, and a `count` of 1 000.
   */
  readonly scan: (
    pattern?: string,
    options?: { readonly count?: number | undefined }
  ) => Stream.Stream<A, ValueError, RD>
  /**
   * Returns one page of `scan`, and a cursor with which this process or another one goes on. What is there from the first page to
   * the last comes at least once, unless the server restarts or fails over meanwhile. Fails with `CacheInputError` where the
   * cursor is not one that `scanPage` returned. Under `IgnoreExceptions` a failure is an empty last page.
   */
  readonly scanPage: (
    pattern?: string,
    options?: StructurePageOptions
  ) => Effect.Effect<StructurePage<A>, ValueError, RD>
}
