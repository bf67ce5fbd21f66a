/** What counters add, wherever the number stands. */
import { ServerReply } from "../store/ServerReply.ts"
import type { StringValue } from "../values/StringValue.ts"
import { isInt64, parseInt64 } from "./arguments.ts"
import { addLongDouble, formatLongDouble, isInfinite, parseLongDouble } from "./longDouble.ts"

/** `current` of an absent counter is undefined, and counts from zero; `notANumber` where it holds something else. */
export const addInteger = (current: StringValue | undefined, delta: bigint, notANumber: () => Error): bigint => {
  const start = current === undefined ? 0n : parseInt64(current)
  if (start === undefined) throw notANumber()
  const sum = start + delta
  if (!isInt64(sum)) throw new ServerReply("ERR increment or decrement would overflow")
  return sum
}

export const notAFloat = () => new ServerReply("ERR value is not a valid float")

export const addFloats = (currentText: string, deltaText: string, notANumber: () => Error): string => {
  const current = parseLongDouble(currentText)
  const delta = parseLongDouble(deltaText)
  if (current === undefined || delta === undefined) {
    const readable = [currentText, deltaText].every((text) => isInfinite(text) || parseLongDouble(text) !== undefined)
    throw readable ? new ServerReply("ERR increment would produce NaN or Infinity") : notANumber()
  }
  return formatLongDouble(addLongDouble(current, delta))
}
