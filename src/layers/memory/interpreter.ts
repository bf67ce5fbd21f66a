/** Runs commands on the store, as a server would. */
import {
  type Arg,
  type Command,
  type Reply,
  type ReplyEncoding,
  toWireArg,
  type WireArg
} from "../../schema/Command.ts"
import type { Script, ScriptStore } from "../../schema/Script.ts"
import type { CommandRow } from "../commands/CommandRow.ts"
import { commandTable, rowOf } from "../commands/commandTable.ts"
import { keyOf } from "./kernel/arguments.ts"
import type { CommandContext } from "./kernel/CommandContext.ts"
import type { CommandTable, MemoryCommand } from "./kernel/command.ts"
import { bitCommands } from "./strings/bits.ts"
import { counterCommands } from "./strings/counters.ts"
import { expiryCommands } from "./keys/expiry.ts"
import { fieldLifetimeCommands } from "./hashes/fieldLifetimes.ts"
import { hashCommands } from "./hashes/hashes.ts"
import { keyCommands } from "./keys/keys.ts"
import { serverCommands } from "./keys/server.ts"
import { setCommands } from "./sets/sets.ts"
import { listCommands } from "./lists/lists.ts"
import { NotInMemory, ServerReply, wrongArguments } from "./store/ServerReply.ts"
import { sortedSetCommands } from "./sortedSets/sortedSets.ts"
import { placeCommands } from "./places/places.ts"
import { sketchCommands } from "./sketches/sketches.ts"
import { streamGroupCommands } from "./streams/streamGroups.ts"
import { streamInfoCommands } from "./streams/streamInfo.ts"
import { streamCommands } from "./streams/streams.ts"
import { lcsCommands } from "./strings/lcs.ts"
import { stringCommands } from "./strings/strings.ts"

const tables: ReadonlyArray<CommandTable> = [
  stringCommands,
  bitCommands,
  lcsCommands,
  sketchCommands,
  placeCommands,
  counterCommands,
  keyCommands,
  hashCommands,
  fieldLifetimeCommands,
  listCommands,
  setCommands,
  sortedSetCommands,
  streamCommands,
  streamGroupCommands,
  streamInfoCommands,
  expiryCommands,
  serverCommands
]
/** By their rows; a command with subcommands does what all of them do. */
const commands: ReadonlyMap<CommandRow, MemoryCommand> = new Map(
  tables
    .flatMap((table) => Object.entries(table))
    .flatMap(([name, command]) => withSubcommands(name).map((row) => [row, command] as const))
)

function withSubcommands(name: string): ReadonlyArray<CommandRow> {
  const [command = "", subcommand] = name.split(" ")
  const row = commandTable.get(command)
  const own = subcommand === undefined ? row : row?.subcommands?.get(subcommand)
  if (row === undefined || own === undefined) throw new Error(`no row for ${name}`)
  if (subcommand !== undefined) return [own]
  return [row].concat([...(row.subcommands?.values() ?? [])])
}

export const isInMemory = (row: CommandRow): boolean => commands.has(row)

export interface Call extends Pick<Command, "name" | "reply" | "script"> {
  readonly row: CommandRow
  readonly args: ReadonlyArray<WireArg>
}

/** The command, if the store has it and the number of arguments is right. */
export const lookupCommand = ({ args, name, row, script }: Call): MemoryCommand => {
  if (script !== undefined) return scriptCommand(script)
  const command = commands.get(row)
  if (command === undefined) throw new NotInMemory(`the memory store has no ${name.toUpperCase()}`)
  if (args.length < command.least || args.length > command.most) throw wrongArguments(name)
  return command
}

/** The reply; throws `ServerReply` where a server would answer with an error, `NotInMemory` where only a server can answer. */
export const runCommand = (context: CommandContext, call: Call): Reply => {
  const reply = lookupCommand(call).run(context, call.args)
  // The commands of a script tell of themselves.
  if (call.script === undefined) context.announcer.ran(call.row, call.args, reply)
  return encodeReply(reply, call.reply)
}

/** EVAL, by the script's twin. */
const scriptCommand = (script: Script): MemoryCommand => ({
  least: 2,
  most: Infinity,
  run: (context, [, count, ...rest]) => {
    const keys = rest.slice(0, Number(count))
    return runScript(context, script, keys.map(keyOf), rest.slice(keys.length))
  }
})

export const runScript = (
  context: CommandContext,
  { memory }: Script,
  keys: ReadonlyArray<string>,
  args: ReadonlyArray<Arg>
): Reply => {
  if (memory === undefined) throw new NotInMemory("the script has no twin in TypeScript (Script.memory)")
  return memory(scriptStore(context), keys, args)
}

const scriptStore = (context: CommandContext): ScriptStore => {
  const caller =
    (reply: ReplyEncoding) =>
    (name: string, ...args: ReadonlyArray<Arg>): Reply =>
      runCommand(context, { row: rowOf(name, args), name, args: args.map((arg) => toWireArg(arg) ?? ""), reply })
  return { call: caller("utf8"), bytes: caller("buffer"), fail }
}

const fail = (reply: string): never => {
  throw new ServerReply(reply)
}

const encodeReply = (reply: Reply, encoding: ReplyEncoding | undefined): Reply => {
  if (reply === null || typeof reply === "number") return reply
  if (typeof reply === "string") return encoding === "buffer" ? Buffer.from(reply) : reply
  // A copy, because the caller may write into it.
  if (Buffer.isBuffer(reply)) return encoding === "buffer" ? Buffer.from(reply) : reply.toString()
  return reply.map((item) => encodeReply(item, encoding))
}
