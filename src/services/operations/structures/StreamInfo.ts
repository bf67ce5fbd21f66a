/** What the server says of a stream, its groups and their consumers. */
import type { Option } from "effect"
import type { StreamEntry } from "./StreamEntry.ts"

/**
 * What the server says of a stream.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
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

/**
 * What the server says of a group of consumers.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
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

/**
 * What the server says of a consumer.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
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

/**
 * An entry that was delivered and is not acknowledged.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
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

/**
 * What `details` says of a consumer.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
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

/**
 * What `details` says of a group of consumers.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface StreamGroupDetails extends Omit<StreamGroupInfo, "consumers"> {
  /** The entries of the group that are not acknowledged, at most `count` of them. */
  readonly deliveries: ReadonlyArray<StreamDelivery>
  /** All its consumers. */
  readonly consumers: ReadonlyArray<StreamConsumerDetails>
}

/**
 * What `details` says of a stream.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface StreamDetails<A> extends Omit<StreamInfo, "groups"> {
  /** The first entries of the stream, at most `count` of them. */
  readonly entries: ReadonlyArray<StreamEntry<A>>
  /** All its groups. */
  readonly groups: ReadonlyArray<StreamGroupDetails>
}
