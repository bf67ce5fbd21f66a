/** Streams: an append-only log of entries, read by id, by followers, and by groups of consumers. */
import type { Duration, Effect, Option, Stream } from "effect"
import type { CacheMissError, CommandError, ExistingKeyError, ValueError } from "../../../schema/CacheError.ts"

/** An entry of a stream. */
export interface StreamEntry<A> {
  /** The id: milliseconds and a sequence, as in `"1700000000000-0"`. Later entries have greater ids. */
  readonly id: string
  /** The values by the names of their fields. */
  readonly fields: ReadonlyMap<string, A>
}

/**
 * What is dropped when the stream is cut: all but the newest `maxLength` entries, or all before `minId`. Only one of the two may
 * be given.
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

/** The options of `add` to a stream, which can cut the stream in the same step. */
export interface StreamAddOptions extends StreamTrimOptions {
  /** The id of the entry. Default: one that is made of the server's clock. */
  readonly id?: string | undefined
  /** Whether a stream that is not there is created. Default: true. */
  readonly create?: boolean | undefined
}

/** The options of `range` of a stream. */
export interface StreamRangeOptions {
  /** How many entries are returned at most. Default: all. */
  readonly count?: number | undefined
  /** Whether the last entry comes first. `start` is the lesser id all the same. Default: false. */
  readonly reverse?: boolean | undefined
}

/** What the server says of a stream. */
export type StreamInfo = {
  /** The number of entries. */
  readonly length: number
  /** The number of groups. */
  readonly groups: number
  /** The id of the last entry that was added, also where it has been deleted. */
  readonly lastGeneratedId: string
  /** The greatest id of the entries that were deleted; `"0-0"` where there is none. */
  readonly maxDeletedEntryId: string
  /** The number of entries that were ever added, deleted ones included. */
  readonly entriesAdded: number
  /** The id of the first entry; `"0-0"` where there is none. */
  readonly firstEntryId: string
}

/** What the server says of a group of consumers. */
export interface StreamGroupInfo {
  /** The name of the group. */
  readonly name: string
  /** The number of its consumers. */
  readonly consumers: number
  /** The number of entries that were delivered and are not acknowledged. */
  readonly pending: number
  /** The id of the last entry that was delivered to one of its consumers. */
  readonly lastDeliveredId: string
  /** How many entries the group has read; none where deletions make it impossible to tell. */
  readonly entriesRead: Option.Option<number>
  /** How many entries the group has still to be given; none where deletions make it impossible to tell. */
  readonly lag: Option.Option<number>
}

/** What the server says of a consumer. */
export interface StreamConsumerInfo {
  /** The name of the consumer. */
  readonly name: string
  /** The number of entries that it was given and has not acknowledged. */
  readonly pending: number
  /** How long ago it last asked for entries, in milliseconds. */
  readonly idle: number
  /** How long ago it was last given an entry, in milliseconds; none where it never was. */
  readonly inactive: Option.Option<number>
}

/** An entry that was delivered and is not acknowledged. */
export interface StreamDelivery {
  /** The id of the entry. */
  readonly id: string
  /** The consumer that was given it last. */
  readonly consumer: string
  /** When it was delivered, in milliseconds since 1970. */
  readonly deliveredAt: number
  /** How many times it was delivered. */
  readonly deliveries: number
}

/** What `details` says of a consumer. */
export interface StreamConsumerDetails {
  /** The name of the consumer. */
  readonly name: string
  /** The number of entries that it was given and has not acknowledged, all of them. */
  readonly pending: number
  /** When it last asked for entries, in milliseconds since 1970. */
  readonly seenAt: number
  /** When it was last given an entry, in milliseconds since 1970; none where it never was. */
  readonly activeAt: Option.Option<number>
  /** The entries that it was given and has not acknowledged, at most `count` of them. */
  readonly deliveries: ReadonlyArray<StreamDelivery>
}

/** What `details` says of a group of consumers. */
export interface StreamGroupDetails extends Omit<StreamGroupInfo, "consumers"> {
  /** The entries of the group that are not acknowledged, at most `count` of them. */
  readonly deliveries: ReadonlyArray<StreamDelivery>
  /** All its consumers. */
  readonly consumers: ReadonlyArray<StreamConsumerDetails>
}

/** What `details` says of a stream. */
export interface StreamDetails<A> extends Omit<StreamInfo, "groups"> {
  /** The first entries of the stream, at most `count` of them. */
  readonly entries: ReadonlyArray<StreamEntry<A>>
  /** All its groups. */
  readonly groups: ReadonlyArray<StreamGroupDetails>
}

/** An entry that `pending` lists: it was delivered and is not acknowledged. */
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

/** What is pending in a group, in numbers. */
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

/** The options of `pending`. */
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

/** The options of `claim` and `claimIds`. */
export interface StreamClaimOptions {
  /** How long ago the entries count as delivered. Default: they are delivered now. */
  readonly idle?: Duration.Input | undefined
  /** How often the entries count as delivered. Default: once more than before. */
  readonly deliveries?: number | undefined
  /** Whether entries are claimed that no consumer was given. Default: false. */
  readonly force?: boolean | undefined
}

/** The options of `autoClaim` and `autoClaimIds`. */
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

/**
 * Names of fields are raw text, their values go through the cache's codec. A stream lives for ever unless `touch` or
 * `expire` on its key say otherwise; it stays when its last entry is deleted.
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
