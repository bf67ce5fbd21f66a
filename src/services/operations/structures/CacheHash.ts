/** Hashes: many named values under one key. */
import type { Duration, Effect, Option, Stream } from "effect"
import type { CommandError, ValueError } from "../../../schema/CacheError.ts"
import type { StructurePage, StructurePageOptions } from "./StructurePage.ts"

/**
 * Names of fields are raw text, values go through the cache's codec, counters are raw numbers. A hash lives for ever
 * unless `touch` or `expire` on its key say otherwise, and is gone with its last field.
 */
export interface CacheHash<A, RD = never, RE = never> {
  /** True where the field is new. */
  readonly set: (field: string, value: A) => Effect.Effect<boolean, ValueError, RE>
  /** How many of the fields are new. One command for each 1 000 fields or 1 MB, in one write. */
  readonly setMany: (
    fields: Iterable<readonly [string, A]> | Readonly<Record<string, A>>
  ) => Effect.Effect<number, ValueError, RE>
  /** Whether the field was absent and is now stored. */
  readonly setIfAbsent: (field: string, value: A) => Effect.Effect<boolean, ValueError, RE>
  /** Returns the value of the field; none where there is no such field. */
  readonly get: (field: string) => Effect.Effect<Option.Option<A>, ValueError, RD>
  /** Hits only, in request order. */
  readonly getMany: (fields: Iterable<string>) => Effect.Effect<ReadonlyMap<string, A>, ValueError, RD>
  /** The whole hash in one reply: for large ones use `scan`. */
  readonly getAll: Effect.Effect<ReadonlyMap<string, A>, ValueError, RD>
  /** How many there were. */
  readonly delete: (...fields: ReadonlyArray<string>) => Effect.Effect<number, CommandError>
  /** Returns whether there is such a field. */
  readonly has: (field: string) => Effect.Effect<boolean, CommandError>
  /** Returns the number of fields; 0 where there is no hash. */
  readonly size: Effect.Effect<number, CommandError>
  /** Returns the names of all fields, in no order, in one reply: for large hashes use `scan`. */
  readonly fields: Effect.Effect<ReadonlyArray<string>, CommandError>
  /** Returns the values of all fields, in no order, in one reply: for large hashes use `scan`. */
  readonly values: Effect.Effect<ReadonlyArray<A>, ValueError, RD>
  /** Atomic; a missing field counts from zero. A result beyond 2^53 is refused with code OVERFLOW and not applied. */
  readonly incr: (field: string, delta?: number) => Effect.Effect<number, CommandError>
  /**
   * Adds a number with a fraction, atomically, in the server's own arithmetic; a missing field counts from zero. The new
   * number.
   */
  readonly incrFloat: (field: string, delta: number) => Effect.Effect<number, CommandError>
  /**
   * Gives fields a lifetime of their own: how many of them there are. Zero or less deletes them, `"Infinity"` takes a lifetime away. A
   * field that is set anew lives as long as its key again; `incr` and `incrFloat` leave its lifetime as it is.
   *
   * Lifetimes of fields need a Valkey 9 or the store in memory: with an older server this and the four operations that follow fail with
   * `CacheUnsupportedError`, and nothing is changed.
   */
  readonly expireFields: (fields: Iterable<string>, timeToLive: Duration.Input) => Effect.Effect<number, CommandError>
  /** Takes lifetimes of fields away: how many of them had one. */
  readonly persistFields: (fields: Iterable<string>) => Effect.Effect<number, CommandError>
  /** How long fields live: those that there are, `Duration.infinity` = as long as the key. */
  readonly fieldTtls: (fields: Iterable<string>) => Effect.Effect<ReadonlyMap<string, Duration.Duration>, CommandError>
  /** `getMany` that gives the fields it finds a lifetime, in one step; zero or less deletes them, `"Infinity"` takes a lifetime away. */
  readonly getAndTouch: (
    fields: Iterable<string>,
    timeToLive: Duration.Input
  ) => Effect.Effect<ReadonlyMap<string, A>, ValueError, RD>
  /**
   * Sets fields with a lifetime, all of them in one step. `when`: only where all of them are absent, or present; false = they were not.
   * Zero or less deletes them.
   */
  readonly setExpiring: (
    fields: Iterable<readonly [string, A]> | Readonly<Record<string, A>>,
    timeToLive: Duration.Input,
    options?: { readonly when?: "absent" | "present" | undefined }
  ) => Effect.Effect<boolean, ValueError, RE>
  /** Field by field, by a glob over names; one may come twice while the server resizes its table. `count` is a hint, default 1 000. */
  readonly scan: (
    pattern?: string,
    options?: { readonly count?: number | undefined }
  ) => Stream.Stream<readonly [string, A], ValueError, RD>
  /**
   * One page of `scan`, and a cursor with which this process or another one goes on. What is there from the first page to the
   * last comes at least once, unless the server restarts or fails over meanwhile. Fails with `CacheInputError` where the
   * cursor is none. Under `IgnoreExceptions` a failure is an empty last page.
   */
  readonly scanPage: (
    pattern?: string,
    options?: StructurePageOptions
  ) => Effect.Effect<StructurePage<readonly [string, A]>, ValueError, RD>
}
