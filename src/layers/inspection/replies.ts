/** Replies of commands that no schema is known for. */
import { Result } from "effect"
import type { Command, Reply } from "../../schema/Command.ts"
import { utf8Text } from "../../schema/utf8Text.ts"

/** A command whose reply comes as bytes, which need not be text. */
export const command = (name: string, ...args: Command["args"]): Command => ({ name, args, reply: "buffer" })

/** The reply of one command of a pipeline; undefined where the server refuses to tell: a user may lack the right to a command. */
export const replyOf = (result: Result.Result<Reply, unknown> | undefined): Reply | undefined =>
  result === undefined || Result.isFailure(result) ? undefined : result.success

export const list = (reply: Reply | undefined): ReadonlyArray<Reply> => (Array.isArray(reply) ? reply : [])

/** What stands two by two in a flat list: names and values, members and scores. */
export const pairs = <A>(
  reply: Reply | undefined,
  row: (first: Reply | undefined, second: Reply | undefined) => A
): ReadonlyArray<A> => list(reply).flatMap((first, at, all) => (at % 2 === 0 ? [row(first, all[at + 1])] : []))

/** Text, or hex of what is none. */
export const shown = (reply: Reply | undefined): string => {
  if (!Buffer.isBuffer(reply)) return reply === undefined || reply === null ? "" : String(reply)
  return utf8Text(reply) ?? `0x${reply.toString("hex")}`
}
