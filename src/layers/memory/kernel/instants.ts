/** Instants at which something ends, and the options of SET, GETEX and their relatives that say so. */
import type { WireArg } from "../../../schema/Command.ts"
import { invalidExpireTime, syntaxError } from "../store/ServerReply.ts"
import { int64, isInt64 } from "./arguments.ts"
import type { CommandContext } from "./CommandContext.ts"

export type Unit = "s" | "ms"

/** Milliseconds since 1970; refused where 64 bits would overflow. */
export const instant = (command: string, amount: bigint, unit: Unit, from: number): number => {
  const millis = unit === "s" ? amount * 1000n : amount
  const absolute = millis + BigInt(from)
  if (!isInt64(millis) || !isInt64(absolute)) throw invalidExpireTime(command)
  return Number(absolute)
}

/** How long something lives from an instant on, as TTL rounds it; -1 = for ever. From 0 on it is when it ends. */
export const lifetimeFrom = (from: number, end: number, unit: Unit): number => {
  if (end === Infinity) return -1
  return unit === "ms" ? end - from : Math.floor((end - from + 500) / 1000)
}

/** What an expiry option of SET or GETEX means; undefined for any other word. */
export const expiryOption = (
  context: CommandContext,
  command: string,
  word: string,
  amount: WireArg | undefined
): number | undefined => {
  const option = expiryOptions[word]
  if (option === undefined) return undefined
  if (amount === undefined) throw syntaxError()
  return positiveInstant(command, int64(amount), option.unit, option.relative ? context.now : 0)
}

export const isExpiryOption = (word: string): boolean => word in expiryOptions

/** As `SETEX` and the options read it: zero and less are refused. */
export const positiveInstant = (command: string, amount: bigint, unit: Unit, from: number): number => {
  if (amount <= 0n) throw invalidExpireTime(command)
  return instant(command, amount, unit, from)
}

const expiryOptions: Readonly<Record<string, { readonly unit: Unit; readonly relative: boolean }>> = {
  EX: { unit: "s", relative: true },
  PX: { unit: "ms", relative: true },
  EXAT: { unit: "s", relative: false },
  PXAT: { unit: "ms", relative: false }
}
