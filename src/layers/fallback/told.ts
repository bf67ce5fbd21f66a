/** What commands mean for a second store, in terms of the table of commands. */
import { type Arg, type Command, type Reply, toWireArg, type WireArg } from "../../schema/Command.ts"
import type { Script, ScriptStore } from "../../schema/Script.ts"
import type { CommandRow } from "../commands/CommandRow.ts"
import { rowOf } from "../commands/commandTable.ts"

/** A command with its row, and its arguments as they are written. */
export interface Told {
  readonly row: CommandRow
  readonly name: string
  readonly args: ReadonlyArray<WireArg>
  readonly script?: Script | undefined
}

export const toldOf = ({ args, name, script }: Pick<Command, "args" | "name" | "script">): Told => ({
  row: rowOf(name, args),
  name,
  args: args.map((arg) => toWireArg(arg) ?? ""),
  script
})

/** Whether it may be told to a second store that has other data. */
export const mayStandIn = ({ row, script }: Told, structures: "fail" | "second"): boolean => {
  if (script !== undefined) {
    return script.exclusive !== true && (structures === "second" || (script.uses ?? "adds") !== "adds")
  }
  if (!row.changes || isFlush(row)) return true
  // What has no keys changes the server itself, or what its listeners hear.
  return row.keys.length > 0 && (structures === "second" || row.keys.every(({ use }) => use !== "adds"))
}

export const isFlush = ({ name }: CommandRow): boolean => name === "FLUSHDB" || name === "FLUSHALL"

/** Whether it hands something out that is then gone: a reply that was lost is a loss. */
export const pops = ({ row }: Told): boolean => row.keys.some(({ use }) => use === "pops")

/** A script whose twin tells of each command that it runs. */
export interface Watched {
  readonly script: Script
  /** Whether it was the twin that ran. What Lua does, nobody sees. */
  readonly hasTold: () => boolean
}

export const watched = (script: Script, tell: (told: Told, reply: Reply) => void): Watched => {
  const { memory } = script
  let hasTold = false
  if (memory === undefined) return { script, hasTold: () => false }
  const telling =
    (call: ScriptStore["call"]): ScriptStore["call"] =>
    (name: string, ...args: ReadonlyArray<Arg>) => {
      const reply = call(name, ...args)
      tell(toldOf({ name, args }), reply)
      return reply
    }
  const twin: Script["memory"] = (store, keys, args) => {
    hasTold = true
    return memory({ call: telling(store.call), bytes: telling(store.bytes), fail: store.fail }, keys, args)
  }
  return { script: { ...script, memory: twin }, hasTold: () => hasTold }
}
