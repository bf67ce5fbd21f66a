/** Commands of any number of keys that have nothing to do with each other: they can be split, and answered as one. */
import type { Reply } from "../../../schema/Command.ts"

/** The reply of the whole; undefined where the parts' replies are of a wrong shape. */
export type Merge = (
  replies: ReadonlyArray<Reply>,
  positions: ReadonlyArray<ReadonlyArray<number>>
) => Reply | undefined

export const byKey: ReadonlyMap<string, KeyRule> = new Map<string, KeyRule>([
  ["MGET", { step: 1, merge: inOrder }],
  ["MSET", { step: 2, merge: ([first = null]) => first }],
  ...["DEL", "UNLINK", "EXISTS", "TOUCH"].map((name): [string, KeyRule] => [name, { step: 1, merge: sum }])
])

export interface KeyRule {
  /** How many arguments go with each key. */
  readonly step: number
  readonly merge: Merge
}

export function sum(replies: ReadonlyArray<Reply>): Reply | undefined {
  return replies.every((reply) => typeof reply === "number")
    ? replies.reduce((total, reply) => total + reply, 0)
    : undefined
}

function inOrder(replies: ReadonlyArray<Reply>, positions: ReadonlyArray<ReadonlyArray<number>>): Reply | undefined {
  const values: Array<Reply> = []
  for (const [i, reply] of replies.entries()) {
    const members = positions[i]!
    if (!Array.isArray(reply) || reply.length !== members.length) return undefined
    for (const [j, position] of members.entries()) values[position] = reply[j]
  }
  return values
}
