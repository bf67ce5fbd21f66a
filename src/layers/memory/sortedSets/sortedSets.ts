/** Sorted sets. */
import type { Reply, WireArg } from "../../../schema/Command.ts"
import { int64, keyOf, keyword, positiveCount, textOf } from "../kernel/arguments.ts"
import type { CommandContext } from "../kernel/CommandContext.ts"
import { atLeast, type CommandTable, exactly, type MemoryCommand } from "../kernel/command.ts"
import { notAFloat } from "../kernel/sums.ts"
import { scanPage } from "../kernel/scanPage.ts"
import { ServerReply, syntaxError } from "../store/ServerReply.ts"
import { keep, kept, sortedSetAt } from "../kernel/access.ts"
import { type Scored, SortedSetValue } from "../values/SortedSetValue.ts"
import { stringBytes, type StringValue } from "../values/StringValue.ts"

/** As the server reads a double. */
const parseScore = (value: WireArg | undefined): number | undefined => {
  const text = textOf(value ?? "")
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return undefined
  return Number(text)
}

/** As the server writes a double: the shortest digits, and its own idea of when to use an exponent. */
const scoreText = (score: number): string => {
  if (score === Infinity) return "inf"
  if (score === -Infinity) return "-inf"
  if (Object.is(score, -0)) return "-0"
  if (Number.isInteger(score) && Math.abs(score) < 2 ** 52 - 1) return String(score)
  const [, sign = "", first = "", rest = "", power = ""] =
    /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(score.toExponential()) ?? []
  const digits = first + rest
  const scale = Number(power) - rest.length
  const exponent = Math.abs(Number(power))
  if (scale >= 0 && exponent < digits.length + 7) return sign + digits + "0".repeat(scale)
  if (scale < 0 && (scale > -7 || exponent < 4)) {
    const point = digits.length + scale
    return point <= 0
      ? `${sign}0.${"0".repeat(-point)}${digits}`
      : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
  }
  return `${sign}${first}${rest === "" ? "" : `.${rest}`}e${power.startsWith("-") ? "-" : "+"}${exponent}`
}

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

const add: MemoryCommand = atLeast(3, (context, [keyArg, ...words]) => {
  const [options, rest] = addOptions(words)
  const pairs: Array<readonly [number, StringValue]> = []
  for (let i = 0; i < rest.length; i += 2) {
    const score = parseScore(rest[i])
    if (score === undefined) throw notAFloat()
    pairs.push([score, kept(rest[i + 1]!)])
  }
  return addTo(context, keyOf(keyArg), options, pairs)
})

const plainIncrement: AddOptions = { nx: false, xx: false, gt: false, lt: false, ch: false, incr: true }

const increment: MemoryCommand = exactly(3, (context, [key, deltaArg, member]) => {
  const delta = parseScore(deltaArg)
  if (delta === undefined) throw notAFloat()
  return addTo(context, keyOf(key), plainIncrement, [[delta, kept(member!)]])
})

const removeWhere = (context: CommandContext, key: string, chosen: ReadonlyArray<Scored>): number => {
  const set = sortedSetAt(context, key)
  if (set === undefined) return 0
  for (const { member } of chosen) set.delete(member)
  keep(context, key, set)
  return chosen.length
}

/** From index to index, both included, as the server counts: from the end where below zero. */
const slice = <A>(all: ReadonlyArray<A>, start: number, stop: number): ReadonlyArray<A> => {
  const from = start < 0 ? Math.max(0, all.length + start) : start
  const to = stop < 0 ? all.length + stop : stop
  return all.slice(from, to + 1)
}

interface Bound {
  readonly at: number
  readonly exclusive: boolean
}

const bound = (value: WireArg | undefined): Bound => {
  const text = textOf(value ?? "")
  const exclusive = text.startsWith("(")
  // Nothing at all is read as zero.
  const at = text === "(" || text === "" ? 0 : parseScore(exclusive ? text.slice(1) : text)
  if (at === undefined) throw new ServerReply("ERR min or max is not a float")
  return { at, exclusive }
}

const within = (ranked: ReadonlyArray<Scored>, min: Bound, max: Bound): ReadonlyArray<Scored> =>
  ranked.filter(
    ({ score }) =>
      (min.exclusive ? score > min.at : score >= min.at) && (max.exclusive ? score < max.at : score <= max.at)
  )

const withScores = (chosen: ReadonlyArray<Scored>, scores: boolean): Reply =>
  chosen.flatMap(({ member, score }) => (scores ? [member, scoreText(score)] : [member]))

const rankedAt = (context: CommandContext, key: WireArg | undefined): ReadonlyArray<Scored> =>
  sortedSetAt(context, keyOf(key))?.ranked ?? []

const range: MemoryCommand = atLeast(3, (context, [key, startArg, stopArg, ...words]) => {
  let scores = false
  let byScore = false
  let reverse = false
  let limit: readonly [number, number] | undefined
  for (let i = 0; i < words.length; i++) {
    const word = keyword(words[i]!)
    if (word === "WITHSCORES") scores = true
    else if (word === "BYSCORE") byScore = true
    else if (word === "REV") reverse = true
    else if (word === "LIMIT" && i + 2 < words.length) {
      limit = [Number(int64(words[i + 1])), Number(int64(words[i + 2]))]
      i += 2
    } else throw syntaxError()
  }
  if (limit !== undefined && !byScore) {
    throw new ServerReply("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
  }
  if (!byScore) {
    const [start, stop] = [Number(int64(startArg)), Number(int64(stopArg))]
    const ranked = rankedAt(context, key)
    return withScores(slice(reverse ? ranked.toReversed() : ranked, start, stop), scores)
  }
  const [min, max] = reverse ? [bound(stopArg), bound(startArg)] : [bound(startArg), bound(stopArg)]
  const found = within(rankedAt(context, key), min, max)
  const [offset, count] = limit ?? [0, -1]
  const ordered = reverse ? found.toReversed() : found
  if (offset < 0) return []
  return withScores(ordered.slice(offset, count < 0 ? undefined : offset + count), scores)
})

const rank = (reverse: boolean): MemoryCommand =>
  exactly(2, (context, [key, member]) => {
    const set = sortedSetAt(context, keyOf(key))
    const found = set?.find(member ?? "")
    if (set === undefined || found === undefined) return null
    const rank = set.rank(found)
    return reverse ? set.ranked.length - 1 - rank : rank
  })

const pop = (fromEnd: boolean): MemoryCommand => ({
  least: 1,
  most: 2,
  run: (context, [keyArg, countArg]) => {
    const count = countArg === undefined ? 1 : positiveCount(countArg)
    const key = keyOf(keyArg)
    const ranked = rankedAt(context, keyArg)
    const taken = (fromEnd ? ranked.toReversed() : ranked).slice(0, count)
    removeWhere(context, key, taken)
    return withScores(taken, true)
  }
})

const scan = scanPage(sortedSetAt, ({ ranked }, matches) =>
  ranked.filter(({ member }) => matches(member)).flatMap(({ member, score }) => [member, scoreText(score)])
)

export const sortedSetCommands: CommandTable = {
  ZADD: add,
  ZINCRBY: increment,
  ZREM: atLeast(2, (context, [keyArg, ...members]) => {
    const key = keyOf(keyArg)
    const set = sortedSetAt(context, key)
    const chosen = new Set(members.map((member) => set?.find(member)))
    return removeWhere(
      context,
      key,
      [...chosen].filter((scored) => scored !== undefined)
    )
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
  ZRANGE: range,
  ZCOUNT: exactly(3, (context, [key, min, max]) => {
    const [from, to] = [bound(min), bound(max)]
    return within(rankedAt(context, key), from, to).length
  }),
  ZREMRANGEBYRANK: exactly(3, (context, [key, start, stop]) => {
    const [from, to] = [Number(int64(start)), Number(int64(stop))]
    return removeWhere(context, keyOf(key), slice(rankedAt(context, key), from, to))
  }),
  ZREMRANGEBYSCORE: exactly(3, (context, [key, min, max]) => {
    const [from, to] = [bound(min), bound(max)]
    return removeWhere(context, keyOf(key), within(rankedAt(context, key), from, to))
  }),
  ZPOPMIN: pop(false),
  ZPOPMAX: pop(true),
  ZSCAN: scan
}
