/** Which commands a connection can carry, and how long the blocking ones ask to wait. */
import type { Duration } from "effect"
import { type Arg, refusedBecause, toWireArg, type WireArg } from "../../schema/Command.ts"
import { toMillis } from "../../schema/timeToLive.ts"

/** Replies would no longer match commands, or the connection would no longer be what the settings say. */
const breaksConnection: ReadonlySet<string> = new Set([
  "AUTH",
  "HELLO",
  "MONITOR",
  "PSUBSCRIBE",
  "PSYNC",
  "PUNSUBSCRIBE",
  "QUIT",
  "REPLCONF",
  "RESET",
  "SELECT",
  "SSUBSCRIBE",
  "SUBSCRIBE",
  "SUNSUBSCRIBE",
  "SYNC",
  "UNSUBSCRIBE"
])

/** Everybody's commands would be caught in the transaction, or see its state. */
const needsOwnConnection: ReadonlySet<string> = new Set(["DISCARD", "EXEC", "MULTI", "UNWATCH", "WATCH"])

/** Where a blocking command says how long it waits: the index of the argument, its unit in milliseconds. */
const blocking: ReadonlyMap<string, { readonly at: number; readonly unit: number }> = new Map([
  ["BLPOP", { at: -1, unit: 1000 }],
  ["BRPOP", { at: -1, unit: 1000 }],
  ["BRPOPLPUSH", { at: -1, unit: 1000 }],
  ["BLMOVE", { at: -1, unit: 1000 }],
  ["BZPOPMIN", { at: -1, unit: 1000 }],
  ["BZPOPMAX", { at: -1, unit: 1000 }],
  ["BLMPOP", { at: 0, unit: 1000 }],
  ["BZMPOP", { at: 0, unit: 1000 }],
  ["WAIT", { at: -1, unit: 1 }],
  ["WAITAOF", { at: -1, unit: 1 }]
])

/** Milliseconds that the command may block, 0 for ever; undefined for a command that answers at once. */
export const blockingMillis = (name: string, args: ReadonlyArray<WireArg>): number | undefined => {
  if (name === "XREAD" || name === "XREADGROUP") {
    const at = args.findIndex((arg) => String(arg).toUpperCase() === "BLOCK")
    return at < 0 ? undefined : Number(args[at + 1])
  }
  const rule = blocking.get(name)
  return rule && Math.ceil(Number(args.at(rule.at)) * rule.unit)
}

/** Of `SendOptions`, in milliseconds, or the reason why it cannot be. */
export const timeoutMillis = (timeout: Duration.Input): number | string => {
  const millis = toMillis(timeout)
  return millis === undefined || millis === 0 ? "timeout must be a positive duration" : millis
}

export const channelRefusal = (channels: ReadonlyArray<string>): string | undefined =>
  channels.every((channel) => channel.isWellFormed()) ? undefined : "a channel must not contain a lone surrogate"

/** Why the command cannot be sent; undefined when it can. `name` is in upper case. */
export const commandRefusal = (
  name: string,
  args: ReadonlyArray<WireArg>,
  connection: "shared" | "dedicated"
): string | undefined => {
  if (!/^[A-Z][A-Z0-9_.|-]*$/.test(name)) return "not the name of a command"
  if (breaksConnection.has(name))
    return "it would change the connection itself; use an operation of the client, or a client of its own"
  if (name === "CLIENT" && String(args[0]).toUpperCase() === "REPLY") return "replies would no longer match commands"
  if (connection === "dedicated") return undefined
  if (needsOwnConnection.has(name)) return "it needs a connection of its own: `transaction` or `dedicated`"
  return blockingMillis(name, args) === undefined ? undefined : "it would block everybody's connection: use `dedicated`"
}

/** Commands that were looked at once need no second look, unless their arguments decide. */
const harmless = new Set<string>()
const decidedByArguments: ReadonlySet<string> = new Set(["CLIENT", "XREAD", "XREADGROUP"])

/** The arguments as they go over the wire, or the reason why nothing may be sent. */
export const checkCommand = (
  name: string,
  args: ReadonlyArray<Arg>,
  connection: "shared" | "dedicated",
  maxBytes: number
): ReadonlyArray<WireArg> | string => {
  const wire = isWire(args) ? args : wireArgs(args)
  if (typeof wire === "string") return wire
  for (let i = 0; i < wire.length; i++) {
    // A UTF-16 unit takes at most three bytes.
    if (wire[i]!.length * 3 > maxBytes && Buffer.byteLength(wire[i]!) > maxBytes) {
      return `argument ${i + 1} exceeds maxValueBytes (${maxBytes})`
    }
  }
  if (harmless.has(name)) return wire
  const upper = String(name).toUpperCase()
  const reason = commandRefusal(upper, wire, connection)
  if (reason !== undefined) return reason
  if (connection === "shared" && name === upper && !decidedByArguments.has(upper) && harmless.size < 1000) {
    harmless.add(name)
  }
  return wire
}

/** Well-formed text needs no change. */
const isWire = (args: ReadonlyArray<Arg>): args is ReadonlyArray<string> => {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]
    if (typeof arg !== "string" || !arg.isWellFormed()) return false
  }
  return true
}

const wireArgs = (args: ReadonlyArray<Arg>): ReadonlyArray<WireArg> | string => {
  const wire: Array<WireArg> = []
  for (let i = 0; i < args.length; i++) {
    const arg = toWireArg(args[i]!)
    if (arg === undefined) return `argument ${i + 1}: ${refusedBecause(args[i])}`
    wire.push(arg)
  }
  return wire
}
