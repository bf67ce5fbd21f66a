/** Strings. */
import type { Reply, WireArg } from "../../../schema/Command.ts"
import { bytesOf, int64, keyOf, keyword } from "../kernel/arguments.ts"
import type { CommandContext } from "../kernel/CommandContext.ts"
import { atLeast, type CommandTable, exactly, type MemoryCommand } from "../kernel/command.ts"
import { type Expiry, expiryInstant, expiryOrForever, isExpiry, positiveInstant } from "../kernel/instants.ts"
import { ServerReply, syntaxError, wrongArguments } from "../store/ServerReply.ts"
import { asString, kept, rewrite, stringAt } from "../kernel/access.ts"
import { typeOf } from "../values/MemoryValue.ts"
import type { StringValue } from "../values/StringValue.ts"
import { bytesAt, checkLength, included } from "./stringBytes.ts"

interface SetOptions {
  readonly nx: boolean
  readonly xx: boolean
  readonly get: boolean
  readonly keepTtl: boolean
  readonly expiresAt: number | undefined
}

const setOptions = (context: CommandContext, words: ReadonlyArray<WireArg>): SetOptions => {
  let nx = false
  let xx = false
  let get = false
  let keepTtl = false
  let expiry: Expiry | undefined
  for (let i = 0; i < words.length; i++) {
    const word = keyword(words[i]!)
    if (word === "NX" && !xx) nx = true
    else if (word === "XX" && !nx) xx = true
    else if (word === "GET") get = true
    else if (word === "KEEPTTL" && expiry === undefined) keepTtl = true
    else if (!keepTtl && isExpiry(word, words[i + 1], expiry)) expiry = { word, amount: words[++i]! }
    else throw syntaxError()
  }
  const expiresAt = expiry && expiryInstant(context, "set", expiry)
  return { nx, xx, get, keepTtl, expiresAt }
}

/** Stores text, or a copy of bytes, which stay the caller's; an instant that has passed leaves nothing. */
const store = (context: CommandContext, key: string, value: StringValue, expiresAt = Infinity): void => {
  if (expiresAt <= context.now) context.store.delete(key, context.now)
  else context.store.set(key, kept(value), expiresAt, context.now)
}

const set: MemoryCommand = atLeast(2, (context, [keyArg, value, ...words]) => {
  const options = setOptions(context, words)
  const key = keyOf(keyArg)
  const held = context.store.get(key, context.now)
  // Without GET it does not matter what was there.
  const previous = options.get && held !== undefined ? asString(held) : null
  if ((options.nx && held !== undefined) || (options.xx && held === undefined)) return options.get ? previous : null
  store(context, key, value!, options.keepTtl ? context.store.expiresAt(key, context.now) : options.expiresAt)
  return options.get ? previous : "OK"
})

const setWithExpiry = (command: string, unit: "s" | "ms"): MemoryCommand =>
  exactly(3, (context, [key, amount, value]) => {
    store(context, keyOf(key), value!, positiveInstant(command, int64(amount), unit, context.now))
    return "OK"
  })

const getex: MemoryCommand = atLeast(1, (context, [keyArg, ...words]) => {
  const expiry = expiryOrForever(words)
  const key = keyOf(keyArg)
  const value = stringAt(context, key)
  if (value === undefined) return null
  if (expiry === undefined) return value
  const expiresAt = expiry === "forever" ? Infinity : expiryInstant(context, "getex", expiry)
  if (expiresAt <= context.now) context.store.delete(key, context.now)
  else context.store.expire(key, expiresAt, context.now)
  return value
})

const pairs = (command: string, args: ReadonlyArray<WireArg>): ReadonlyArray<readonly [string, WireArg]> => {
  if (args.length % 2 !== 0) throw wrongArguments(command)
  const found: Array<readonly [string, WireArg]> = []
  for (let i = 0; i < args.length; i += 2) found.push([keyOf(args[i]), args[i + 1]!])
  return found
}

const append: MemoryCommand = exactly(2, (context, [key, tail]) => {
  const head = bytesAt(context, key) ?? Buffer.alloc(0)
  const more = bytesOf(tail!)
  checkLength(BigInt(head.length + more.length))
  const bytes = Buffer.concat([head, more])
  rewrite(context, keyOf(key), bytes)
  return bytes.length
})

const setrange: MemoryCommand = exactly(3, (context, [key, offsetArg, patchArg]) => {
  const offset = int64(offsetArg)
  if (offset < 0n) throw new ServerReply("ERR offset is out of range")
  const current = bytesAt(context, key) ?? Buffer.alloc(0)
  const patch = bytesOf(patchArg!)
  if (patch.length === 0) return current.length
  checkLength(offset + BigInt(patch.length))
  const grown = Buffer.alloc(Math.max(current.length, Number(offset) + patch.length))
  current.copy(grown)
  patch.copy(grown, Number(offset))
  rewrite(context, keyOf(key), grown)
  return grown.length
})

const getrange: MemoryCommand = exactly(3, (context, [key, startArg, endArg]) => {
  const start = int64(startArg)
  const end = int64(endArg)
  const bytes = bytesAt(context, key) ?? Buffer.alloc(0)
  // Both behind the end and in the wrong order: nothing, before they are moved into range.
  if (start < 0n && end < 0n && start > end) return ""
  const places = included(start, end, BigInt(bytes.length))
  return places === undefined ? "" : bytes.subarray(places[0], places[1] + 1)
})

const swap = (context: CommandContext, key: WireArg | undefined, replace: (key: string) => void): Reply => {
  const name = keyOf(key)
  const previous = stringAt(context, name) ?? null
  replace(name)
  return previous
}

export const stringCommands: CommandTable = {
  GET: exactly(1, (context, [key]) => stringAt(context, keyOf(key)) ?? null),
  SET: set,
  SETEX: setWithExpiry("setex", "s"),
  PSETEX: setWithExpiry("psetex", "ms"),
  SETNX: exactly(2, (context, [key, value]) => {
    if (context.store.get(keyOf(key), context.now) !== undefined) return 0
    store(context, keyOf(key), value!)
    return 1
  }),
  GETSET: exactly(2, (context, [key, value]) => swap(context, key, (name) => store(context, name, value!))),
  GETDEL: exactly(1, (context, [key]) => swap(context, key, (name) => context.store.delete(name, context.now))),
  GETEX: getex,
  MGET: atLeast(1, ({ store, now }, keys) =>
    keys.map((key) => {
      const value = store.get(keyOf(key), now)
      return value === undefined || typeOf(value) !== "string" ? null : asString(value)
    })
  ),
  MSET: atLeast(2, (context, args) => {
    for (const [key, value] of pairs("mset", args)) store(context, key, value)
    return "OK"
  }),
  MSETNX: atLeast(2, (context, args) => {
    const entries = pairs("msetnx", args)
    if (entries.some(([key]) => context.store.get(key, context.now) !== undefined)) return 0
    for (const [key, value] of entries) store(context, key, value)
    return 1
  }),
  STRLEN: exactly(1, (context, [key]) => bytesAt(context, key)?.length ?? 0),
  APPEND: append,
  SETRANGE: setrange,
  GETRANGE: getrange,
  SUBSTR: getrange
}
