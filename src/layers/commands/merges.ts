/** One reply of several: of a command whose keys were asked for apart, or of every server. */
import type { Reply } from "../../schema/Command.ts"

/** The reply of the whole; undefined where the parts' replies are of a wrong shape. */
export type MergeServers = (replies: ReadonlyArray<Reply>) => Reply | undefined

/** The same; `positions` are those of each part's keys in the whole. */
export type MergeKeys = (
  replies: ReadonlyArray<Reply>,
  positions: ReadonlyArray<ReadonlyArray<number>>
) => Reply | undefined

/** They all say the same; nobody says nothing. */
export const same: MergeServers = ([first]) => first

export const sum: MergeServers = (replies) =>
  replies.every((reply) => typeof reply === "number") ? replies.reduce((total, reply) => total + reply, 0) : undefined

/** What is there on every server: 1 or 0 for each of what was asked for. */
export const everywhere: MergeServers = (replies) => {
  const [first, ...more] = replies
  if (!Array.isArray(first)) return undefined
  return first.map((_, i) => ([first, ...more].every((reply) => Array.isArray(reply) && reply[i] === 1) ? 1 : 0))
}

export const union: MergeServers = (replies) =>
  replies.every((reply) => Array.isArray(reply)) ? [...new Set(replies.flat())] : undefined

export const inOrder: MergeKeys = (replies, positions) => {
  const values: Array<Reply> = []
  for (const [i, reply] of replies.entries()) {
    const members = positions[i]!
    if (!Array.isArray(reply) || reply.length !== members.length) return undefined
    for (const [j, position] of members.entries()) values[position] = reply[j]
  }
  return values
}
