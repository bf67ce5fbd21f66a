/** Counters: strings that hold a number. */
import type { WireArg } from "../../schema/Command.ts"
import { int64, isInt64, keyOf, parseInt64, textOf } from "./arguments.ts"
import type { CommandContext } from "./CommandContext.ts"
import { type CommandTable, exactly } from "./command.ts"
import { addLongDouble, formatLongDouble, isInfinite, parseLongDouble } from "./longDouble.ts"
import { notAnInteger, ServerReply } from "./store/ServerReply.ts"
import { stringAt } from "./access.ts"
import type { StringValue } from "./values/StringValue.ts"

/** `current` of an absent counter is undefined, and counts from zero; `notANumber` where it holds something else. */
export const addInteger = (current: StringValue | undefined, delta: bigint, notANumber: () => Error): bigint => {
  const start = current === undefined ? 0n : parseInt64(current)
  if (start === undefined) throw notANumber()
  const sum = start + delta
  if (!isInt64(sum)) throw new ServerReply("ERR increment or decrement would overflow")
  return sum
}

const add = (context: CommandContext, keyArg: WireArg | undefined, delta: bigint): number => {
  const { now, store } = context
  const key = keyOf(keyArg)
  const sum = addInteger(stringAt(context, key), delta, notAnInteger)
  store.set(key, String(sum), store.expiresAt(key, now) ?? Infinity, now)
  return Number(sum)
}

const negated = (delta: bigint): bigint => {
  if (!isInt64(-delta)) throw new ServerReply("ERR decrement would overflow")
  return -delta
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

const addFloat = (context: CommandContext, keyArg: WireArg | undefined, deltaArg: WireArg | undefined): string => {
  const { now, store } = context
  const key = keyOf(keyArg)
  const sum = addFloats(textOf(stringAt(context, key) ?? "0"), textOf(deltaArg ?? ""), notAFloat)
  store.set(key, sum, store.expiresAt(key, now) ?? Infinity, now)
  return sum
}

export const counterCommands: CommandTable = {
  INCR: exactly(1, (context, [key]) => add(context, key, 1n)),
  DECR: exactly(1, (context, [key]) => add(context, key, -1n)),
  INCRBY: exactly(2, (context, [key, delta]) => add(context, key, int64(delta))),
  DECRBY: exactly(2, (context, [key, delta]) => add(context, key, negated(int64(delta)))),
  INCRBYFLOAT: exactly(2, (context, [key, delta]) => addFloat(context, key, delta))
}
