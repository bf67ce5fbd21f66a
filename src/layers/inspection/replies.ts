/** Replies of commands that no schema is known for. */
import { Result } from "effect"
import type { Command, Reply } from "../../schema/Command.ts"
import { utf8Text } from "../../schema/utf8Text.ts"

/** A command whose reply comes as bytes, which need not be text. */
export const command = (name: string, ...args: Command["args"]): Command => ({ name, args, reply: "buffer" })

/** The reply of one command of a pipeline; undefined if the server refuses it, for instance because the user lacks the right. */
export const replyOf = (result: Result.Result<Reply, unknown> | undefined): Reply | undefined =>
  result === undefined || Result.isFailure(result) ? undefined : result.success

export const list = (reply: Reply | undefined): ReadonlyArray<Reply> => (Array.isArray(reply) ? reply : [])

/** Reads a flat list of pairs: names and values, or members and scores. */
export const pairs = <A>(
  reply: Reply | undefined,
  row: (first: Reply | undefined, second: Reply | undefined) => A
): ReadonlyArray<A> => list(reply).flatMap((first, at, all) => (at % 2 === 0 ? [row(first, all[at + 1])] : []))

/** The reply as text, or in hex if it is not text. */
export const shown = (reply: Reply | undefined): string => {
  if (!Buffer.isBuffer(reply)) return reply === undefined || reply === null ? "" : String(reply)
  return utf8Text(reply) ?? `0x${reply.toString("hex")}`
}
