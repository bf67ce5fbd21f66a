/** Sorted sets. */
import type { Reply, WireArg } from "../../../schema/Command.ts"
import { keyOf, keyword } from "../kernel/arguments.ts"
import type { CommandContext } from "../kernel/CommandContext.ts"
import { atLeast, type CommandTable, exactly, type MemoryCommand } from "../kernel/command.ts"
import { notAFloat } from "../kernel/sums.ts"
import { scanPage } from "../kernel/scanPage.ts"
import { ServerReply, syntaxError } from "../store/ServerReply.ts"
import { keep, kept, sortedSetAt } from "../kernel/access.ts"
import { type Scored, SortedSetValue } from "../values/SortedSetValue.ts"
import { stringBytes, type StringValue } from "../values/StringValue.ts"
import { combinationCommands } from "./combinations.ts"
import { popCommands } from "./pops.ts"
import { rangeCommands } from "./ranges.ts"
import { rankedAt } from "./ranked.ts"
import { parseScore, scoreText } from "./scores.ts"

interface AddOptions {
  readonly nx: boolean
  readonly xx: boolean
  readonly gt: boolean
  readonly lt: boolean
  readonly ch: boolean
  readonly incr: boolean
}

const addOptions = (words: ReadonlyArray<WireArg>): readonly [AddOptions, ReadonlyArray<WireArg>] => {
  const given = new Set<string>()
  let i = 0
  while (i < words.length && ["NX", "XX", "GT", "LT", "CH", "INCR"].includes(keyword(words[i]!))) {
    given.add(keyword(words[i++]!))
  }
  const has = (word: string) => given.has(word)
  const rest = words.slice(i)
  if (rest.length === 0 || rest.length % 2 !== 0) throw syntaxError()
  if (has("NX") && has("XX")) throw new ServerReply("ERR XX and NX options at the same time are not compatible")
  if ((has("GT") && has("NX")) || (has("LT") && has("NX")) || (has("GT") && has("LT"))) {
    throw new ServerReply("ERR GT, LT, and/or NX options at the same time are not compatible")
  }
  if (has("INCR") && rest.length > 2) throw new ServerReply("ERR INCR option supports a single increment-element pair")
  const options = { nx: has("NX"), xx: has("XX"), gt: has("GT"), lt: has("LT"), ch: has("CH"), incr: has("INCR") }
  return [options, rest]
}

/** The new score; undefined where a condition holds it back. */
const newScore = (old: Scored | undefined, given: number, options: AddOptions): number | undefined => {
  if (old === undefined) return options.xx ? undefined : given
  if (options.nx) return undefined
  const score = options.incr ? old.score + given : given
  if (Number.isNaN(score)) throw new ServerReply("ERR resulting score is not a number (NaN)")
  if ((options.lt && score >= old.score) || (options.gt && score <= old.score)) return undefined
  return score
}

const addTo = (
  context: CommandContext,
  key: string,
  options: AddOptions,
  pairs: ReadonlyArray<readonly [number, StringValue]>
): Reply => {
  const set = sortedSetAt(context, key) ?? new SortedSetValue()
  const more = pairs.reduce((sum, [, member]) => sum + (set.find(member) === undefined ? stringBytes(member) : 0), 0)
  context.store.reserve(key, more, context.now)
  let added = 0
  let changed = 0
  let last: number | undefined
  for (const [given, member] of pairs) {
    const old = set.find(member)
    const score = newScore(old, given, options)
    last = score
    if (score === undefined) continue
    if (old === undefined) added++
    else if (old.score !== score) changed++
    if (old?.score !== score) set.set(member, score)
  }
  keep(context, key, set)
  if (options.incr) return last === undefined ? null : scoreText(last)
  return options.ch ? added + changed : added
}

/** As ZADD. */
export const addMembers: MemoryCommand["run"] = (context, [keyArg, ...words]) => {
  const [options, rest] = addOptions(words)
  const pairs: Array<readonly [number, StringValue]> = []
  for (let i = 0; i < rest.length; i += 2) {
    const score = parseScore(rest[i])
    if (score === undefined) throw notAFloat()
    pairs.push([score, kept(rest[i + 1]!)])
  }
  return addTo(context, keyOf(keyArg), options, pairs)
}

const plainIncrement: AddOptions = { nx: false, xx: false, gt: false, lt: false, ch: false, incr: true }

const increment: MemoryCommand = exactly(3, (context, [key, deltaArg, member]) => {
  const delta = parseScore(deltaArg)
  if (delta === undefined) throw notAFloat()
  return addTo(context, keyOf(key), plainIncrement, [[delta, kept(member!)]])
})

const rank = (reverse: boolean): MemoryCommand =>
  exactly(2, (context, [key, member]) => {
    const set = sortedSetAt(context, keyOf(key))
    const found = set?.find(member ?? "")
    if (set === undefined || found === undefined) return null
    const rank = set.rank(found)
    return reverse ? set.ranked.length - 1 - rank : rank
  })

const scan = scanPage(sortedSetAt, ({ ranked }, matches) =>
  ranked.filter(({ member }) => matches(member)).flatMap(({ member, score }) => [member, scoreText(score)])
)

export const sortedSetCommands: CommandTable = {
  ...rangeCommands,
  ...combinationCommands,
  ...popCommands,
  ZADD: atLeast(3, addMembers),
  ZINCRBY: increment,
  ZREM: atLeast(2, (context, [keyArg, ...members]) => {
    const key = keyOf(keyArg)
    const set = sortedSetAt(context, key)
    if (set === undefined) return 0
    const count = members.filter((member) => set.delete(member)).length
    keep(context, key, set)
    return count
  }),
  ZCARD: exactly(1, (context, [key]) => rankedAt(context, key).length),
  ZSCORE: exactly(2, (context, [key, member]) => {
    const found = sortedSetAt(context, keyOf(key))?.find(member ?? "")
    return found === undefined ? null : scoreText(found.score)
  }),
  ZMSCORE: atLeast(2, (context, [key, ...members]) => {
    const set = sortedSetAt(context, keyOf(key))
    return members.map((member) => {
      const found = set?.find(member)
      return found === undefined ? null : scoreText(found.score)
    })
  }),
  ZRANK: rank(false),
  ZREVRANK: rank(true),
  ZSCAN: scan
}
