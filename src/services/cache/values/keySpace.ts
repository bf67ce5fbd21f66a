/** The key space of one prefix: names, versions, scans, and clearing it. */
import { Effect, Option, Stream } from "effect"
import { allVersions, keyRefusal, type KeySpace, keySpace } from "../../../schema/key.ts"
import type { KeyOptions } from "../../operations/KeyOptions.ts"
import type { CacheKeySpace } from "../../operations/CacheKeySpace.ts"
import type { ScanOptions } from "../../ValkeyClient.ts"
import { split } from "../kernel/batches.ts"
import { attempted, refused } from "../../../schema/failures.ts"
import type { CacheContext } from "../kernel/context.ts"
import { type Move, move } from "./move.ts"
import * as replies from "../kernel/replies.ts"
import { largest, usage } from "./keySizes.ts"
import { wholeNumber } from "../kernel/wholeNumber.ts"
import { SplitMap } from "../../../schema/SplitMap.ts"

export const keySpaceOperations = <A, RD, RE>(context: CacheContext<A, RD, RE>): CacheKeySpace => {
  const { inFlight, client, codec, finalKey, options, version } = context
  const { keyFunction, prefix } = options

  const incrVersion = Effect.fnUntraced(function* (
    operation: string,
    key: string,
    delta: number,
    keyOptions?: KeyOptions
  ) {
    const current = yield* version(operation, keyOptions)
    const next = current + delta
    if (!Number.isSafeInteger(delta)) return yield* refused(operation, "delta must be a safe integer")
    const from = yield* finalKey(operation, key, { version: current })
    const to = yield* finalKey(operation, key, { version: next })
    yield* moveEntry({ operation, key, from, to, overwrite: true })
    return next
  })

  const moveEntry = (entry: Move) =>
    Effect.suspend(() => {
      inFlight.outdate(entry.from)
      inFlight.outdate(entry.to)
      return move(client, codec.rebind, entry)
    })

  /** The keys that a glob matches, checked to be of this space. */
  const space = (operation: string, pattern: string, keyOptions?: KeyOptions) => {
    const reason = keyRefusal(pattern)
    if (reason !== undefined) return refused(operation, reason.replace("a key", "a pattern"))
    return Effect.flatMapEager(version(operation, keyOptions), (version) =>
      attempted(operation, "the key function", () => keySpace(keyFunction, { prefix, version }, pattern))
    )
  }

  const scanSpace = ({ match, userKey }: KeySpace, scanOptions?: ScanOptions) =>
    client.scan({ ...scanOptions, match }).pipe(
      Stream.map(userKey),
      Stream.filter((key) => key !== undefined)
    )

  const unlinkAll = Effect.fnUntraced(function* (operation: string, keys: ReadonlyArray<string | Buffer>) {
    let count = 0
    for (const part of split(keys, (key) => key.length)) {
      count += yield* client.request("UNLINK", part, replies.integer(operation))
    }
    return count
  })

  /** Deletes what the scan finds page by page, so that no list of all keys is ever held. */
  const deleteAll = (operation: string, match: string, owns: (finalKey: string) => boolean, count?: number) =>
    Effect.suspend(() => {
      // A key that is being looked up need not be there to be found.
      inFlight.outdateAll()
      return client.scanBinary({ match, count, deletes: owns }).pipe(
        // Of a key that is not UTF-8 the beginning is, which says whose it is.
        Stream.filter((key) => owns(String(key))),
        Stream.chunks,
        Stream.runFoldEffect(
          () => 0,
          (total, keys) => Effect.map(unlinkAll(operation, keys), (count) => total + count)
        )
      )
    })

  const deletePattern = (operation: string, pattern: string, keyOptions?: KeyOptions, count?: number) =>
    Effect.flatMapEager(space(operation, pattern, keyOptions), ({ match, userKey }) =>
      deleteAll(operation, match, (finalKey) => userKey(finalKey) !== undefined, count)
    )

  return {
    incrVersion: (key, delta = 1, keyOptions) => incrVersion("incrVersion", key, delta, keyOptions),
    decrVersion: (key, delta = 1, keyOptions) => incrVersion("decrVersion", key, -delta, keyOptions),
    rename: (from, to, { overwrite = true, fromVersion, toVersion } = {}) =>
      Effect.flatMapEager(finalKey("rename", from, { version: fromVersion }), (source) =>
        Effect.flatMapEager(finalKey("rename", to, { version: toVersion }), (target) =>
          moveEntry({ operation: "rename", key: from, from: source, to: target, overwrite })
        )
      ),
    keys: (pattern = "*", { limit, ...keyOptions } = {}) =>
      Effect.flatMapEager(space("keys", pattern, keyOptions), ({ match, userKey }) =>
        limit === undefined
          ? distinct(client.scan({ match }), userKey)
          : Effect.flatMapEager(wholeNumber("keys", "limit", limit, 1), (limit) =>
              firstOf(client.scan({ match }), userKey, limit)
            )
      ),
    scanPage: (pattern = "*", { count, cursor, type, ...keyOptions } = {}) =>
      Effect.flatMapEager(space("scanPage", pattern, keyOptions), ({ match, userKey }) =>
        Effect.map(client.scanPage(cursor, { match, count, type }), ({ keys, next }) => ({
          keys: keys.map(userKey).filter((key) => key !== undefined),
          cursor: Option.fromUndefinedOr(next)
        }))
      ),
    memoryUsage: (key, options) =>
      Effect.flatMapEager(finalKey("memoryUsage", key, options), (final) =>
        client.request("MEMORY", ["USAGE", final], usage)
      ),
    largestKeys: ({ limit, pattern = "*", sample, ...keyOptions } = {}) =>
      Effect.flatMapEager(space("largestKeys", pattern, keyOptions), (space) =>
        largest(client, space, { limit, sample })
      ),
    scan: (pattern = "*", { count, type, ...keyOptions } = {}) =>
      Stream.unwrap(Effect.map(space("scan", pattern, keyOptions), (space) => scanSpace(space, { count, type }))),
    deletePattern: (pattern, keyOptions) => deletePattern("deletePattern", pattern, keyOptions, keyOptions?.count),
    clear: Effect.suspend(() => deletePattern("clear", "*")),
    clearAllVersions: Effect.suspend(() =>
      Effect.flatMap(version("clearAllVersions"), () => {
        const all = attempted("clearAllVersions", "the key function", () => allVersions(keyFunction, prefix))
        return Effect.flatMapEager(all, ({ match, owns }) => deleteAll("clearAllVersions", match, owns))
      })
    ),
    flushAll: Effect.suspend(() => {
      inFlight.outdateAll()
      return Effect.asVoid(client.request("FLUSHDB", [], replies.ok("flushAll")))
    })
  }
}

/** What the final keys are called by users, each once: a scan may give a key twice. */
const distinct = <E>(
  scanned: Stream.Stream<string, E>,
  userKey: KeySpace["userKey"]
): Effect.Effect<ReadonlyArray<string>, E> =>
  Effect.suspend(() => {
    const seen = new SplitMap<true>()
    const pages: Array<ReadonlyArray<string>> = []
    const collect = (page: ReadonlyArray<string>) =>
      Effect.sync(() => pages.push(page.filter((key) => seen.set(key, true))))
    return Effect.flatMap(Stream.runForEachArray(scanned, collect), () => named(pages, seen.size, userKey))
  })

/** As many different ones, page by page until there are enough. */
const firstOf = <E>(
  scanned: Stream.Stream<string, E>,
  userKey: KeySpace["userKey"],
  limit: number
): Effect.Effect<ReadonlyArray<string>, E> =>
  Effect.suspend(() => {
    const found = new Set<string>()
    const fill = (page: ReadonlyArray<string>): boolean => {
      for (const finalKey of page) {
        const key = userKey(finalKey)
        if (key !== undefined && found.size < limit) found.add(key)
      }
      return found.size >= limit
    }
    return Effect.map(Stream.runDrain(Stream.takeUntil(Stream.chunks(scanned), fill)), () => [...found])
  })

const keysInTurn = 4000

/** One list, filled in steps: a list of a million keys that grows by itself is copied whole now and then. */
const named = Effect.fnUntraced(function* (
  pages: ReadonlyArray<ReadonlyArray<string>>,
  most: number,
  userKey: KeySpace["userKey"]
) {
  const all: Array<string> = []
  all.length = most
  let found = 0
  let turn = 0
  for (const page of pages) {
    for (const finalKey of page) {
      const key = userKey(finalKey)
      if (key !== undefined) all[found++] = key
    }
    turn += page.length
    if (turn < keysInTurn) continue
    turn = 0
    yield* Effect.yieldNow
  }
  all.length = found
  return all
})
