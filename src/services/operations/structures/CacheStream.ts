/** Streams: an append-only log of entries, read by id, by followers, and by groups of consumers. */
import type { Duration, Effect, Option, Stream } from "effect"
import type { CacheMissError, CommandError, ExistingKeyError, ValueError } from "../../../schema/CacheError.ts"
import type { CacheStreamGroup } from "./CacheStreamGroup.ts"
import type { StreamEntry } from "./StreamEntry.ts"
import type { StreamDetails, StreamGroupInfo, StreamInfo } from "./StreamInfo.ts"

/**
 * What is dropped when the stream is cut: all but the newest `maxLength` entries, or all before `minId`. Only one of the two may
 * be given.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface StreamTrimOptions {
  /** The number of newest entries that stay. Default: not cut by number. */
  readonly maxLength?: number | undefined
  /** The id of the first entry that stays. Default: not cut by id. */
  readonly minId?: string | undefined
  /** Whether the cut may leave up to some hundred entries more, which is cheaper. Default: false, which cuts exactly. */
  readonly approximate?: boolean | undefined
  /** How many entries are dropped at once at most, with `approximate` only. Default: 10 000; 0 = no limit. */
  readonly limit?: number | undefined
}

/**
 * The options of `add` to a stream, which can cut the stream in the same step.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface StreamAddOptions extends StreamTrimOptions {
  /** The id of the entry. Default: one that is made of the server's clock. */
  readonly id?: string | undefined
  /** Whether a stream that is not there is created. Default: true. */
  readonly create?: boolean | undefined
}

/**
 * The options of `range` of a stream.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface StreamRangeOptions {
  /** How many entries are returned at most. Default: all. */
  readonly count?: number | undefined
  /** Whether the last entry comes first. `start` is the lesser id all the same. Default: false. */
  readonly reverse?: boolean | undefined
}

/**
 * Names of fields are raw text, their values go through the cache's codec. A stream lives for ever unless `touch` or
 * `expire` on its key say otherwise; it stays when its last entry is deleted.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const log = (yield* CacheService).stream("payments")
 *   yield* log.add({ account: "ada", cents: 250 }, { maxLength: 1000, approximate: true })
 *   for (const { fields } of yield* log.range()) console.log(fields.get("account"), fields.get("cents"))
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => ada 250
 * ```
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface CacheStream<A, RD = never, RE = never> {
  /** Adds an entry. Returns its id; none where there is no stream and `create` is false. */
  readonly add: (
    fields: Readonly<Record<string, A>>,
    options?: StreamAddOptions
  ) => Effect.Effect<Option.Option<string>, ValueError, RE>
  /** Returns the number of entries; 0 where there is no stream. */
  readonly size: Effect.Effect<number, CommandError>
  /**
   * Returns the entries from id `start` to id `end`, both included. `"-"` and `"+"` are the first and the last, `"(1-1"` is what
   * comes after `1-1`. Default: all.
   */
  readonly range: (
    start?: string,
    end?: string,
    options?: StreamRangeOptions
  ) => Effect.Effect<ReadonlyArray<StreamEntry<A>>, ValueError, RD>
  /** Cuts the stream. Returns how many entries it dropped. */
  readonly trim: (options: StreamTrimOptions) => Effect.Effect<number, CommandError>
  /** Deletes entries by their ids. Returns how many of them were there. */
  readonly delete: (...ids: ReadonlyArray<string>) => Effect.Effect<number, CommandError>
  /**
   * Streams the entries after the id `after`, then those that come, until it is interrupted. It fails if it cannot begin; then it
   * goes on over lost connections without a gap. Each follower holds a dedicated connection while it waits. `count` is how many
   * entries it asks for at a time. Default: `"$"`, new entries only, and a `count` of 100.
   */
  readonly follow: (options?: {
    readonly after?: string | undefined
    readonly count?: number | undefined
  }) => Stream.Stream<StreamEntry<A>, ValueError, RD>
  /**
   * Reads once: up to `count` entries after `after`. Where there are none it waits for `timeout`, and returns none if nothing
   * comes. `after` is an id, `"0"` = all there is; default: `"$"`, what comes from now on. `next` is the `after` with which the
   * next read goes on: between two reads nothing is left out. `count`: default 100. `timeout`: default not at all, `"Infinity"` =
   * for ever; it takes a dedicated connection while it waits, and goes on over lost connections.
   */
  readonly read: (options?: {
    readonly after?: string | undefined
    readonly count?: number | undefined
    readonly timeout?: Duration.Input | undefined
  }) => Effect.Effect<{ readonly entries: ReadonlyArray<StreamEntry<A>>; readonly next: string }, ValueError, RD>
  /** Returns what the server says of the stream. Fails with `CacheMissError` where there is no stream. */
  readonly info: Effect.Effect<StreamInfo, ExistingKeyError>
  /**
   * Returns everything that the server knows of the stream: its first entries, its groups, their consumers, and what is pending,
   * oldest first (XINFO STREAM FULL). Of entries, and of what is pending in each group and at each consumer, it returns at most
   * `count`; 0 = all. Default: 10. Fails with `CacheMissError` where there is no stream.
   */
  readonly details: (options?: {
    readonly count?: number | undefined
  }) => Effect.Effect<StreamDetails<A>, CacheMissError | ValueError, RD>
  /** Returns the groups of the stream; empty where there is no stream. */
  readonly groups: Effect.Effect<ReadonlyArray<StreamGroupInfo>, CommandError>
  /** Returns the group of this name, which `create` makes on the server. It sends nothing. */
  readonly group: (name: string) => CacheStreamGroup<A, RD>
}
