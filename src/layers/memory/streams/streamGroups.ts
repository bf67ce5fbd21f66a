/** Groups of consumers: each entry goes to one of them, and is pending until it is acknowledged. */
import type { Reply, WireArg } from "../../../schema/Command.ts"
import { int64, keyOf, keyword, parseInt64, textOf } from "../kernel/arguments.ts"
import type { CommandContext } from "../kernel/CommandContext.ts"
import { atLeast, type CommandTable, type MemoryCommand } from "../kernel/command.ts"
import { NotInMemory, noSuchGroup, ServerReply, syntaxError, unknownSubcommand } from "../store/ServerReply.ts"
import { intervalEnd, intervalStart, isId, parseAnyId, parseId } from "./streamIds.ts"
import { firstId, formatId, maxId, type StreamId } from "../values/StreamId.ts"
import { countOf, readWords } from "./streams.ts"
import {
  type Consumer,
  itemReply,
  type PendingItem,
  StreamGroup,
  type StreamItem,
  StreamValue
} from "../values/StreamValue.ts"
import { keep, streamAt } from "../kernel/access.ts"

const noGroup = (key: string, group: string, more = "") =>
  new ServerReply(`NOGROUP No such key '${key}' or consumer group '${group}'${more}`)

interface Found {
  readonly stream: StreamValue
  readonly group: StreamGroup
}

const groupAt = (context: CommandContext, key: string, name: string, more = ""): Found => {
  const stream = streamAt(context, key)
  const group = stream?.groups.get(name)
  if (stream === undefined || group === undefined) throw noGroup(key, name, more)
  return { stream, group }
}

/** ENTRIESREAD: −1 is nothing that is known. */
const entriesReadOf = (value: WireArg): number | undefined => {
  const number = int64(value)
  if (number < -1n) throw new ServerReply("ERR value for ENTRIESREAD must be positive or -1")
  return number === -1n ? undefined : Number(number)
}

const manage: MemoryCommand = atLeast(3, (context, [subcommandArg, keyArg, groupArg, ...words]): Reply => {
  const subcommand = keyword(subcommandArg!)
  const key = keyOf(keyArg)
  const name = textOf(groupArg!)
  const wrongWords = () => unknownSubcommand(textOf(subcommandArg!), "XGROUP")
  let create = false
  let entriesRead: number | undefined
  for (let i = 1; i < words.length; i++) {
    const word = keyword(words[i]!)
    if (subcommand === "CREATE" && word === "MKSTREAM") create = true
    else if ((subcommand === "CREATE" || subcommand === "SETID") && word === "ENTRIESREAD" && i + 1 < words.length) {
      entriesRead = entriesReadOf(words[++i]!)
    } else throw wrongWords()
  }
  const known = streamAt(context, key)
  if (known === undefined && !create) {
    throw new ServerReply(
      "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically."
    )
  }
  const stream = known ?? new StreamValue()
  const existing = stream.groups.get(name)
  const group = () => {
    if (existing === undefined) throw noSuchGroup(name, key)
    return existing
  }
  const [first] = words
  switch (subcommand) {
    case "CREATE": {
      if (first === undefined) throw wrongWords()
      const from = textOf(first) === "$" ? stream.lastId : parseId(first)
      // Though it may have the group already.
      if (existing !== undefined) throw new ServerReply("BUSYGROUP Consumer Group name already exists")
      stream.groups.set(name, new StreamGroup(from, entriesRead))
      keep(context, key, stream)
      return "OK"
    }
    case "SETID": {
      const found = group()
      if (first === undefined) throw wrongWords()
      found.lastId = textOf(first) === "$" ? stream.lastId : parseAnyId(first)
      found.entriesRead = entriesRead
      return "OK"
    }
    case "DESTROY":
      return stream.groups.delete(name) ? 1 : 0
    case "CREATECONSUMER": {
      const found = group()
      const consumer = textOf(first ?? "")
      if (found.consumers.has(consumer)) return 0
      found.consumer(consumer, context.now)
      return 1
    }
    case "DELCONSUMER":
      return group().removeConsumer(textOf(first ?? ""))
    default:
      throw new NotInMemory(`the memory store has no XGROUP ${subcommand}`)
  }
})

/** New entries, which are the consumer's from now on. */
const deliver = (
  { now }: CommandContext,
  { group, stream }: Found,
  consumer: Consumer,
  count: number,
  noAck: boolean
): ReadonlyArray<StreamItem> => {
  const items = group.lastId === maxId ? [] : stream.range(group.lastId + 1n, maxId, count || Infinity)
  for (const { id } of items) {
    const counted = group.entriesRead !== undefined && !stream.hasHoles(id)
    group.entriesRead = counted ? group.entriesRead! + 1 : stream.position(id)
    group.lastId = id
    if (!noAck) group.deliver(id, consumer, now)
  }
  return items
}

/** What the consumer was given and has not acknowledged. */
const again = (
  { now }: CommandContext,
  { group, stream }: Found,
  consumer: Consumer,
  after: StreamId,
  count: number
): ReadonlyArray<Reply> => {
  const pending = group.pending(consumer).filter(({ id }) => id > after)
  return pending.slice(0, count || Infinity).map((item): Reply => {
    const entry = stream.find(item.id)
    if (entry === undefined) return [formatId(item.id), null]
    item.deliveredAt = now
    item.deliveries++
    return itemReply(entry)
  })
}

const read: MemoryCommand = atLeast(6, (context, args): Reply => {
  const { count, group: names, noAck, streams } = readWords("xreadgroup", args)
  const [groupName, consumerName] = names!
  const all = streams.map(([key, idArg]): readonly [string, Found, StreamId | undefined] => {
    const found = groupAt(context, key, groupName, " in XREADGROUP with GROUP option")
    if (textOf(idArg) === "$") {
      throw new ServerReply(
        "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set."
      )
    }
    return [key, found, textOf(idArg) === ">" ? undefined : parseId(idArg)]
  })
  const read = all.flatMap(([key, found, after]): ReadonlyArray<Reply> => {
    const consumer = found.group.consumer(consumerName, context.now)
    if (after !== undefined) return [[key, again(context, found, consumer, after, count)]]
    const items = deliver(context, found, consumer, count, noAck)
    if (items.length === 0) return []
    consumer.activeAt = context.now
    return [[key, items.map(itemReply)]]
  })
  return read.length === 0 ? null : read
})

const acknowledge: MemoryCommand = atLeast(3, (context, [keyArg, groupArg, ...ids]) => {
  const group = streamAt(context, keyOf(keyArg))?.groups.get(textOf(groupArg!))
  if (group === undefined) return 0
  return ids.map(parseId).filter((id) => group.settle(id)).length
})

const summary = (group: StreamGroup): Reply => {
  const all = group.pending()
  const [first, last] = [all[0], all.at(-1)]
  if (first === undefined || last === undefined) return [0, null, null, null]
  const owners = [...group.consumers.values()]
    .map((consumer) => [consumer.name, String(group.pending(consumer).length)] as const)
    .filter(([, count]) => count !== "0")
  return [all.length, formatId(first.id), formatId(last.id), owners.toSorted(byName)]
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  Buffer.compare(Buffer.from(a), Buffer.from(b))

const pending: MemoryCommand = atLeast(2, (context, [keyArg, groupArg, ...words]): Reply => {
  if (words.length === 1 || words.length === 2 || words.length > 6) throw syntaxError()
  const idleGiven = words.length > 0 && keyword(words[0]!) === "IDLE"
  const minIdle = idleGiven ? int64(words[1]) : 0n
  const [startArg, endArg, countArg, consumerArg] = idleGiven ? words.slice(2) : words
  if (words.length > 0 && countArg === undefined) throw syntaxError()
  const count = countArg === undefined ? 0 : countOf(countArg)
  const start = startArg === undefined ? firstId : intervalStart(startArg)
  const end = endArg === undefined ? maxId : intervalEnd(endArg)
  const { group } = groupAt(context, keyOf(keyArg), textOf(groupArg!))
  if (words.length === 0) return summary(group)
  const consumer = consumerArg === undefined ? undefined : group.consumers.get(textOf(consumerArg))
  if (consumerArg !== undefined && consumer === undefined) return []
  return group
    .pending(consumer)
    .filter(({ deliveredAt, id }) => id >= start && id <= end && context.now - deliveredAt >= minIdle)
    .slice(0, count)
    .map(({ consumer, deliveredAt, deliveries, id }) => [
      formatId(id),
      consumer?.name ?? "",
      Math.max(0, context.now - deliveredAt),
      deliveries
    ])
})

interface ClaimWords {
  readonly deliveredAt: number
  readonly deliveries: number | undefined
  readonly force: boolean
  readonly idsOnly: boolean
  readonly lastId: StreamId
}

const integerOr = (value: WireArg | undefined, error: string): bigint => {
  const number = parseInt64(value)
  if (number === undefined) throw new ServerReply(`ERR ${error}`)
  return number
}

const claimWords = (words: ReadonlyArray<WireArg>, now: number): ClaimWords => {
  let deliveredAt = -1n
  let deliveries: number | undefined
  let force = false
  let idsOnly = false
  let lastId = firstId
  for (let i = 0; i < words.length; i++) {
    const word = keyword(words[i]!)
    const value = words[i + 1]
    const wrong = `Invalid ${word} option argument for XCLAIM`
    if (word === "FORCE") force = true
    else if (word === "JUSTID") idsOnly = true
    else if (word === "IDLE" && value !== undefined) deliveredAt = BigInt(now) - integerOr(words[++i], wrong)
    else if (word === "TIME" && value !== undefined) deliveredAt = integerOr(words[++i], wrong)
    else if (word === "RETRYCOUNT" && value !== undefined) deliveries = Number(integerOr(words[++i], wrong))
    else if (word === "LASTID" && value !== undefined) lastId = parseId(words[++i])
    else throw new ServerReply(`ERR Unrecognized XCLAIM option '${textOf(words[i]!)}'`)
  }
  const sane = deliveredAt >= 0n && deliveredAt <= BigInt(now)
  return {
    deliveredAt: sane ? Number(deliveredAt) : now,
    deliveries: deliveries === undefined || deliveries < 0 ? undefined : deliveries,
    force,
    idsOnly,
    lastId
  }
}

const claim: MemoryCommand = atLeast(5, (context, [keyArg, groupArg, consumerArg, minIdleArg, ...words]): Reply => {
  const { now } = context
  const { group, stream } = groupAt(context, keyOf(keyArg), textOf(groupArg!))
  const minIdle = Number(integerOr(minIdleArg, "Invalid min-idle-time argument for XCLAIM"))
  const end = words.findIndex((word) => !isId(word))
  const ids = (end < 0 ? words : words.slice(0, end)).map(parseId)
  const options = claimWords(end < 0 ? [] : words.slice(end), now)
  if (options.lastId > group.lastId) group.lastId = options.lastId
  const consumer = group.consumer(textOf(consumerArg!), now)
  return ids.flatMap((id): ReadonlyArray<Reply> => {
    const entry = stream.find(id)
    if (entry === undefined) {
      group.settle(id)
      return []
    }
    const item = group.find(id) ?? (options.force ? group.adopt(id, now) : undefined)
    if (item === undefined) return []
    if (item.consumer !== undefined && now - item.deliveredAt < minIdle) return []
    item.deliveries = options.deliveries ?? item.deliveries + (options.idsOnly ? 0 : 1)
    take(item, consumer, options.deliveredAt, now)
    return [options.idsOnly ? formatId(id) : itemReply(entry)]
  })
})

const take = (item: PendingItem, consumer: Consumer, deliveredAt: number, now: number): void => {
  item.consumer = consumer
  item.deliveredAt = deliveredAt
  consumer.activeAt = now
}

const autoClaimWords = (words: ReadonlyArray<WireArg>) => {
  let count = 100
  let idsOnly = false
  for (let i = 0; i < words.length; i++) {
    const word = keyword(words[i]!)
    if (word === "COUNT" && words[i + 1] !== undefined) {
      const number = integerOr(words[++i], "COUNT must be > 0")
      if (number < 1n || number > 2n ** 63n / 16n) throw new ServerReply("ERR COUNT must be > 0")
      count = Number(number)
    } else if (word === "JUSTID") idsOnly = true
    else throw syntaxError()
  }
  return { count, idsOnly }
}

/** The server looks at so many for each that it may give. */
const attemptsPerCount = 10

const autoClaim: MemoryCommand = atLeast(5, (context, args): Reply => {
  const [keyArg, groupArg, consumerArg, minIdleArg, startArg, ...words] = args
  const { now } = context
  const minIdle = Number(integerOr(minIdleArg, "Invalid min-idle-time argument for XAUTOCLAIM"))
  const start = intervalStart(startArg)
  const { count, idsOnly } = autoClaimWords(words)
  const { group, stream } = groupAt(context, keyOf(keyArg), textOf(groupArg!))
  const consumer = group.consumer(textOf(consumerArg!), now)
  const candidates = group.pending().filter(({ id }) => id >= start)
  const claimed: Array<Reply> = []
  const deleted: Array<Reply> = []
  let looked = 0
  for (const item of candidates) {
    if (looked >= count * attemptsPerCount || claimed.length + deleted.length >= count) break
    looked++
    const entry = stream.find(item.id)
    if (entry === undefined) {
      group.settle(item.id)
      deleted.push(formatId(item.id))
      continue
    }
    if (now - item.deliveredAt < minIdle) continue
    if (!idsOnly) item.deliveries++
    take(item, consumer, now, now)
    claimed.push(idsOnly ? formatId(item.id) : itemReply(entry))
  }
  return [formatId(candidates[looked]?.id ?? firstId), claimed, deleted]
})

export const streamGroupCommands: CommandTable = {
  XGROUP: manage,
  XREADGROUP: read,
  XACK: acknowledge,
  XPENDING: pending,
  XCLAIM: claim,
  XAUTOCLAIM: autoClaim
}
