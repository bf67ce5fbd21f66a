/** Many values at once. */
import { Effect, Exit } from "effect"
import type { ValueError } from "../../../schema/CacheError.ts"
import { attempted, refused } from "../../../schema/failures.ts"
import { isFramed } from "../../../schema/frame.ts"
import { type EntryName, valueNow } from "../../../schema/ValueCodec.ts"
import type { BatchSetOptions, CacheBatches } from "../../operations/CacheBatches.ts"
import { entriesIn, sendAll, split } from "../kernel/batches.ts"
import { ValueSize } from "../kernel/ValueSize.ts"
import type { CacheContext } from "../kernel/context.ts"
import { liveValue, plainValue } from "../kernel/entry.ts"
import { entriesOf, finalLength, type Hits, readMany, windows } from "../kernel/readMany.ts"
import { judgeOfReads, liveRead, type NearRead, readManyNear } from "../kernel/nearReads.ts"
import { type Judged, judgeFor } from "../kernel/judgeFor.ts"
import * as replies from "../kernel/replies.ts"
import { namesOf, recordsFor, stampIn } from "../kernel/tagging.ts"
import type { TagJudges } from "../tags/Tags.ts"
import type { NearValue } from "../near/NearValue.ts"
import type { NearView } from "../near/NearView.ts"
import { valuesInOrder } from "../kernel/valuesInOrder.ts"
import { type AbsentStore, storeAbsent } from "./storeAbsent.ts"
import { sendStores, type StoreCommand, storeCommand } from "../kernel/stores.ts"

/** The values of these keys. What is near of them is not read from the server; undefined = nothing is to be near. */
export type ReadAll<A, RD> = (
  names: ReadonlyArray<EntryName>,
  known: ReadonlyArray<NearValue | undefined> | undefined
) => Effect.Effect<ReadonlyMap<string, A>, ValueError, RD>

interface BatchOperations<A, RD, RE> {
  readonly operations: CacheBatches<A, RD, RE>
  readonly readAll: ReadAll<A, RD>
}

/** One of many that are stored. */
interface Entry<A> {
  readonly key: string
  readonly final: string
  readonly value: A
  readonly millis: number
  readonly names: ReadonlyArray<string> | undefined
}

/** What was read without being kept, in the order of the names. */
const readsOf = (names: ReadonlyArray<EntryName>, { entries, stored }: Hits): ReadonlyArray<NearRead> => {
  const found = new Map(entries.map(({ final }, i) => [final, stored[i]!]))
  return names.map(({ final }) => ({ kept: undefined, reply: found.get(final) ?? null }))
}

const noStamp = () => Exit.succeed(undefined)

export const batchOperations = <A, RD, RE>(context: CacheContext<A, RD, RE>): BatchOperations<A, RD, RE> => {
  const { inFlight, client, codec, finalKey, lifetime, near, nearTags, tags } = context
  const valueSize = new ValueSize()

  const decodeAll = (hits: Hits): Effect.Effect<Map<string, A>, ValueError, RD> =>
    Effect.flatMapEager(judgeFor(codec, tags, hits.entries, hits.stored), (judged) => decodeJudged(hits, judged))

  const decodeJudged = (
    { entries, stored }: Hits,
    { headers, judge }: Judged
  ): Effect.Effect<Map<string, A>, ValueError, RD> => {
    const found = new Map<string, A>()
    const { parsed } = codec
    for (let i = 0; i < entries.length; i++) {
      const text = stored[i]!
      if (parsed !== undefined && typeof text === "string" && !isFramed(text)) {
        try {
          found.set(entries[i]!.key, parsed(text))
          continue
        } catch {
          // What comes next says what is wrong.
        }
      }
      const plain = valueNow(plainValue(codec, entries[i]!, stored[i]!))
      if (plain === undefined) {
        return valuesInOrder(entries, (i) => liveValue(codec, entries[i]!, stored[i]!, judge, headers[i]), found, i)
      }
      found.set(entries[i]!.key, plain.value)
    }
    return Exit.succeed(found)
  }

  /** The same of what is kept, and decoded for that already. */
  const decodeNear = (
    near: NearView<A, RD>,
    names: ReadonlyArray<EntryName>,
    reads: ReadonlyArray<NearRead>,
    by: TagJudges
  ) =>
    Effect.flatMapEager(judgeOfReads(codec, by, names, reads), (judge) =>
      valuesInOrder(names, (i) => liveRead(near, codec, names[i]!, reads[i]!, judge))
    )

  const readAll: ReadAll<A, RD> = (names, known) => {
    const isAll = known === undefined || known.length === 0
    const rest = isAll ? names : names.filter((_, i) => known[i] === undefined)
    const isKept = near !== undefined && rest.every(({ final }) => near.isFor(final))
    if (near === undefined || (isAll && !isKept)) return Effect.flatMap(readMany(context, valueSize, rest), decodeAll)
    const readRest: Effect.Effect<ReadonlyArray<NearRead>, ValueError> = rest.length === 0
      ? Exit.succeed([])
      : isKept
        ? readManyNear(near, valueSize, rest)
        : Effect.map(readMany(context, valueSize, rest), (hits) => readsOf(rest, hits))
    return Effect.flatMapEager(readRest, (reads) => {
      if (isAll) return decodeNear(near, names, reads, known === undefined ? tags : (nearTags ?? tags))
      let next = 0
      const all = names.map((_, i): NearRead => {
        const kept = known[i]
        return kept === undefined ? reads[next++]! : { kept, reply: undefined }
      })
      return decodeNear(near, names, all, nearTags ?? tags)
    })
  }

  const getMany: CacheBatches<A, RD, RE>["getMany"] = (keys, options) =>
    Effect.flatMapEager(entriesOf(context, "getMany", keys, options), (names) =>
      near === undefined
        ? Effect.flatMap(readMany(context, valueSize, names), decodeAll)
        : Effect.suspend(() => readAll(names, options?.near === false ? undefined : []))
    )

  const storeAll = Effect.fnUntraced(function* (values: ReadonlyMap<string, A>, options: BatchSetOptions<A> = {}) {
    const { when } = options
    if (when !== undefined && when !== "absent") return yield* refused("setMany", "when must be absent")
    const entries: Array<Entry<A>> = []
    for (const [key, value] of values) {
      const final = yield* finalKey("setMany", key, options)
      // Each key of the batch has its own jitter.
      const millis = yield* lifetime("setMany", options.timeToLive)
      const { since, tags } = options
      const asked = typeof tags === "function" ? yield* attempted("setMany", "tags", () => tags(key, value)) : tags
      const names = yield* namesOf("setMany", asked, since)
      entries.push({ key, final, value, millis, names })
    }
    const stamps = yield* stampsOf(entries, options.since)
    const sets: Array<StoreCommand> = []
    const absent: Array<AbsentStore> = []
    for (const { final, key, millis, names, value } of entries) {
      const stamp = names === undefined ? undefined : yield* stamps(names)
      const entry = { operation: "setMany", key, final }
      const encoded = yield* codec.encode(entry, value, undefined, stamp)
      if (when === "absent") absent.push({ entry, encoded, millis })
      else sets.push(storeCommand(key, final, encoded, millis))
      inFlight.outdate(final)
    }
    if (when === "absent") return yield* storeAbsent(context, absent)
    const failures = yield* sendStores(client, sets)
    const [firstFailure] = failures.values()
    // Where nothing was stored, a list of keys would hide an outage.
    if (firstFailure !== undefined && failures.size === sets.length) return yield* Effect.fail(firstFailure)
    return [...failures.keys()]
  })

  /**
   * The stamps of all entries, for one round trip. Each tag is kept for as long as the entry with the longest lifetime needs it.
   */
  const stampsOf = (entries: ReadonlyArray<Entry<A>>, since: BatchSetOptions["since"]) => {
    const names = new Set<string>()
    let longest = 0
    for (const entry of entries) {
      if (entry.names === undefined) continue
      longest = Math.max(longest, entry.millis)
      for (const name of entry.names) names.add(name)
    }
    if (names.size === 0) return Exit.succeed(noStamp)
    return Effect.map(
      recordsFor(context, "setMany", [...names], since, longest),
      (records) => (names: ReadonlyArray<string>) => stampIn("setMany", names, records)
    )
  }

  const setMany: CacheBatches<A, RD, RE>["setMany"] = (entries, options) =>
    Effect.suspend(() => storeAll(entriesIn(entries), options))

  const deleteMany: CacheBatches<A, RD, RE>["deleteMany"] = (keys, options) =>
    Effect.flatMapEager(entriesOf(context, "deleteMany", keys, options), (entries) =>
      Effect.suspend(() => {
        for (const { final } of entries) inFlight.outdate(final)
        return Effect.map(
          Effect.forEach(windows(split(entries, finalLength)), (parts) =>
            Effect.flatMap(
              sendAll(
                client,
                parts.map((part) => ({ name: "UNLINK", args: part.map(({ final }) => final) }))
              ),
              (counts) => replies.sum("deleteMany", counts)
            )
          ),
          (counts) => counts.reduce((sum, count) => sum + count, 0)
        )
      })
    )

  return { operations: { getMany, setMany, deleteMany }, readAll }
}
