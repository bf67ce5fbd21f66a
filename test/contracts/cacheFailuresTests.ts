/** What `cacheFailures` does on every topology: a part of the contract of lookups, whose servers it shares. */
import { assert, describe, type Vitest } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Option, Schema } from "effect"
import {
  type CacheOptions,
  CacheRegion,
  type CacheService,
  Cipher,
  Compressor,
  isLookupError,
  Serializer
} from "effect-vcache"
import { keyOf } from "../support/formats.ts"
import { fresh } from "../support/freshCache.ts"
import { stored } from "../support/stored.ts"
import { twentyFailures } from "../support/twentyFailures.ts"
import { until } from "../support/until.ts"

class NotFound extends Schema.TaggedError<NotFound>("test/NotFound")("NotFound", {
  id: Schema.Int,
  since: Schema.Date
}) {}
class Down extends Schema.TaggedError<Down>("test/Down")("Down", {}) {}

const missing = new NotFound({ id: 7, since: new Date(0) })
const cacheFailures = { errors: NotFound, timeToLive: "1 hour" } as const

/** Fails with that, and counts how often. */
const failing = <E>(error: E) => {
  const asked = { times: 0 }
  return { asked, lookup: Effect.suspend(() => (asked.times++, Effect.fail(error))) }
}

const forms: Readonly<Record<string, Partial<CacheOptions>>> = {
  json: {},
  msgpack: { serializer: Serializer.msgpack },
  "binary, compressed": { serializer: Serializer.binary, compressor: Compressor.zstd({ threshold: 0 }) },
  encrypted: { cipher: Cipher.aes256gcm([keyOf(1)]) }
}

export const cacheFailuresTests = (it: Vitest.MethodsNonLive<CacheService>): void => {
  describe("a failure that is stored", () => {
    for (const [form, options] of Object.entries(forms)) {
      it.effect(`makes one lookup of twenty calls for a row that is missing: ${form}`, () =>
        Effect.gen(function* () {
          const cache = (yield* fresh(options)).withSchema(Schema.String)
          for (const singleFlight of ["process", "cluster"] as const) {
            const { asked, lookup } = failing(missing)
            const key = `missing ${singleFlight}`
            const gate = yield* Deferred.make<void>()
            const call = cache.getOrSet(key, Effect.andThen(Deferred.await(gate), lookup), {
              cacheFailures,
              singleFlight
            })
            for (const error of yield* twentyFailures(call, gate, 4, stored(cache, key))) {
              assert.deepStrictEqual(error, missing)
              assert.instanceOf(error, NotFound)
              assert.isTrue(isLookupError(error))
            }
            assert.strictEqual(asked.times, 1)
            const detailed = cache.getOrSetDetailed(key, lookup, { cacheFailures, singleFlight })
            assert.deepStrictEqual(yield* Effect.flip(detailed), missing)
            assert.deepStrictEqual(yield* Effect.flip(lookup.pipe(cache.cached(key, { cacheFailures }))), missing)
            assert.strictEqual(asked.times, 1)
          }
        })
      )
    }

    it.effect("is no value for all else, and moves with its key", () =>
      Effect.gen(function* () {
        for (const options of [{}, { cipher: Cipher.aes256gcm([keyOf(1)]) }]) {
          const cache = yield* fresh(options)
          const { asked, lookup } = failing(missing)
          const fail = (key: string) =>
            Effect.andThen(Effect.flip(cache.getOrSet(key, lookup, { cacheFailures })), stored(cache, key))
          yield* Effect.forEach(["a", "b", "c", "d", "e", "f", "g"], fail)
          assert.strictEqual(asked.times, 7)
          assert.deepStrictEqual(yield* cache.get("a"), Option.none())
          assert.isFalse(yield* cache.has("a"))
          assert.deepStrictEqual(yield* cache.getMany(["a", "b"]), new Map())
          assert.deepStrictEqual(yield* cache.tagsOf("a"), Option.none())
          assert.isFalse(yield* cache.markStale("g"))
          assert.isTrue(yield* cache.add("a", 1))
          assert.deepStrictEqual(yield* cache.getAndSet("b", 1), Option.none())
          assert.deepStrictEqual(
            yield* cache.update("c", (current) => Option.some(Option.isNone(current) ? 1 : 2)),
            Option.some(1)
          )
          const many = yield* cache.getOrSetMany(["a", "d"], () => Effect.succeed([["d", 1]] as const))
          assert.deepStrictEqual([...many.values()], [1, 1])
          yield* cache.rename("e", "moved")
          assert.deepStrictEqual(yield* Effect.flip(cache.getOrSet("moved", lookup, { cacheFailures })), missing)
          assert.strictEqual(asked.times, 7)
          // Who does not ask for failures is not told of them.
          assert.strictEqual(yield* cache.getOrSet("f", Effect.succeed(1)), 1)
          assert.strictEqual(yield* cache.getOrSet("g", Effect.succeed(1), { cacheFailures }), 1)
          yield* stored(cache, "d", "f", "g")
          const all = yield* cache.getMany(["a", "b", "c", "d", "f", "g"])
          assert.deepStrictEqual([...all.values()], [1, 1, 1, 1, 1, 1])
        }
      })
    )

    it.effect("is one that the schema accepts, and nothing else that may happen", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const others: Readonly<Record<string, Effect.Effect<never, NotFound | Down>>> = {
          "another error": Effect.fail(new Down()),
          defect: Effect.die(missing),
          "with a defect": Effect.ensuring(Effect.fail(missing), Effect.die("too")),
          interruption: Effect.interrupt
        }
        for (const [name, lookup] of Object.entries(others)) {
          assert.isTrue(Exit.isFailure(yield* Effect.exit(cache.getOrSet(name, lookup, { cacheFailures }))), name)
          yield* stored(cache, name)
          assert.deepStrictEqual(yield* cache.ttl(name), Option.none(), name)
        }
        const { asked, lookup } = failing(missing)
        for (const off of [undefined, { errors: NotFound, timeToLive: 0 }]) {
          yield* Effect.flip(cache.getOrSet("k", lookup, { cacheFailures: off }))
          yield* stored(cache, "k")
          assert.deepStrictEqual(yield* cache.ttl("k"), Option.none())
        }
        assert.strictEqual(asked.times, 2)
        // What was stored by another schema is looked up again.
        yield* Effect.flip(cache.getOrSet("k", lookup, { cacheFailures }))
        yield* stored(cache, "k")
        const downs = { errors: Down, timeToLive: "1 hour" } as const
        assert.deepStrictEqual(yield* Effect.flip(cache.getOrSet("k", lookup, { cacheFailures: downs })), missing)
        assert.strictEqual(asked.times, 4)
        const formless = Schema.Struct({ [Symbol("name")]: Schema.Int })
        const unused = Effect.die("must not run")
        const endless = cache.getOrSet("k", unused, { cacheFailures: { errors: NotFound, timeToLive: Number.NaN } })
        assert.strictEqual((yield* Effect.flip(endless))._tag, "CacheInputError")
        const unwritten = cache.refresh("k", unused, { cacheFailures: { errors: formless, timeToLive: "1 hour" } })
        assert.propertyVal(yield* Effect.flip(unwritten), "_tag", "CacheInputError")
      })
    )

    it.effect("never takes the place of a value", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ timeToLive: "1 hour" })
        const { asked, lookup } = failing(missing)
        for (const singleFlight of ["process", "cluster"] as const) {
          const options = { cacheFailures, singleFlight, errorBackoff: 0 } as const
          yield* cache.set("k", "old")
          yield* cache.markStale("k")
          assert.strictEqual(yield* cache.getOrSet("k", lookup, options), "old")
          yield* stored(cache, "k")
          assert.strictEqual(yield* cache.getOrSet("k", Effect.never, options), "old")
          yield* cache.delete("k")
        }
        yield* cache.set("fresh", "value")
        assert.deepStrictEqual(yield* Effect.flip(cache.refresh("fresh", lookup, { cacheFailures })), missing)
        yield* stored(cache, "fresh")
        assert.deepStrictEqual(yield* cache.get("fresh"), Option.some("value"))
        // Where there is nothing, a refresh stores it, too.
        const before = asked.times
        yield* Effect.flip(cache.refresh("nothing", lookup, { cacheFailures }))
        yield* stored(cache, "nothing")
        assert.deepStrictEqual(yield* Effect.flip(cache.getOrSet("nothing", lookup, { cacheFailures })), missing)
        assert.strictEqual(asked.times, before + 1)
        yield* cache.refresh("nothing", Effect.succeed("value"), { cacheFailures })
        yield* stored(cache, "nothing")
        assert.deepStrictEqual(yield* cache.get("nothing"), Option.some("value"))
      })
    )

    it.effect("is stored and read without a step where the store is in this process", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const { asked, lookup } = failing(missing)
        const runSync = Effect.runSyncExitWith(yield* Effect.context())
        for (let i = 0; i < 3; i++) {
          const exit = runSync(cache.getOrSet("k", lookup, { cacheFailures }))
          if (cache.client.topology === "memory") assert.deepStrictEqual(exit, Exit.fail(missing))
          else assert.isTrue(Exit.hasDies(exit))
        }
        assert.strictEqual(asked.times, cache.client.topology === "memory" ? 1 : 0)
      })
    )

    it.effect("is what others wait for in another process", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ timeToLive: "1 hour" })
        // Lookups of another schema are others'.
        const there = cache.withSchema(Schema.Number)
        const options = { singleFlight: "cluster", cacheFailures } as const
        const gate = yield* Deferred.make<void>()
        const slow = Effect.andThen(Deferred.await(gate), Effect.fail(missing))
        const asking = yield* Effect.forkChild(Effect.flip(cache.getOrSet("k", slow, options)))
        yield* until("the claim", cache.has("k"), Boolean, { every: 1 })
        yield* Deferred.succeed(gate, undefined)
        assert.deepStrictEqual(yield* Fiber.join(asking), missing)
        yield* stored(cache, "k")
        assert.deepStrictEqual(yield* Effect.flip(there.getOrSet("k", Effect.die("must not run"), options)), missing)
      })
    )

    it.effect("bears the tags of its call where they are a list, and is gone with them", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ timeToLive: "1 hour" })
        const { asked, lookup } = failing(missing)
        const options = { cacheFailures, tags: ["t"] } as const
        const ask = (expected: number) =>
          Effect.gen(function* () {
            yield* Effect.flip(cache.getOrSet("k", lookup, options))
            yield* stored(cache, "k")
            assert.strictEqual(asked.times, expected)
          })
        yield* ask(1)
        yield* ask(1)
        yield* cache.invalidateTags(["t"])
        yield* ask(2)
        yield* ask(2)
        yield* cache.invalidateTags(["t"], { mode: "stale" })
        yield* ask(3)
        // Invalidated while it was looked up.
        const invalidating = Effect.andThen(Effect.orDie(cache.invalidateTags(["t"])), Effect.fail(missing))
        yield* Effect.flip(cache.getOrSet("l", invalidating, options))
        yield* stored(cache, "l")
        assert.strictEqual(yield* cache.getOrSet("l", Effect.succeed(1), options), 1)
      })
    )

    it.effect("of regions and of memoised functions", () =>
      Effect.gen(function* () {
        const cache = yield* fresh({ timeToLive: "1 hour" })
        let lookups = 0
        const lookup = (id: number) =>
          Effect.suspend(() => (lookups++, id === 7 ? Effect.fail(missing) : Effect.succeed(id)))
        const options = { key: Schema.Int, value: Schema.Int, cacheFailures }
        const region = yield* CacheRegion.make(cache, "region", { ...options, lookup })
        const memoized = yield* cache.memoize({ ...options, name: "memoized" }, lookup)
        for (const [get, one, name] of [
          [region.get, region, "region"],
          [memoized, memoized, "memoized"]
        ] as const) {
          lookups = 0
          for (let i = 0; i < 3; i++) {
            assert.deepStrictEqual(yield* Effect.flip(get(7)), missing)
            yield* stored(cache, `${name}:7`)
          }
          assert.deepStrictEqual(yield* Effect.flip(one.getMany([7])), missing)
          assert.strictEqual(lookups, 1)
          assert.deepStrictEqual(yield* one.getCached(7), Option.none())
          yield* one.invalidate(7)
          yield* Effect.flip(get(7))
          assert.strictEqual(lookups, 2)
          yield* stored(cache, `${name}:7`)
          yield* one.set(7, 7)
          assert.strictEqual(yield* get(7), 7)
        }
      })
    )
  })
}
