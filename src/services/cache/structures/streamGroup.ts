/** The operations of a group of consumers. */
import { type Duration, Effect, Exit, Option } from "effect"
import type { CommandError, CacheError } from "../../../schema/CacheError.ts"
import type { Arg, Reply } from "../../../schema/Command.ts"
import type {
  StreamAutoClaimOptions,
  CacheStreamGroup,
  StreamClaimOptions,
  StreamPendingEntry,
  StreamPendingSummary
} from "../../operations/structures/CacheStreamGroup.ts"
import type { StreamEntry } from "../../operations/structures/StreamEntry.ts"
import type { StreamConsumerInfo } from "../../operations/structures/StreamInfo.ts"
import type { KeyOptions } from "../../operations/KeyOptions.ts"
import type { CacheContext } from "../kernel/context.ts"
import { isStored } from "../kernel/entry.ts"
import { finiteMillis } from "../kernel/finiteMillis.ts"
import { wholeNumber } from "../kernel/wholeNumber.ts"
import * as replies from "../kernel/replies.ts"
import { blockMillis, readOn } from "./streamReader.ts"
import { checkedBoundary, checkedId, checkedName, countIds, decodePage, decodeRead } from "./streamReplies.ts"
import { type Facts, factsOf } from "./Facts.ts"

export const makeStreamGroup = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  key: string,
  keyOptions: KeyOptions,
  group: string
): CacheStreamGroup<A, RD> => {
  const { client, readOptions } = context

  const structure = context.structure("stream.group", key, keyOptions)

  /** Its names are checked before anything is sent. */
  const run = <B, E extends CacheError, R>(
    name: string,
    neutral: B,
    consumer: string | undefined,
    effect: (operation: string, final: string) => Effect.Effect<B, E, R>
  ) =>
    structure(name, neutral, (operation, final) =>
      Effect.flatMap(checkedName(operation, group), () =>
        consumer === undefined
          ? effect(operation, final)
          : Effect.flatMap(checkedName(operation, consumer), () => effect(operation, final))
      )
    )

  const claimed = <B, E extends CacheError, R>(
    name: string,
    consumer: string,
    minIdle: Duration.Input,
    ids: ReadonlyArray<string>,
    { deliveries, force = false, idle }: StreamClaimOptions,
    words: ReadonlyArray<Arg>,
    use: (operation: string, final: string) => (reply: Reply) => Effect.Effect<ReadonlyArray<B>, E, R>
  ) =>
    run(name, [] as ReadonlyArray<B>, consumer, (operation, final) =>
      Effect.gen(function* () {
        const least = yield* finiteMillis(operation, "minIdle", minIdle)
        for (const id of ids) yield* checkedId(operation, id)
        if (ids.length === 0) return []
        const options: Array<Arg> = [...words]
        if (idle !== undefined) options.push("IDLE", yield* finiteMillis(operation, "idle", idle))
        if (deliveries !== undefined) {
          options.push("RETRYCOUNT", yield* wholeNumber(operation, "deliveries", deliveries, 0))
        }
        if (force) options.push("FORCE")
        const args = [final, group, consumer, least, ...ids, ...options]
        return yield* client.request("XCLAIM", args, use(operation, final), readOptions)
      })
    )

  const autoClaimed = <B, E extends CacheError, R>(
    name: string,
    neutral: B,
    consumer: string,
    minIdle: Duration.Input,
    { count = 100, start = "-" }: StreamAutoClaimOptions,
    words: ReadonlyArray<Arg>,
    use: (operation: string, final: string, page: AutoClaimed) => Effect.Effect<B, E, R>
  ) =>
    run(name, neutral, consumer, (operation, final) =>
      Effect.gen(function* () {
        const least = yield* finiteMillis(operation, "minIdle", minIdle)
        yield* checkedBoundary(operation, start)
        yield* wholeNumber(operation, "count", count, 1)
        const args = [final, group, consumer, least, start, "COUNT", count, ...words]
        const reply = yield* client.send("XAUTOCLAIM", args, readOptions)
        const [next, found, deletedIds]: ReadonlyArray<Reply> = Array.isArray(reply) ? reply : []
        if (!isStored(next ?? null)) return yield* replies.unexpected(operation)
        const deleted = yield* replies.texts(operation)(deletedIds)
        return yield* use(operation, final, { next: String(next), found, deleted })
      })
    )

  return {
    create: ({ createStream = true, entriesRead, from = "$" } = {}) =>
      run("create", false, undefined, (operation, final) =>
        Effect.flatMap(checkedId(operation, from, "$"), () =>
          Effect.flatMap(positionWords(operation, entriesRead), (position) =>
            Effect.catchTag(
              client.request(
                "XGROUP",
                ["CREATE", final, group, from, ...(createStream ? ["MKSTREAM"] : []), ...position],
                replies.done(operation)
              ),
              "CacheServerError",
              (error) => (error.code === "BUSYGROUP" ? Effect.succeed(false) : Effect.fail(error))
            )
          )
        )
      ),
    destroy: run("destroy", false, undefined, (operation, final) =>
      Effect.catchTag(
        client.request("XGROUP", ["DESTROY", final, group], replies.flag(operation)),
        "CacheServerError",
        // Where there is no stream there is no group.
        (error) => (error.reply.includes("requires the key to exist") ? Effect.succeed(false) : Effect.fail(error))
      )
    ),
    setId: (id, { entriesRead } = {}) =>
      run("setId", undefined as void, undefined, (operation, final) =>
        Effect.flatMap(checkedId(operation, id, "$"), () =>
          Effect.flatMap(positionWords(operation, entriesRead), (position) =>
            Effect.asVoid(client.request("XGROUP", ["SETID", final, group, id, ...position], replies.done(operation)))
          )
        )
      ),
    removeConsumer: (consumer) =>
      run("removeConsumer", 0, consumer, (operation, final) =>
        client.request("XGROUP", ["DELCONSUMER", final, group, consumer], replies.integer(operation))
      ),
    read: (consumer, { count = 100, from = ">", noAck = false } = {}) =>
      run("read", [] as ReadonlyArray<StreamEntry<A>>, consumer, (operation, final) =>
        Effect.gen(function* () {
          yield* checkedId(operation, from, ">")
          yield* wholeNumber(operation, "count", count, 1)
          const args = ["GROUP", group, consumer, "COUNT", count, ...(noAck ? ["NOACK"] : []), "STREAMS", final, from]
          const reply = yield* client.send("XREADGROUP", args, readOptions)
          const { entries } = yield* decodeRead(context, { operation, key, final }, reply)
          return entries
        })
      ),
    consume: (consumer, { count = 10 } = {}) =>
      readOn(
        context,
        "stream.group.consume",
        Effect.gen(function* () {
          const operation = "stream.group.consume"
          const final = yield* context.finalKey(operation, key, keyOptions)
          yield* checkedName(operation, group)
          yield* checkedName(operation, consumer)
          yield* wholeNumber(operation, "count", count, 1)
          const step = ({ given, pending }: Place) => {
            const wait = pending ? [] : ["BLOCK", blockMillis]
            const from = pending ? given : ">"
            return {
              command: "XREADGROUP",
              args: ["GROUP", group, consumer, "COUNT", count, ...wait, "STREAMS", final, from],
              blocking: !pending,
              // What was delivered in a reply that nobody has read is pending.
              onLoss: { given, pending: true },
              onReply: (reply: Reply) =>
                Effect.map(decodeRead(context, { operation, key, final }, reply), ({ entries, lastId }) => ({
                  entries,
                  next: { given: lastId ?? given, pending: pending && lastId !== undefined }
                }))
            }
          }
          return { place: beginning, step }
        })
      ),
    ack: (...ids) =>
      run("ack", 0, undefined, (operation, final) => countIds(client, operation, "XACK", [final, group], ids)),
    pending: ({ consumer, count = 1000, end = "+", minIdle, start = "-" } = {}) =>
      run("pending", [] as ReadonlyArray<StreamPendingEntry>, consumer, (operation, final) =>
        Effect.gen(function* () {
          yield* checkedBoundary(operation, start)
          yield* checkedBoundary(operation, end)
          yield* wholeNumber(operation, "count", count, 0)
          const idle = minIdle === undefined ? [] : ["IDLE", yield* finiteMillis(operation, "minIdle", minIdle)]
          const owner = consumer === undefined ? [] : [consumer]
          const reply = yield* client.send("XPENDING", [final, group, ...idle, start, end, count, ...owner])
          if (!Array.isArray(reply)) return yield* replies.unexpected(operation)
          return yield* Effect.forEach(reply, (item) => pendingEntry(operation, item))
        })
      ),
    pendingSummary: run("pendingSummary", nobody, undefined, (operation, final) =>
      client.request("XPENDING", [final, group], (reply) => summaryOf(operation, reply))
    ),
    consumers: run("consumers", [] as ReadonlyArray<StreamConsumerInfo>, undefined, (operation, final) =>
      client.request("XINFO", ["CONSUMERS", final, group], (reply) =>
        Effect.flatMap(factsOf(operation, reply), (all) => Effect.forEach(all, consumerOf))
      )
    ),
    claim: (consumer, minIdle, ids, options = {}) =>
      claimed(
        "claim",
        consumer,
        minIdle,
        ids,
        options,
        [],
        (operation, final) => (reply) =>
          Effect.map(decodePage(context, { operation, key, final }, reply), ({ entries }) => entries)
      ),
    claimIds: (consumer, minIdle, ids, options = {}) =>
      claimed("claimIds", consumer, minIdle, ids, options, ["JUSTID"], replies.texts),
    autoClaim: (consumer, minIdle, options = {}) =>
      autoClaimed(
        "autoClaim",
        { next: noMore, entries: [] as ReadonlyArray<StreamEntry<A>>, deleted: [] as ReadonlyArray<string> },
        consumer,
        minIdle,
        options,
        [],
        (operation, final, { deleted, found, next }) =>
          Effect.map(decodePage(context, { operation, key, final }, found), ({ entries }) => ({
            next,
            entries,
            deleted
          }))
      ),
    autoClaimIds: (consumer, minIdle, options = {}) =>
      autoClaimed(
        "autoClaimIds",
        { next: noMore, ids: [] as ReadonlyArray<string>, deleted: [] as ReadonlyArray<string> },
        consumer,
        minIdle,
        options,
        ["JUSTID"],
        (operation, _, { deleted, found, next }) =>
          Effect.map(replies.texts(operation)(found), (ids) => ({ next, ids, deleted }))
      )
  }
}

/** A page of XAUTOCLAIM. */
interface AutoClaimed {
  readonly next: string
  readonly found: Reply | undefined
  readonly deleted: ReadonlyArray<string>
}

/** Where a consumer is: at its pending entries or at new ones, and what it was last given. */
interface Place {
  readonly given: string
  readonly pending: boolean
}

const beginning: Place = { given: "0-0", pending: true }

const noMore = "0-0"

const nobody: StreamPendingSummary = { count: 0, firstId: Option.none(), lastId: Option.none(), consumers: new Map() }

const positionWords = (operation: string, entriesRead: number | undefined) =>
  Effect.map(wholeNumber(operation, "entriesRead", entriesRead ?? 0, 0), (position): ReadonlyArray<Arg> =>
    entriesRead === undefined ? [] : ["ENTRIESREAD", position]
  )

const pendingEntry = (operation: string, reply: Reply): Exit.Exit<StreamPendingEntry, CommandError> => {
  const [id, consumer, idle, deliveries] = Array.isArray(reply) ? reply : []
  return typeof id === "string" &&
    typeof consumer === "string" &&
    typeof idle === "number" &&
    typeof deliveries === "number"
    ? Exit.succeed({ id, consumer, idle, deliveries })
    : replies.unexpected(operation)
}

const summaryOf = (operation: string, reply: Reply): Exit.Exit<StreamPendingSummary, CommandError> => {
  if (!Array.isArray(reply) || reply.length !== 4 || typeof reply[0] !== "number") return replies.unexpected(operation)
  const owners: Reply = reply[3] ?? []
  if (!Array.isArray(owners)) return replies.unexpected(operation)
  const idOf = (id: Reply | undefined) => (typeof id === "string" ? Option.some(id) : Option.none())
  const consumers = new Map<string, number>()
  for (const owner of owners) {
    const [name, pending]: ReadonlyArray<Reply> = Array.isArray(owner) ? owner : []
    if (typeof name !== "string" || !/^\d+$/.test(String(pending))) return replies.unexpected(operation)
    consumers.set(name, Number(pending))
  }
  return Exit.succeed({ count: reply[0], firstId: idOf(reply[1]), lastId: idOf(reply[2]), consumers })
}

const consumerOf = (facts: Facts): Effect.Effect<StreamConsumerInfo, CommandError> =>
  Effect.all({
    name: facts.text("name"),
    pending: facts.number("pending"),
    idle: facts.number("idle"),
    inactive: facts.known("inactive")
  })
