/** Many values at once. */
import { Effect, Exit, Result } from "effect"
import type { CacheError, CacheInputError } from "../../schema/CacheError.ts"
import type { Command, Reply } from "../../schema/Command.ts"
import { decodedNow } from "../../schema/ValueCodec.ts"
import type { KeyOption, TtlOption, TypedCache } from "../CacheService.ts"
import { sendAll, split, ValueSize } from "./batches.ts"
import type { CacheContext } from "./context.ts"
import * as replies from "./replies.ts"
import { setArguments } from "./values.ts"

/** A user key and its final key. */
type KeyPair = readonly [key: string, final: string]

/** Commands of up to 1 000 keys that go out in one write; the next write waits for their replies. */
const commandsPerWrite = 10

const finalLength = ([, final]: KeyPair): number => final.length

export const batchOperations = <A, RD, RE>(
  context: CacheContext<A, RD, RE>
): Pick<TypedCache<A, RD, RE>, "getMany" | "setMany" | "deleteMany"> => {
  const { client, codec, finalKey, lifetime } = context
  const valueSize = new ValueSize()

  /** All keys, each once, or the first that is refused. */
  const finalKeys = (
    operation: string,
    keys: Iterable<string>,
    options?: KeyOption
  ): Exit.Exit<ReadonlyArray<KeyPair>, CacheInputError> => {
    const pairs: Array<KeyPair> = []
    for (const key of new Set(keys)) {
      const final = finalKey(operation, key, options)
      if (!Exit.isSuccess(final)) return Exit.failCause(final.cause)
      pairs.push([key, final.value])
    }
    return Exit.succeed(pairs)
  }

  const getWindow = (parts: ReadonlyArray<ReadonlyArray<KeyPair>>, found: Map<string, A>) =>
    Effect.flatMap(
      sendAll(
        client,
        parts.map((part) => ({ name: "MGET", args: part.map(([, final]) => final) }))
      ),
      (repliesOfParts) => {
        const hits: Array<string> = []
        const stored: Array<string> = []
        let bytes = 0
        for (let i = 0; i < parts.length; i++) {
          const part = parts[i]!
          const values = repliesOfParts[i]
          if (!Array.isArray(values) || values.length !== part.length) return replies.unexpected("getMany")
          for (let j = 0; j < part.length; j++) {
            const value: Reply = values[j]
            if (value === null) continue
            if (typeof value !== "string") return replies.unexpected("getMany")
            hits.push(part[j]![0])
            stored.push(value)
            bytes += value.length
          }
        }
        valueSize.observe(hits.length, bytes)
        return decodeAll(hits, stored, found)
      }
    )

  /** In order, and without fiber steps as long as the codec needs none. */
  const decodeAll = (
    keys: ReadonlyArray<string>,
    stored: ReadonlyArray<string>,
    found: Map<string, A>
  ): Effect.Effect<Map<string, A>, CacheError, RD> => {
    for (let i = 0; i < keys.length; i++) {
      const decoded = decodedNow(codec, "getMany", keys[i]!, stored[i]!)
      if (decoded === undefined) {
        const rest = Effect.forEach(
          keys.slice(i),
          (key, j) => Effect.map(codec.decode("getMany", key, stored[i + j]!), (value) => found.set(key, value)),
          { discard: true }
        )
        return Effect.as(rest, found)
      }
      found.set(keys[i]!, decoded.value)
    }
    return Exit.succeed(found)
  }

  const getMany: TypedCache<A, RD, RE>["getMany"] = (keys, options) =>
    Effect.flatMapEager(finalKeys("getMany", keys, options), (pairs) =>
      Effect.suspend(() => {
        const parts = split(pairs, finalLength, valueSize.perReply)
        const found = new Map<string, A>()
        if (parts.length === 0) return Effect.succeed(found)
        if (parts.length <= commandsPerWrite) return getWindow(parts, found)
        return Effect.as(
          Effect.forEach(windows(parts), (window) => getWindow(window, found), { discard: true }),
          found
        )
      })
    )

  const setCommand = (final: string, encoded: string, millis: number): Command =>
    millis === 0 ? { name: "UNLINK", args: [final] } : { name: "SET", args: setArguments(final, encoded, millis) }

  const storeAll = Effect.fnUntraced(function* (values: ReadonlyMap<string, A>, options?: TtlOption) {
    const sets: Array<{ readonly key: string; readonly command: Command; readonly bytes: number }> = []
    for (const [key, value] of values) {
      const final = yield* finalKey("setMany", key, options)
      // Each key of the batch has its own jitter.
      const millis = yield* lifetime("setMany", options?.timeToLive)
      const encoded = yield* codec.encode("setMany", key, value)
      sets.push({ key, command: setCommand(final, encoded, millis), bytes: final.length + encoded.length })
    }
    const failures = new Map<string, CacheError>()
    for (const part of split(sets, ({ bytes }) => bytes)) {
      const results = yield* client.pipeline(part.map(({ command }) => command))
      results.forEach((result, i) => {
        if (Result.isFailure(result)) failures.set(part[i]!.key, result.failure)
      })
    }
    const [firstFailure] = failures.values()
    // Where nothing was stored, a list of keys would hide an outage.
    if (firstFailure !== undefined && failures.size === sets.length) return yield* Effect.fail(firstFailure)
    return [...failures.keys()]
  })

  const setMany: TypedCache<A, RD, RE>["setMany"] = (entries, options) =>
    storeAll(new Map(isIterable(entries) ? entries : Object.entries(entries)), options)

  const deleteMany: TypedCache<A, RD, RE>["deleteMany"] = (keys, options) =>
    Effect.flatMapEager(finalKeys("deleteMany", keys, options), (pairs) =>
      Effect.map(
        Effect.forEach(windows(split(pairs, finalLength)), (parts) =>
          Effect.flatMap(
            sendAll(
              client,
              parts.map((part) => ({ name: "UNLINK", args: part.map(([, final]) => final) }))
            ),
            (counts) => Effect.forEach(counts, replies.integer("deleteMany"))
          )
        ),
        (counts) => counts.flat().reduce((sum, count) => sum + count, 0)
      )
    )

  return { getMany, setMany, deleteMany }
}

const windows = <A>(parts: ReadonlyArray<A>): Array<Array<A>> => split(parts, () => 0, commandsPerWrite)

const isIterable = <A>(entries: Iterable<readonly [string, A]> | object): entries is Iterable<readonly [string, A]> =>
  Symbol.iterator in entries
