/** Lifetimes: EXPIRE and its relatives, and the expiry options that SET and GETEX share. */
import type { WireArg } from "../../schema/Command.ts"
import { int64, isInt64, keyOf, keyword, textOf } from "./arguments.ts"
import type { CommandContext } from "./CommandContext.ts"
import { atLeast, type CommandTable, exactly, type MemoryCommand } from "./command.ts"
import { invalidExpireTime, ServerReply, syntaxError } from "./store/ServerReply.ts"

type Unit = "s" | "ms"

/** Milliseconds since 1970; refused where 64 bits would overflow. */
const instant = (command: string, amount: bigint, unit: Unit, from: number): number => {
  const millis = unit === "s" ? amount * 1000n : amount
  const absolute = millis + BigInt(from)
  if (!isInt64(millis) || !isInt64(absolute)) throw invalidExpireTime(command)
  return Number(absolute)
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

interface Condition {
  readonly nx: boolean
  readonly xx: boolean
  readonly gt: boolean
  readonly lt: boolean
}

const condition = (words: ReadonlyArray<WireArg>): Condition => {
  const given = new Set<string>()
  for (const word of words) {
    if (!["NX", "XX", "GT", "LT"].includes(keyword(word)))
      throw new ServerReply(`ERR Unsupported option ${textOf(word)}`)
    given.add(keyword(word))
  }
  const found = { nx: given.has("NX"), xx: given.has("XX"), gt: given.has("GT"), lt: given.has("LT") }
  if (found.nx && (found.xx || found.gt || found.lt)) {
    throw new ServerReply("ERR NX and XX, GT or LT options at the same time are not compatible")
  }
  if (found.gt && found.lt) throw new ServerReply("ERR GT and LT options at the same time are not compatible")
  return found
}

const allows = ({ nx, xx, gt, lt }: Condition, current: number, next: number): boolean =>
  !(nx && current !== Infinity) && !(xx && current === Infinity) && !(gt && next <= current) && !(lt && next >= current)

const expire = (command: string, unit: Unit, relative: boolean): MemoryCommand =>
  atLeast(2, (context, [keyArg, amount, ...options]) => {
    // The server reads the options first.
    const when = condition(options)
    const expiresAt = instant(command, int64(amount), unit, relative ? context.now : 0)
    const key = keyOf(keyArg)
    const current = context.store.expiresAt(key, context.now)
    if (current === undefined || !allows(when, current, expiresAt)) return 0
    if (expiresAt <= context.now) context.store.delete(key, context.now)
    else context.store.expire(key, expiresAt, context.now)
    return 1
  })

const remaining = (relative: boolean, unit: Unit): MemoryCommand =>
  exactly(1, ({ store, now }, [key]) => {
    const expiresAt = store.expiresAt(keyOf(key), now)
    if (expiresAt === undefined) return -2
    if (expiresAt === Infinity) return -1
    const millis = expiresAt - (relative ? now : 0)
    return unit === "ms" ? millis : Math.floor((millis + 500) / 1000)
  })

export const expiryCommands: CommandTable = {
  EXPIRE: expire("expire", "s", true),
  PEXPIRE: expire("pexpire", "ms", true),
  EXPIREAT: expire("expireat", "s", false),
  PEXPIREAT: expire("pexpireat", "ms", false),
  TTL: remaining(true, "s"),
  PTTL: remaining(true, "ms"),
  EXPIRETIME: remaining(false, "s"),
  PEXPIRETIME: remaining(false, "ms"),
  PERSIST: exactly(1, ({ store, now }, [keyArg]) => {
    const key = keyOf(keyArg)
    if ((store.expiresAt(key, now) ?? Infinity) === Infinity) return 0
    store.expire(key, Infinity, now)
    return 1
  })
}
