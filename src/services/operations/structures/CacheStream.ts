/** Streams: an append-only log of entries, read by id, by followers, and by groups of consumers. */
import type { Duration, Effect, Option, Stream } from "effect"
import type { CacheMissError, CommandError, ExistingKeyError, ValueError } from "../../../schema/CacheError.ts"

/** An entry of a stream. */
export interface StreamEntry<A> {
  /** Milliseconds and a sequence, `"1700000000000-0"`: later entries have greater ones. */
  readonly id: string
  /** The values by the names of their fields. */
  readonly fields: ReadonlyMap<string, A>
}

/** What goes when the stream is cut: all but the newest so many, or all before an id. One of the two. */
export interface StreamTrimOptions {
  /** The number of newest entries that stay. Default: not cut by number. */
  readonly maxLength?: number | undefined
  /** The id of the first entry that stays. Default: not cut by id. */
  readonly minId?: string | undefined
  /** Cheaper, and leaves up to some hundred entries more. Default false: exactly. */
  readonly approximate?: boolean | undefined
  /** Only with `approximate`: drop no more at once. Default: 10 000; 0 = no limit. */
  readonly limit?: number | undefined
}

/** The options of `add` to a stream, which can cut the stream in the same step. */
export interface StreamAddOptions extends StreamTrimOptions {
  /** Default: one made of the server's clock. */
  readonly id?: string | undefined
  /** Make the stream where there is none. Default true. */
  readonly create?: boolean | undefined
}

/** The options of `range` of a stream. */
export interface StreamRangeOptions {
  /** Default: all. */
  readonly count?: number | undefined
  /** The last one first. `start` is before `end` all the same. Default: false. */
  readonly reverse?: boolean | undefined
}

/** What the server says of a stream. */
export type StreamInfo = {
  /** The number of entries. */
  readonly length: number
  /** The number of groups. */
  readonly groups: number
  /** Also of entries that are deleted. */
  readonly lastGeneratedId: string
  /** The greatest id of the entries that were deleted; `"0-0"` where there is none. */
  readonly maxDeletedEntryId: string
  /** The number of entries that were ever added, deleted ones included. */
  readonly entriesAdded: number
  /** `"0-0"` where there is none. */
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
  /** None where deletions make it impossible to tell. */
  readonly entriesRead: Option.Option<number>
  /** How many entries it has still to be given. */
  readonly lag: Option.Option<number>
}

/** What the server says of a consumer. */
export interface StreamConsumerInfo {
  /** The name of the consumer. */
  readonly name: string
  /** The number of entries that it was given and has not acknowledged. */
  readonly pending: number
  /** Milliseconds since it last asked. */
  readonly idle: number
  /** Milliseconds since it last was given something. */
  readonly inactive: Option.Option<number>
}

/** An entry that was delivered and is not acknowledged. */
export interface StreamDelivery {
  /** The id of the entry. */
  readonly id: string
  /** The consumer that was given it last. */
  readonly consumer: string
  /** Milliseconds since 1970. */
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
  /** Milliseconds since 1970: when it last asked. */
  readonly seenAt: number
  /** Milliseconds since 1970: when it last was given something. */
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
  /** Milliseconds since it was delivered. */
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
  /** How many each consumer has, who has any. */
  readonly consumers: ReadonlyMap<string, number>
}

/** The options of `pending`. */
export interface StreamPendingOptions {
  /** Default `"-"`, the first. `"(1-1"` = after it. */
  readonly start?: string | undefined
  /** Default `"+"`, the last. */
  readonly end?: string | undefined
  /** Default 1 000. */
  readonly count?: number | undefined
  /** Default: everybody's. */
  readonly consumer?: string | undefined
  /** Only what was delivered so long ago. Default: 0, which is all of it. */
  readonly minIdle?: Duration.Input | undefined
}

/** The options of `claim` and `claimIds`. */
export interface StreamClaimOptions {
  /** As if delivered so long ago. Default: now. */
  readonly idle?: Duration.Input | undefined
  /** As if delivered so many times. Default: once more than before. */
  readonly deliveries?: number | undefined
  /** Also entries that nobody was given. Default: false. */
  readonly force?: boolean | undefined
}

/** The options of `autoClaim` and `autoClaimIds`. */
export interface StreamAutoClaimOptions {
  /** From which id on. Default: the first; else the `next` of the call before. */
  readonly start?: string | undefined
  /** Default 100. */
  readonly count?: number | undefined
}

/**
 * Consumers that share the entries of a stream. An entry that one of them was given is pending until it is
 * acknowledged, so that a dead consumer's work is found again. Operations but `create` and `destroy` fail with
 * `CacheServerError` (NOGROUP) where there is no such group.
 */
export interface CacheStreamGroup<A, RD = never> {
  /** False: it was there. `from`: the id after which it reads, `"0"` = all there is; default `"$"`, what comes from now on. */
  readonly create: (options?: {
    readonly from?: string | undefined
    /** Make the stream where there is none. Default true. */
    readonly createStream?: boolean | undefined
    /** How many entries lie before `from`, for `lag`. */
    readonly entriesRead?: number | undefined
  }) => Effect.Effect<boolean, CommandError>
  /** Deletes the group and all that is pending in it. Returns whether it was there. */
  readonly destroy: Effect.Effect<boolean, CommandError>
  /** After which id it goes on to read; `"$"` = the last. */
  readonly setId: (
    id: string,
    options?: { readonly entriesRead?: number | undefined }
  ) => Effect.Effect<void, CommandError>
  /** How many entries it had pending, which nobody has now. */
  readonly removeConsumer: (consumer: string) => Effect.Effect<number, CommandError>
  /** What nobody was given yet, now the consumer's; or with `from`, what it has pending after that id. Waits for nothing. */
  readonly read: (
    consumer: string,
    options?: {
      /** Default 100. */
      readonly count?: number | undefined
      /** Acknowledged at once: a reply that is lost is lost. Default false. */
      readonly noAck?: boolean | undefined
      readonly from?: string | undefined
    }
  ) => Effect.Effect<ReadonlyArray<StreamEntry<A>>, ValueError, RD>
  /**
   * First what the consumer has pending, then new entries as they come, until interrupted. Goes on over lost
   * connections, and gives again what a lost reply held. Each needs a name of its own. `count`: at a time, default 10.
   */
  readonly consume: (
    consumer: string,
    options?: { readonly count?: number | undefined }
  ) => Stream.Stream<StreamEntry<A>, ValueError, RD>
  /** How many were pending. */
  readonly ack: (...ids: ReadonlyArray<string>) => Effect.Effect<number, CommandError>
  /** Returns the entries that were delivered and are not acknowledged, in the order of their ids. */
  readonly pending: (options?: StreamPendingOptions) => Effect.Effect<ReadonlyArray<StreamPendingEntry>, CommandError>
  /** How much is pending, between which ids, and at which consumers. */
  readonly pendingSummary: Effect.Effect<StreamPendingSummary, CommandError>
  /** Returns the consumers of the group. */
  readonly consumers: Effect.Effect<ReadonlyArray<StreamConsumerInfo>, CommandError>
  /** Those of the entries that were idle for so long become the consumer's. */
  readonly claim: (
    consumer: string,
    minIdle: Duration.Input,
    ids: ReadonlyArray<string>,
    options?: StreamClaimOptions
  ) => Effect.Effect<ReadonlyArray<StreamEntry<A>>, ValueError, RD>
  /** `claim` that gives ids only and counts as no delivery. */
  readonly claimIds: (
    consumer: string,
    minIdle: Duration.Input,
    ids: ReadonlyArray<string>,
    options?: StreamClaimOptions
  ) => Effect.Effect<ReadonlyArray<string>, CommandError>
  /** Whatever was idle for so long, page by page: `next` is `"0-0"` when all were looked at. `deleted` are pending no more. */
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
  /** `autoClaim` that gives ids only and counts as no delivery. */
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
  /** The entry's id; none where there is no stream and `create` is false. */
  readonly add: (
    fields: Readonly<Record<string, A>>,
    options?: StreamAddOptions
  ) => Effect.Effect<Option.Option<string>, ValueError, RE>
  /** Returns the number of entries; 0 where there is no stream. */
  readonly size: Effect.Effect<number, CommandError>
  /** Both ends included; `"-"` and `"+"` are the first and the last, `"(1-1"` is what comes after `1-1`. Default: all. */
  readonly range: (
    start?: string,
    end?: string,
    options?: StreamRangeOptions
  ) => Effect.Effect<ReadonlyArray<StreamEntry<A>>, ValueError, RD>
  /** How many went. */
  readonly trim: (options: StreamTrimOptions) => Effect.Effect<number, CommandError>
  /** Deletes entries by their ids. Returns how many of them were there. */
  readonly delete: (...ids: ReadonlyArray<string>) => Effect.Effect<number, CommandError>
  /**
   * Entries after the id `after` (default `"$"`: new ones only), then those that come, until interrupted. Fails if it cannot begin;
   * then it goes on over lost connections without a gap. Each holds a dedicated connection while it waits.
   * `count`: at a time, default 100.
   */
  readonly follow: (options?: {
    readonly after?: string | undefined
    readonly count?: number | undefined
  }) => Stream.Stream<StreamEntry<A>, ValueError, RD>
  /**
   * One read: up to `count` entries after `after`. Where there are none it waits for `timeout`, and gives none if nothing comes. `after` is an
   * id, `"0"` = all there is; default `"$"`, what comes from now on. `next` is the `after` with which the next read goes on: between two reads
   * nothing is left out. `count`: default 100. `timeout`: default not at all, `"Infinity"` = for ever; it takes a dedicated connection while
   * it waits, and goes on over lost connections.
   */
  readonly read: (options?: {
    readonly after?: string | undefined
    readonly count?: number | undefined
    readonly timeout?: Duration.Input | undefined
  }) => Effect.Effect<{ readonly entries: ReadonlyArray<StreamEntry<A>>; readonly next: string }, ValueError, RD>
  /** Fails with `CacheMissError` where there is no stream. */
  readonly info: Effect.Effect<StreamInfo, ExistingKeyError>
  /**
   * Everything that the server knows of the stream: its first entries, its groups, their consumers, and what is pending, oldest first
   * (XINFO STREAM FULL). Of entries, and of what is pending in each group and at each consumer, it gives at most `count`; 0 = all.
   * Default: 10. Fails with `CacheMissError` where there is no stream.
   */
  readonly details: (options?: {
    readonly count?: number | undefined
  }) => Effect.Effect<StreamDetails<A>, CacheMissError | ValueError, RD>
  /** Returns the groups of the stream; empty where there is no stream. */
  readonly groups: Effect.Effect<ReadonlyArray<StreamGroupInfo>, CommandError>
  /** The group of this name, which `create` makes. Sends nothing. */
  readonly group: (name: string) => CacheStreamGroup<A, RD>
}
