/** What is taken from the first of some keys that has anything. */
import type { Reply, WireArg } from "../../../schema/Command.ts"
import { ServerReply, syntaxError } from "../store/ServerReply.ts"
import { keyOf, keyword, parseInt64 } from "./arguments.ts"
import type { CommandContext } from "./CommandContext.ts"
import { checkTimeout } from "./checkTimeout.ts"
import { atLeast, type MemoryCommand } from "./command.ts"

/**
 * LMPOP and ZMPOP: keys by number, a word, and how many are taken of one key. `taker` reads the word, before the count
 * is read, and gives what takes from a key: null = it has nothing.
 */
export const firstOf = (
  [countArg, ...words]: ReadonlyArray<WireArg>,
  taker: (word: WireArg) => (key: string, count: number) => Reply
): Reply => {
  const amount = parseInt64(countArg)
  if (amount === undefined || amount <= 0n) throw new ServerReply("ERR numkeys should be greater than 0")
  const keys = words.slice(0, Number(amount))
  const [word, ...rest] = words.slice(keys.length)
  if (keys.length < amount || word === undefined) throw syntaxError()
  const take = taker(word)
  let count: number | undefined
  for (let i = 0; i < rest.length; i += 2) {
    if (keyword(rest[i]!) !== "COUNT" || count !== undefined || rest[i + 1] === undefined) throw syntaxError()
    const given = parseInt64(rest[i + 1])
    if (given === undefined || given <= 0n) throw new ServerReply("ERR count should be greater than 0")
    count = Number(given)
  }
  return fromFirst(keys, (key) => take(key, count ?? 1))
}

/** What BLPOP, BZPOPMIN and their like would do now: keys, and how long to wait; null = wait. */
export const firstOrWait = (take: (context: CommandContext, key: string) => Reply): MemoryCommand =>
  atLeast(2, (context, args) => {
    checkTimeout(args.at(-1))
    return fromFirst(args.slice(0, -1), (key) => take(context, key))
  })

/** What BLMPOP and BZMPOP would do now: how long to wait, and the arguments of `run`; null = wait. */
export const afterTimeout =
  (run: MemoryCommand["run"]): MemoryCommand["run"] =>
  (context, [timeout, ...args]) => {
    checkTimeout(timeout)
    return run(context, args)
  }

const fromFirst = (keys: ReadonlyArray<WireArg>, take: (key: string) => Reply): Reply => {
  for (const key of keys) {
    const taken = take(keyOf(key))
    if (taken !== null) return taken
  }
  return null
}
