/** Batches of any size, in commands that neither delay the others on the connection nor overflow a buffer. */
import { Effect, Result } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { Arg, Command, Reply } from "../../../schema/Command.ts"
import type { Stored } from "../../../schema/frame.ts"
import type { ValkeyClientShape } from "../../ValkeyClient.ts"
import * as replies from "./replies.ts"

/** Of keys or commands in one command or pipeline. */
export const maxItems = 1000
/** Of one command, one reply or one pipeline, roughly. */
export const maxBytes = 1024 * 1024

/** Splits so that no part holds more than `items` items or, single items aside, more than 1 MB. */
export const split = <A>(all: ReadonlyArray<A>, bytes: (item: A) => number, items = maxItems): Array<Array<A>> => {
  const parts: Array<Array<A>> = []
  let part: Array<A> = []
  let size = 0
  for (const item of all) {
    const more = bytes(item)
    if (part.length > 0 && (part.length >= items || size + more > maxBytes)) {
      parts.push(part)
      part = []
      size = 0
    }
    part.push(item)
    size += more
  }
  if (part.length > 0) parts.push(part)
  return parts
}

/** Names and values, each name once. */
export const entriesIn = <A>(entries: Iterable<readonly [string, A]> | Readonly<Record<string, A>>): Map<string, A> =>
  new Map(isIterable(entries) ? entries : Object.entries(entries))

const isIterable = <A>(entries: Iterable<readonly [string, A]> | object): entries is Iterable<readonly [string, A]> =>
  Symbol.iterator in entries

/** One kind of command for all the rows of its arguments, in as many commands as it takes. */
export const commandsFor = (
  name: string,
  head: ReadonlyArray<Arg>,
  rows: ReadonlyArray<ReadonlyArray<Stored>>
): ReadonlyArray<Command> =>
  split(rows, (row) => row.reduce((sum, { length }) => sum + length, 0)).map((part) => ({
    name,
    args: [...head, ...part.flat()]
  }))

/**
 * One command and its reply, read as the command says. Of one write also where it is a script, so that nothing that is sent afterwards
 * comes before it.
 */
export const sendOne = (
  client: ValkeyClientShape,
  operation: string,
  command: Command
): Effect.Effect<Reply, CommandError> =>
  Effect.flatMap(client.pipeline([command]), ([result]) =>
    result === undefined ? replies.unexpected(operation) : Effect.fromResult(result)
  )

/** As many commands as there are keys for, in one write; the first failure fails all. */
export const sendAll = (
  client: ValkeyClientShape,
  commands: ReadonlyArray<Command>
): Effect.Effect<ReadonlyArray<Reply>, CommandError> => {
  const [only] = commands
  if (only !== undefined && commands.length === 1) {
    return Effect.map(client.send(only.name, only.args, { reply: only.reply }), (reply) => [reply])
  }
  return Effect.flatMap(client.pipeline(commands), (results) => Effect.fromResult(Result.all(results)))
}

/** What one kind of command counts for all the rows of its arguments. */
export const countAll = (
  client: ValkeyClientShape,
  operation: string,
  name: string,
  head: ReadonlyArray<Arg>,
  rows: ReadonlyArray<ReadonlyArray<Stored>>
): Effect.Effect<number, CommandError> =>
  rows.length === 0
    ? Effect.succeed(0)
    : Effect.flatMap(sendAll(client, commandsFor(name, head, rows)), (counts) => replies.sum(operation, counts))
