/** What is taken from the ends of sorted sets, and by chance. */
import type { Reply, WireArg } from "../../../schema/Command.ts"
import { keep, sortedSetAt } from "../kernel/access.ts"
import { keyOf, keyword, positiveCount } from "../kernel/arguments.ts"
import type { CommandContext } from "../kernel/CommandContext.ts"
import { atLeast, type CommandTable, type MemoryCommand } from "../kernel/command.ts"
import { afterTimeout, firstOf, firstOrWait } from "../kernel/firstOf.ts"
import { randomChoice } from "../kernel/randomChoice.ts"
import { syntaxError } from "../store/ServerReply.ts"
import type { Scored } from "../values/SortedSetValue.ts"
import { scoreText, withScores } from "./scores.ts"

type End = "MIN" | "MAX"

const take = (context: CommandContext, key: string, end: End, count: number): ReadonlyArray<Scored> => {
  const set = sortedSetAt(context, key)
  if (set === undefined) return []
  const taken = set.cut(end === "MAX" ? Math.max(0, set.ranked.length - count) : 0, count)
  keep(context, key, set)
  return end === "MAX" ? taken.toReversed() : taken
}

const pop = (end: End): MemoryCommand => ({
  least: 1,
  most: 2,
  run: (context, [keyArg, countArg]) => {
    const count = countArg === undefined ? 1 : positiveCount(countArg)
    return withScores(take(context, keyOf(keyArg), end, count), true)
  }
})

/** ZMPOP; null = none has anything. */
const popFromFirst = (context: CommandContext, args: ReadonlyArray<WireArg>): Reply =>
  firstOf(args, (word) => {
    const end = keyword(word)
    if (end !== "MIN" && end !== "MAX") throw syntaxError()
    return (key, count) => {
      const taken = take(context, key, end, count)
      return taken.length === 0 ? null : [key, taken.map(({ member, score }) => [member, scoreText(score)])]
    }
  })

const popFirst = (end: End): MemoryCommand =>
  firstOrWait((context, key) => {
    const [taken] = take(context, key, end, 1)
    return taken === undefined ? null : [key, taken.member, scoreText(taken.score)]
  })

export const popCommands: CommandTable = {
  ZPOPMIN: pop("MIN"),
  ZPOPMAX: pop("MAX"),
  ZMPOP: atLeast(3, popFromFirst),
  BZMPOP: atLeast(4, afterTimeout(popFromFirst)),
  BZPOPMIN: popFirst("MIN"),
  BZPOPMAX: popFirst("MAX"),
  ZRANDMEMBER: randomChoice(
    (context, key) => sortedSetAt(context, key)?.ranked,
    ({ member, score }, scores) => (scores ? [member, scoreText(score)] : [member]),
    "WITHSCORES"
  )
}
