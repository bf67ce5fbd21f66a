/** What is taken from the ends of sorted sets, and by chance. */
import type { Reply, WireArg } from "../../../schema/Command.ts"
import { sortedSetAt } from "../kernel/access.ts"
import { keyOf, keyword, positiveCount } from "../kernel/arguments.ts"
import type { CommandContext } from "../kernel/CommandContext.ts"
import { atLeast, type CommandTable, type MemoryCommand } from "../kernel/command.ts"
import { firstOf } from "../kernel/firstOf.ts"
import { randomChoice } from "../kernel/randomChoice.ts"
import { checkTimeout } from "../kernel/checkTimeout.ts"
import { syntaxError } from "../store/ServerReply.ts"
import type { Scored } from "../values/SortedSetValue.ts"
import { rankedAt, removeAll } from "./ranked.ts"
import { scoreText, withScores } from "./scores.ts"

type End = "MIN" | "MAX"

const take = (context: CommandContext, key: string, end: End, count: number): ReadonlyArray<Scored> => {
  const ranked = rankedAt(context, key)
  const taken = (end === "MAX" ? ranked.toReversed() : ranked).slice(0, count)
  removeAll(context, key, taken)
  return taken
}

const pop = (end: End): MemoryCommand => ({
  least: 1,
  most: 2,
  run: (context, [keyArg, countArg]) => {
    const count = countArg === undefined ? 1 : positiveCount(countArg)
    return withScores(take(context, keyOf(keyArg), end, count), true)
  }
})

/** ZMPOP, and what BZMPOP would do now; null = none has anything. */
const popFromFirst = (context: CommandContext, args: ReadonlyArray<WireArg>): Reply =>
  firstOf(args, (word) => {
    const end = keyword(word)
    if (end !== "MIN" && end !== "MAX") throw syntaxError()
    return (key, count) => {
      const taken = take(context, key, end, count)
      return taken.length === 0 ? null : [key, taken.map(({ member, score }) => [member, scoreText(score)])]
    }
  })

/** What a blocking command would do now; null = wait. */
const popFirst = (end: End): MemoryCommand =>
  atLeast(2, (context, args): Reply => {
    checkTimeout(args.at(-1))
    for (const keyArg of args.slice(0, -1)) {
      const key = keyOf(keyArg)
      const [taken] = take(context, key, end, 1)
      if (taken !== undefined) return [key, taken.member, scoreText(taken.score)]
    }
    return null
  })

export const popCommands: CommandTable = {
  ZPOPMIN: pop("MIN"),
  ZPOPMAX: pop("MAX"),
  ZMPOP: atLeast(3, popFromFirst),
  BZMPOP: atLeast(4, (context, [timeout, ...args]) => {
    checkTimeout(timeout)
    return popFromFirst(context, args)
  }),
  BZPOPMIN: popFirst("MIN"),
  BZPOPMAX: popFirst("MAX"),
  ZRANDMEMBER: randomChoice(
    (context, key) => sortedSetAt(context, key)?.ranked,
    ({ member, score }, scores) => (scores ? [member, scoreText(score)] : [member]),
    "WITHSCORES"
  )
}
