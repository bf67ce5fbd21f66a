/** What XINFO STREAM FULL says. */
import { Effect, Exit } from "effect"
import type { CommandError, ValueError } from "../../../schema/CacheError.ts"
import type { Reply } from "../../../schema/Command.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type {
  StreamConsumerDetails,
  StreamDelivery,
  StreamDetails,
  StreamGroupDetails
} from "../../operations/structures/StreamInfo.ts"
import type { CacheContext } from "../kernel/context.ts"
import { isStored } from "../kernel/entry.ts"
import * as replies from "../kernel/replies.ts"
import { Facts } from "./Facts.ts"
import { decodePage } from "./streamReplies.ts"

export const detailsOf = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  entry: EntryName,
  reply: Reply
): Effect.Effect<StreamDetails<A>, ValueError, RD> =>
  Effect.gen(function* () {
    const { operation } = entry
    const facts = new Facts(operation, reply)
    const { entries } = yield* decodePage(context, entry, yield* facts.list("entries"))
    const groups = yield* facts.each("groups")
    return {
      ...(yield* streamFacts(facts)),
      entries,
      groups: yield* Effect.forEach(groups, (group) => groupOf(operation, group))
    }
  })

/** What every XINFO STREAM says of the stream itself. */
export const streamFacts = (facts: Facts) =>
  Effect.all({
    length: facts.number("length"),
    lastGeneratedId: facts.text("last-generated-id"),
    maxDeletedEntryId: facts.text("max-deleted-entry-id"),
    entriesAdded: facts.number("entries-added"),
    firstEntryId: facts.text("recorded-first-entry-id")
  })

const groupOf = (operation: string, facts: Facts): Effect.Effect<StreamGroupDetails, CommandError> =>
  Effect.gen(function* () {
    const consumers = yield* facts.each("consumers")
    return {
      name: yield* facts.text("name"),
      lastDeliveredId: yield* facts.text("last-delivered-id"),
      entriesRead: yield* facts.known("entries-read"),
      lag: yield* facts.known("lag"),
      pending: yield* facts.number("pel-count"),
      deliveries: yield* Effect.forEach(yield* facts.list("pending"), (item) => deliveryOf(operation, item)),
      consumers: yield* Effect.forEach(consumers, (consumer) => consumerOf(operation, consumer))
    }
  })

const consumerOf = (operation: string, facts: Facts): Effect.Effect<StreamConsumerDetails, CommandError> =>
  Effect.gen(function* () {
    const name = yield* facts.text("name")
    return {
      name,
      pending: yield* facts.number("pel-count"),
      seenAt: yield* facts.number("seen-time"),
      activeAt: yield* facts.known("active-time"),
      deliveries: yield* Effect.forEach(yield* facts.list("pending"), (item) => deliveryOf(operation, item, name))
    }
  })

/** `[id, consumer, time, count]`; without the consumer where it is of one. */
const deliveryOf = (operation: string, reply: Reply, name?: string): Exit.Exit<StreamDelivery, CommandError> => {
  const parts: ReadonlyArray<Reply> = Array.isArray(reply) ? reply : []
  const [id = null, consumer = null, deliveredAt, deliveries] =
    name === undefined ? parts : [parts[0], name, ...parts.slice(1)]
  return isStored(id) && isStored(consumer) && typeof deliveredAt === "number" && typeof deliveries === "number"
    ? Exit.succeed({ id: String(id), consumer: String(consumer), deliveredAt, deliveries })
    : replies.unexpected(operation)
}

/** What an empty cache knows of a stream. */
export const noFacts = {
  length: 0,
  lastGeneratedId: "0-0",
  maxDeletedEntryId: "0-0",
  entriesAdded: 0,
  firstEntryId: "0-0"
}
