/**
 * What this library knows of each command of Valkey 8, once. A test compares it with what the server says of itself.
 * A command looks its row up once, at its call, and carries it along.
 */
import type { Arg } from "../../schema/Command.ts"
import { type CommandRow, makeRow } from "./CommandRow.ts"
import { adds, first } from "./keyPlaces.ts"
import { serverRows } from "./serverRows.ts"
import { valueRows } from "./valueRows.ts"

const build = (): ReadonlyMap<string, CommandRow> => {
  const definitions = Object.entries({ ...valueRows, ...serverRows })
  const subcommands = new Map<string, Map<string, CommandRow>>()
  for (const [name, definition] of definitions) {
    const [command = "", word] = name.split(" ")
    if (word === undefined) continue
    const rows = subcommands.get(command) ?? new Map<string, CommandRow>()
    subcommands.set(command, rows.set(word, makeRow(name, definition)))
  }
  const table = new Map<string, CommandRow>()
  for (const [name, definition] of definitions) {
    if (!name.includes(" ")) table.set(name, makeRow(name, definition, subcommands.get(name)))
  }
  return table
}

export const commandTable = build()

/** A command of a module, which by convention starts with its key, or of a later server. */
export const unlisted: CommandRow = {
  ...makeRow("", { keys: [adds(first)], memory: "missing" }),
  // What its name is has to be looked at.
  isPlain: false
}

/** The command's row, of its subcommand where it has a row; `unlisted` where there is none. */
export const rowOf = (name: string, args: ReadonlyArray<Arg>): CommandRow => {
  const row = commandTable.get(name) ?? commandTable.get(String(name).toUpperCase()) ?? unlisted
  return row.subcommands === undefined ? row : (row.subcommands.get(wordOf(args[0])) ?? row)
}

const wordOf = (arg: Arg | undefined): string =>
  (arg instanceof Uint8Array ? Buffer.from(arg).toString() : String(arg)).toUpperCase()

/** It ends with whatever error its author wants; so may what is not known. */
export const mayRunScript = (row: CommandRow): boolean => row === unlisted || /^(?:EVAL|FCALL)/.test(row.name)
