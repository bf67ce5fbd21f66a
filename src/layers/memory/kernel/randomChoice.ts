/** HRANDFIELD, ZRANDMEMBER and SRANDMEMBER: one by chance, or so many, with what belongs to them. */
import type { Reply } from "../../../schema/Command.ts"
import { ServerReply, syntaxError } from "../store/ServerReply.ts"
import { int64, keyOf, keyword } from "./arguments.ts"
import type { CommandContext } from "./CommandContext.ts"
import type { MemoryCommand } from "./command.ts"
import { shuffled } from "./shuffled.ts"

/** `tell` of one of them; `flagged`: the word `flag` came last. A count below zero lets the same come again. */
export const randomChoice = <A>(
  allAt: (context: CommandContext, key: string) => Iterable<A> | undefined,
  tell: (one: A, flagged: boolean) => ReadonlyArray<Reply>,
  flag?: string
): MemoryCommand => ({
  least: 1,
  most: flag === undefined ? 2 : Infinity,
  run: (context, [keyArg, countArg, word, ...rest]) => {
    if (countArg === undefined) {
      const all = [...(allAt(context, keyOf(keyArg)) ?? [])]
      const one = all[Math.floor(context.random() * all.length)]
      return one === undefined ? null : (tell(one, false)[0] ?? null)
    }
    const count = Number(int64(countArg))
    if (rest.length > 0 || (word !== undefined && keyword(word) !== flag)) throw syntaxError()
    const flagged = word !== undefined
    if (flagged && Math.abs(count) > 2 ** 62) throw new ServerReply("ERR value is out of range")
    const all = [...(allAt(context, keyOf(keyArg)) ?? [])]
    if (count >= 0 || all.length === 0)
      return shuffled(context, all)
        .slice(0, Math.max(0, count))
        .flatMap((one) => tell(one, flagged))
    return Array.from({ length: -count }, () => all[Math.floor(context.random() * all.length)]!).flatMap((one) =>
      tell(one, flagged)
    )
  }
})
