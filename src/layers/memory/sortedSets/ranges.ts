/** Ranges of sorted sets: by rank, by score, by the bytes of members. */
import type { Reply, WireArg } from "../../../schema/Command.ts"
import { keep, sortedSetAt } from "../kernel/access.ts"
import { bytesOf, int64, keyOf, keyword, textOf } from "../kernel/arguments.ts"
import { atLeast, type CommandTable, exactly, type MemoryCommand } from "../kernel/command.ts"
import { ServerReply, syntaxError } from "../store/ServerReply.ts"
import type { Scored } from "../values/SortedSetValue.ts"
import { rankedAt, storeAll } from "./ranked.ts"
import { parseScore, withScores } from "./scores.ts"

/** What of a sorted set is in the range, in its order, from the end where `reverse`. */
type Choose = (ranked: ReadonlyArray<Scored>, reverse: boolean) => ReadonlyArray<Scored>

/** From index to index, both included, as the server counts: from the end where below zero. */
const byRank = (startArg: WireArg | undefined, stopArg: WireArg | undefined): Choose => {
  const [start, stop] = [Number(int64(startArg)), Number(int64(stopArg))]
  return (ranked, reverse) => {
    const all = reverse ? ranked.toReversed() : ranked
    const from = start < 0 ? Math.max(0, all.length + start) : start
    const to = stop < 0 ? all.length + stop : stop
    return all.slice(from, to + 1)
  }
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

const byScore = (minArg: WireArg | undefined, maxArg: WireArg | undefined): Choose => {
  const [min, max] = [bound(minArg), bound(maxArg)]
  return (ranked, reverse) => {
    const found = ranked.filter(
      ({ score }) =>
        (min.exclusive ? score > min.at : score >= min.at) && (max.exclusive ? score < max.at : score <= max.at)
    )
    return reverse ? found.toReversed() : found
  }
}

/** How a member lies to a bound: below zero, it is before it. */
type Compare = (id: string) => number

const lexBound = (value: WireArg | undefined): { readonly compare: Compare; readonly exclusive: boolean } => {
  const text = bytesOf(value ?? "").toString("latin1")
  if (text === "+") return { compare: () => -1, exclusive: false }
  if (text === "-") return { compare: () => 1, exclusive: false }
  if (!/^[([]/.test(text)) throw new ServerReply("ERR min or max not valid string range item")
  const at = text.slice(1)
  return { compare: (id) => (id < at ? -1 : id > at ? 1 : 0), exclusive: text.startsWith("(") }
}

/** The range begins at the first member that its nearer bound lets in, and ends before the first that its farther one does not. */
const byLex = (minArg: WireArg | undefined, maxArg: WireArg | undefined): Choose => {
  const [min, max] = [lexBound(minArg), lexBound(maxArg)]
  const least = ({ id }: Scored) => (min.exclusive ? min.compare(id) > 0 : min.compare(id) >= 0)
  const most = ({ id }: Scored) => (max.exclusive ? max.compare(id) < 0 : max.compare(id) <= 0)
  return (ranked, reverse) => {
    const [first, last] = [ranked[0], ranked.at(-1)]
    if (first === undefined || last === undefined || isEmpty(textOf(minArg!), textOf(maxArg!))) return []
    if (!least(last) || !most(first)) return []
    const [all, enters, stays] = reverse ? [ranked.toReversed(), most, least] : [ranked, least, most]
    const begin = all.findIndex(enters)
    const end = all.findIndex((one, i) => i >= begin && !stays(one))
    return begin < 0 ? [] : all.slice(begin, end < 0 ? undefined : end)
  }
}

/** Whether nothing can be between the two. */
const isEmpty = (min: string, max: string): boolean => {
  if (min === max && (min === "-" || min === "+")) return false
  if (min === "+" || max === "-") return true
  if (min === "-" || max === "+") return false
  const order = Buffer.compare(Buffer.from(min.slice(1)), Buffer.from(max.slice(1)))
  return order > 0 || (order === 0 && (min.startsWith("(") || max.startsWith("(")))
}

const kinds = { RANK: byRank, SCORE: byScore, LEX: byLex } as const

interface Fixed {
  readonly kind?: keyof typeof kinds
  readonly reverse?: boolean
}

/** The words of a range, which may fix its kind and direction. */
const rangeOf = (
  [startArg, stopArg, ...words]: ReadonlyArray<WireArg>,
  { kind: fixedKind, reverse: fixedReverse }: Fixed,
  stores: boolean
) => {
  let kind = fixedKind
  let reverse = fixedReverse
  let scores = false
  let offset = 0
  let count = -1
  for (let i = 0; i < words.length; i++) {
    const word = keyword(words[i]!)
    if (!stores && word === "WITHSCORES") scores = true
    else if (word === "LIMIT" && i + 2 < words.length) {
      offset = Number(int64(words[i + 1]))
      count = Number(int64(words[i + 2]))
      i += 2
    } else if (reverse === undefined && word === "REV") reverse = true
    else if (kind === undefined && word === "BYLEX") kind = "LEX"
    else if (kind === undefined && word === "BYSCORE") kind = "SCORE"
    else throw syntaxError()
  }
  kind ??= "RANK"
  reverse ??= false
  if (count !== -1 && kind === "RANK") {
    throw new ServerReply("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
  }
  if (scores && kind === "LEX") {
    throw new ServerReply("ERR syntax error, WITHSCORES not supported in combination with BYLEX")
  }
  const choose = kind !== "RANK" && reverse ? kinds[kind](stopArg, startArg) : kinds[kind](startArg, stopArg)
  const chosen = (ranked: ReadonlyArray<Scored>) => {
    const all = choose(ranked, reverse)
    if (kind === "RANK") return all
    return offset < 0 ? [] : all.slice(offset, count < 0 ? undefined : offset + count)
  }
  return { chosen, scores }
}

const range = (fixed: Fixed): MemoryCommand =>
  atLeast(3, (context, [key, ...words]): Reply => {
    const { chosen, scores } = rangeOf(words, fixed, false)
    return withScores(chosen(rankedAt(context, key)), scores)
  })

const counting = (kind: "SCORE" | "LEX"): MemoryCommand =>
  exactly(3, (context, [key, min, max]) => {
    const choose = kinds[kind](min, max)
    return choose(rankedAt(context, key), false).length
  })

const removing = (kind: keyof typeof kinds): MemoryCommand =>
  exactly(3, (context, [keyArg, start, stop]) => {
    const choose = kinds[kind](start, stop)
    const key = keyOf(keyArg)
    const set = sortedSetAt(context, key)
    if (set === undefined) return 0
    // A range is one piece.
    const chosen = choose(set.ranked, false)
    const [first] = chosen
    if (first === undefined) return 0
    set.cut(set.rank(first), chosen.length)
    keep(context, key, set)
    return chosen.length
  })

export const rangeCommands: CommandTable = {
  ZRANGE: range({}),
  ZREVRANGE: range({ kind: "RANK", reverse: true }),
  ZRANGEBYSCORE: range({ kind: "SCORE", reverse: false }),
  ZREVRANGEBYSCORE: range({ kind: "SCORE", reverse: true }),
  ZRANGEBYLEX: range({ kind: "LEX", reverse: false }),
  ZREVRANGEBYLEX: range({ kind: "LEX", reverse: true }),
  ZRANGESTORE: atLeast(4, (context, [target, key, ...words]) => {
    const { chosen } = rangeOf(words, {}, true)
    return storeAll(context, keyOf(target), chosen(rankedAt(context, key)))
  }),
  ZCOUNT: counting("SCORE"),
  ZLEXCOUNT: counting("LEX"),
  ZREMRANGEBYRANK: removing("RANK"),
  ZREMRANGEBYSCORE: removing("SCORE"),
  ZREMRANGEBYLEX: removing("LEX")
}
