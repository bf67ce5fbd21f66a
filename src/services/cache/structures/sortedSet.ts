/** The operations of a sorted set. */
import { Effect, Exit, Option } from "effect"
import type { CacheConnectionError, CommandError, CacheInputError, ValueError } from "../../../schema/CacheError.ts"
import type { Arg, Reply } from "../../../schema/Command.ts"
import { refused } from "../../../schema/failures.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { Part } from "../../../schema/place.ts"
import type { CacheSortedSet, SortedSetRangeOptions, ScoreBound } from "../../operations/structures/CacheSortedSet.ts"
import type { KeyOptions } from "../../operations/KeyOptions.ts"
import { countAll } from "../kernel/batches.ts"
import type { CacheContext } from "../kernel/context.ts"
import { memberPattern } from "./memberPattern.ts"
import { decodeMembers, encodeMembers, lastPage, type PageReader, scanPage, scanPages } from "./members.ts"
import { wholeNumber } from "../kernel/wholeNumber.ts"
import * as replies from "../kernel/replies.ts"

/** What encryption binds its members to, besides the key. */
const part: Part = { kind: "zset", name: "" }

export const makeSortedSet = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  key: string,
  keyOptions: KeyOptions = {}
): CacheSortedSet<A, RD, RE> => {
  const { client, codec, readOptions } = context

  const run = context.structure("sortedSet", key, keyOptions)

  const entryOf = (operation: string, final: string): EntryName => ({ operation, key, final, part })

  const encoded = (operation: string, final: string, members: Iterable<A>) =>
    encodeMembers(context, entryOf(operation, final), members)

  /** Members and scores in turn. */
  const pairs = (
    entry: EntryName,
    reply: Reply | undefined
  ): Effect.Effect<ReadonlyArray<readonly [A, number]>, ValueError, RD> => {
    if (!Array.isArray(reply) || reply.length % 2 !== 0) return replies.unexpected(entry.operation)
    const scores = reply.filter((_, i) => i % 2 === 1).map(scoreIn)
    if (scores.some(Number.isNaN)) return replies.unexpected(entry.operation)
    const members = reply.filter((_, i) => i % 2 === 0)
    return Effect.map(decodeMembers(context, entry, members), (found) =>
      found.map((member, i) => [member, scores[i] ?? Number.NaN] as const)
    )
  }

  const pairsOf = (operation: string, final: string, command: string, args: ReadonlyArray<Arg>) =>
    client.request(command, [final, ...args], (reply) => pairs(entryOf(operation, final), reply), readOptions)

  const ranks = (operation: string, start: number, stop: number) =>
    Effect.andThen(wholeNumber(operation, "start", start), wholeNumber(operation, "stop", stop))

  const bounds = (operation: string, min: ScoreBound, max: ScoreBound) =>
    Effect.flatMap(boundText(operation, min), (from) =>
      Effect.map(boundText(operation, max), (to) => [from, to] as const)
    )

  const nothing: ReadonlyArray<readonly [A, number]> = []

  const pop =
    (name: string, command: string) =>
    (count = 1) =>
      run(name, nothing, (operation, final) =>
        Effect.flatMap(wholeNumber(operation, "count", count, 0), () => pairsOf(operation, final, command, [count]))
      )

  /** About a member that may be absent. */
  const ofMember = (name: string, command: string, member: A, read: typeof scoreOf) =>
    run(name, Option.none<number>(), (operation, final) =>
      Effect.flatMap(encoded(operation, final, [member]), ([id = ""]) =>
        client.request(command, [final, id], replies.optional(read(operation)))
      )
    )

  const reader =
    (pattern = "*", count = 1000) =>
    (operation: string): Exit.Exit<PageReader<readonly [A, number], RD>, CacheInputError> =>
      Exit.map(memberPattern(operation, codec, pattern), ({ matches, words }) => ({
        words: [...words, "COUNT", count],
        decode: ({ final }, page) =>
          pairs(
            entryOf(operation, final),
            Array.isArray(page) ? page.filter((_, i) => matches(page[i - (i % 2)])) : page
          )
      }))

  return {
    add: (members, { countChanged = false, when } = {}) =>
      run("add", 0, (operation, final) => {
        const all = [...members]
        if (all.some(([, score]) => Number.isNaN(score) || typeof score !== "number")) {
          return refused(operation, "a score must be a number")
        }
        if (when !== undefined && !(when in conditions)) {
          return refused(operation, "when must be absent, present, greater or less")
        }
        const head = [final, ...(when === undefined ? [] : [conditions[when]]), ...(countChanged ? ["CH"] : [])]
        return Effect.flatMap(
          encoded(
            operation,
            final,
            all.map(([member]) => member)
          ),
          (ids) => {
            const scored = ids.map((id, i) => [scoreText(all[i]?.[1] ?? 0), id] as const)
            return countAll(client, operation, "ZADD", head, scored)
          }
        )
      }),
    incr: (member, delta) =>
      run("incr", 0, (operation, final) =>
        Number.isNaN(delta)
          ? refused(operation, "delta must be a number")
          : Effect.flatMap(encoded(operation, final, [member]), ([id = ""]) =>
              client.request("ZINCRBY", [final, scoreText(delta), id], scoreOf(operation))
            )
      ),
    incrIf: (member, delta, when) =>
      run("incrIf", Option.none<number>(), (operation, final) => {
        if (Number.isNaN(delta) || typeof delta !== "number") return refused(operation, "delta must be a number")
        if (!(when in conditions)) return refused(operation, "when must be absent, present, greater or less")
        return Effect.flatMap(encoded(operation, final, [member]), ([id = ""]) =>
          client.request(
            "ZADD",
            [final, conditions[when], "INCR", scoreText(delta), id],
            replies.optional(scoreOf(operation))
          )
        )
      }),
    score: (member) => ofMember("score", "ZSCORE", member, scoreOf),
    scores: (members) =>
      run("scores", [] as ReadonlyArray<Option.Option<number>>, (operation, final) =>
        Effect.flatMap(
          encoded(operation, final, members),
          (ids): Effect.Effect<ReadonlyArray<Option.Option<number>>, CommandError> =>
            ids.length === 0
              ? Exit.succeed([])
              : client.request("ZMSCORE", [final, ...ids], (reply) => {
                  if (!Array.isArray(reply) || reply.length !== ids.length) return replies.unexpected(operation)
                  const scores = reply.map((score: Reply) => (score === null ? null : scoreIn(score)))
                  return scores.some(Number.isNaN)
                    ? replies.unexpected(operation)
                    : Exit.succeed(scores.map(Option.fromNullOr))
                })
        )
      ),
    rank: (member, { reverse = false } = {}) =>
      ofMember("rank", reverse ? "ZREVRANK" : "ZRANK", member, replies.integer),
    range: (start = 0, stop = -1, options) =>
      run("range", [] as ReadonlyArray<A>, (operation, final) =>
        Effect.flatMap(ranks(operation, start, stop), () =>
          client.request(
            "ZRANGE",
            [final, start, stop, ...reversed(options)],
            (reply) => decodeMembers(context, entryOf(operation, final), reply),
            readOptions
          )
        )
      ),
    rangeWithScores: (start = 0, stop = -1, options) =>
      run("rangeWithScores", nothing, (operation, final) =>
        Effect.flatMap(ranks(operation, start, stop), () =>
          pairsOf(operation, final, "ZRANGE", [start, stop, ...reversed(options), "WITHSCORES"])
        )
      ),
    rangeByScore: (min, max, options = {}) =>
      run("rangeByScore", nothing, (operation, final) => {
        const { count, offset = 0, reverse } = options
        return Effect.flatMap(wholeNumber(operation, "offset", offset, 0), () =>
          Effect.flatMap(wholeNumber(operation, "count", count ?? 0, 0), () =>
            Effect.flatMap(bounds(operation, min, max), ([from, to]) => {
              const limit = count === undefined && offset === 0 ? [] : ["LIMIT", offset, count ?? -1]
              const range = reverse === true ? [to, from] : [from, to]
              return pairsOf(operation, final, "ZRANGE", [
                ...range,
                "BYSCORE",
                ...reversed(options),
                ...limit,
                "WITHSCORES"
              ])
            })
          )
        )
      }),
    countByScore: (min, max) =>
      run("countByScore", 0, (operation, final) =>
        Effect.flatMap(bounds(operation, min, max), (range) =>
          client.request("ZCOUNT", [final, ...range], replies.integer(operation))
        )
      ),
    remove: (...members) =>
      run("remove", 0, (operation, final) =>
        Effect.flatMap(encoded(operation, final, members), (ids) =>
          countAll(
            client,
            operation,
            "ZREM",
            [final],
            ids.map((id) => [id])
          )
        )
      ),
    removeByRank: (start, stop) =>
      run("removeByRank", 0, (operation, final) =>
        Effect.flatMap(ranks(operation, start, stop), () =>
          client.request("ZREMRANGEBYRANK", [final, start, stop], replies.integer(operation))
        )
      ),
    removeByScore: (min, max) =>
      run("removeByScore", 0, (operation, final) =>
        Effect.flatMap(bounds(operation, min, max), (range) =>
          client.request("ZREMRANGEBYSCORE", [final, ...range], replies.integer(operation))
        )
      ),
    popMin: pop("popMin", "ZPOPMIN"),
    popMax: pop("popMax", "ZPOPMAX"),
    size: run("size", 0, (operation, final) => client.request("ZCARD", [final], replies.integer(operation))),
    scan: (pattern, { count } = {}) =>
      scanPages(context, "ZSCAN", "sortedSet.scan", key, keyOptions, reader(pattern, count)),
    scanPage: (pattern, { count, cursor } = {}) =>
      run("scanPage", lastPage, (operation, final) =>
        scanPage(context, "ZSCAN", { operation, key, final }, reader(pattern, count), cursor)
      )
  }
}

const conditions = { absent: "NX", present: "XX", greater: "GT", less: "LT" } as const

const reversed = (options: SortedSetRangeOptions | undefined): ReadonlyArray<string> =>
  options?.reverse === true ? ["REV"] : []

const scoreText = (score: number): string => (Number.isFinite(score) ? String(score) : score > 0 ? "inf" : "-inf")

/** NaN where the reply is none. */
const scoreIn = (reply: Reply): number => {
  const text = typeof reply === "string" || Buffer.isBuffer(reply) ? String(reply) : ""
  if (text === "inf" || text === "-inf") return text === "inf" ? Infinity : -Infinity
  return text === "" ? Number.NaN : Number(text)
}

const scoreOf =
  (operation: string) =>
  (reply: Reply): Exit.Exit<number, CacheConnectionError> => {
    const score = scoreIn(reply)
    return Number.isNaN(score) ? replies.unexpected(operation) : Exit.succeed(score)
  }

const boundText = (operation: string, bound: ScoreBound): Exit.Exit<string, CacheInputError> => {
  if (bound === "-inf" || bound === "+inf") return Exit.succeed(bound)
  const score = typeof bound === "object" && bound !== null ? bound.exclusive : bound
  if (typeof score !== "number" || Number.isNaN(score)) {
    return refused(operation, "a bound must be a number, -inf, +inf or { exclusive: number }")
  }
  return Exit.succeed(`${typeof bound === "object" ? "(" : ""}${scoreText(score)}`)
}
