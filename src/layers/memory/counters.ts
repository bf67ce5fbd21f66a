/** Counters: strings that hold a number. */
import type { WireArg } from "../../schema/Command.ts"
import { int64, isInt64, keyOf, parseInt64, textOf } from "./arguments.ts"
import { type CommandContext, type CommandTable, exactly } from "./command.ts"
import { addLongDouble, formatLongDouble, isInfinite, parseLongDouble } from "./longDouble.ts"
import { notAnInteger, ServerReply } from "./ServerReply.ts"

const add = ({ store, now }: CommandContext, keyArg: WireArg | undefined, delta: bigint): number => {
  const key = keyOf(keyArg)
  const entry = store.get(key, now)
  const current = entry === undefined ? 0n : parseInt64(entry.value)
  if (current === undefined) throw notAnInteger()
  const sum = current + delta
  if (!isInt64(sum)) throw new ServerReply("ERR increment or decrement would overflow")
  store.set(key, String(sum), entry?.expiresAt ?? Infinity, now)
  return Number(sum)
}

const negated = (delta: bigint): bigint => {
  if (!isInt64(-delta)) throw new ServerReply("ERR decrement would overflow")
  return -delta
}

const notAFloat = () => new ServerReply("ERR value is not a valid float")

const addFloat = (
  { store, now }: CommandContext,
  keyArg: WireArg | undefined,
  deltaArg: WireArg | undefined
): string => {
  const key = keyOf(keyArg)
  const entry = store.get(key, now)
  const currentText = entry === undefined ? "0" : textOf(entry.value)
  const deltaText = textOf(deltaArg ?? "")
  const current = parseLongDouble(currentText)
  const delta = parseLongDouble(deltaText)
  if (current === undefined || delta === undefined) {
    const readable = [currentText, deltaText].every((text) => isInfinite(text) || parseLongDouble(text) !== undefined)
    throw readable ? new ServerReply("ERR increment would produce NaN or Infinity") : notAFloat()
  }
  const sum = formatLongDouble(addLongDouble(current, delta))
  store.set(key, sum, entry?.expiresAt ?? Infinity, now)
  return sum
}

export const counterCommands: CommandTable = {
  INCR: exactly(1, (context, [key]) => add(context, key, 1n)),
  DECR: exactly(1, (context, [key]) => add(context, key, -1n)),
  INCRBY: exactly(2, (context, [key, delta]) => add(context, key, int64(delta))),
  DECRBY: exactly(2, (context, [key, delta]) => add(context, key, negated(int64(delta)))),
  INCRBYFLOAT: exactly(2, (context, [key, delta]) => addFloat(context, key, delta))
}
