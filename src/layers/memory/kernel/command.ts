/** What a command of the memory store is: how many arguments it takes, and what it does with them. */
import type { Reply, WireArg } from "../../../schema/Command.ts"
import type { CommandContext } from "./CommandContext.ts"

export interface MemoryCommand {
  readonly least: number
  readonly most: number
  readonly run: (context: CommandContext, args: ReadonlyArray<WireArg>) => Reply
}

export type CommandTable = Readonly<Record<string, MemoryCommand>>

/** Exactly `count` arguments. */
export const exactly = (count: number, run: MemoryCommand["run"]): MemoryCommand => ({ least: count, most: count, run })

/** `least` arguments or more. */
export const atLeast = (least: number, run: MemoryCommand["run"]): MemoryCommand => ({ least, most: Infinity, run })
