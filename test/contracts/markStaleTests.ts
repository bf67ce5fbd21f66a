/** What `markStale` does on every topology: a part of the contract of lookups, whose servers it shares. */
import { assert, describe, type Vitest } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import { type CacheOptions, type CacheService, CacheRegion, Cipher, Compressor, Serializer } from "effect-vcache"
import { keyOf } from "../support/formats.ts"
import { holds, isNone } from "../support/found.ts"
import { fresh } from "../support/freshCache.ts"
import { stored } from "../support/stored.ts"

const forms: Readonly<Record<string, Partial<CacheOptions>>> = {
  plain: {},
  msgpack: { serializer: Serializer.msgpack },
  compressed: { compressor: Compressor.zstd({ threshold: 0 }) },
  encrypted: { cipher: Cipher.aes256gcm([keyOf(1)]), serializer: Serializer.msgpack }
}

const long = (value: string) => value.repeat(200)

export const markStaleTests = (it: Vitest.MethodsNonLive<CacheService>): void => {
  describe("a value that was made stale", () => {
    for (const [form, options] of Object.entries(forms)) {
      it.effect(`is no longer there for get, and is served while one lookup runs: ${form}`, () =>
        Effect.gen(function* () {
          const cache = yield* fresh({ timeToLive: "1 hour", ...options })
          yield* cache.set("plain", long("old"))
          yield* cache.set("number", 7)
          yield* cache.set("timed", long("old"), { staleFor: "1 hour" })
          yield* cache.set("tagged", long("old"), { tags: ["t"] })
          for (const [key, singleFlight] of [
            ["plain", "process"],
            ["number", "process"],
            ["timed", "cluster"],
            ["tagged", "cluster"]
          ] as const) {
            const old = key === "number" ? 7 : long("old")
            assert.isTrue(yield* cache.markStale(key), key)
            // A mark upon a mark changes nothing for readers.
            assert.isTrue(yield* cache.markStale(key), key)
            assert.isTrue(yield* isNone(cache, key), key)
            assert.isFalse(yield* cache.has(key), key)
            assert.deepStrictEqual(yield* cache.getMany([key]), new Map())
            assert.deepStrictEqual(yield* cache.tagsOf(key), Option.none())
            assert.isTrue(Option.isSome(yield* cache.ttl(key)))
            const gate = yield* Deferred.make<void>()
            let lookups = 0
            const slow = Effect.suspend(() => Effect.as(Deferred.await(gate), `new ${++lookups}`))
            const served = yield* Effect.forEach([1, 2, 3], () => cache.getOrSet(key, slow, { singleFlight }), {
              concurrency: "unbounded"
            })
            assert.deepStrictEqual(served, [old, old, old], key)
            yield* Deferred.succeed(gate, undefined)
            yield* holds(cache, key, "new 1")
          }
        })
      )
    }

    it.effect("is served as long as it would have been without that, and while its source fails", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ timeToLive: "10 seconds" })
        yield* cache.set("kept", "old", { staleFor: "1 hour" })
        yield* cache.markStale("kept")
        assert.strictEqual(yield* cache.getOrSet("kept", Effect.fail("down")), "old")
        assert.strictEqual(yield* cache.getOrSet("kept", Effect.never), "old")
        yield* TestClock.adjust("11 seconds")
        assert.strictEqual(yield* cache.getOrSet("kept", Effect.fail("down"), { staleFor: "1 hour" }), "old")
        assert.strictEqual(yield* cache.getOrSet("kept", Effect.succeed("new")), "new")
      })
    )

    it.effect("is gone by its tags all the same, and keeps them, its mark and its lifetime when it moves", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ timeToLive: "1 hour" })
        yield* cache.set("k", "old", { tags: ["t"], timeToLive: "1 minute" })
        yield* cache.markStale("k")
        yield* cache.rename("k", "l")
        yield* cache.incrVersion("l")
        const next = cache.withOptions({ version: 2 })
        assert.isTrue(yield* isNone(next, "l"))
        const lifetime = Option.getOrThrow(yield* next.ttl("l"))
        assert.isAtMost(Duration.toMillis(lifetime), 60_000)
        assert.strictEqual(yield* next.getOrSet("l", Effect.fail("down")), "old")
        yield* cache.invalidateTags(["t"])
        assert.strictEqual(yield* next.getOrSet("l", Effect.succeed("new")), "new")
      })
    )

    it.effect("counts as absent for what writes", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ timeToLive: "1 hour" })
        const marked = (key: string) => Effect.andThen(cache.set(key, "old"), cache.markStale(key))
        yield* Effect.forEach(["add", "absent", "getAndSet", "update", "setIf", "delete"], marked)
        assert.isTrue(yield* cache.add("add", "new"))
        assert.isTrue(yield* cache.set("absent", "new", { when: "absent" }))
        assert.deepStrictEqual(yield* cache.getAndSet("getAndSet", "new"), Option.none())
        assert.deepStrictEqual(
          yield* cache.update("update", (current) => Option.some(Option.isNone(current) ? "new" : "wrong")),
          Option.some("new")
        )
        assert.isTrue(yield* cache.setIf("setIf", Option.none(), "new"))
        const all = yield* cache.getMany(["add", "absent", "getAndSet", "update", "setIf"])
        assert.deepStrictEqual([...all.values()], ["new", "new", "new", "new", "new"])
        assert.isTrue(yield* cache.delete("delete"))
        yield* cache.set("counter", 7)
        yield* cache.markStale("counter")
        assert.strictEqual((yield* Effect.flip(cache.incr("counter")))._tag, "CacheServerError")
      })
    )

    it.effect("is looked up in the background by a batch", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ timeToLive: "1 hour" })
        yield* cache.setMany({ a: "old", b: "old" })
        yield* cache.markStale("a")
        const asked: Array<ReadonlyArray<string>> = []
        const found = yield* cache.getOrSetMany(["a", "b", "c"], (keys) => {
          asked.push(keys)
          return Effect.succeed(keys.map((key) => [key, "new"] as const))
        })
        assert.deepStrictEqual([...found.values()], ["old", "old", "new"])
        yield* holds(cache, "a", "new")
        assert.sameDeepMembers(asked, [["a"], ["c"]])
      })
    )

    it.effect("of a region and of a memoised function", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ timeToLive: "1 hour" })
        let lookups = 0
        const lookup = (n: number) => Effect.sync(() => n * 10 + ++lookups)
        const options = { key: Schema.Int, value: Schema.Int }
        const region = yield* CacheRegion.make(cache, "region", { ...options, lookup })
        const memoized = yield* cache.memoize({ ...options, name: "memoized" }, lookup)
        for (const [one, get, name] of [
          [region, region.get, "region"],
          [memoized, memoized, "memoized"]
        ] as const) {
          lookups = 0
          assert.strictEqual(yield* get(1), 11)
          yield* stored(cache, `${name}:1`)
          yield* one.invalidate(1, { mode: "stale" })
          assert.deepStrictEqual(yield* one.getCached(1), Option.none())
          assert.strictEqual(yield* get(1), 11)
          yield* holds(cache, `${name}:1`, 12)
          yield* one.invalidate(1)
          assert.strictEqual(yield* get(1), 13)
          const wrong = { mode: "gone" } as unknown as { readonly mode: "stale" }
          assert.strictEqual((yield* Effect.flip(one.invalidate(1, wrong)))._tag, "CacheInputError")
        }
      })
    )
  })

  describe("markStale", () => {
    it.effect("says whether there was a value, and leaves alone what is none", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ timeToLive: "1 hour" })
        assert.isFalse(yield* cache.markStale("missing"))
        assert.isFalse(yield* cache.has("missing"))
        yield* cache.list("list").pushRight("a")
        assert.strictEqual((yield* Effect.flip(cache.markStale("list")))._tag, "CacheServerError")
        assert.strictEqual((yield* Effect.flip(cache.markStale("\ud800")))._tag, "CacheInputError")
        yield* cache.client.send("SET", [cache.makeKey("damaged"), "\u0001no header"])
        assert.isFalse(yield* cache.markStale("damaged"))
        // What is no value of this cache is none here.
        const sealed = cache.withOptions({ cipher: Cipher.aes256gcm([keyOf(1)]) })
        yield* sealed.incr("counter", 1, { initial: 0 })
        assert.isFalse(yield* sealed.markStale("counter"))
        assert.strictEqual(yield* sealed.incr("counter"), 2)
      })
    )

    it.effect("answers in pipelines and transactions", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ timeToLive: "1 hour" })
        yield* cache.set("{k}a", 1)
        const both = yield* cache.pipeline((queued) => [
          queued.markStale("{k}a"),
          queued.markStale("{k}missing"),
          queued.get("{k}a")
        ])
        assert.deepStrictEqual(both, [true, false, Option.none()])
        assert.deepStrictEqual(
          yield* cache.transaction((queued) => [queued.set("{k}a", 2), queued.markStale("{k}a"), queued.get("{k}a")]),
          [true, true, Option.none()]
        )
        assert.strictEqual(yield* cache.getOrSet("{k}a", Effect.never), 2)
      })
    )

    for (const singleFlight of ["process", "cluster"] as const) {
      it.effect(`keeps a lookup that is under way from being stored (${singleFlight})`, () =>
        Effect.gen(function* () {
          const cache = yield* fresh({ timeToLive: "1 hour" })
          for (const marked of [false, true]) {
            const key = `marked ${marked}`
            yield* cache.set(key, "old")
            yield* cache.markStale(key)
            const began = yield* Deferred.make<void>()
            const gate = yield* Deferred.make<void>()
            const slow = Effect.as(Effect.andThen(Deferred.succeed(began, undefined), Deferred.await(gate)), "older")
            assert.strictEqual(yield* cache.getOrSet(key, slow, { singleFlight }), "old")
            yield* Deferred.await(began)
            if (marked) yield* cache.markStale(key)
            yield* Deferred.succeed(gate, undefined)
            if (!marked) {
              yield* holds(cache, key, "older")
              continue
            }
            assert.strictEqual(yield* cache.getOrSet(key, Effect.succeed("new"), { singleFlight }), "old")
            yield* holds(cache, key, "new")
          }
        })
      )
    }

    it.effect("takes the claim of another process with it, also from a key without a value", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ timeToLive: "1 hour" })
        const options = { singleFlight: "cluster" } as const
        const began = yield* Deferred.make<void>()
        const gate = yield* Deferred.make<void>()
        const slow = Effect.as(Effect.andThen(Deferred.succeed(began, undefined), Deferred.await(gate)), "older")
        const asking = yield* Effect.forkChild(cache.getOrSet("k", slow, options))
        yield* Deferred.await(began)
        assert.isFalse(yield* cache.markStale("k"))
        assert.isFalse(yield* cache.has("k"))
        yield* Deferred.succeed(gate, undefined)
        assert.strictEqual(yield* Fiber.join(asking), "older")
        yield* stored(cache, "k")
        assert.isTrue(yield* isNone(cache, "k"))
      })
    )

    it.effect("runs at once where the store is in this process", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ timeToLive: "1 hour" })
        yield* cache.set("k", 1)
        const runSync = Effect.runSyncExitWith(yield* Effect.context())
        const exit = runSync(cache.markStale("k"))
        if (cache.client.topology === "memory") assert.deepStrictEqual(exit, Exit.succeed(true))
        else assert.isTrue(Exit.isFailure(exit))
      })
    )
  })
}
