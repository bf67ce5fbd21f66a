/** Many values at once. */
import { Effect, Exit, Option } from "effect"
import type { ValueError } from "../../../schema/CacheError.ts"
import { type EntryName, valueNow } from "../../../schema/ValueCodec.ts"
import type { TtlOptions } from "../../operations/KeyOptions.ts"
import type { CacheBatches } from "../../operations/CacheBatches.ts"
import { entriesIn, sendAll, split } from "../kernel/batches.ts"
import { ValueSize } from "../kernel/ValueSize.ts"
import type { CacheContext } from "../kernel/context.ts"
import { liveValue, plainValue } from "../kernel/entry.ts"
import { entriesOf, finalLength, type Hits, readMany, windows } from "../kernel/readMany.ts"
import { liveRead, readManyNear } from "../kernel/nearReads.ts"
import * as replies from "../kernel/replies.ts"
import type { NearView } from "../near/NearView.ts"
import { sendStores, type StoreCommand, storeCommand } from "../kernel/stores.ts"

/** The values of these keys, as the server has them. */
export type ReadAll<A, RD> = (names: ReadonlyArray<EntryName>) => Effect.Effect<ReadonlyMap<string, A>, ValueError, RD>

interface BatchOperations<A, RD, RE> {
  readonly operations: CacheBatches<A, RD, RE>
  readonly readAll: ReadAll<A, RD>
}

export const batchOperations = <A, RD, RE>(context: CacheContext<A, RD, RE>): BatchOperations<A, RD, RE> => {
  const { inFlight, client, codec, finalKey, lifetime, near } = context
  const valueSize = new ValueSize()

  /** In order, and without fiber steps as long as the codec needs none. */
  const decodeAll = ({ entries, stored }: Hits): Effect.Effect<Map<string, A>, ValueError, RD> => {
    const found = new Map<string, A>()
    const add = ({ key }: EntryName, value: Option.Option<A>) => {
      if (Option.isSome(value)) found.set(key, value.value)
    }
    for (let i = 0; i < entries.length; i++) {
      const plain = valueNow(plainValue(codec, entries[i]!, stored[i]!))
      if (plain !== undefined) {
        found.set(entries[i]!.key, plain.value)
        continue
      }
      const decoded = valueNow(liveValue(codec, entries[i]!, stored[i]!))
      if (decoded === undefined) {
        const rest = Effect.forEach(
          entries.slice(i),
          (entry, j) => Effect.map(liveValue(codec, entry, stored[i + j]!), (value) => add(entry, value)),
          { discard: true }
        )
        return Effect.as(rest, found)
      }
      add(entries[i]!, decoded.value)
    }
    return Exit.succeed(found)
  }

  /** The same of what is kept, and decoded for that already. */
  const decodeNear = (near: NearView<A, RD>, names: ReadonlyArray<EntryName>) =>
    Effect.flatMap(readManyNear(near, valueSize, names), (reads) => {
      const found = new Map<string, A>()
      const add = ({ key }: EntryName, value: Option.Option<A>) => {
        if (Option.isSome(value)) found.set(key, value.value)
      }
      for (const [i, name] of names.entries()) {
        const value = valueNow(liveRead(near, codec, name, reads[i]!))
        if (value !== undefined) add(name, value.value)
        else {
          const rest = Effect.forEach(
            names.slice(i),
            (name, j) => Effect.map(liveRead(near, codec, name, reads[i + j]!), (value) => add(name, value)),
            { discard: true }
          )
          return Effect.as(rest, found)
        }
      }
      return Exit.succeed(found)
    })

  const readAll: ReadAll<A, RD> = (names) =>
    near !== undefined && names.length > 0 && names.every(({ final }) => near.isFor(final))
      ? decodeNear(near, names)
      : Effect.flatMap(readMany(context, valueSize, names), decodeAll)

  const getMany: CacheBatches<A, RD, RE>["getMany"] = (keys, options) =>
    Effect.flatMapEager(entriesOf(context, "getMany", keys, options), (names) =>
      near === undefined
        ? Effect.flatMap(readMany(context, valueSize, names), decodeAll)
        : Effect.suspend(() => readAll(names))
    )

  const storeAll = Effect.fnUntraced(function* (values: ReadonlyMap<string, A>, options?: TtlOptions) {
    const sets: Array<StoreCommand> = []
    for (const [key, value] of values) {
      const final = yield* finalKey("setMany", key, options)
      // Each key of the batch has its own jitter.
      const millis = yield* lifetime("setMany", options?.timeToLive)
      sets.push(storeCommand(key, final, yield* codec.encode({ operation: "setMany", key, final }, value), millis))
      inFlight.outdate(final)
    }
    const failures = yield* sendStores(client, sets)
    const [firstFailure] = failures.values()
    // Where nothing was stored, a list of keys would hide an outage.
    if (firstFailure !== undefined && failures.size === sets.length) return yield* Effect.fail(firstFailure)
    return [...failures.keys()]
  })

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
