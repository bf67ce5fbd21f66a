/** What streams tell about themselves. */
import type { Reply, WireArg } from "../../../schema/Command.ts"
import { int64, keyOf, keyword, textOf } from "../kernel/arguments.ts"
import type { CommandContext } from "../kernel/CommandContext.ts"
import { atLeast, type CommandTable } from "../kernel/command.ts"
import { NotInMemory, noSuchGroup, noSuchKey, unknownSubcommand, wrongArguments } from "../store/ServerReply.ts"
import { firstId, formatId } from "../values/StreamId.ts"
import {
  type Consumer,
  itemReply,
  type PendingItem,
  type StreamGroup,
  type StreamValue
} from "../values/StreamValue.ts"
import { streamAt } from "../kernel/access.ts"

/** Names and values in turn. */
const pairs = (fields: Readonly<Record<string, Reply>>): Reply => Object.entries(fields).flat()

const factsOf = ({ entriesAdded, items, lastId, maxDeletedId }: StreamValue) => ({
  length: items.length,
  "last-generated-id": formatId(lastId),
  "max-deleted-entry-id": formatId(maxDeletedId),
  "entries-added": entriesAdded,
  "recorded-first-entry-id": formatId(items[0]?.id ?? firstId)
})

const ofStream = (stream: StreamValue): Reply => {
  const { groups, items } = stream
  const [first, last] = [items[0], items.at(-1)]
  return pairs({
    ...factsOf(stream),
    groups: groups.size,
    "first-entry": first === undefined ? null : itemReply(first),
    "last-entry": last === undefined ? null : itemReply(last)
  })
}

const lagOf = (stream: StreamValue, group: StreamGroup): number | null => {
  if (stream.entriesAdded === 0) return 0
  const counted = group.entriesRead !== undefined && !stream.hasHoles(group.lastId)
  const read = counted ? group.entriesRead : stream.position(group.lastId)
  return read === undefined ? null : stream.entriesAdded - read
}

const ofGroups = (stream: StreamValue): Reply =>
  sortedByName(stream.groups).map(([name, group]) =>
    pairs({
      name,
      consumers: group.consumers.size,
      pending: group.pendingSize,
      "last-delivered-id": formatId(group.lastId),
      "entries-read": group.entriesRead ?? null,
      lag: lagOf(stream, group)
    })
  )

const ofConsumers = (group: StreamGroup, now: number): Reply =>
  sortedByName(group.consumers).map(([name, consumer]) =>
    pairs({
      name,
      pending: group.pending(consumer).length,
      idle: Math.max(0, now - consumer.seenAt),
      inactive: consumer.activeAt === undefined ? -1 : Math.max(0, now - consumer.activeAt)
    })
  )

/** What was delivered, oldest first, at most so many. */
const deliveries = (group: StreamGroup, consumer: Consumer | undefined, count: number): ReadonlyArray<PendingItem> =>
  group.pending(consumer).slice(0, count)

const fullGroup =
  (stream: StreamValue, count: number) =>
  ([name, group]: readonly [string, StreamGroup]): Reply =>
    pairs({
      name,
      "last-delivered-id": formatId(group.lastId),
      "entries-read": group.entriesRead ?? null,
      lag: lagOf(stream, group),
      "pel-count": group.pendingSize,
      pending: deliveries(group, undefined, count).map((item) => [
        formatId(item.id),
        item.consumer?.name ?? "",
        item.deliveredAt,
        item.deliveries
      ]),
      consumers: sortedByName(group.consumers).map(([, consumer]) =>
        pairs({
          name: consumer.name,
          "seen-time": consumer.seenAt,
          "active-time": consumer.activeAt ?? -1,
          "pel-count": group.pending(consumer).length,
          pending: deliveries(group, consumer, count).map((item) => [
            formatId(item.id),
            item.deliveredAt,
            item.deliveries
          ])
        })
      )
    })

const fullInfo = (stream: StreamValue, count: number): Reply =>
  pairs({
    ...factsOf(stream),
    entries: stream.items.slice(0, count).map(itemReply),
    groups: sortedByName(stream.groups).map(fullGroup(stream, count))
  })

/** The words behind FULL. */
const fullCount = (words: ReadonlyArray<WireArg>): number => {
  const [word, value] = words
  if (word === undefined) return 10
  if (words.length !== 2 || keyword(word) !== "COUNT") throw unknownSubcommand("STREAM", "XINFO")
  const count = Number(int64(value))
  return count < 0 ? 10 : count === 0 ? Infinity : count
}

const sortedByName = <V>(map: ReadonlyMap<string, V>) =>
  [...map].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))

/** How many arguments each takes at most. */
const most: Readonly<Record<string, number>> = { STREAM: 5, GROUPS: 2, CONSUMERS: 3 }

const run = (context: CommandContext, args: ReadonlyArray<WireArg>): Reply => {
  const [subcommand, keyArg, ...words] = args
  const name = keyword(subcommand ?? "")
  const limit = most[name]
  if (limit === undefined) throw new NotInMemory(`the memory store has no XINFO ${name}`)
  if (args.length > limit || (name === "CONSUMERS" && args.length < limit)) {
    throw name === "STREAM" ? unknownSubcommand(textOf(subcommand ?? ""), "XINFO") : wrongArguments(`xinfo|${name}`)
  }
  const key = keyOf(keyArg)
  const stream = streamAt(context, key)
  if (stream === undefined) throw noSuchKey()
  if (name === "GROUPS") return ofGroups(stream)
  if (name === "STREAM") {
    const [word, ...rest] = words
    if (word === undefined) return ofStream(stream)
    if (keyword(word) !== "FULL") throw unknownSubcommand(textOf(subcommand ?? ""), "XINFO")
    return fullInfo(stream, fullCount(rest))
  }
  const groupName = textOf(words[0] ?? "")
  const group = stream.groups.get(groupName)
  if (group === undefined) throw noSuchGroup(groupName, key)
  return ofConsumers(group, context.now)
}

export const streamInfoCommands: CommandTable = { XINFO: atLeast(2, run) }
