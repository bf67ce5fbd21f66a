/** How commands read their arguments. */
import type { WireArg } from "../../../schema/Command.ts"
import { utf8Text } from "../../../schema/utf8Text.ts"
import { NotInMemory, notAnInteger, ServerReply } from "../store/ServerReply.ts"

export const bytesOf = (value: WireArg): Buffer => (typeof value === "string" ? Buffer.from(value) : value)

export const textOf = (value: WireArg): string => (typeof value === "string" ? value : value.toString())

export const keyOf = (value: WireArg | undefined): string => {
  if (typeof value === "string") return value
  const text = value === undefined ? "" : utf8Text(value)
  if (text === undefined) throw new NotInMemory("a key must be valid UTF-8")
  return text
}

const minInt64 = -(2n ** 63n)
const maxInt64 = 2n ** 63n - 1n

export const isInt64 = (value: bigint): boolean => value >= minInt64 && value <= maxInt64

/** A whole number as the server reads it: no plus sign, no leading zero, 64 bits. */
export const parseInt64 = (value: WireArg | undefined): bigint | undefined => {
  const text = value === undefined ? "" : textOf(value)
  if (!/^(?:0|-?[1-9]\d{0,18})$/.test(text)) return undefined
  const integer = BigInt(text)
  return isInt64(integer) ? integer : undefined
}

export const int64 = (value: WireArg | undefined): bigint => {
  const integer = parseInt64(value)
  if (integer === undefined) throw notAnInteger()
  return integer
}

/** How many to take. */
export const positiveCount = (value: WireArg): number => {
  const count = parseInt64(value)
  if (count === undefined || count < 0n) throw new ServerReply("ERR value is out of range, must be positive")
  return Number(count)
}

/** Keywords are read in either case. */
export const keyword = (value: WireArg): string => textOf(value).toUpperCase()
