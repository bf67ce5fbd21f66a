/** The groups of a stream. */
import { Effect } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { Reply } from "../../schema/Command.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { mostElements } from "./elements.ts"
import { command, list, pairs, replyOf, shown } from "./replies.ts"

/** At most this many groups are shown. */
const mostGroups = 20

export interface PendingEntry {
  readonly id: string
  readonly consumer: string
  /** Milliseconds since it was delivered last. */
  readonly idle: number
  readonly deliveries: number
}

export interface StreamGroup {
  readonly name: string
  readonly consumers: number
  readonly lastId: string
  readonly pendingCount: number
  /** The first 100 pending entries. */
  readonly pending: ReadonlyArray<PendingEntry>
}

/** The first groups of a stream, each with its first pending entries. Two round trips. */
export const groupsOf = (
  client: ValkeyClientShape,
  key: string
): Effect.Effect<ReadonlyArray<StreamGroup>, CommandError> =>
  Effect.gen(function* () {
    const found = list(yield* client.send("XINFO", ["GROUPS", key], { reply: "buffer" })).slice(0, mostGroups)
    const groups = found.map(factsIn)
    const pending = yield* client.pipeline(
      groups.map((facts) => command("XPENDING", key, shown(facts.get("name")), "-", "+", mostElements))
    )
    return groups.map((facts, at) => ({
      name: shown(facts.get("name")),
      consumers: Number(shown(facts.get("consumers"))),
      lastId: shown(facts.get("last-delivered-id")),
      pendingCount: Number(shown(facts.get("pending"))),
      pending: list(replyOf(pending[at])).map(entryIn)
    }))
  })

const factsIn = (reply: Reply): ReadonlyMap<string, Reply | undefined> =>
  new Map(pairs(reply, (name, value) => [shown(name), value]))

const entryIn = (reply: Reply): PendingEntry => {
  const [id, consumer, idle, deliveries] = list(reply)
  return { id: shown(id), consumer: shown(consumer), idle: Number(shown(idle)), deliveries: Number(shown(deliveries)) }
}
