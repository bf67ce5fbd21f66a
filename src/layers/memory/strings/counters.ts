/** Counters: strings that hold a number. */
import type { WireArg } from "../../../schema/Command.ts"
import { int64, isInt64, keyOf, textOf } from "../kernel/arguments.ts"
import type { CommandContext } from "../kernel/CommandContext.ts"
import { type CommandTable, exactly } from "../kernel/command.ts"
import { addFloats, addInteger, notAFloat } from "../kernel/sums.ts"
import { notAnInteger, ServerReply } from "../store/ServerReply.ts"
import { rewrite, stringAt } from "../kernel/access.ts"

const add = (context: CommandContext, keyArg: WireArg | undefined, delta: bigint): number => {
  const key = keyOf(keyArg)
  const sum = addInteger(stringAt(context, key), delta, notAnInteger)
  rewrite(context, key, String(sum))
  return Number(sum)
}

const negated = (delta: bigint): bigint => {
  if (!isInt64(-delta)) throw new ServerReply("ERR decrement would overflow")
  return -delta
}

const addFloat = (context: CommandContext, keyArg: WireArg | undefined, deltaArg: WireArg | undefined): string => {
  const key = keyOf(keyArg)
  const sum = addFloats(textOf(stringAt(context, key) ?? "0"), textOf(deltaArg ?? ""), notAFloat)
  rewrite(context, key, sum)
  return sum
}

export const counterCommands: CommandTable = {
  INCR: exactly(1, (context, [key]) => add(context, key, 1n)),
  DECR: exactly(1, (context, [key]) => add(context, key, -1n)),
  INCRBY: exactly(2, (context, [key, delta]) => add(context, key, int64(delta))),
  DECRBY: exactly(2, (context, [key, delta]) => add(context, key, negated(int64(delta)))),
  INCRBYFLOAT: exactly(2, (context, [key, delta]) => addFloat(context, key, delta))
}
