/** How commands name stream entries. */
import type { WireArg } from "../../../schema/Command.ts"
import { textOf } from "../kernel/arguments.ts"
import { ServerReply } from "../store/ServerReply.ts"
import { firstId, idOf, maxHalf, maxId, millisOf, type StreamId } from "../values/StreamId.ts"

const invalidId = () => new ServerReply("ERR Invalid stream ID specified as stream command argument")

/** As the server reads it: leading blanks, a plus sign and zeros are no fault. */
const parseHalf = (text: string): bigint => {
  if (!/^[ \t\n\v\f\r]*\+?\d+$/.test(text)) throw invalidId()
  const number = BigInt(text.trim().replace("+", ""))
  if (number > maxHalf) throw invalidId()
  return number
}

/** `1-2`, or `1` with the sequence that is then meant. */
const parse = (text: string, missingSequence: bigint): StreamId => {
  const dash = text.indexOf("-")
  if (dash < 0) return idOf(parseHalf(text), missingSequence)
  return idOf(parseHalf(text.slice(0, dash)), parseHalf(text.slice(dash + 1)))
}

export const parseId = (arg: WireArg | undefined): StreamId => parse(textOf(arg ?? ""), 0n)

export const isId = (arg: WireArg): boolean => {
  try {
    parseId(arg)
    return true
  } catch {
    return false
  }
}

/** Where a new entry goes after the last one: an id, `1-*` for the next of that millisecond, `*` for the next of now. */
export const newId = (arg: WireArg | undefined): ((last: StreamId, now: number) => StreamId) => {
  const text = textOf(arg ?? "")
  const wanted = (id: StreamId, last: StreamId) => (id > last ? id : last + 1n)
  if (text === "*") return (last, now) => wanted(idOf(BigInt(now), 0n), last)
  if (!text.endsWith("-*")) {
    const id = parseId(arg)
    return () => id
  }
  const millis = parseHalf(text.slice(0, -2))
  return (last) => (millis === millisOf(last) ? last + 1n : idOf(millis, 0n))
}

/** With `-` and `+` for the ends. */
export const parseAnyId = (arg: WireArg | undefined, missingSequence = 0n): StreamId => {
  const text = textOf(arg ?? "")
  if (text === "-") return firstId
  return text === "+" ? maxId : parse(text, missingSequence)
}

const bound = (
  arg: WireArg | undefined,
  missingSequence: bigint
): { readonly id: StreamId; readonly open: boolean } => {
  const text = textOf(arg ?? "")
  if (text.length > 1 && text.startsWith("(")) return { id: parse(text.slice(1), missingSequence), open: true }
  return { id: parseAnyId(text, missingSequence), open: false }
}

/** The first id of an interval: `-`, `+`, an id, or `(` and an id for what comes after it. */
export const intervalStart = (arg: WireArg | undefined): StreamId => {
  const { id, open } = bound(arg, 0n)
  if (!open) return id
  if (id === maxId) throw new ServerReply("ERR invalid start ID for the interval")
  return id + 1n
}

/** The last id of an interval. */
export const intervalEnd = (arg: WireArg | undefined): StreamId => {
  const { id, open } = bound(arg, maxHalf)
  if (!open) return id
  if (id === firstId) throw new ServerReply("ERR invalid end ID for the interval")
  return id - 1n
}
