/** Many values at once. */
import { Effect, Exit, Option, Result } from "effect"
import type { CacheError } from "../../../schema/CacheError.ts"
import type { Command, Reply } from "../../../schema/Command.ts"
import { protocolError } from "../../../schema/failures.ts"
import type { Stored } from "../../../schema/frame.ts"
import { type EntryName, valueNow } from "../../../schema/ValueCodec.ts"
import type { TtlOptions } from "../../operations/KeyOptions.ts"
import type { CacheBatches } from "../../operations/CacheBatches.ts"
import type { ValkeyClientShape } from "../../ValkeyClient.ts"
import { entriesIn, sendAll, split } from "../kernel/batches.ts"
import { ValueSize } from "../kernel/ValueSize.ts"
import type { CacheContext } from "../kernel/context.ts"
import { liveValue, plainValue } from "../kernel/entry.ts"
import { entriesOf, finalLength, type Hits, readMany, windows } from "./readMany.ts"
import * as replies from "../kernel/replies.ts"
import { setArguments } from "../kernel/setCommand.ts"

export const batchOperations = <A, RD, RE>(context: CacheContext<A, RD, RE>): CacheBatches<A, RD, RE> => {
  const { allFlights, client, codec, finalKey, lifetime } = context
  const valueSize = new ValueSize()

  /** In order, and without fiber steps as long as the codec needs none. */
  const decodeAll = ({ entries, stored }: Hits): Effect.Effect<Map<string, A>, CacheError, RD> => {
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

  const getMany: CacheBatches<A, RD, RE>["getMany"] = (keys, options) =>
    Effect.flatMapEager(entriesOf(context, "getMany", keys, options), (entries) =>
      Effect.flatMap(readMany(context, valueSize, entries), decodeAll)
    )

  const storeAll = Effect.fnUntraced(function* (values: ReadonlyMap<string, A>, options?: TtlOptions) {
    const sets: Array<StoreCommand> = []
    for (const [key, value] of values) {
      const final = yield* finalKey("setMany", key, options)
      // Each key of the batch has its own jitter.
      const millis = yield* lifetime("setMany", options?.timeToLive)
      sets.push(storeCommand(key, final, yield* codec.encode({ operation: "setMany", key, final }, value), millis))
      allFlights.outdate(final)
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
        for (const { final } of entries) allFlights.outdate(final)
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

  return { getMany, setMany, deleteMany }
}

/** What stores one value of a batch. */
export interface StoreCommand {
  readonly key: string
  readonly command: Command
  readonly bytes: number
}

export const storeCommand = (key: string, final: string, encoded: Stored, millis: number): StoreCommand => ({
  key,
  command:
    millis === 0 ? { name: "UNLINK", args: [final] } : { name: "SET", args: setArguments(final, encoded, millis) },
  bytes: final.length + encoded.length
})

const confirms = ({ name }: Command, reply: Reply): boolean =>
  name === "SET" ? reply === "OK" : typeof reply === "number"

/** What could not be stored, and why. */
export const sendStores = Effect.fnUntraced(function* (
  client: ValkeyClientShape,
  stores: ReadonlyArray<StoreCommand>
): Effect.fn.Return<ReadonlyMap<string, CacheError>, CacheError> {
  const failures = new Map<string, CacheError>()
  for (const part of split(stores, ({ bytes }) => bytes)) {
    const results = yield* client.pipeline(part.map(({ command }) => command))
    results.forEach((result, i) => {
      const { command, key } = part[i]!
      if (Result.isFailure(result)) failures.set(key, result.failure)
      else if (!confirms(command, result.success)) failures.set(key, protocolError(command.name))
    })
  }
  return failures
})
