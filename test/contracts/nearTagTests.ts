/** What a near cache promises of values that bear tags: their records are near, too. */
import { assert, describe } from "@effect/vitest"
import { Deferred, Effect, Option, Schema } from "effect"
import { CacheLookup, CacheService, SessionStore } from "effect-vcache"
import { cacheBeside, cacheElsewhere, isNear, nearCache, warm, withoutServer } from "../support/near/nearCache.ts"
import { stored } from "../support/stored.ts"
import { until } from "../support/until.ts"
import type { NearFacts, NearTest } from "./nearContract.ts"

export const nearTagTests = (test: NearTest, { pass }: NearFacts): void => {
  describe("tags", () => {
    test("are judged in this process, for every read", () =>
      Effect.gen(function* () {
        for (const values of ["shared", "copied"] as const) {
          const cache = yield* nearCache({ near: { values } })
          const elsewhere = yield* cacheElsewhere(cache)
          yield* elsewhere.setMany({ a: { n: 1 }, b: 2 }, { tags: (key) => ["t", `of ${key}`] })
          yield* elsewhere.set("plain", 3)
          const get = cache.get("a")
          const getMany = cache.getMany(["b", "plain", "a"])
          const getOrSet = cache.getOrSet("a", Effect.die("asked"))
          const getOrSetMany = cache.getOrSetMany(["b", "a"], () => Effect.die("asked"))
          yield* warm(getMany)
          for (const read of [get, getMany, getOrSet, getOrSetMany, cache.has("a")]) assert.isTrue(yield* isNear(read))
          assert.deepStrictEqual(yield* withoutServer(get), Option.some({ n: 1 }))
          assert.deepStrictEqual(
            [...(yield* withoutServer(getMany))],
            [
              ["b", 2],
              ["plain", 3],
              ["a", { n: 1 }]
            ]
          )
          assert.deepStrictEqual(yield* withoutServer(getOrSet), { n: 1 })

          yield* elsewhere.invalidateTags(["of a"])
          yield* until("the invalidation", get, Option.isNone)
          yield* warm(getMany)
          assert.deepStrictEqual([...(yield* withoutServer(getMany)).keys()], ["b", "plain"])
          assert.isFalse(yield* withoutServer(cache.has("a")))
          // What is there belongs to the server, where it is replaced.
          assert.strictEqual(yield* cache.getOrSet("a", Effect.succeed(9), { tags: ["t"] }), 9)
          yield* stored(elsewhere, "a")
          yield* until("the value", get, Option.isSome)
          yield* warm(cache.getOrSet("a", Effect.die("asked")))
        }
      }))

    test("that are invalidated here are so at once, in whichever mode and by whichever cache of this client", () =>
      Effect.gen(function* () {
        const cache = yield* nearCache()
        const writers = [cache, cache.withOptions({ near: false }), yield* cacheBeside(cache.client, cache)]
        for (const mode of ["remove", "stale"] as const) {
          for (const writer of writers) {
            yield* cache.set("k", 1, { tags: ["t"] })
            yield* warm(cache.get("k"))
            yield* writer.invalidateTags(["t"], { mode })
            assert.deepStrictEqual(yield* cache.get("k"), Option.none())
            assert.strictEqual((yield* cache.getMany(["k"])).size, 0)
            assert.isFalse(yield* cache.has("k"))
            const gate = yield* Deferred.make<void>()
            const slow = mode === "stale" ? Effect.as(Deferred.await(gate), 2) : Effect.succeed(2)
            assert.strictEqual(yield* cache.getOrSet("k", slow, { tags: ["t"] }), mode === "stale" ? 1 : 2)
            yield* Deferred.succeed(gate, undefined)
            yield* until("the value", cache.get("k"), (found) => Option.contains(found, 2))
            // A tag that nobody bore has a record from now on, which this process has not.
            yield* cache.set("other", 1, { tags: ["t", `${mode} ${writers.indexOf(writer)}`] })
            assert.deepStrictEqual(yield* cache.get("other"), Option.some(1))
          }
        }
      }))

    test("whose records are lost take their values with them here, too", () =>
      Effect.gen(function* () {
        const cache = yield* nearCache()
        const elsewhere = yield* cacheElsewhere(cache)
        const { prefix } = cache.options
        for (const record of [`%vcache:tag:{${prefix}#tags}:t`, `%vcache:tags:{${prefix}#tags}`]) {
          yield* cache.set("k", 1, { tags: ["t"] })
          yield* warm(cache.get("k"))
          yield* elsewhere.client.send("UNLINK", [record])
          yield* until("the loss", cache.get("k"), Option.isNone)
          yield* warm(cache.get("k"))
          // They come anew, and the value does not come back.
          yield* elsewhere.set("other", 1, { tags: ["t"] })
          yield* until("the other", cache.get("other"), Option.isSome)
          assert.deepStrictEqual(yield* cache.get("k"), Option.none())
          assert.deepStrictEqual(yield* cache.get("k", { near: false }), Option.none())
        }
      }))

    test("that make values stale leave them to the lookup of a batch, and to its callers meanwhile", () =>
      Effect.gen(function* () {
        const cache = yield* nearCache()
        yield* cache.setMany({ a: 1, b: 2, c: 3 }, { tags: (key) => [key] })
        yield* warm(cache.getMany(["a", "b", "c"]))
        yield* cache.invalidateTags(["a"], { mode: "stale" })
        yield* cache.invalidateTags(["b"])
        const shown: Array<readonly [string, unknown]> = []
        const cacheFailures = { errors: Schema.Literal("no row"), timeToLive: "1 hour" } as const
        const call = cache.getOrSetMany(
          ["c", "a", "none", "b"],
          (keys, stale) =>
            Effect.sync(() => {
              for (const [key, { value }] of stale) shown.push([key, value])
              return keys.map((key) =>
                key === "none" ? CacheLookup.failed(key, "no row" as const) : ([key, 9] as const)
              )
            }),
          { tags: ["all"], cacheFailures }
        )
        for (let i = 0; i < 2; i++) {
          assert.strictEqual(yield* Effect.flip(call), "no row")
          yield* stored(cache, "a", "b", "none")
        }
        assert.deepStrictEqual(shown, [["a", 1]])
        yield* until(
          "the values",
          cache.getMany(["c", "a", "b"]),
          (found) => found.get("a") === 9 && found.get("b") === 9
        )
        yield* cache.invalidateTags(["all"])
        assert.deepStrictEqual([...(yield* cache.getMany(["a", "b", "c"]))], [["c", 3]])
      }))

    test("are asked of the server where the near cache is not to be asked", () =>
      Effect.gen(function* () {
        const cache = yield* nearCache()
        yield* cache.set("k", 1, { tags: ["t"] })
        const past = { near: false } as const
        for (const read of [
          cache.get("k", past),
          cache.getMany(["k"], past),
          cache.has("k", past),
          cache.getOrSet("k", Effect.die("asked"), past),
          cache.getOrSetMany(["k"], () => Effect.die("asked"), past),
          cache.tagsOf("k"),
          cache.withOptions({ near: false }).get("k")
        ]) {
          yield* warm(cache.get("k"))
          assert.isFalse(yield* isNear(read))
          yield* read
        }
        // Other prefixes have other records, which nobody announces.
        const other = cache.withOptions({ prefix: `${cache.options.prefix} other` })
        yield* other.set("k", 2, { tags: ["t"] })
        assert.deepStrictEqual(yield* other.get("k"), Option.some(2))
        yield* other.invalidateTags(["t"])
        assert.deepStrictEqual(yield* other.get("k"), Option.none())
        assert.deepStrictEqual(yield* cache.get("k"), Option.some(1))
      }))

    test("end sessions here, too", () =>
      Effect.gen(function* () {
        const cache = yield* nearCache()
        const stores = [cache, yield* cacheElsewhere(cache)].map((cache) =>
          Effect.provideService(
            SessionStore.make({
              data: Schema.Struct({ user: Schema.String }),
              expiry: "fixed",
              near: true,
              tags: ({ user }) => [user]
            }),
            CacheService,
            cache
          )
        )
        const [here, there] = yield* Effect.all([stores[0]!, stores[1]!])
        for (const ending of [here, there]) {
          const { id } = yield* here.create({ user: "ada" })
          yield* warm(here.load(id))
          assert.isTrue(Option.isSome(yield* withoutServer(here.load(id))))
          yield* ending.destroyTagged(["ada"])
          if (ending === here) assert.deepStrictEqual(yield* here.load(id), Option.none())
          yield* until("the end", here.load(id), Option.isNone)
        }
      }))

    test("of a cache that holds all its keys are held when they are asked for", () =>
      Effect.gen(function* () {
        const cache = yield* nearCache({ near: { hold: "all" } })
        const elsewhere = yield* cacheElsewhere(cache)
        const isWhole = until(
          "all of it",
          Effect.andThen(pass(5), cache.near),
          (state) => state._tag === "Live" && state.holds === "all"
        )
        yield* isWhole
        yield* elsewhere.set("k", 1, { tags: ["t"] })
        yield* until("the value", cache.get("k"), Option.isSome)
        yield* warm(cache.get("k"))
        yield* elsewhere.invalidateTags(["t"])
        yield* until("the invalidation", cache.get("k"), Option.isNone)
        // Records are no keys of the prefix: all of those are held still.
        yield* isWhole
        assert.deepStrictEqual(yield* withoutServer(cache.get("none")), Option.none())
      }))
  })
}
