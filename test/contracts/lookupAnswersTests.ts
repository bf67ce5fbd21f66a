/** What lookups are shown and what they can say, on every topology: a part of the contract of lookups, whose servers it shares. */
import { assert, describe, type Vitest } from "@effect/vitest"
import { Context, Deferred, Duration, Effect, Fiber, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import { CacheLookup, CacheRegion, type CacheService, Cipher, type Stale } from "effect-vcache"
import { keyOf } from "../support/formats.ts"
import { holds, isNone } from "../support/found.ts"
import { fresh } from "../support/freshCache.ts"
import { stored } from "../support/stored.ts"
import { until } from "../support/until.ts"

const times = { timeToLive: "10 seconds", staleFor: "1 hour", errorBackoff: 0 } as const

const later = (cache: Parameters<typeof stored>[0], key: string, seconds = 11) =>
  Effect.andThen(stored(cache, key), TestClock.adjust(Duration.seconds(seconds)))

class Source extends Context.Service<Source, Effect.Effect<string>>()("test/lookupAnswers/Source") {}

/** A source that answers conditional requests. */
const etagged = () => {
  const asked: Array<string> = []
  return {
    asked,
    ask: (stale: Option.Option<Stale<string>>) =>
      Effect.sync(() => {
        asked.push(Option.match(stale, { onNone: () => "all of it", onSome: ({ value }) => `changed since ${value}?` }))
        return Option.match(stale, { onNone: () => "v1", onSome: ({ unchanged }) => unchanged() })
      })
  }
}

export const lookupAnswersTests = (it: Vitest.MethodsNonLive<CacheService>): void => {
  describe("a lookup that is a function", () => {
    it.effect("is shown the stale value with its age and its tags", () =>
      Effect.gen(function* () {
        const cache = (yield* fresh({ timeToLive: "1 hour" })).withSchema(Schema.String)
        const seen: Array<Option.Option<readonly [string, Option.Option<number>, ReadonlyArray<string>]>> = []
        const look = (value: string) => (stale: Option.Option<Stale<string>>) =>
          Effect.sync(() => {
            seen.push(
              Option.map(stale, ({ age, tags, value }) => [value, Option.map(age, Duration.toMillis), tags] as const)
            )
            return value
          })
        yield* cache.getOrSet("k", look("one"), { ...times, tags: ["b", "a"] })
        yield* later(cache, "k", 15)
        yield* cache.getOrSet("k", look("two"), { ...times, tags: ["b", "a"] })
        yield* holds(cache, "k", "two")
        // Without times nobody knows the age.
        yield* cache.set("plain", "old")
        yield* cache.markStale("plain")
        yield* cache.getOrSet("plain", look("three"))
        yield* holds(cache, "plain", "three")
        assert.deepStrictEqual(seen, [
          Option.none(),
          Option.some(["one", Option.some(15_000), ["a", "b"]] as const),
          Option.some(["old", Option.none<number>(), []] as const)
        ])
      })
    )

    for (const singleFlight of ["process", "cluster"] as const) {
      it.effect(`says that the value has not changed, and it is fresh again (${singleFlight})`, () =>
        Effect.gen(function* () {
          const cache = (yield* fresh({ cipher: Cipher.aes256gcm([keyOf(1)]) })).withSchema(Schema.String)
          const { ask, asked } = etagged()
          const options = { ...times, singleFlight }
          assert.strictEqual(yield* cache.getOrSet("k", ask, options), "v1")
          yield* later(cache, "k")
          assert.isTrue(yield* isNone(cache, "k"))
          assert.strictEqual(yield* cache.getOrSet("k", ask, options), "v1")
          yield* holds(cache, "k", "v1")
          yield* TestClock.adjust("9 seconds")
          assert.strictEqual(yield* cache.getOrSet("k", ask, options), "v1")
          assert.deepStrictEqual(asked, ["all of it", "changed since v1?"])
          yield* TestClock.adjust("2 seconds")
          const longer = (stale: Option.Option<Stale<string>>) =>
            Effect.succeed(Option.getOrThrow(stale).unchanged({ timeToLive: "1 minute" }))
          assert.strictEqual(yield* cache.getOrSet("k", longer, options), "v1")
          yield* holds(cache, "k", "v1")
          yield* TestClock.adjust("59 seconds")
          assert.isFalse(yield* isNone(cache, "k"))
          yield* cache.markStale("k")
          assert.strictEqual(yield* cache.getOrSet("k", ask, options), "v1")
          yield* holds(cache, "k", "v1")
        })
      )
    }

    it.effect("asks by what is kept and not served, and leaves the value its tags", () =>
      Effect.gen(function* () {
        const cache = (yield* fresh({ timeToLive: "1 hour" })).withSchema(Schema.String)
        const { ask, asked } = etagged()
        const kept = { timeToLive: "10 seconds", keepFor: "1 hour", tags: ["t"] } as const
        yield* cache.getOrSet("k", ask, kept)
        yield* later(cache, "k")
        assert.strictEqual(yield* cache.getOrSet("k", ask, kept), "v1")
        assert.deepStrictEqual(asked, ["all of it", "changed since v1?"])
        yield* stored(cache, "k")
        // Also where the options of the call know nothing of them, and where the lookup is to give them.
        for (const tags of [undefined, "lookup"] as const) {
          yield* cache.markStale("k")
          assert.strictEqual(yield* cache.getOrSet("k", ask, { tags }), "v1")
          yield* holds(cache, "k", "v1")
          assert.deepStrictEqual(yield* cache.tagsOf("k"), Option.some(["t"]))
        }
        yield* cache.invalidateTags(["t"])
        assert.isTrue(yield* isNone(cache, "k"))
        // What was removed is not shown.
        assert.strictEqual(yield* cache.getOrSet("k", ask, kept), "v1")
        assert.strictEqual(asked.at(-1), "all of it")
      })
    )

    it.effect("that is invalidated while it asks does not make the value fresh", () =>
      Effect.gen(function* () {
        const cache = (yield* fresh({ timeToLive: "1 hour" })).withSchema(Schema.String)
        for (const tags of [undefined, "lookup", () => ["t"]] as const) {
          yield* cache.set("k", "v1", { tags: ["t"] })
          yield* cache.markStale("k")
          const began = yield* Deferred.make<void>()
          const gate = yield* Deferred.make<void>()
          const ended = yield* Deferred.make<void>()
          const slow = (stale: Option.Option<Stale<string>>) =>
            Effect.gen(function* () {
              yield* Deferred.succeed(began, undefined)
              yield* Deferred.await(gate)
              yield* Deferred.succeed(ended, undefined)
              return Option.getOrThrow(stale).unchanged()
            })
          assert.strictEqual(yield* cache.getOrSet("k", slow, { tags }), "v1")
          yield* Deferred.await(began)
          yield* cache.invalidateTags(["t"])
          yield* Deferred.succeed(gate, undefined)
          yield* Deferred.await(ended)
          yield* Effect.forEach([1, 2, 3], () => stored(cache, "k"))
          assert.isTrue(yield* isNone(cache, "k"))
        }
      })
    )

    it.effect("is told from a service, which is a function and an effect", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const found = yield* Effect.provideService(
          cache.getOrSet("k", Effect.flatten(Source)),
          Source,
          Effect.succeed("v")
        )
        assert.strictEqual(found, "v")
        const whole = yield* Effect.provideService(
          cache.getOrSetDetailed("l", Source, { timeToLive: 0 }),
          Source,
          Effect.succeed("w")
        )
        assert.isTrue(Effect.isEffect(whole.value))
      })
    )
  })

  describe("an answer of a lookup", () => {
    it.effect("has a lifetime of its own, or is not stored", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ timeToLive: "1 hour" })
        const lifetimeOf = (key: string) =>
          Effect.map(cache.ttl(key), (ttl) => Math.ceil(Duration.toSeconds(Option.getOrThrow(ttl))))
        const brief = CacheLookup.stored("v", { timeToLive: "30 seconds" })
        assert.strictEqual(yield* cache.getOrSet("one", Effect.succeed(brief), { timeToLive: () => "5 seconds" }), "v")
        assert.strictEqual(yield* cache.refresh("refreshed", Effect.succeed(brief)), "v")
        const region = yield* CacheRegion.make(cache, "region", {
          key: Schema.Int,
          value: Schema.String,
          lookup: () => Effect.succeed(brief)
        })
        assert.strictEqual(yield* region.get(1), "v")
        const many = yield* cache.getOrSetMany(["a", "b", "c"], () =>
          Effect.succeed([
            ["a", brief],
            ["b", "plain"],
            ["c", CacheLookup.stored("c", { timeToLive: 0 })]
          ] as const)
        )
        assert.deepStrictEqual([...many.values()], ["v", "plain", "c"])
        yield* stored(cache, "one", "refreshed", "region:1", "a")
        for (const key of ["one", "refreshed", "region:1", "a"]) assert.strictEqual(yield* lifetimeOf(key), 30, key)
        assert.isTrue((yield* lifetimeOf("b")) > 3000)
        assert.isFalse(yield* cache.has("c"))
        for (const singleFlight of ["process", "cluster"] as const) {
          yield* cache.set("k", "old")
          yield* cache.markStale("k")
          // What no cache could store may be handed out.
          const notStored = CacheLookup.stored(() => "private", { timeToLive: 0 })
          const asking = cache.getOrSet("never", Effect.succeed(notStored), { singleFlight })
          assert.isFunction(yield* asking)
          yield* stored(cache, "never")
          assert.isFalse(yield* cache.has("never"))
          assert.strictEqual(yield* cache.getOrSet("k", Effect.succeed(notStored), { singleFlight }), "old")
          yield* until("nothing", Effect.map(cache.ttl("k"), Option.isNone), Boolean, { every: 1 })
        }
      })
    )

    it.effect("has tags of its own, where the options say so", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ timeToLive: "1 hour" })
        const tagged = Effect.succeed(CacheLookup.stored("v", { tags: ["own"] }))
        const untagged = Effect.succeed(CacheLookup.stored("v", {}))
        yield* cache.getOrSet("lookup", tagged, { tags: "lookup" })
        yield* cache.getOrSet("none", untagged, { tags: "lookup" })
        yield* cache.getOrSet("function", tagged, { tags: () => ["of the value"] })
        yield* cache.getOrSet("other function", untagged, { tags: () => ["of the value"] })
        yield* cache.refresh("refreshed", tagged, { tags: "lookup" })
        yield* cache.getOrSetMany(["many"], () => Effect.map(tagged, (one) => [["many", one]] as const), {
          tags: "lookup"
        })
        const region = yield* cache.memoize(
          { name: "region", key: Schema.Int, value: Schema.String, tags: "lookup" },
          () => tagged
        )
        yield* region(1)
        assert.strictEqual((yield* Effect.flip(region.set(2, "v")))._tag, "CacheInputError")
        const tagsOf: Readonly<Record<string, ReadonlyArray<string>>> = {
          lookup: ["own"],
          none: [],
          function: ["own"],
          "other function": ["of the value"],
          refreshed: ["own"],
          many: ["own"],
          "region:1": ["own"]
        }
        for (const [key, tags] of Object.entries(tagsOf)) {
          yield* until(`the tags of ${key}`, cache.tagsOf(key), (found) => Option.isSome(found), { every: 1 })
          assert.deepStrictEqual(yield* cache.tagsOf(key), Option.some(tags), key)
        }
        yield* cache.invalidateTags(["own"])
        for (const [key, tags] of Object.entries(tagsOf)) {
          assert.strictEqual(yield* isNone(cache, key), tags.includes("own"), key)
        }
        // Where nobody looked before the lookup what was invalidated, nothing is stored.
        for (const tags of [undefined, ["list"]]) {
          assert.strictEqual(yield* cache.getOrSet("unasked", tagged, { tags }), "v")
          yield* stored(cache, "unasked")
          assert.isFalse(yield* cache.has("unasked"))
        }
      })
    )

    it.effect("with tags that were invalidated while it was looked up is not stored", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ timeToLive: "1 hour" })
        const began = yield* Deferred.make<void>()
        const gate = yield* Deferred.make<void>()
        const slow = Effect.andThen(Deferred.succeed(began, undefined), Deferred.await(gate)).pipe(
          Effect.as(CacheLookup.stored("older", { tags: ["t"] }))
        )
        yield* cache.set("bears", 1, { tags: ["t"] })
        const asking = yield* Effect.forkChild(cache.getOrSet("k", slow, { tags: "lookup" }))
        yield* Deferred.await(began)
        yield* cache.invalidateTags(["t"])
        // Nobody who comes later waits for it.
        const newer = Effect.succeed(CacheLookup.stored("newer", { tags: ["t"] }))
        assert.strictEqual(yield* cache.getOrSet("k", newer, { tags: "lookup" }), "newer")
        yield* Deferred.succeed(gate, undefined)
        assert.strictEqual(yield* Fiber.join(asking), "older")
        yield* holds(cache, "k", "newer")
      })
    )
  })

  describe("getOrSetDetailed", () => {
    it.effect("says where a value came from, how old it is, and whether it is being refreshed", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ timeToLive: "10 seconds" })
        const zero = Option.some(Duration.zero)
        const looked = yield* cache.getOrSetDetailed("k", Effect.succeed(1), times)
        assert.deepStrictEqual(looked, { value: 1, source: "lookup", isStale: false, age: zero, isRefreshing: false })
        yield* later(cache, "k", 4)
        const server = { value: 1, source: "server", isStale: false, isRefreshing: false } as const
        const age = (seconds: number) => Option.some(Duration.seconds(seconds))
        const nobody = Effect.die("must not run")
        assert.deepStrictEqual(yield* cache.getOrSetDetailed("k", nobody, times), { ...server, age: age(4) })
        yield* cache.set("plain", 1)
        assert.deepStrictEqual(yield* cache.getOrSetDetailed("plain", nobody), { ...server, age: Option.none() })

        const early = { ...times, earlyRefresh: { _tag: "fraction", of: 0.1 } } as const
        const gate = yield* Deferred.make<void>()
        const slow = Effect.as(Deferred.await(gate), 2)
        const refreshing = { ...server, isRefreshing: true, age: age(4) }
        assert.deepStrictEqual(yield* cache.getOrSetDetailed("k", slow, early), refreshing)
        // Who does not refresh it himself is told, too.
        assert.deepStrictEqual(yield* cache.getOrSetDetailed("k", nobody, times), refreshing)
        yield* TestClock.adjust("7 seconds")
        const stale = { ...refreshing, isStale: true, age: age(11) }
        assert.deepStrictEqual(yield* cache.getOrSetDetailed("k", nobody, times), stale)
        yield* Deferred.succeed(gate, undefined)
        yield* holds(cache, "k", 2)
        yield* later(cache, "k", 11)
        const resting = { ...times, errorBackoff: "1 minute" } as const
        yield* cache.getOrSet("k", Effect.fail("down"), resting)
        yield* until("the end of the refresh", cache.getOrSetDetailed("k", Effect.fail("down"), resting), (result) => {
          assert.isTrue(result.isStale)
          return !result.isRefreshing
        })
        // The lookup is waited for.
        const soft = { ...times, softTimeout: "1 minute" } as const
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* cache.getOrSetDetailed("k", Effect.succeed(3), soft), { ...looked, value: 3 })
      })
    )

    it.effect("of a lookup in another process says so, and that its value came from the server", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ timeToLive: "1 hour" })
        // Lookups of another schema are others'.
        const there = cache.withSchema(Schema.Number)
        const options = { ...times, singleFlight: "cluster" } as const
        const gate = yield* Deferred.make<void>()
        const asking = yield* Effect.forkChild(cache.getOrSet("k", Effect.as(Deferred.await(gate), 1), options))
        yield* until("the claim", cache.has("k"), Boolean, { every: 1 })
        const waiting = yield* Effect.forkChild(there.getOrSetDetailed("k", Effect.die("must not run"), options), {
          startImmediately: true
        })
        yield* Deferred.succeed(gate, undefined)
        assert.strictEqual(yield* Fiber.join(asking), 1)
        yield* until(
          "the other's value",
          Effect.map(TestClock.adjust("1 second"), () => waiting.pollUnsafe()),
          (exit) => exit !== undefined,
          { every: 5 }
        )
        const result = yield* Fiber.join(waiting)
        assert.deepStrictEqual([result.value, result.source, result.isStale], [1, "server", false])
        yield* TestClock.adjust("11 seconds")
        const slow = yield* Deferred.make<void>()
        yield* cache.getOrSet("k", Effect.as(Deferred.await(slow), 2), options)
        yield* until(
          "the claim beside the value",
          there.getOrSetDetailed("k", Effect.never, options),
          ({ isRefreshing, isStale }) => isRefreshing && isStale
        )
        yield* Deferred.succeed(slow, undefined)
      })
    )
  })
}
