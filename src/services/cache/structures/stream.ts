/** The operations of a stream. */
import { Effect, Exit, Option, Stream } from "effect"
import { type CacheError, type CommandError, CacheMissError } from "../../../schema/CacheError.ts"
import type { Arg } from "../../../schema/Command.ts"
import { refused } from "../../../schema/failures.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { StreamAddOptions, CacheStream, StreamTrimOptions } from "../../operations/structures/CacheStream.ts"
import type { StreamEntry } from "../../operations/structures/StreamEntry.ts"
import type { StreamDetails, StreamGroupInfo, StreamInfo } from "../../operations/structures/StreamInfo.ts"
import type { KeyedStreamEntry } from "../../operations/structures/CacheStreams.ts"
import type { KeyOptions } from "../../operations/KeyOptions.ts"
import type { CacheContext } from "../kernel/context.ts"
import { fieldEntry } from "../kernel/entry.ts"
import { wholeNumber } from "../kernel/wholeNumber.ts"
import * as replies from "../kernel/replies.ts"
import { detailsOf, noFacts, streamFacts } from "./streamFullInfo.ts"
import { makeStreamGroup } from "./streamGroup.ts"
import { followAll, readAll } from "./streamReads.ts"
import { checkedBoundary, checkedId, countIds, decodePage } from "./streamReplies.ts"
import { Facts, factsOf } from "./Facts.ts"

export const makeStream = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  key: string,
  keyOptions: KeyOptions = {}
): CacheStream<A, RD, RE> => {
  const { client, codec, readOptions } = context

  const run = context.structure("stream", key, keyOptions)

  /** Turns the server's error for a missing stream into `CacheMissError`. */
  const missing = <B, E extends CacheError, R>(operation: string, effect: Effect.Effect<B, E | CommandError, R>) =>
    Effect.catchTag(effect, "CacheServerError", (error) =>
      Effect.fail(error.reply === "ERR no such key" ? new CacheMissError({ operation, key }) : error)
    )

  const encodedFields = (entry: EntryName, fields: Readonly<Record<string, A>>) => {
    const pairs = Object.entries(fields)
    if (pairs.length === 0) return refused(entry.operation, "an entry needs at least one field")
    if (pairs.some(([name]) => !name.isWellFormed())) {
      return refused(entry.operation, "a field must be well-formed text")
    }
    return Effect.map(
      Effect.forEach(pairs, ([name, value]) =>
        Effect.map(codec.encode(fieldEntry(entry, "stream", name), value), (encoded) => [name, encoded])
      ),
      (encoded) => encoded.flat()
    )
  }

  return {
    add: (fields, options = {}) =>
      run("add", Option.none<string>(), (operation, final) =>
        Effect.flatMap(addWords(operation, options), (words) =>
          Effect.flatMap(encodedFields({ operation, key, final }, fields), (encoded) =>
            client.request("XADD", [final, ...words, ...encoded], replies.optional(replies.text(operation)))
          )
        )
      ),
    size: run("size", 0, (operation, final) => client.request("XLEN", [final], replies.integer(operation))),
    range: (start = "-", end = "+", { count, reverse = false } = {}) =>
      run("range", [] as ReadonlyArray<StreamEntry<A>>, (operation, final) => {
        const ends = Effect.andThen(checkedBoundary(operation, start), checkedBoundary(operation, end))
        return Effect.flatMap(Effect.andThen(ends, wholeNumber(operation, "count", count ?? 0, 0)), () => {
          if (count === 0) return Effect.succeed([])
          const words = count === undefined ? [] : ["COUNT", count]
          return Effect.map(
            client.request(
              reverse ? "XREVRANGE" : "XRANGE",
              [final, ...(reverse ? [end, start] : [start, end]), ...words],
              (reply) => decodePage(context, { operation, key, final }, reply),
              readOptions
            ),
            ({ entries }) => entries
          )
        })
      }),
    trim: (options) =>
      run("trim", 0, (operation, final) =>
        Effect.flatMap(trimWords(operation, options), (words) =>
          words.length === 0
            ? refused(operation, "give maxLength or minId")
            : client.request("XTRIM", [final, ...words], replies.integer(operation))
        )
      ),
    delete: (...ids) => run("delete", 0, (operation, final) => countIds(client, operation, "XDEL", [final], ids)),
    read: ({ after = "$", count = 100, timeout = 0 } = {}) =>
      run("read", nothingRead<A>(after), (operation, final) =>
        Effect.map(
          readAll(context, operation, [{ key, final }], { after: { [key]: after }, count, timeout }),
          ({ entries, next }) => ({ entries: entries.map(withoutKey), next: next.get(key) ?? after })
        )
      ),
    follow: ({ after = "$", count = 100 } = {}) =>
      Stream.map(
        followAll(context, "stream.follow", [key], keyOptions, { after: { [key]: after }, count }),
        withoutKey
      ),
    info: run("info", { ...noFacts, groups: 0 }, (operation, final) =>
      missing(
        operation,
        client.request("XINFO", ["STREAM", final], (reply) => infoOf(new Facts(operation, reply)))
      )
    ),
    details: ({ count = 10 } = {}) =>
      run("details", nothingKnown<A>(), (operation, final) =>
        Effect.flatMap(wholeNumber(operation, "count", count, 0), () =>
          missing(
            operation,
            client.request(
              "XINFO",
              ["STREAM", final, "FULL", "COUNT", count],
              (reply) => detailsOf(context, { operation, key, final }, reply),
              readOptions
            )
          )
        )
      ),
    groups: run("groups", [] as ReadonlyArray<StreamGroupInfo>, (operation, final) =>
      Effect.catchTag(
        client.request("XINFO", ["GROUPS", final], (reply) =>
          Effect.flatMap(factsOf(operation, reply), (all) => Effect.forEach(all, groupOf))
        ),
        "CacheServerError",
        (error) => (error.reply === "ERR no such key" ? Effect.succeed([]) : Effect.fail(error))
      )
    ),
    group: (name) => makeStreamGroup(context, key, keyOptions, name)
  }
}

const nothingRead = <A>(next: string): { readonly entries: ReadonlyArray<StreamEntry<A>>; readonly next: string } => ({
  entries: [],
  next
})

const nothingKnown = <A>(): StreamDetails<A> => ({ ...noFacts, entries: [], groups: [] })

const withoutKey = <A>({ fields, id }: KeyedStreamEntry<A>): StreamEntry<A> => ({ id, fields })

const infoOf = (facts: Facts): Effect.Effect<StreamInfo, CommandError> =>
  Effect.flatMap(streamFacts(facts), (known) => Effect.map(facts.number("groups"), (groups) => ({ ...known, groups })))

const groupOf = (facts: Facts): Effect.Effect<StreamGroupInfo, CommandError> =>
  Effect.all({
    name: facts.text("name"),
    consumers: facts.number("consumers"),
    pending: facts.number("pending"),
    lastDeliveredId: facts.text("last-delivered-id"),
    entriesRead: facts.known("entries-read"),
    lag: facts.known("lag")
  })

const addWords = (operation: string, { create = true, id = "*", ...trim }: StreamAddOptions) =>
  Effect.flatMap(checkedNewId(operation, id), () =>
    Effect.map(trimWords(operation, trim), (words): ReadonlyArray<Arg> => [
      ...(create ? [] : ["NOMKSTREAM"]),
      ...words,
      id
    ])
  )

/** `1-*` is the next of that millisecond. */
const checkedNewId = (operation: string, id: string) => checkedId(operation, id.replace(/^(\d+)-\*$/, "$1"), "*")

const trimWords = (
  operation: string,
  { approximate = false, limit, maxLength, minId }: StreamTrimOptions
): Effect.Effect<ReadonlyArray<Arg>, CommandError> => {
  if (maxLength !== undefined && minId !== undefined) return refused(operation, "give maxLength or minId, not both")
  if (limit !== undefined && !approximate) return refused(operation, "limit needs approximate: true")
  const checked =
    minId === undefined
      ? wholeNumber(operation, "maxLength", maxLength ?? 0, 0)
      : Exit.asVoid(checkedId(operation, minId))
  return Effect.map(Effect.andThen(checked, wholeNumber(operation, "limit", limit ?? 0, 0)), () => {
    const threshold: ReadonlyArray<Arg> =
      maxLength !== undefined
        ? ["MAXLEN", approximate ? "~" : "=", maxLength]
        : minId !== undefined
          ? ["MINID", approximate ? "~" : "=", minId]
          : []
    return threshold.length > 0 && limit !== undefined ? [...threshold, "LIMIT", limit] : threshold
  })
}
