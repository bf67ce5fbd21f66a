/** Which commands a connection can carry, and with which arguments. */
import type { Duration } from "effect"
import { type Arg, refusedBecause, toWireArg, type WireArg } from "../../schema/Command.ts"
import { toMillis } from "../../schema/timeToLive.ts"
import { blockingMillis, type CommandRow } from "./CommandRow.ts"
import { unlisted } from "./commandTable.ts"

/** Of `SendOptions`, in milliseconds, or the reason why it cannot be. */
export const timeoutMillis = (timeout: Duration.Input): number | string => {
  const millis = toMillis(timeout)
  return millis === undefined || millis === 0 ? "timeout must be a positive duration" : millis
}

/** The arguments as they go over the wire, or the reason why nothing may be sent. */
export const checkCommand = (
  row: CommandRow,
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
  return row.isPlain ? wire : (refusalOf(row, name, wire, connection) ?? wire)
}

/** Why the command cannot be sent; undefined when it can. */
const refusalOf = (
  row: CommandRow,
  name: string,
  args: ReadonlyArray<WireArg>,
  connection: "shared" | "dedicated"
): string | undefined => {
  if (row === unlisted) return /^[A-Z][A-Z0-9_.|-]*$/i.test(name) ? undefined : "not the name of a command"
  if (row.refused !== undefined || connection === "dedicated") return row.refused
  if (row.own !== undefined) return row.own
  return blockingMillis(row, args) === undefined ? undefined : "it would block the shared connection: use `dedicated`"
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
