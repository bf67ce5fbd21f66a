/** What is known of a command. */
import type { WireArg } from "../../schema/Command.ts"
import { always, type Changed, never } from "./changed.ts"
import { type KeyPlace, keysAt } from "./keyPlaces.ts"
import { anyShape, type ReplyShape } from "./replyShape.ts"
import type { MergeKeys, MergeServers } from "./merges.ts"

/** How a command says how long it waits. */
export type Blocking =
  /** In the argument there, counted from the end where negative, in units of so many milliseconds. */
  | { readonly at: number; readonly unit: number }
  /** In milliseconds behind a keyword, without which it does not wait. */
  | { readonly keyword: string }

/** Commands that concern several servers of a cluster become several commands. */
export type Spread = SpreadOverKeys | SpreadOverServers

export interface SpreadOverServers {
  readonly over: "servers"
  readonly merge: MergeServers
  /** One server that does it is enough. */
  readonly oneIsEnough?: true
}

/** Its keys have nothing to do with each other. */
export interface SpreadOverKeys {
  readonly over: "keys"
  /** How many arguments go with each. */
  readonly step: number
  readonly merge: MergeKeys
}

/** Whether the store in memory knows the command: it does, it does not yet, or the reason why it never will. */
export type InMemory = "yes" | "missing" | (string & {})

/** A row as the table states it. */
export interface RowDefinition {
  readonly keys?: ReadonlyArray<KeyPlace>
  /** It has no keys, but changes something: all of the data, scripts, settings, connections, whoever listens. */
  readonly changes?: true
  /** It may change every key. */
  readonly everyKey?: true
  /** How its reply says that it has changed nothing. Default: it does not say so. */
  readonly changed?: Changed
  /**
   * The kinds of reply that it can have, but for errors. One of another kind belongs to another command: whoever reads on would
   * give each caller the reply of its neighbour. Default: anything.
   */
  readonly reply?: ReplyShape
  /** Its first argument is a channel, whose hash slot chooses a cluster's server: it has to be that one, or any other would do as well. */
  readonly channel?: "itsServer" | "anyServer"
  readonly blocks?: Blocking
  readonly spread?: Spread
  /** What it is told belongs to the server that said it: cursors. */
  readonly cursor?: true
  /** It reads what only the primary keeps for its own use: when a key was used last. */
  readonly atPrimary?: true
  /** No connection of a client can carry it, for this reason. */
  readonly refused?: string
  /** Only a connection that nobody shares can carry it, for this reason. */
  readonly own?: string
  /** What it leaves on its connection, which nobody else may find there. `"pins"`: the beginning, and `"unpins"` the end, of something that other commands are part of. */
  readonly leaves?: "state" | "pins" | "unpins"
  readonly memory?: InMemory
  /** The major version of Valkey that has it first. Default: 8, or one before. */
  readonly since?: number
}

export interface CommandRow extends Omit<RowDefinition, "keys" | "changes" | "changed" | "reply"> {
  /** In upper case; with the subcommand, where it is of one. */
  readonly name: string
  readonly keys: ReadonlyArray<KeyPlace>
  /** It has one key, which is the first argument, whatever the others are. */
  readonly isOneKey: boolean
  /** It has keys and changes none of them. */
  readonly reads: boolean
  /** It reads, and any copy of its keys will do. */
  readonly readsAnyCopy: boolean
  /** Given up after it was sent, it is a loss: it may have been executed. Others are merely refused an answer. */
  readonly changes: boolean
  /** Whether it may have changed something, by its reply. */
  readonly changed: Changed
  /** Whether it may be sent once more where its reply was lost; `"sameServer"`: only to the one that it was sent to. */
  readonly again: "anywhere" | "sameServer" | "never"
  /** Any connection carries it, whatever its arguments are. */
  readonly isPlain: boolean
  readonly memory: InMemory
  readonly reply: ReplyShape
  readonly subcommands: ReadonlyMap<string, CommandRow> | undefined
}

export const makeRow = (
  name: string,
  { changed, changes, keys = [], memory = "yes", reply = anyShape, ...rest }: RowDefinition,
  subcommands?: ReadonlyMap<string, CommandRow>
): CommandRow => {
  const writes = changes === true || keys.some(({ use }) => use !== "reads")
  const reads = keys.length > 0 && !writes && rest.leaves === undefined
  const [only, ...more] = keys
  return {
    ...rest,
    name,
    keys,
    memory,
    reply,
    subcommands,
    isOneKey: only !== undefined && more.length === 0 && isFirst(only),
    reads,
    readsAnyCopy: reads && rest.cursor === undefined && rest.atPrimary === undefined,
    changes: writes,
    changed: writes ? (changed ?? always) : never,
    again:
      writes || rest.leaves !== undefined || rest.refused !== undefined
        ? "never"
        : rest.cursor === true
          ? "sameServer"
          : "anywhere",
    isPlain: rest.refused === undefined && rest.own === undefined && rest.blocks === undefined
  }
}

const isFirst = ({ begin, find }: KeyPlace): boolean =>
  "at" in begin && begin.at === 0 && find !== "counted" && find.last === 0

export const keysOf = ({ isOneKey, keys }: CommandRow, args: ReadonlyArray<WireArg>): ReadonlyArray<WireArg> =>
  isOneKey ? args.slice(0, 1) : keys.flatMap((place) => keysAt(place, args))

/** Milliseconds that the command may block, 0 for ever; undefined for a command that answers at once. */
export const blockingMillis = ({ blocks }: CommandRow, args: ReadonlyArray<WireArg>): number | undefined => {
  if (blocks === undefined) return undefined
  if ("keyword" in blocks) {
    const at = args.findIndex((arg) => String(arg).toUpperCase() === blocks.keyword)
    return at < 0 ? undefined : Number(args[at + 1])
  }
  return Math.ceil(Number(args.at(blocks.at)) * blocks.unit)
}

/** Whether the command may be sent to another server where its reply was lost. What waits may have been given something. */
export const mayGoElsewhere = (row: CommandRow, args: ReadonlyArray<WireArg>): boolean =>
  row.again === "anywhere" && blockingMillis(row, args) === undefined
