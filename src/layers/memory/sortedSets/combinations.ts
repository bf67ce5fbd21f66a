/** Unions, intersections and differences of sorted sets, and of sets, whose members all have the score 1. */
import type { Reply, WireArg } from "../../../schema/Command.ts"
import { setOrSortedSetAt } from "../kernel/access.ts"
import { int64, keyOf, keyword, parseInt64 } from "../kernel/arguments.ts"
import type { CommandContext } from "../kernel/CommandContext.ts"
import { atLeast, type CommandTable, type MemoryCommand } from "../kernel/command.ts"
import { ServerReply, syntaxError } from "../store/ServerReply.ts"
import { SetValue } from "../values/SetValue.ts"
import { SortedSetValue } from "../values/SortedSetValue.ts"
import type { StringValue } from "../values/StringValue.ts"
import { storeAll } from "./ranked.ts"
import { parseScore, withScores } from "./scores.ts"

interface Operand {
  /** By identity. */
  readonly members: ReadonlyMap<string, { readonly member: StringValue; readonly score: number }>
  weight: number
}

type Scores = Map<string, { readonly member: StringValue; readonly score: number }>

type Kind = "union" | "intersection" | "difference"
type Output = "reply" | "store" | "count"

const orZero = (score: number): number => (Number.isNaN(score) ? 0 : score)

const aggregates: Readonly<Record<string, (a: number, b: number) => number>> = {
  SUM: (a, b) => orZero(a + b),
  MIN: Math.min,
  MAX: Math.max
}

type Aggregate = (a: number, b: number) => number

const operandAt = (context: CommandContext, key: string): Operand => {
  const value = setOrSortedSetAt(context, key)
  const members: Scores = new Map()
  if (value instanceof SetValue) for (const [id, member] of value.members) members.set(id, { member, score: 1 })
  else for (const { id, member, score } of value?.ranked ?? []) members.set(id, { member, score })
  return { members, weight: 1 }
}

/** The smallest first, which decides the order in which scores are added up. */
const bySize = (operands: ReadonlyArray<Operand>) => operands.toSorted((a, b) => a.members.size - b.members.size)

const union = (operands: ReadonlyArray<Operand>, aggregate: Aggregate): Scores => {
  const result: Scores = new Map()
  for (const { members, weight } of bySize(operands)) {
    for (const [id, { member, score }] of members) {
      const weighted = orZero(weight * score)
      const known = result.get(id)
      if (known === undefined) result.set(id, { member, score: weighted })
      else result.set(id, { member: known.member, score: aggregate(known.score, weighted) })
    }
  }
  return result
}

const intersection = (operands: ReadonlyArray<Operand>, aggregate: Aggregate): Scores => {
  const [first, ...others] = bySize(operands)
  const result: Scores = new Map()
  for (const [id, { member, score }] of first?.members ?? []) {
    if (!others.every(({ members }) => members.has(id))) continue
    const weighted = others.reduce(
      (sum, { members, weight }) => aggregate(sum, weight * members.get(id)!.score),
      orZero(first!.weight * score)
    )
    result.set(id, { member, score: weighted })
  }
  return result
}

const difference = ([first, ...others]: ReadonlyArray<Operand>): Scores =>
  new Map([...(first?.members ?? [])].filter(([id]) => !others.some(({ members }) => members.has(id))))

const combinations = { union, intersection, difference } as const

/** Those of the words that come first, and how many they are. */
const counted = (command: string, [countArg, ...words]: ReadonlyArray<WireArg>) => {
  const count = int64(countArg)
  if (count < 1n) throw new ServerReply(`ERR at least 1 input key is needed for '${command}' command`)
  if (count > BigInt(words.length)) throw syntaxError()
  return [words.slice(0, Number(count)).map(keyOf), words.slice(Number(count))] as const
}

/** What is asked for behind the keys; weights are put into the operands. */
const optionsOf = (words: ReadonlyArray<WireArg>, operands: ReadonlyArray<Operand>, kind: Kind, output: Output) => {
  let aggregate: Aggregate = aggregates["SUM"]!
  let scores = false
  let limit = 0
  for (let i = 0; i < words.length; i++) {
    const word = keyword(words[i]!)
    const more = words.length - i - 1
    const weighs = kind !== "difference" && output !== "count"
    if (weighs && word === "WEIGHTS" && more >= operands.length) {
      for (const operand of operands) {
        const weight = parseScore(words[++i])
        if (weight === undefined) throw new ServerReply("ERR weight value is not a float")
        operand.weight = weight
      }
    } else if (weighs && word === "AGGREGATE" && more >= 1) {
      const named = aggregates[keyword(words[++i]!)]
      if (named === undefined) throw syntaxError()
      aggregate = named
    } else if (output === "reply" && word === "WITHSCORES") scores = true
    else if (output === "count" && word === "LIMIT" && more >= 1) {
      const given = parseInt64(words[++i])
      if (given === undefined || given < 0n) throw new ServerReply("ERR LIMIT can't be negative")
      limit = Number(given)
    } else throw syntaxError()
  }
  return { aggregate, scores, limit }
}

const combine = (
  context: CommandContext,
  command: string,
  kind: Kind,
  output: Output,
  args: ReadonlyArray<WireArg>
) => {
  const [keys, words] = counted(command, args)
  const operands = keys.map((key) => operandAt(context, key))
  const { aggregate, limit, scores } = optionsOf(words, operands, kind, output)
  return { result: [...combinations[kind](operands, aggregate).values()], limit, scores }
}

const replying = (command: string, kind: Kind): MemoryCommand =>
  atLeast(2, (context, args): Reply => {
    const { result, scores } = combine(context, command, kind, "reply", args)
    return withScores(SortedSetValue.of(result).ranked, scores)
  })

const storing = (command: string, kind: Kind): MemoryCommand =>
  atLeast(3, (context, [target, ...args]) =>
    storeAll(context, keyOf(target), combine(context, command, kind, "store", args).result)
  )

export const combinationCommands: CommandTable = {
  ZUNION: replying("zunion", "union"),
  ZINTER: replying("zinter", "intersection"),
  ZDIFF: replying("zdiff", "difference"),
  ZUNIONSTORE: storing("zunionstore", "union"),
  ZINTERSTORE: storing("zinterstore", "intersection"),
  ZDIFFSTORE: storing("zdiffstore", "difference"),
  ZINTERCARD: atLeast(2, (context, args) => {
    const { limit, result } = combine(context, "zintercard", "intersection", "count", args)
    return limit === 0 ? result.length : Math.min(limit, result.length)
  })
}
