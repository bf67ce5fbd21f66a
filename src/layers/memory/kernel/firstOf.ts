/** LMPOP, ZMPOP and their like: keys by number, a word, and how many are taken of the first key that has any. */
import type { Reply, WireArg } from "../../../schema/Command.ts"
import { ServerReply, syntaxError } from "../store/ServerReply.ts"
import { keyOf, keyword, parseInt64 } from "./arguments.ts"

/** `taker` reads the word, before the count is read, and gives what takes from a key: null = it has nothing. */
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
  for (const key of keys) {
    const taken = take(keyOf(key), count ?? 1)
    if (taken !== null) return taken
  }
  return null
}
