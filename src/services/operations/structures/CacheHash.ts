/** Hashes: many named values under one key. */
import type { Duration, Effect, Option, Stream } from "effect"
import type { CommandError, ValueError } from "../../../schema/CacheError.ts"
import type { StructurePage, StructurePageOptions } from "./StructurePage.ts"

/**
 * Names of fields are raw text, values go through the cache's codec, counters are raw numbers. A hash lives for ever
 * unless `touch` or `expire` on its key say otherwise, and is gone with its last field.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cart = (yield* CacheService).hash("cart:ada")
 *   yield* cart.setMany({ tea: 2, milk: 1 })
 *   yield* cart.incr("tea")
 *   console.log(yield* cart.getMany(["tea", "sugar"]), yield* cart.size)
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => Map(1) { 'tea' => 3 } 2
 * ```
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface CacheHash<A, RD = never, RE = never> {
  /** Stores the value under the field. Returns whether the field is new. */
  readonly set: (field: string, value: A) => Effect.Effect<boolean, ValueError, RE>
  /**
   * Stores the values under their fields. Returns how many of the fields are new. One command for each 1 000 fields or 1 MB, in
   * one write.
   */
  readonly setMany: (
    fields: Iterable<readonly [string, A]> | Readonly<Record<string, A>>
  ) => Effect.Effect<number, ValueError, RE>
  /** Stores the value where the field is absent. Returns whether it did. */
  readonly setIfAbsent: (field: string, value: A) => Effect.Effect<boolean, ValueError, RE>
  /** Returns the value of the field; none where there is no such field. */
  readonly get: (field: string) => Effect.Effect<Option.Option<A>, ValueError, RD>
  /** Returns the values of the fields that are there, in request order. */
  readonly getMany: (fields: Iterable<string>) => Effect.Effect<ReadonlyMap<string, A>, ValueError, RD>
  /** Returns the whole hash in one reply: for large hashes use `scan`. */
  readonly getAll: Effect.Effect<ReadonlyMap<string, A>, ValueError, RD>
  /** Deletes the fields. Returns how many of them were there. */
  readonly delete: (...fields: ReadonlyArray<string>) => Effect.Effect<number, CommandError>
  /** Returns whether there is such a field. */
  readonly has: (field: string) => Effect.Effect<boolean, CommandError>
  /** Returns the number of fields; 0 where there is no hash. */
  readonly size: Effect.Effect<number, CommandError>
  /** Returns the names of all fields, in no order, in one reply: for large hashes use `scan`. */
  readonly fields: Effect.Effect<ReadonlyArray<string>, CommandError>
  /** Returns the values of all fields, in no order, in one reply: for large hashes use `scan`. */
  readonly values: Effect.Effect<ReadonlyArray<A>, ValueError, RD>
  /**
   * Adds `delta`, which is 1 by default, and returns the new number. It is atomic, and a missing field counts from zero. A result
   * beyond 2^53 is refused with code OVERFLOW and not applied.
   */
  readonly incr: (field: string, delta?: number) => Effect.Effect<number, CommandError>
  /**
   * Adds a number with a fraction, atomically and in the server's own arithmetic, and returns the new number. A missing field
   * counts from zero.
   */
  readonly incrFloat: (field: string, delta: number) => Effect.Effect<number, CommandError>
  /**
   * Gives fields a lifetime of their own. Returns how many of the fields are there. Zero or less deletes them, and `"Infinity"`
   * takes a lifetime away. A field that is set anew lives as long as its key again; `incr` and `incrFloat` leave its lifetime as
   * it is.
   *
   * Lifetimes of fields need a Valkey 9 or the store in memory: with an older server this and the four operations that follow fail
   * with `CacheUnsupportedError`, and nothing is changed.
   */
  readonly expireFields: (fields: Iterable<string>, timeToLive: Duration.Input) => Effect.Effect<number, CommandError>
  /** Takes lifetimes of fields away. Returns how many of the fields had one. */
  readonly persistFields: (fields: Iterable<string>) => Effect.Effect<number, CommandError>
  /** Returns how long the fields that are there still live. `Duration.infinity` = as long as the key. */
  readonly fieldTtls: (fields: Iterable<string>) => Effect.Effect<ReadonlyMap<string, Duration.Duration>, CommandError>
  /**
   * Returns what `getMany` does, and gives the fields that it finds a lifetime, in one step. Zero or less deletes them, and
   * `"Infinity"` takes a lifetime away.
   */
  readonly getAndTouch: (
    fields: Iterable<string>,
    timeToLive: Duration.Input
  ) => Effect.Effect<ReadonlyMap<string, A>, ValueError, RD>
  /**
   * Stores fields with a lifetime, all of them in one step; zero or less deletes them. With `when` it does so only where all of
   * the fields are absent, or all are present. Returns whether it did.
   */
  readonly setExpiring: (
    fields: Iterable<readonly [string, A]> | Readonly<Record<string, A>>,
    timeToLive: Duration.Input,
    options?: { readonly when?: "absent" | "present" | undefined }
  ) => Effect.Effect<boolean, ValueError, RE>
  /**
   * Streams the fields and their values. `pattern` is a glob over names. A field may come twice while the server resizes its
   * table. `count` is how many fields the server looks at in one round trip, as a hint. Default: all fields, and a `count` of 1
   * 000.
   */
  readonly scan: (
    pattern?: string,
    options?: { readonly count?: number | undefined }
  ) => Stream.Stream<readonly [string, A], ValueError, RD>
  /**
   * Returns one page of `scan`, and a cursor with which this process or another one goes on. What is there from the first page to
   * the last comes at least once, unless the server restarts or fails over meanwhile. Fails with `CacheInputError` where the
   * cursor is not one that `scanPage` returned. Under `IgnoreExceptions` a failure is an empty last page.
   */
  readonly scanPage: (
    pattern?: string,
    options?: StructurePageOptions
  ) => Effect.Effect<StructurePage<readonly [string, A]>, ValueError, RD>
}
