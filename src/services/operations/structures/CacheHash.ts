/** Hashes: many named values under one key. */
import type { Effect, Option, Stream } from "effect"
import type { CommandError, ValueError } from "../../../schema/CacheError.ts"

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
  readonly get: (field: string) => Effect.Effect<Option.Option<A>, ValueError, RD>
  /** Hits only, in request order. */
  readonly getMany: (fields: Iterable<string>) => Effect.Effect<ReadonlyMap<string, A>, ValueError, RD>
  /** The whole hash in one reply: for large ones use `scan`. */
  readonly getAll: Effect.Effect<ReadonlyMap<string, A>, ValueError, RD>
  /** How many there were. */
  readonly delete: (...fields: ReadonlyArray<string>) => Effect.Effect<number, CommandError>
  readonly has: (field: string) => Effect.Effect<boolean, CommandError>
  readonly size: Effect.Effect<number, CommandError>
  readonly fields: Effect.Effect<ReadonlyArray<string>, CommandError>
  readonly values: Effect.Effect<ReadonlyArray<A>, ValueError, RD>
  /** Atomic; a missing field counts from zero. A result beyond 2^53 is refused with code OVERFLOW and not applied. */
  readonly incr: (field: string, delta?: number) => Effect.Effect<number, CommandError>
  readonly incrFloat: (field: string, delta: number) => Effect.Effect<number, CommandError>
  /** Field by field, by a glob over names; one may come twice while the server resizes its table. `count` is a hint, default 1 000. */
  readonly scan: (
    pattern?: string,
    options?: { readonly count?: number | undefined }
  ) => Stream.Stream<readonly [string, A], ValueError, RD>
}
