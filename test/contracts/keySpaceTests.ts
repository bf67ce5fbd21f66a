/** Ends that are instants, batches of all or none, pages of scans, sizes of keys: a part of the contract of caches. */
import { assert, describe, type Vitest } from "@effect/vitest"
import { Clock, Effect, Option } from "effect"
import {
  CacheInputError,
  type CacheService,
  CacheUnsupportedError,
  type ScanKeysPageOptions,
  type TypedCache
} from "effect-vcache"
import { fresh } from "../support/freshCache.ts"
import { hasSlots } from "../support/hasSlots.ts"

const later = 4_000_000_000_000

export const keySpaceTests = (it: Vitest.MethodsNonLive<CacheService>): void => {
  describe("a value that ends at an instant", () => {
    it.effect("does so by the server's clock, whichever operation stored it", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ jitter: 0.5 })
        const end = (key: string) => Effect.map(cache.expireTime(key), Option.getOrUndefined)
        assert.isTrue(yield* cache.set("number", 1, { expireAt: later }))
        assert.isTrue(yield* cache.set("date", 1, { expireAt: new Date(later) }))
        yield* cache.set("absent", 1, { expireAt: later + 0.5, when: "absent" })
        yield* cache.set("never", 1, { expireAt: Infinity })
        yield* cache.set("tagged", 1, { expireAt: later, tags: ["t"] })
        yield* cache.set("timed", 1, { expireAt: later, staleFor: 5000 })
        yield* cache.getAndSet("exchanged", 1, { expireAt: later })
        yield* cache.setIf("expected", Option.none(), 1, { expireAt: later })
        yield* cache.setIf("expected", Option.some(1), 2, { expireAt: later + 7 })
        const keys = ["number", "date", "absent", "never", "tagged", "timed", "exchanged", "expected"]
        assert.deepStrictEqual(yield* Effect.forEach(keys, end), [
          later,
          later,
          later + 1,
          Infinity,
          later,
          later + 5000,
          later,
          later + 7
        ])
        assert.deepStrictEqual(yield* cache.get("timed"), Option.some(1))
        // Over what counts as absent, too.
        yield* cache.set("stale", "old", { timeToLive: "1 hour", staleFor: "1 hour" })
        yield* cache.markStale("stale")
        assert.isTrue(yield* cache.set("stale", "new", { expireAt: later, when: "absent" }))
        assert.strictEqual(yield* end("stale"), later)
      })
    )

    it.effect("is not there where the instant is past", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const past = (yield* Clock.currentTimeMillis) - 1000
        for (const expireAt of [past, new Date(past), 0, -5, -8e15]) {
          yield* cache.set("k", "old")
          assert.isTrue(yield* cache.set("k", "new", { expireAt }))
          assert.deepStrictEqual(yield* cache.get("k"), Option.none())
          assert.isFalse(yield* cache.has("k"))
        }
      })
    )

    it.effect("is refused where it is no date, or another lifetime stands beside it", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        for (const options of [
          { expireAt: Number.NaN },
          { expireAt: new Date(Number.NaN) },
          { expireAt: 1e16 },
          { expireAt: -Infinity },
          { expireAt: later, timeToLive: 5 },
          { expireAt: later, keepTtl: true }
        ]) {
          assert.instanceOf(yield* Effect.flip(cache.set("k", 1, options)), CacheInputError)
          assert.instanceOf(yield* Effect.flip(cache.getAndSet("k", 1, options)), CacheInputError)
          assert.instanceOf(yield* Effect.flip(cache.setIf("k", Option.none(), 1, options)), CacheInputError)
        }
        assert.isFalse(yield* cache.has("k"))
      })
    )
  })

  describe("setMany of all or none", () => {
    it.effect("stores all where none of the keys is there, with lifetimes and tags", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const entries = { "{t}a": 1, "{t}b": "text", "{t}c": [3] }
        const options = { when: "absent", timeToLive: "1 hour", tags: ["t"] } as const
        assert.deepStrictEqual(yield* cache.setMany(entries, options), [])
        assert.deepStrictEqual([...(yield* cache.getMany(Object.keys(entries)))], Object.entries(entries))
        assert.isTrue(Option.isSome(yield* cache.ttl("{t}b")))
        assert.deepStrictEqual(yield* cache.tagsOf("{t}a"), Option.some(["t"]))
        assert.deepStrictEqual(yield* cache.setMany({}, { when: "absent" }), [])
        yield* cache.setMany({ "{t}d": 1 }, { when: "absent", timeToLive: "Infinity" })
        assert.deepStrictEqual(yield* cache.expireTime("{t}d"), Option.some(Infinity))
        assert.deepStrictEqual(yield* cache.setMany({ "{t}e": 1 }, { when: "absent", timeToLive: 0 }), [])
        assert.isFalse(yield* cache.has("{t}e"))
      })
    )

    it.effect("stores none where one of them is there, of whatever type, and says which", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        yield* cache.set("{t}b", "old")
        yield* cache.list("{t}d").pushLeft(1)
        const entries = { "{t}a": 1, "{t}b": 2, "{t}c": 3, "{t}d": 4 }
        assert.deepStrictEqual(yield* cache.setMany(entries, { when: "absent" }), ["{t}b", "{t}d"])
        assert.deepStrictEqual([...(yield* cache.getMany(Object.keys(entries)))], [["{t}b", "old"]])
      })
    )

    it.effect("stores over values that are stale or were invalidated", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        yield* cache.set("{t}marked", "old")
        yield* cache.markStale("{t}marked")
        yield* cache.set("{t}tagged", "old", { tags: ["t"] })
        yield* cache.invalidateTags(["t"])
        yield* cache.set("{t}live", "old", { tags: ["live"] })
        const entries = { "{t}marked": 1, "{t}tagged": 2, "{t}new": 3 }
        const more = { ...entries, "{t}live": 4 }
        assert.deepStrictEqual(yield* cache.setMany(more, { when: "absent" }), ["{t}live"])
        assert.isFalse(yield* cache.has("{t}new"))
        assert.deepStrictEqual(yield* cache.setMany(entries, { when: "absent" }), [])
        assert.deepStrictEqual([...(yield* cache.getMany(Object.keys(entries)))], Object.entries(entries))
      })
    )

    it.effect("is done by one of many who try at once", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const attempt = (n: number) => cache.setMany({ "{t}a": n, "{t}b": n }, { when: "absent" })
        const attempts = yield* Effect.all(
          Array.from({ length: 20 }, (_, n) => attempt(n)),
          { concurrency: "unbounded" }
        )
        const winners = attempts.flatMap((failed, n) => (failed.length === 0 ? [n] : []))
        assert.lengthOf(winners, 1)
        assert.deepStrictEqual([...(yield* cache.getMany(["{t}a", "{t}b"])).values()], [winners[0], winners[0]])
      })
    )

    it.effect("needs one slot where there are several, and takes no other condition", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const stored = Effect.exit(cache.setMany({ a: 1, b: 2, c: 3 }, { when: "absent" }))
        if (hasSlots(cache.client)) {
          const failure = yield* Effect.flip(Effect.flatten(stored))
          assert.instanceOf(failure, CacheUnsupportedError)
          assert.strictEqual((yield* cache.getMany(["a", "b", "c"])).size, 0)
        } else assert.deepStrictEqual(yield* Effect.flatten(stored), [])
        const when: "absent" = JSON.parse('"present"')
        assert.instanceOf(yield* Effect.flip(cache.setMany({ a: 1 }, { when })), CacheInputError)
      })
    )
  })

  describe("a scan in pages", () => {
    const all = (cache: TypedCache<unknown>, pattern?: string, options?: ScanKeysPageOptions) =>
      Effect.gen(function* () {
        const keys: Array<string> = []
        let cursor: string | undefined
        let pages = 0
        do {
          const page = yield* cache.scanPage(pattern, { ...options, cursor })
          keys.push(...page.keys)
          cursor = Option.getOrUndefined(page.cursor)
          pages++
        } while (cursor !== undefined)
        return { keys: [...new Set(keys)].toSorted(), pages }
      })

    it.effect("goes on where its cursor says, on every server, and comes to an end", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const names = Array.from({ length: 60 }, (_, i) => `k${i}`).toSorted()
        yield* cache.setMany(names.map((name) => [name, 1] as const))
        yield* cache.list("list").pushLeft(1)
        const { keys, pages } = yield* all(cache, "k*", { count: 5 })
        assert.deepStrictEqual(keys, names)
        assert.isAbove(pages, 5)
        assert.deepStrictEqual((yield* all(cache, "*", { type: "list" })).keys, ["list"])
        assert.deepStrictEqual((yield* all(cache, "none*")).keys, [])
        // A cursor is text that another cache goes on with, after any time.
        const { cursor } = yield* cache.scanPage("*", { count: 5 })
        const other = cache.withOptions({ timeToLive: "1 hour" })
        assert.isTrue(Option.isSome(cursor))
        yield* other.scanPage("*", { cursor: Option.getOrThrow(cursor) })
      })
    )

    it.effect("refuses cursors of others, and counts that are none", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        for (const options of [
          { cursor: "" },
          { cursor: "no cursor" },
          { cursor: "1 2" },
          { count: 0 },
          { count: 1.5 }
        ]) {
          assert.instanceOf(yield* Effect.flip(cache.scanPage("*", options)), CacheInputError, JSON.stringify(options))
        }
      })
    )
  })

  describe("sizes of keys", () => {
    it.effect("are what the server says, and the largest are found", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        yield* cache.set("small", "x")
        yield* cache.set("large", "x".repeat(10_000))
        yield* cache.list("list").pushRight(...Array.from({ length: 20 }, () => "y".repeat(1000)))
        yield* cache.setMany(Array.from({ length: 30 }, (_, i) => [`n${i}`, i] as const))
        const bytes = Option.getOrThrow(yield* cache.memoryUsage("large"))
        assert.isAbove(bytes, 10_000)
        assert.deepStrictEqual(yield* cache.memoryUsage("missing"), Option.none())
        const largest = yield* cache.largestKeys({ limit: 2 })
        assert.deepStrictEqual(
          largest.map(({ key }) => key),
          ["list", "large"]
        )
        assert.strictEqual(largest[1]?.bytes, bytes)
        assert.lengthOf(yield* cache.largestKeys({ sample: 4 }), 4)
        assert.lengthOf(yield* cache.largestKeys({ pattern: "n*", limit: 100 }), 30)
        assert.deepStrictEqual(yield* cache.largestKeys({ pattern: "none" }), [])
        assert.instanceOf(yield* Effect.flip(cache.largestKeys({ limit: 0 })), CacheInputError)
        assert.instanceOf(yield* Effect.flip(cache.largestKeys({ sample: 0.5 })), CacheInputError)
      })
    )
  })

  describe("makeKey", () => {
    it.effect("leaves a final key alone where it is told to", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const final = cache.makeKey("k")
        assert.strictEqual(cache.makeKey(final, { unlessFinal: true }), final)
        assert.strictEqual(cache.makeKey("k", { unlessFinal: true }), final)
        // Of another version, and where nobody asked.
        assert.notStrictEqual(cache.makeKey(final, { unlessFinal: true, version: 9 }), final)
        assert.notStrictEqual(cache.makeKey(final), final)
      })
    )
  })
}
