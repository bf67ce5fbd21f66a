/** Groups of consumers of a stream. */
import type { Duration, Effect, Option, Stream } from "effect"
import type { CommandError, ValueError } from "../../../schema/CacheError.ts"
import type { StreamEntry } from "./StreamEntry.ts"
import type { StreamConsumerInfo } from "./StreamInfo.ts"

/**
 * An entry that `pending` lists: it was delivered and is not acknowledged.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface StreamPendingEntry {
  /** The id of the entry. */
  readonly id: string
  /** The consumer that was given it last. */
  readonly consumer: string
  /** How long ago it was delivered, in milliseconds. */
  readonly idle: number
  /** How many times it was delivered. */
  readonly deliveries: number
}

/**
 * What is pending in a group, in numbers.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface StreamPendingSummary {
  /** The number of entries that are pending. */
  readonly count: number
  /** The smallest id of them; none where nothing is pending. */
  readonly firstId: Option.Option<string>
  /** The greatest id of them; none where nothing is pending. */
  readonly lastId: Option.Option<string>
  /** How many entries are pending at each consumer, for consumers that have any. */
  readonly consumers: ReadonlyMap<string, number>
}

/**
 * The options of `pending`.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface StreamPendingOptions {
  /** The least id. Default: `"-"`, the first. `"(1-1"` = after 1-1. */
  readonly start?: string | undefined
  /** The greatest id. Default: `"+"`, the last. */
  readonly end?: string | undefined
  /** How many entries are returned at most. Default: 1 000. */
  readonly count?: number | undefined
  /** The consumer whose entries are returned. Default: all consumers. */
  readonly consumer?: string | undefined
  /** How long ago an entry must have been delivered to be returned. Default: 0, which returns all of them. */
  readonly minIdle?: Duration.Input | undefined
}

/**
 * The options of `claim` and `claimIds`.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface StreamClaimOptions {
  /** How long ago the entries count as delivered. Default: they are delivered now. */
  readonly idle?: Duration.Input | undefined
  /** How often the entries count as delivered. Default: once more than before. */
  readonly deliveries?: number | undefined
  /** Whether entries are claimed that no consumer was given. Default: false. */
  readonly force?: boolean | undefined
}

/**
 * The options of `autoClaim` and `autoClaimIds`.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface StreamAutoClaimOptions {
  /** The id to begin with: the `next` of the call before. Default: the first. */
  readonly start?: string | undefined
  /** How many entries are returned at most. Default: 100. */
  readonly count?: number | undefined
}

/**
 * Consumers that share the entries of a stream. An entry that one of them was given is pending until it is acknowledged, so that a
 * dead consumer's work is found again. All operations except `create` and `destroy` fail with `CacheServerError` (NOGROUP) where
 * there is no such group.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const jobs = (yield* CacheService).stream("jobs")
 *   const workers = jobs.group("workers")
 *   yield* workers.create({ from: "0" })
 *   yield* jobs.add({ job: "resize" })
 *   for (const { fields, id } of yield* workers.read("worker-1")) {
 *     console.log(fields.get("job"), "acknowledged:", yield* workers.ack(id))
 *   }
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => resize acknowledged: 1
 * ```
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface CacheStreamGroup<A, RD = never> {
  /**
   * Creates the group. Returns false where it was there already. `from` is the id after which it reads; `"0"` = all there is.
   * Default: `"$"`, what comes from now on.
   */
  readonly create: (options?: {
    readonly from?: string | undefined
    /** Whether a stream that is not there is created. Default: true. */
    readonly createStream?: boolean | undefined
    /** How many entries lie before `from`, which the server needs to tell the `lag`. Default: it is not known. */
    readonly entriesRead?: number | undefined
  }) => Effect.Effect<boolean, CommandError>
  /** Deletes the group and all that is pending in it. Returns whether it was there. */
  readonly destroy: Effect.Effect<boolean, CommandError>
  /** Sets the id after which the group goes on to read; `"$"` = the last one. */
  readonly setId: (
    id: string,
    options?: { readonly entriesRead?: number | undefined }
  ) => Effect.Effect<void, CommandError>
  /** Removes a consumer. Returns how many entries it had pending, which no consumer has any more. */
  readonly removeConsumer: (consumer: string) => Effect.Effect<number, CommandError>
  /**
   * Reads entries that no consumer was given yet, which are the consumer's from now on. With `from` it reads what the consumer has
   * pending after that id. It waits for nothing.
   */
  readonly read: (
    consumer: string,
    options?: {
      /** How many entries are returned at most. Default: 100. */
      readonly count?: number | undefined
      /** Whether entries are acknowledged as they are read: those of a reply that is lost are lost, too. Default: false. */
      readonly noAck?: boolean | undefined
      readonly from?: string | undefined
    }
  ) => Effect.Effect<ReadonlyArray<StreamEntry<A>>, ValueError, RD>
  /**
   * Streams what the consumer has pending, then new entries as they come, until it is interrupted. It goes on over lost
   * connections, and repeats what a lost reply held. Each reader needs a consumer name of its own. `count` is how many entries it
   * asks for at a time. Default: 10.
   */
  readonly consume: (
    consumer: string,
    options?: { readonly count?: number | undefined }
  ) => Stream.Stream<StreamEntry<A>, ValueError, RD>
  /** Acknowledges the entries. Returns how many of them were pending. */
  readonly ack: (...ids: ReadonlyArray<string>) => Effect.Effect<number, CommandError>
  /** Returns the entries that were delivered and are not acknowledged, in the order of their ids. */
  readonly pending: (options?: StreamPendingOptions) => Effect.Effect<ReadonlyArray<StreamPendingEntry>, CommandError>
  /** Returns how many entries are pending, between which ids, and at which consumers. */
  readonly pendingSummary: Effect.Effect<StreamPendingSummary, CommandError>
  /** Returns the consumers of the group. */
  readonly consumers: Effect.Effect<ReadonlyArray<StreamConsumerInfo>, CommandError>
  /** Makes those of the entries the consumer's that were idle for `minIdle`, and returns them. */
  readonly claim: (
    consumer: string,
    minIdle: Duration.Input,
    ids: ReadonlyArray<string>,
    options?: StreamClaimOptions
  ) => Effect.Effect<ReadonlyArray<StreamEntry<A>>, ValueError, RD>
  /** Does what `claim` does, but returns only ids and counts as no delivery. */
  readonly claimIds: (
    consumer: string,
    minIdle: Duration.Input,
    ids: ReadonlyArray<string>,
    options?: StreamClaimOptions
  ) => Effect.Effect<ReadonlyArray<string>, CommandError>
  /**
   * Makes entries the consumer's that were idle for `minIdle`, page by page: `next` is `"0-0"` when all were looked at. The
   * entries in `deleted` are no longer in the stream, and no longer pending.
   */
  readonly autoClaim: (
    consumer: string,
    minIdle: Duration.Input,
    options?: StreamAutoClaimOptions
  ) => Effect.Effect<
    {
      readonly next: string
      readonly entries: ReadonlyArray<StreamEntry<A>>
      readonly deleted: ReadonlyArray<string>
    },
    ValueError,
    RD
  >
  /** Does what `autoClaim` does, but returns only ids and counts as no delivery. */
  readonly autoClaimIds: (
    consumer: string,
    minIdle: Duration.Input,
    options?: StreamAutoClaimOptions
  ) => Effect.Effect<
    { readonly next: string; readonly ids: ReadonlyArray<string>; readonly deleted: ReadonlyArray<string> },
    CommandError
  >
}
