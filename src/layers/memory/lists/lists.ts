/** Lists. */
import type { Reply, WireArg } from "../../../schema/Command.ts"
import { int64, keyOf, keyword, parseInt64, positiveCount } from "../kernel/arguments.ts"
import type { CommandContext } from "../kernel/CommandContext.ts"
import { checkTimeout } from "../kernel/checkTimeout.ts"
import { afterTimeout, firstOf, firstOrWait } from "../kernel/firstOf.ts"
import { atLeast, type CommandTable, exactly, type MemoryCommand } from "../kernel/command.ts"
import { noSuchKey, ServerReply, syntaxError } from "../store/ServerReply.ts"
import { keep, kept, listAt } from "../kernel/access.ts"
import { ListValue } from "../values/ListValue.ts"
import { stringBytes, memberId, type StringValue } from "../values/StringValue.ts"

type End = "LEFT" | "RIGHT"

const same = (a: StringValue, b: StringValue): boolean => memberId(a) === memberId(b)

/** One after the other at that end; the new length. */
const pushAll = (context: CommandContext, key: string, end: End, values: ReadonlyArray<StringValue>): number => {
  const list = listAt(context, key) ?? new ListValue()
  const more = values.reduce((sum, value) => sum + stringBytes(value), 0)
  context.store.reserve(key, more, context.now)
  if (end === "LEFT") list.splice(0, 0, ...values.toReversed())
  else for (const value of values) list.splice(list.items.length, 0, value)
  keep(context, key, list)
  return list.items.length
}

const push = (end: End, onlyExisting = false): MemoryCommand =>
  atLeast(2, (context, [keyArg, ...values]) => {
    const key = keyOf(keyArg)
    if (onlyExisting && listAt(context, key) === undefined) return 0
    return pushAll(context, key, end, values.map(kept))
  })

const take = (context: CommandContext, key: string, end: End, count: number): ReadonlyArray<StringValue> => {
  const list = listAt(context, key)
  if (list === undefined) return []
  const amount = Math.min(count, list.items.length)
  const taken = list.splice(end === "LEFT" ? 0 : list.items.length - amount, amount)
  keep(context, key, list)
  return end === "LEFT" ? taken : taken.toReversed()
}

const pop = (end: End): MemoryCommand => ({
  least: 1,
  most: 2,
  run: (context, [keyArg, countArg]) => {
    const key = keyOf(keyArg)
    if (countArg === undefined) return take(context, key, end, 1)[0] ?? null
    const count = positiveCount(countArg)
    return listAt(context, key) === undefined ? null : take(context, key, end, count)
  }
})

/** An index as the server counts: from the end where below zero. */
const at = (list: ListValue, index: bigint): number => Number(index < 0n ? index + BigInt(list.items.length) : index)

/** Start and end, the end excluded, of what two indexes include. */
const span = (list: ListValue, start: bigint, stop: bigint): readonly [number, number] => [
  Math.max(0, at(list, start)),
  Math.min(list.items.length, at(list, stop) + 1)
]

const remove: MemoryCommand = exactly(3, (context, [keyArg, countArg, value]) => {
  const count = Number(int64(countArg))
  const key = keyOf(keyArg)
  const list = listAt(context, key)
  if (list === undefined) return 0
  const found = [...list.items.keys()].filter((i) => same(list.items[i]!, value!))
  const chosen = count === 0 ? found : count > 0 ? found.slice(0, count) : found.slice(count)
  for (const i of chosen.toReversed()) list.splice(i, 1)
  keep(context, key, list)
  return chosen.length
})

const insert: MemoryCommand = exactly(4, (context, [keyArg, whereArg, pivot, value]) => {
  const where = keyword(whereArg!)
  if (where !== "BEFORE" && where !== "AFTER") throw syntaxError()
  const key = keyOf(keyArg)
  const list = listAt(context, key)
  if (list === undefined) return 0
  const index = list.items.findIndex((item) => same(item, pivot!))
  if (index < 0) return -1
  context.store.reserve(key, stringBytes(value!), context.now)
  list.splice(where === "BEFORE" ? index : index + 1, 0, kept(value!))
  keep(context, key, list)
  return list.items.length
})

const position: MemoryCommand = atLeast(2, (context, [key, value, ...words]) => {
  let rank = 1n
  let count: bigint | undefined
  let most = 0n
  for (let i = 0; i < words.length; i += 2) {
    const word = keyword(words[i]!)
    const given = words[i + 1]
    if (given === undefined || !["RANK", "COUNT", "MAXLEN"].includes(word)) throw syntaxError()
    const number = word === "RANK" ? int64(given) : parseInt64(given)
    if (word === "RANK") {
      rank = number!
      if (rank === 0n) {
        throw new ServerReply(
          "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list"
        )
      }
    } else if (number === undefined || number < 0n) throw new ServerReply(`ERR ${word} can't be negative`)
    else if (word === "COUNT") count = number
    else most = number
  }
  const list = listAt(context, keyOf(key))
  const indexes = [...(list?.items.keys() ?? [])]
  const looked = rank < 0n ? indexes.toReversed() : indexes
  const compared = most === 0n ? looked : looked.slice(0, Number(most))
  const found = compared.filter((i) => same(list!.items[i]!, value!)).slice(Number(rank < 0n ? -rank : rank) - 1)
  if (count === undefined) return found[0] ?? null
  return count === 0n ? found : found.slice(0, Number(count))
})

const endOf = (value: WireArg | undefined): End => {
  const word = keyword(value ?? "")
  if (word !== "LEFT" && word !== "RIGHT") throw syntaxError()
  return word
}

const move = (
  context: CommandContext,
  [fromArg, toArg, takeEnd, putEnd]: ReadonlyArray<WireArg>
): StringValue | null => {
  const [from, to] = [keyOf(fromArg), keyOf(toArg)]
  const [source, target] = [endOf(takeEnd), endOf(putEnd)]
  if (listAt(context, from) === undefined) return null
  listAt(context, to)
  const [value] = take(context, from, source, 1)
  if (value === undefined) return null
  pushAll(context, to, target, [value])
  return value
}

const popFirst = (end: End): MemoryCommand =>
  firstOrWait((context, key) => {
    const [value] = take(context, key, end, 1)
    return value === undefined ? null : [key, value]
  })

/** LMPOP; null = none has anything. */
const popFromFirst = (context: CommandContext, args: ReadonlyArray<WireArg>): Reply =>
  firstOf(args, (word) => {
    const end = endOf(word)
    return (key, count) => {
      const taken = take(context, key, end, count)
      return taken.length === 0 ? null : [key, taken]
    }
  })

export const listCommands: CommandTable = {
  LPUSH: push("LEFT"),
  RPUSH: push("RIGHT"),
  LPUSHX: push("LEFT", true),
  RPUSHX: push("RIGHT", true),
  LPOP: pop("LEFT"),
  RPOP: pop("RIGHT"),
  LLEN: exactly(1, (context, [key]) => listAt(context, keyOf(key))?.items.length ?? 0),
  LRANGE: exactly(3, (context, [key, startArg, stopArg]): Reply => {
    const [start, stop] = [int64(startArg), int64(stopArg)]
    const list = listAt(context, keyOf(key))
    return list === undefined ? [] : list.items.slice(...span(list, start, stop))
  }),
  LINDEX: exactly(2, (context, [key, indexArg]) => {
    const list = listAt(context, keyOf(key))
    if (list === undefined) return null
    return list.items[at(list, int64(indexArg))] ?? null
  }),
  LSET: exactly(3, (context, [keyArg, indexArg, value]) => {
    const key = keyOf(keyArg)
    const list = listAt(context, key)
    if (list === undefined) throw noSuchKey()
    // The server cuts this index to 32 bits.
    const index = at(list, BigInt.asIntN(32, int64(indexArg)))
    const old = list.items[index]
    if (old === undefined) throw new ServerReply("ERR index out of range")
    context.store.reserve(key, stringBytes(value!) - stringBytes(old), context.now)
    list.splice(index, 1, kept(value!))
    keep(context, key, list)
    return "OK"
  }),
  LINSERT: insert,
  LREM: remove,
  LPOS: position,
  LTRIM: exactly(3, (context, [keyArg, startArg, stopArg]) => {
    const [start, stop] = [int64(startArg), int64(stopArg)]
    const key = keyOf(keyArg)
    const list = listAt(context, key)
    if (list === undefined) return "OK"
    const [from, to] = span(list, start, stop)
    list.splice(Math.max(from, to), list.items.length)
    list.splice(0, from)
    keep(context, key, list)
    return "OK"
  }),
  LMOVE: exactly(4, move),
  RPOPLPUSH: exactly(2, (context, args) => move(context, [...args, "RIGHT", "LEFT"])),
  LMPOP: atLeast(3, popFromFirst),
  BLMPOP: atLeast(4, afterTimeout(popFromFirst)),
  BLPOP: popFirst("LEFT"),
  BRPOP: popFirst("RIGHT"),
  BLMOVE: exactly(5, (context, args) => {
    checkTimeout(args[4])
    return move(context, args)
  }),
  BRPOPLPUSH: exactly(3, (context, [from, to, timeout]) => {
    checkTimeout(timeout)
    return move(context, [from!, to!, "RIGHT", "LEFT"])
  })
}
