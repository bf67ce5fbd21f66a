/** Lifetimes of the fields of hashes, as a Valkey 9 knows them. */
import type { Reply, WireArg } from "../../../schema/Command.ts"
import { hashAt, keep, kept } from "../kernel/access.ts"
import { int64, keyOf, keyword, parseInt64 } from "../kernel/arguments.ts"
import type { CommandContext } from "../kernel/CommandContext.ts"
import { atLeast, type CommandTable, type MemoryCommand } from "../kernel/command.ts"
import { allows, condition } from "../kernel/conditions.ts"
import {
  type Expiry,
  expiryInstant,
  expiryOrForever,
  instant,
  isExpiry,
  lifetimeFrom,
  type Unit
} from "../kernel/instants.ts"
import { invalidExpireTime, ServerReply, syntaxError } from "../store/ServerReply.ts"
import { HashValue } from "../values/HashValue.ts"

const wrongCount = () =>
  new ServerReply("ERR numfields should be greater than 0 and match the provided number of fields")

/** The words before FIELDS, and those that its number counts; `step` words each. */
const split = (words: ReadonlyArray<WireArg>, step: number) => {
  const at = words.findIndex((word, i) => i < words.length - 1 && keyword(word) === "FIELDS")
  if (at < 0) throw wrongCount()
  const options = words.slice(0, at)
  const count = () => {
    const fields = words.slice(at + 2)
    const number = int64(words[at + 1])
    if (number === 0n || number * BigInt(step) !== BigInt(fields.length)) throw wrongCount()
    return fields
  }
  return { options, count }
}

/** -2 = there is no such field, 0 = the condition held it back, 1 = done, 2 = it has ended at once. */
const expire = (command: string, unit: Unit, relative: boolean): MemoryCommand =>
  atLeast(5, (context, [keyArg, amountArg, ...words]): Reply => {
    const { count, options } = split(words, 1)
    const when = condition(options)
    const fields = count().map(keyOf)
    const amount = int64(amountArg)
    if (amount < 0n) throw invalidExpireTime(command)
    const end = instant(command, amount, unit, relative ? context.now : 0)
    const key = keyOf(keyArg)
    const hash = hashAt(context, key)
    if (hash === undefined) return fields.map(() => -2)
    const told = fields.map((field) => {
      if (!hash.fields.has(field)) return -2
      if (!allows(when, hash.endOf(field), end)) return 0
      if (end <= context.now) {
        hash.delete(field)
        return 2
      }
      hash.endAt(field, end)
      return 1
    })
    keep(context, key, hash)
    return told
  })

/** The fields of a command without options. */
const fieldsOf = (
  [word, number, ...fields]: ReadonlyArray<WireArg>,
  badCount: () => ServerReply
): ReadonlyArray<string> => {
  if (keyword(word ?? "") !== "FIELDS") throw syntaxError()
  const count = int64(number)
  if (count <= 0n || count !== BigInt(fields.length)) throw badCount()
  return fields.map(keyOf)
}

/** -2 = there is no such field, -1 = it lives for ever. */
const remaining = (unit: Unit, relative: boolean): MemoryCommand =>
  atLeast(4, (context, [keyArg, ...words]): Reply => {
    const fields = fieldsOf(words, syntaxError)
    const hash = hashAt(context, keyOf(keyArg))
    const from = relative ? context.now : 0
    return fields.map((field) => (hash?.fields.has(field) === true ? lifetimeFrom(from, hash.endOf(field), unit) : -2))
  })

/** -2 = there is no such field, -1 = it lived for ever, 1 = done. */
const persist: MemoryCommand = atLeast(4, (context, [keyArg, ...words]): Reply => {
  const fields = fieldsOf(words, wrongCount)
  const key = keyOf(keyArg)
  const hash = hashAt(context, key)
  if (hash === undefined) return fields.map(() => -2)
  const told = fields.map((field) => {
    if (!hash.fields.has(field)) return -2
    if (hash.endOf(field) === Infinity) return -1
    hash.endAt(field, Infinity)
    return 1
  })
  keep(context, key, hash)
  return told
})

/** When the fields end: of zero at once, for which the options of other commands have no place. */
const endOf = (context: CommandContext, command: string, expiry: Expiry): number =>
  parseInt64(expiry.amount) === 0n ? 0 : expiryInstant(context, command, expiry)

const getWithLifetime: MemoryCommand = atLeast(4, (context, [keyArg, ...words]): Reply => {
  const { count, options } = split(words, 1)
  const expiry = expiryOrForever(options)
  const fields = count().map(keyOf)
  const key = keyOf(keyArg)
  const hash = hashAt(context, key)
  const end = expiry === "forever" ? Infinity : expiry && endOf(context, "hgetex", expiry)
  if (hash === undefined) return fields.map(() => null)
  const found = fields.map((field) => {
    const value = hash.fields.get(field)
    if (value === undefined) return null
    if (end !== undefined && end <= context.now) hash.delete(field)
    else if (end !== undefined) hash.endAt(field, end)
    return value
  })
  if (end !== undefined) keep(context, key, hash)
  return found
})

interface SetWords {
  readonly flags: ReadonlySet<string>
  readonly expiry: Expiry | undefined
}

/** Those that exclude each other. */
const pairs = [
  ["NX", "XX"],
  ["FNX", "FXX"]
] as const

const setWords = (options: ReadonlyArray<WireArg>): SetWords => {
  const flags = new Set<string>()
  let expiry: Expiry | undefined
  for (let i = 0; i < options.length; i++) {
    const word = keyword(options[i]!)
    const other = pairs.find((pair) => pair.some((one) => one === word))?.find((one) => one !== word)
    if (other !== undefined && !flags.has(other)) flags.add(word)
    else if (word === "KEEPTTL" && expiry === undefined) flags.add(word)
    else if (!flags.has("KEEPTTL") && isExpiry(word, options[i + 1], expiry)) expiry = { word, amount: options[++i]! }
    else throw syntaxError()
  }
  return { flags, expiry }
}

/** 0 = a condition held it back. */
const setWithLifetime: MemoryCommand = atLeast(5, (context, [keyArg, ...words]): Reply => {
  const { count, options } = split(words, 2)
  const { expiry, flags } = setWords(options)
  const rest = count()
  const given = new Map<string, WireArg>()
  for (let i = 0; i < rest.length; i += 2) given.set(keyOf(rest[i]), rest[i + 1]!)
  const key = keyOf(keyArg)
  const known = hashAt(context, key)
  if ((flags.has("NX") && known !== undefined) || (flags.has("XX") && known === undefined)) return 0
  const end = expiry && endOf(context, "hsetex", expiry)
  const has = (field: string) => known?.fields.has(field) === true
  for (const field of given.keys()) if ((flags.has("FNX") && has(field)) || (flags.has("FXX") && !has(field))) return 0
  const hash = known ?? new HashValue()
  if (end !== undefined && end <= context.now) {
    for (const field of given.keys()) hash.delete(field)
  } else {
    let more = 0
    for (const [field, value] of given) more += hash.growth(field, value)
    context.store.reserve(key, more, context.now)
    for (const [field, value] of given) {
      if (flags.has("KEEPTTL")) hash.change(field, kept(value))
      else {
        hash.set(field, kept(value))
        hash.endAt(field, end ?? Infinity)
      }
    }
  }
  keep(context, key, hash)
  return 1
})

const getAndDelete: MemoryCommand = atLeast(4, (context, [keyArg, ...words]): Reply => {
  const fields = fieldsOf(words, wrongCount)
  const key = keyOf(keyArg)
  const hash = hashAt(context, key)
  if (hash === undefined) return fields.map(() => null)
  const found = fields.map((field) => {
    const value = hash.fields.get(field) ?? null
    hash.delete(field)
    return value
  })
  keep(context, key, hash)
  return found
})

export const fieldLifetimeCommands: CommandTable = {
  HEXPIRE: expire("hexpire", "s", true),
  HPEXPIRE: expire("hpexpire", "ms", true),
  HEXPIREAT: expire("hexpireat", "s", false),
  HPEXPIREAT: expire("hpexpireat", "ms", false),
  HTTL: remaining("s", true),
  HPTTL: remaining("ms", true),
  HEXPIRETIME: remaining("s", false),
  HPEXPIRETIME: remaining("ms", false),
  HPERSIST: persist,
  HGETEX: getWithLifetime,
  HGETDEL: getAndDelete,
  HSETEX: setWithLifetime
}
