/** Lifetimes: EXPIRE and its relatives. */
import { int64, keyOf } from "../kernel/arguments.ts"
import { atLeast, type CommandTable, exactly, type MemoryCommand } from "../kernel/command.ts"
import { allows, condition } from "../kernel/conditions.ts"
import { instant, lifetimeFrom, type Unit } from "../kernel/instants.ts"

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
    return expiresAt === undefined ? -2 : lifetimeFrom(relative ? now : 0, expiresAt, unit)
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
