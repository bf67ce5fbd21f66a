/** Instants at which something ends, and the options of SET, GETEX and their relatives that say so. */
import type { WireArg } from "../../../schema/Command.ts"
import { invalidExpireTime, syntaxError } from "../store/ServerReply.ts"
import { int64, isInt64, keyword } from "./arguments.ts"
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

type ExpiryWord = "EX" | "PX" | "EXAT" | "PXAT"

/** An expiry option of SET, GETEX or their relatives. Its amount is read once the syntax is known to be right, as a server does. */
export interface Expiry {
  readonly word: ExpiryWord
  readonly amount: WireArg
}

/** Whether that is an expiry option and its amount. After an earlier one only the same may come, and the last one counts. */
export const isExpiry = (word: string, amount: WireArg | undefined, earlier: Expiry | undefined): word is ExpiryWord =>
  word in expiryOptions && amount !== undefined && (earlier?.word ?? word) === word

/** The words of GETEX and HGETEX. */
export const expiryOrForever = (words: ReadonlyArray<WireArg>): Expiry | "forever" | undefined => {
  let found: Expiry | "forever" | undefined
  for (let i = 0; i < words.length; i++) {
    const word = keyword(words[i]!)
    if (word === "PERSIST" && (found === undefined || found === "forever")) found = "forever"
    else if (found !== "forever" && isExpiry(word, words[i + 1], found)) found = { word, amount: words[++i]! }
    else throw syntaxError()
  }
  return found
}

/** When what has the option ends. */
export const expiryInstant = (context: CommandContext, command: string, { amount, word }: Expiry): number => {
  const { relative, unit } = expiryOptions[word]
  return positiveInstant(command, int64(amount), unit, relative ? context.now : 0)
}

/** As `SETEX` and the options read it: zero and less are refused. */
export const positiveInstant = (command: string, amount: bigint, unit: Unit, from: number): number => {
  if (amount <= 0n) throw invalidExpireTime(command)
  return instant(command, amount, unit, from)
}

const expiryOptions: Readonly<Record<ExpiryWord, { readonly unit: Unit; readonly relative: boolean }>> = {
  EX: { unit: "s", relative: true },
  PX: { unit: "ms", relative: true },
  EXAT: { unit: "s", relative: false },
  PXAT: { unit: "ms", relative: false }
}
