/** XREAD: of one stream or several, once or for ever. */
import { Clock, type Duration, Effect, Exit, Result, type Stream } from "effect"
import type { CommandError, ValueError } from "../../../schema/CacheError.ts"
import { isTransient } from "../../../schema/isTransient.ts"
import type { Arg, Reply } from "../../../schema/Command.ts"
import type { KeyOptions } from "../../operations/KeyOptions.ts"
import type { KeyedStreamEntry, StreamPlaces } from "../../operations/structures/CacheStreams.ts"
import { sendAll } from "../kernel/batches.ts"
import type { CacheContext } from "../kernel/context.ts"
import { isStored } from "../kernel/entry.ts"
import { pauseAfterLoss } from "../kernel/pauseAfterLoss.ts"
import * as replies from "../kernel/replies.ts"
import { wholeNumber } from "../kernel/wholeNumber.ts"
import { type Source, sourceNamed, sourcesOf } from "./severalKeys.ts"
import { blockMillis, readOn } from "./streamReader.ts"
import { checkedId, decodePage } from "./streamReplies.ts"
import { sendWaiting, waitMillis } from "./waiting.ts"

export interface ReadOptions {
  readonly after: StreamPlaces
  readonly count: number
}

/** Where each stream goes on, by its key. */
type Places = ReadonlyMap<string, string>

/** What was read, and where each stream goes on. */
interface Read<A> {
  readonly entries: ReadonlyArray<KeyedStreamEntry<A>>
  readonly next: Places
}

/** Streams the entries of all of them, without end. */
export const followAll = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  operation: string,
  keys: ReadonlyArray<string>,
  keyOptions: KeyOptions,
  { after, count }: ReadOptions
): Stream.Stream<KeyedStreamEntry<A>, ValueError, RD> =>
  readOn(
    context,
    operation,
    Effect.gen(function* () {
      const sources = yield* sourcesOf(context, operation, keys, keyOptions)
      yield* wholeNumber(operation, "count", count, 1)
      const places = yield* placesOf(context, operation, sources, after)
      return {
        place: places,
        step: (place: Places) => ({
          command: "XREAD",
          args: readWords(sources, place, count, blockMillis),
          blocking: true,
          onLoss: place,
          onReply: (reply: Reply) => decodeReads(context, operation, sources, place, reply)
        })
      }
    })
  )

/** Reads entries of them once, and waits up to `timeout` for the first one. */
export const readAll = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  operation: string,
  sources: ReadonlyArray<Source>,
  { after, count, timeout }: ReadOptions & { readonly timeout: Duration.Input }
): Effect.Effect<Read<A>, ValueError, RD> =>
  Effect.gen(function* () {
    const { client, readOptions } = context
    yield* wholeNumber(operation, "count", count, 1)
    const millis = yield* waitMillis(operation, timeout)
    const deadline = (yield* Clock.currentTimeMillis) + millis
    let place = yield* placesOf(context, operation, sources, after)
    for (let wait = 0; ;) {
      const args = readWords(sources, place, count, wait)
      const asked =
        wait === 0 ? client.send("XREAD", args, readOptions) : sendWaiting(client, "XREAD", args, readOptions)
      const reply = yield* Effect.result(asked)
      const rest = deadline - (yield* Clock.currentTimeMillis)
      wait = Math.min(Math.ceil(rest), blockMillis)
      if (Result.isFailure(reply)) {
        if (!isTransient(reply.failure) || rest <= 0) return yield* Effect.fail(reply.failure)
        yield* Effect.sleep(Math.min(rest, pauseAfterLoss))
        continue
      }
      const read = yield* decodeReads(context, operation, sources, place, reply.success)
      if (read.entries.length > 0 || rest <= 0) return read
      place = read.next
    }
  })

/** Where reading begins in each of them: what is new comes after the entry that is the last one now. */
const placesOf = (
  { client }: Pick<CacheContext<unknown, unknown, unknown>, "client">,
  operation: string,
  sources: ReadonlyArray<Source>,
  after: StreamPlaces
): Effect.Effect<Places, CommandError> =>
  Effect.gen(function* () {
    const places = new Map<string, string>()
    for (const { key } of sources) {
      // What the object inherits is no place.
      places.set(key, yield* checkedId(operation, Object.hasOwn(after, key) ? after[key]! : "$", "$"))
    }
    const fresh = sources.filter(({ key }) => places.get(key) === "$")
    if (fresh.length > 0) {
      const commands = fresh.map(({ final }) => ({ name: "XREVRANGE", args: [final, "+", "-", "COUNT", 1] }))
      const last = yield* sendAll(client, commands)
      for (const [i, { key }] of fresh.entries()) places.set(key, yield* lastIdOf(operation)(last[i] ?? null))
    }
    return places
  })

const readWords = (sources: ReadonlyArray<Source>, place: Places, count: number, wait: number): ReadonlyArray<Arg> => [
  "COUNT",
  count,
  ...(wait > 0 ? ["BLOCK", wait] : []),
  "STREAMS",
  ...sources.map(({ final }) => final),
  ...sources.map(({ key }) => place.get(key) ?? "$")
]

/** `[[key, entries], …]` of those that have any, or null. */
const decodeReads = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  operation: string,
  sources: ReadonlyArray<Source>,
  place: Places,
  reply: Reply
): Effect.Effect<Read<A>, ValueError, RD> => {
  if (reply === null) return Effect.succeed({ entries: [], next: place })
  if (!Array.isArray(reply)) return replies.unexpected(operation)
  const decodeOne = (item: Reply) => {
    const [name, page]: ReadonlyArray<Reply> = Array.isArray(item) ? item : []
    const source = name !== undefined && isStored(name) ? sourceNamed(sources, name) : undefined
    if (source === undefined) return replies.unexpected(operation)
    return Effect.map(decodePage(context, { operation, ...source }, page), ({ entries, lastId }) => ({
      entries: entries.map((entry): KeyedStreamEntry<A> => ({ key: source.key, ...entry })),
      read: lastId === undefined ? [] : [[source.key, lastId] as const]
    }))
  }
  return Effect.map(Effect.forEach(reply, decodeOne), (pages) => ({
    entries: pages.flatMap(({ entries }) => entries),
    next: new Map([...place, ...pages.flatMap(({ read }) => read)])
  }))
}

/** The id of the last entry, whatever it holds, of a reply of XREVRANGE. */
const lastIdOf =
  (operation: string) =>
  (reply: Reply): Exit.Exit<string, CommandError> => {
    if (!Array.isArray(reply)) return replies.unexpected(operation)
    const [last = ["0-0"]]: ReadonlyArray<Reply> = reply
    const [id]: ReadonlyArray<Reply> = Array.isArray(last) ? last : []
    return typeof id === "string" ? Exit.succeed(id) : replies.unexpected(operation)
  }
