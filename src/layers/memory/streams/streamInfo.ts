/** What streams tell about themselves. */
import type { Reply } from "../../../schema/Command.ts"
import { keyOf, keyword, textOf } from "../kernel/arguments.ts"
import type { CommandContext } from "../kernel/CommandContext.ts"
import type { CommandTable } from "../kernel/command.ts"
import { NotInMemory, noSuchKey, ServerReply } from "../store/ServerReply.ts"
import { firstId, formatId } from "../values/StreamId.ts"
import { itemReply, type StreamGroup, type StreamValue } from "../values/StreamValue.ts"
import { streamAt } from "../kernel/access.ts"

/** Names and values in turn. */
const pairs = (fields: Readonly<Record<string, Reply>>): Reply => Object.entries(fields).flat()

const ofStream = ({ entriesAdded, groups, items, lastId, maxDeletedId }: StreamValue): Reply => {
  const [first, last] = [items[0], items.at(-1)]
  return pairs({
    length: items.length,
    "last-generated-id": formatId(lastId),
    "max-deleted-entry-id": formatId(maxDeletedId),
    "entries-added": entriesAdded,
    "recorded-first-entry-id": formatId(first?.id ?? firstId),
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

const sortedByName = <V>(map: ReadonlyMap<string, V>) =>
  [...map].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))

const run = (context: CommandContext, subcommand: string, key: string, groupName: string): Reply => {
  const stream = streamAt(context, key)
  if (stream === undefined) throw noSuchKey()
  if (subcommand === "STREAM") return ofStream(stream)
  if (subcommand === "GROUPS") return ofGroups(stream)
  if (subcommand !== "CONSUMERS") throw new NotInMemory(`the memory store has no XINFO ${subcommand}`)
  const group = stream.groups.get(groupName)
  if (group === undefined) {
    throw new ServerReply(`NOGROUP No such consumer group '${groupName}' for key name '${key}'`)
  }
  return ofConsumers(group, context.now)
}

export const streamInfoCommands: CommandTable = {
  XINFO: {
    least: 2,
    most: 3,
    run: (context, [subcommand, key, group]) => run(context, keyword(subcommand ?? ""), keyOf(key), textOf(group ?? ""))
  }
}
