/** Streams: entries that are added at the end and read by id. */
import type { Reply, WireArg } from "../../../schema/Command.ts"
import type { CommandRow } from "../../commands/CommandRow.ts"
import { int64, keyOf, keyword, textOf } from "../kernel/arguments.ts"
import type { CommandContext } from "../kernel/CommandContext.ts"
import { atLeast, type CommandTable, exactly, type MemoryCommand } from "../kernel/command.ts"
import { noSuchKey, ServerReply, syntaxError, wrongArguments } from "../store/ServerReply.ts"
import { intervalEnd, intervalStart, newId, parseId } from "./streamIds.ts"
import { firstId, formatId, maxId, type StreamId } from "../values/StreamId.ts"
import { itemReply, sizeOf, StreamValue } from "../values/StreamValue.ts"
import { keep, kept, streamAt } from "../kernel/access.ts"

interface Trim {
  readonly by: "MAXLEN" | "MINID"
  readonly threshold: bigint
  readonly approximate: boolean
  readonly limit: number
}

const notNegative = (name: string, value: WireArg): bigint => {
  const number = int64(value)
  if (number < 0n) throw new ServerReply(`ERR The ${name} argument must be >= 0.`)
  return number
}

/** What XADD and XTRIM have in common; an id is the last of them, and what follows are pairs. */
const trimOptions = (words: ReadonlyArray<WireArg>, adding: boolean) => {
  let trim: Omit<Trim, "limit"> | undefined
  let limit: bigint | undefined
  let create = true
  let idAfter: ReturnType<typeof newId> | undefined
  let i = 0
  for (; i < words.length; i++) {
    const word = keyword(words[i]!)
    const more = words.length - 1 - i
    if ((word === "MAXLEN" || word === "MINID") && more > 0) {
      if (trim !== undefined) {
        throw new ServerReply("ERR syntax error, MAXLEN and MINID options at the same time are not compatible")
      }
      const sign = more > 1 ? textOf(words[i + 1]!) : ""
      if (sign === "~" || sign === "=") i++
      const value = words[++i]!
      const threshold = word === "MAXLEN" ? notNegative("MAXLEN", value) : parseId(value)
      trim = { by: word, threshold, approximate: sign === "~" }
    } else if (word === "LIMIT" && more > 0) {
      limit = notNegative("LIMIT", words[++i]!)
    } else if (adding && word === "NOMKSTREAM") create = false
    else if (adding) {
      idAfter = newId(words[i])
      break
    } else throw syntaxError()
  }
  if (limit !== undefined && limit > 0n && trim === undefined) {
    throw new ServerReply("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy")
  }
  if (!adding && trim === undefined) {
    throw new ServerReply("ERR syntax error, XTRIM must be called with a trimming strategy")
  }
  if (limit !== undefined && trim?.approximate !== true) {
    throw new ServerReply("ERR syntax error, LIMIT cannot be used without the special ~ option")
  }
  return { trim: trim && { ...trim, limit: Number(limit ?? 10_000n) }, create, idAfter, pairs: words.slice(i + 1) }
}

/** How many went. */
const trimTo = (stream: StreamValue, trim: Trim): number => {
  const excess = trim.by === "MAXLEN" ? stream.items.length - Number(trim.threshold) : stream.indexOf(trim.threshold)
  return stream.trim(excess, trim)
}

const add: MemoryCommand = atLeast(4, (context, [keyArg, ...words]) => {
  const { create, idAfter, pairs, trim } = trimOptions(words, true)
  if (idAfter === undefined || pairs.length < 2 || pairs.length % 2 === 1) throw wrongArguments("xadd")
  if (idAfter(firstId, context.now) === firstId) {
    throw new ServerReply("ERR The ID specified in XADD must be greater than 0-0")
  }
  const key = keyOf(keyArg)
  const known = streamAt(context, key)
  if (known === undefined && !create) return null
  const stream = known ?? new StreamValue()
  if (stream.lastId === maxId) {
    throw new ServerReply("ERR The stream has exhausted the last possible ID, unable to add more items")
  }
  const id = idAfter(stream.lastId, context.now)
  if (id <= stream.lastId) {
    throw new ServerReply("ERR The ID specified in XADD is equal or smaller than the target stream top item")
  }
  const fields = pairs.map(kept)
  context.store.reserve(key, sizeOf(fields), context.now)
  stream.append(id, fields)
  if (trim !== undefined) trimTo(stream, trim)
  keep(context, key, stream)
  return formatId(id)
})

const trim: MemoryCommand = atLeast(3, (context, [keyArg, ...words]) => {
  const { trim } = trimOptions(words, false)
  const key = keyOf(keyArg)
  const stream = streamAt(context, key)
  if (stream === undefined) return 0
  const gone = trimTo(stream, trim!)
  keep(context, key, stream)
  return gone
})

const remove: MemoryCommand = atLeast(2, (context, [keyArg, ...idArgs]) => {
  const key = keyOf(keyArg)
  const stream = streamAt(context, key)
  if (stream === undefined) return 0
  const gone = idArgs.map(parseId).filter((id) => stream.delete(id)).length
  keep(context, key, stream)
  return gone
})

/** Below zero is none. */
export const countOf = (value: WireArg): number => Math.max(0, Number(int64(value)))

const range = (reverse: boolean): MemoryCommand =>
  atLeast(3, (context, [keyArg, a, b, ...words]): Reply => {
    const start = intervalStart(reverse ? b : a)
    const end = intervalEnd(reverse ? a : b)
    let count: number | undefined
    for (let i = 0; i < words.length; i += 2) {
      if (keyword(words[i]!) !== "COUNT" || words[i + 1] === undefined) throw syntaxError()
      count = countOf(words[i + 1]!)
    }
    const stream = streamAt(context, keyOf(keyArg))
    if (stream === undefined) return []
    if (count === 0) return null
    if (!reverse) return stream.range(start, end, count).map(itemReply)
    return stream.range(start, end).toReversed().slice(0, count).map(itemReply)
  })

export interface ReadWords {
  /** 0 = all. */
  readonly count: number
  readonly noAck: boolean
  readonly group: readonly [string, string] | undefined
  /** Keys, and from where each is read. */
  readonly streams: ReadonlyArray<readonly [string, WireArg]>
  /** Where the keys' ids begin. */
  readonly idsAt: number
}

/** The words of XREAD and XREADGROUP. */
export const readWords = (command: "xread" | "xreadgroup", args: ReadonlyArray<WireArg>): ReadWords => {
  let count = 0
  let noAck = false
  let group: ReadWords["group"]
  const forGroups = command === "xreadgroup"
  for (let i = 0; i < args.length; i++) {
    const word = keyword(args[i]!)
    const more = args.length - i - 1
    if (word === "BLOCK" && more > 0) checkMillis(args[++i]!)
    else if (word === "COUNT" && more > 0) count = countOf(args[++i]!)
    else if (word === "STREAMS" && more > 0) {
      const rest = args.slice(i + 1)
      if (rest.length % 2 !== 0) {
        const symbol = forGroups ? ">" : "$"
        throw new ServerReply(
          `ERR Unbalanced '${command}' list of streams: for each stream key an ID or '${symbol}' must be specified.`
        )
      }
      if (forGroups && group === undefined) throw new ServerReply("ERR Missing GROUP option for XREADGROUP")
      const half = rest.length / 2
      const streams = rest.slice(0, half).map((key, at) => [keyOf(key), rest[half + at]!] as const)
      return { count, noAck, group, streams, idsAt: i + 1 + half }
    } else if (word === "GROUP" && more > 1) {
      if (!forGroups) {
        throw new ServerReply("ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.")
      }
      group = [textOf(args[i + 1]!), textOf(args[i + 2]!)]
      i += 2
    } else if (word === "NOACK") {
      if (!forGroups) {
        throw new ServerReply("ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.")
      }
      noAck = true
    } else throw syntaxError()
  }
  throw syntaxError()
}

const checkMillis = (value: WireArg): void => {
  const millis = Number(textOf(value))
  if (!Number.isSafeInteger(millis)) throw new ServerReply("ERR timeout is not an integer or out of range")
  if (millis < 0) throw new ServerReply("ERR timeout is negative")
}

const read: MemoryCommand = atLeast(3, (context, args): Reply => {
  const { count, streams } = readWords("xread", args)
  const froms = streams.map(([key, idArg]): readonly [string, StreamValue | undefined, StreamId] => {
    const stream = streamAt(context, key)
    if (textOf(idArg) === "$") return [key, stream, stream?.lastId ?? firstId]
    if (textOf(idArg) === ">") {
      throw new ServerReply(
        "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
      )
    }
    return [key, stream, parseId(idArg)]
  })
  const found = froms.flatMap(([key, stream, after]): ReadonlyArray<Reply> => {
    const items = after === maxId ? [] : (stream?.range(after + 1n, maxId, count || Infinity) ?? [])
    return items.length === 0 ? [] : [[key, items.map(itemReply)]]
  })
  return found.length === 0 ? null : found
})

/** `$` is what was the last entry when the command came, however long it waits. */
export const pinned = (
  context: CommandContext,
  { args, row }: { readonly row: CommandRow; readonly args: ReadonlyArray<WireArg> }
): ReadonlyArray<WireArg> => {
  if (row.name !== "XREAD") return args
  const { idsAt, streams } = readWords("xread", args)
  const ids = streams.map(([key, id]) =>
    textOf(id) === "$" ? formatId(streamAt(context, key)?.lastId ?? firstId) : id
  )
  return [...args.slice(0, idsAt), ...ids]
}

const setId: MemoryCommand = atLeast(2, (context, [keyArg, idArg, ...words]) => {
  const id = parseId(idArg)
  let entriesAdded: bigint | undefined
  let maxDeletedId: StreamId | undefined
  for (let i = 0; i < words.length; i += 2) {
    const [word, value] = [keyword(words[i]!), words[i + 1]]
    if (word === "ENTRIESADDED" && value !== undefined) {
      entriesAdded = int64(value)
      if (entriesAdded < 0n) throw new ServerReply("ERR entries_added must be positive")
    } else if (word === "MAXDELETEDID" && value !== undefined) {
      maxDeletedId = parseId(value)
      if (id < maxDeletedId) {
        throw new ServerReply("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id")
      }
    } else throw syntaxError()
  }
  const key = keyOf(keyArg)
  const stream = streamAt(context, key)
  if (stream === undefined) throw noSuchKey()
  if (id < stream.maxDeletedId) {
    throw new ServerReply("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id")
  }
  const last = stream.items.at(-1)
  if (last !== undefined && id < last.id) {
    throw new ServerReply("ERR The ID specified in XSETID is smaller than the target stream top item")
  }
  if (last !== undefined && entriesAdded !== undefined && entriesAdded < BigInt(stream.items.length)) {
    throw new ServerReply("ERR The entries_added specified in XSETID is smaller than the target stream length")
  }
  stream.lastId = id
  if (entriesAdded !== undefined) stream.entriesAdded = Number(entriesAdded)
  if (maxDeletedId !== undefined && maxDeletedId !== firstId) stream.maxDeletedId = maxDeletedId
  keep(context, key, stream)
  return "OK"
})

export const streamCommands: CommandTable = {
  XADD: add,
  XTRIM: trim,
  XDEL: remove,
  XLEN: exactly(1, (context, [key]) => streamAt(context, keyOf(key))?.items.length ?? 0),
  XRANGE: range(false),
  XREVRANGE: range(true),
  XREAD: read,
  XSETID: setId
}
