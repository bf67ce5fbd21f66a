/** What a near cache promises to those who read through it, whatever the client stands on. */
import { isDeepStrictEqual } from "node:util"
import { assert, describe, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Logger, Metric, Option, Schema, type Scope } from "effect"
import {
  Breaker,
  type CacheError,
  CacheLive,
  type CacheNotice,
  type CachePolicyShape,
  CacheRegion,
  CacheService,
  Metrics,
  type NearState,
  type Script,
  Serializer,
  Tracing,
  ValkeyClient
} from "effect-vcache"
import { Faults } from "effect-vcache/testing"
import { Elsewhere } from "../support/near/elsewhere.ts"
import {
  cacheElsewhere,
  isNear,
  nearCache,
  type NearCacheSettings,
  newPrefix,
  untilFar,
  warm,
  withoutServer
} from "../support/near/nearCache.ts"
import { spanRecorder } from "../support/spanRecorder.ts"
import { until } from "../support/until.ts"
import { nearReadersTests } from "./nearReadersTests.ts"
import { nearTagTests } from "./nearTagTests.ts"

export interface NearFacts {
  /** Lets time pass, for what the client stands on and for this process. */
  readonly pass: (millis: number) => Effect.Effect<void>
}

const isHolding = (entries: number) => (state: NearState) => state._tag === "Live" && state.entries >= entries

const User = Schema.Struct({ name: Schema.String, tags: Schema.Array(Schema.String) })
const put: Script = {
  name: "put",
  lua: "return redis.call('SET', KEYS[1], ARGV[1])",
  memory: ({ call }, [key = ""], [value = ""]) => call("SET", key, value)
}

const Visit = Schema.Struct({ at: Schema.DateFromString })

/** A test of what a near cache does over the client. */
export type NearTest = <E>(
  what: string,
  body: () => Effect.Effect<void, E, ValkeyClient | Elsewhere | Faults.Faults | Scope.Scope>
) => void

export const nearContract = (
  name: string,
  clients: Layer.Layer<ValkeyClient | Elsewhere, CacheError>,
  { pass }: NearFacts
): void => {
  const all = Layer.provideMerge(Faults.layer, clients)
  layer(all)(`${name}: near`, (it) => {
    const test: NearTest = (what, body) => it.effect(what, () => Effect.scoped(body()))

    describe("reads", () => {
      test("are answered in this process once they were answered by the server, also where there is nothing", () =>
        Effect.gen(function* () {
          const cache = yield* nearCache()
          yield* cache.set("a", { name: "Ada" })
          assert.isFalse(yield* isNear(cache.get("a")))
          yield* warm(cache.get("a"))
          const first = yield* cache.get("a")
          assert.deepStrictEqual(yield* withoutServer(cache.get("a")), first)
          assert.isTrue(yield* withoutServer(cache.has("a")))
          assert.isFalse(yield* isNear(cache.get("missing")))
          yield* cache.get("missing")
          assert.deepStrictEqual(yield* withoutServer(cache.get("missing")), Option.none())
          assert.isFalse(yield* withoutServer(cache.has("missing")))
          const state = yield* cache.near
          assert.isAtLeast(state._tag === "Live" ? state.entries : 0, 2)
        }))

      test("are synchronous then", () =>
        Effect.gen(function* () {
          const cache = yield* nearCache()
          yield* cache.set("a", 1)
          yield* warm(cache.get("a"))
          const runSync = Effect.runSyncWith(yield* Effect.context())
          assert.deepStrictEqual(runSync(cache.get("a")), Option.some(1))
          assert.deepStrictEqual(runSync(cache.getMany(["a"])), new Map([["a", 1]]))
          assert.strictEqual(runSync(cache.getOrSet("a", Effect.succeed(2))), 1)
          assert.deepInclude(runSync(cache.getOrSetDetailed("a", Effect.succeed(2))), { value: 1, source: "near" })
          yield* cache.getOrSet("timed", Effect.succeed(1), { staleFor: "1 hour" })
          yield* warm(cache.get("timed"))
          const timed = runSync(cache.getOrSetDetailed("timed", Effect.succeed(2)))
          assert.deepInclude(timed, { value: 1, source: "near", isStale: false, isRefreshing: false })
          assert.isTrue(Option.isSome(timed.age))
        }))

      test("of many ask the server for what is not near, in the order of the request", () =>
        Effect.gen(function* () {
          const cache = yield* nearCache()
          yield* cache.setMany({ a: 1, b: { x: [2] }, c: 3 })
          yield* warm(cache.getMany(["b", "missing"]))
          yield* cache.hash("h").set("f", 1)
          const found = yield* cache.getMany(["c", "missing", "b", "h", "a"])
          yield* warm(cache.getMany(["a", "c"]))
          assert.deepStrictEqual(
            [...found],
            [
              ["c", 3],
              ["b", { x: [2] }],
              ["a", 1]
            ]
          )
          assert.deepStrictEqual(
            [...(yield* withoutServer(cache.getMany(["a", "missing", "b"])))],
            [
              ["a", 1],
              ["b", { x: [2] }]
            ]
          )
          assert.isFalse(yield* isNear(cache.getMany(["a", "h"])))
        }))

      test("of lookups are answered here while the value is fresh, and a known absence goes to the lookup at once", () =>
        Effect.gen(function* () {
          const cache = yield* nearCache()
          const lookup = Effect.succeed({ n: 1 })
          yield* warm(cache.getOrSet("a", lookup))
          assert.deepStrictEqual(yield* withoutServer(cache.getOrSet("a", Effect.succeed({ n: 2 }))), { n: 1 })
          yield* warm(cache.get("b"))
          const faults = yield* Faults.Faults
          yield* faults.set({ commands: ["GET"], failure: "refused" })
          assert.strictEqual(yield* Effect.ensuring(cache.getOrSet("b", Effect.succeed(3)), faults.clear), 3)
          assert.deepStrictEqual(yield* cache.get("b"), Option.some(3))
          const many = cache.getOrSetMany(["c", "a", "b"], (keys) =>
            Effect.succeed(keys.map((key) => [key, key] as const))
          )
          yield* warm(many)
          assert.deepStrictEqual(
            [...(yield* withoutServer(many))],
            [
              ["c", "c"],
              ["a", { n: 1 }],
              ["b", 3]
            ]
          )
        }))

      test("of stale values and early refreshes are judged by the stored header", () =>
        Effect.gen(function* () {
          const cache = yield* nearCache()
          let looked = 0
          const lookup = Effect.sync(() => ++looked)
          const stale = cache.getOrSet("a", lookup, { timeToLive: 300, staleFor: "1 minute" })
          yield* warm(stale)
          assert.strictEqual(yield* withoutServer(stale), 1)
          assert.deepStrictEqual(yield* withoutServer(cache.get("a")), Option.some(1))
          yield* pass(310)
          assert.deepStrictEqual(yield* cache.get("a"), Option.none())
          assert.strictEqual(yield* stale, 1)
          yield* until("the refresh", stale, (value) => value === 2)
          const early = cache.getOrSet("b", lookup, {
            timeToLive: "1 minute",
            earlyRefresh: { _tag: "fraction", of: 0.000_1 }
          })
          yield* early
          const first = looked
          yield* pass(20)
          yield* until("the early refresh", early, (value) => value === first + 1)
        }))

      test("of regions are near, too", () =>
        Effect.gen(function* () {
          const cache = yield* nearCache()
          const region = yield* CacheRegion.make(cache, "users", {
            key: Schema.Int,
            value: User,
            lookup: (id) => Effect.succeed({ name: `user ${id}`, tags: [] })
          })
          yield* warm(region.get(1))
          assert.strictEqual((yield* withoutServer(region.get(1))).name, "user 1")
          yield* region.invalidate(1)
          assert.isFalse(yield* isNear(region.getCached(1)))
        }))

      test("at the same time share one question", () =>
        Effect.gen(function* () {
          const cache = yield* nearCache()
          yield* cache.set("a", { n: 1 })
          const read = Effect.forkChild(cache.get("a"), { startImmediately: true })
          const first = yield* read
          // Whoever asks the server now fails.
          const others = yield* withoutServer(Effect.all([read, read, read]))
          // The one that asks gives up; the others go on without it.
          yield* Fiber.interrupt(first)
          for (const fiber of others) assert.deepStrictEqual(yield* Fiber.join(fiber), Option.some({ n: 1 }))
        }))
    })

    nearReadersTests(test)

    describe("values", () => {
      test("are one frozen object for all who read them, and nobody else's", () =>
        Effect.gen(function* () {
          const cache = yield* nearCache()
          const given = { name: "Ada", tags: ["x"] }
          yield* cache.set("a", given)
          yield* warm(cache.get("a"))
          assert.isFalse(Object.isFrozen(given))
          const [first, second] = [yield* cache.get("a"), yield* cache.get("a")]
          const value = Option.getOrThrow(first)
          assert.strictEqual(value, Option.getOrThrow(second))
          assert.isTrue(Object.isFrozen(value) && Object.isFrozen((value as typeof given).tags))
          const looked = { n: 1 }
          assert.strictEqual(yield* cache.getOrSet("b", Effect.succeed(looked)), looked)
          assert.isFalse(Object.isFrozen(looked))
        }))

      test("are copied for each reader where they are to be, or where they cannot be frozen", () =>
        Effect.gen(function* () {
          const copying = yield* nearCache({ near: { values: "copied" } })
          const sharing = (yield* nearCache()).withSchema(Visit)
          yield* copying.set("a", { n: [1] })
          yield* sharing.set("a", { at: new Date(5) })
          yield* warm(copying.get("a"))
          yield* warm(sharing.get("a"))
          for (const read of [copying.get("a"), sharing.get("a")]) {
            const [one, other] = yield* withoutServer(Effect.all([read, read]))
            assert.deepStrictEqual(one, other)
            assert.notStrictEqual(Option.getOrThrow(one), Option.getOrThrow(other))
          }
          const bytes = yield* nearCache({ serializer: Serializer.binary })
          const binary = bytes.withSchema(Schema.Uint8Array)
          yield* binary.set("b", Uint8Array.of(1, 2, 3))
          yield* warm(binary.get("b"))
          const read = Option.getOrThrow(yield* withoutServer(binary.get("b")))
          read.fill(0)
          assert.deepStrictEqual([...Option.getOrThrow(yield* withoutServer(binary.get("b")))], [1, 2, 3])
        }))

      test("belong to the schema that decoded them; others ask the server and take the entry over", () =>
        Effect.gen(function* () {
          const cache = yield* nearCache()
          const users = cache.withSchema(User)
          yield* users.set("a", { name: "Ada", tags: [] })
          yield* warm(cache.get("a"))
          assert.isFalse(yield* isNear(users.get("a")))
          yield* users.get("a")
          assert.isTrue(yield* isNear(users.get("a")))
          // The same schema and format, under other settings.
          assert.isTrue(yield* isNear(users.withOptions({ timeToLive: "2 hours" }).get("a")))
          assert.isFalse(yield* isNear(cache.get("a")))
        }))
    })

    describe("changes", () => {
      const changes: Readonly<Record<string, (final: string) => readonly [string, ReadonlyArray<string | number>]>> = {
        SET: (final) => ["SET", [final, 2]],
        DEL: (final) => ["DEL", [final]],
        APPEND: (final) => ["APPEND", [final, "1"]],
        PEXPIRE: (final) => ["PEXPIRE", [final, 1]],
        // In the slot of the key, where there are slots.
        RENAME: (final) => ["RENAME", [final, `{${final}}2`]],
        FLUSHDB: () => ["FLUSHDB", []]
      }
      for (const [way, command] of Object.entries(changes)) {
        test(`by somebody else are seen: ${way}`, () =>
          Effect.gen(function* () {
            const cache = yield* nearCache()
            const elsewhere = yield* Elsewhere
            yield* cache.set("a", 1)
            yield* warm(cache.getMany(["a", "b"]))
            yield* elsewhere.send(...command(cache.makeKey("a")))
            yield* untilFar(cache.get("a"))
            yield* pass(5)
            assert.notDeepEqual(yield* cache.get("a"), Option.some(1))
          }))
      }

      test("that create a key which was known to be missing are seen", () =>
        Effect.gen(function* () {
          const cache = yield* nearCache()
          const elsewhere = yield* Elsewhere
          yield* warm(cache.get("a"))
          yield* elsewhere.send("SET", [cache.makeKey("a"), 1])
          yield* untilFar(cache.get("a"))
          assert.deepStrictEqual(yield* cache.get("a"), Option.some(1))
        }))

      test("of one's own are seen at once, whichever way they go", () =>
        Effect.gen(function* () {
          const cache = yield* nearCache()
          for (const [change, value] of [
            [cache.set("a", 2), 2],
            [cache.incr("a"), 3],
            [cache.setMany({ a: 4 }), 4],
            [cache.getAndSet("a", 5), 5],
            [cache.pipeline((queue) => [queue.set("a", 6)]), 6],
            [cache.transaction((queue) => [queue.incr("a"), queue.incr("a")]), 8],
            [cache.withOptions({ near: false }).set("a", 9), 9],
            [cache.client.send("SET", [cache.makeKey("a"), 10]), 10],
            [cache.delete("a"), undefined],
            [cache.getOrSet("a", Effect.succeed(11)), 11],
            [cache.deletePattern("*"), undefined],
            // However a raw command names itself, and whichever form its key has.
            [cache.client.send("set", [Buffer.from(cache.makeKey("a")), 12]), 12],
            [cache.client.eval(put, [cache.makeKey("a")], [13]), 13]
          ] as const) {
            yield* cache.get("a")
            yield* cache.get("a")
            yield* change
            assert.deepStrictEqual(yield* cache.get("a"), Option.fromUndefinedOr(value))
          }
        }))

      test("end no later than lifetimes do: the server's, and the near cache's own", () =>
        Effect.gen(function* () {
          const cache = yield* nearCache()
          const brief = yield* nearCache({ near: { timeToLive: 200 } })
          yield* cache.set("a", 1, { timeToLive: 200 })
          yield* brief.set("a", 1)
          for (const one of [cache, brief]) {
            yield* warm(one.get("a"))
          }
          yield* pass(210)
          for (const one of [cache, brief]) assert.isFalse(yield* isNear(one.get("a")))
          assert.deepStrictEqual([yield* cache.get("a"), yield* brief.get("a")], [Option.none(), Option.some(1)])
        }))

      for (const hold of ["read", "all"] as const) {
        test(`that store a failure or a mark leave nothing near (hold: ${hold})`, () =>
          Effect.gen(function* () {
            const cache = yield* nearCache({ near: { hold } })
            yield* cache.get("missing")
            let lookups = 0
            const lookup = Effect.suspend(() => (lookups++, Effect.fail("missing" as const)))
            const cacheFailures = { errors: Schema.Literal("missing"), timeToLive: "1 hour" } as const
            for (let i = 0; i < 5; i++) {
              assert.strictEqual(yield* Effect.flip(cache.getOrSet("missing", lookup, { cacheFailures })), "missing")
              yield* pass(2)
            }
            assert.strictEqual(lookups, 1)
            assert.deepStrictEqual(yield* cache.get("missing"), Option.none())
            assert.isFalse(yield* cache.has("missing"))
            yield* cache.set("a", 1)
            yield* cache.markStale("a")
            for (let i = 0; i < 3; i++) {
              assert.deepStrictEqual(yield* cache.get("a"), Option.none())
              assert.strictEqual(yield* cache.getOrSet("a", Effect.fail("down"), { errorBackoff: 0 }), 1)
              yield* pass(2)
            }
            assert.isTrue(yield* cache.add("missing", 2))
            yield* until("the value near", cache.get("missing"), (found) => Option.contains(found, 2))
          }))
      }

      test("that make a value stale are seen here and elsewhere, and the stale value is judged by the server", () =>
        Effect.gen(function* () {
          const cache = yield* nearCache()
          const there = yield* cacheElsewhere(cache)
          for (const one of [cache, there]) {
            yield* cache.set("a", 1)
            yield* warm(cache.get("a"))
            yield* one.markStale("a")
            yield* until("the mark", cache.get("a"), (found) => Option.isNone(found))
            assert.isFalse(yield* cache.has("a"))
            assert.deepStrictEqual(yield* cache.getMany(["a"]), new Map())
            assert.isFalse(yield* isNear(cache.get("a")))
            assert.strictEqual(yield* cache.getOrSet("a", Effect.succeed(2)), 1)
            yield* until("the lookup's value", cache.get("a"), (found) => Option.contains(found, 2))
          }
          // What was looked up before the mark of somebody else is not stored after it.
          const begun = yield* Deferred.make<void>()
          const gate = yield* Deferred.make<void>()
          const slow = Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(gate)).pipe(Effect.as("older"))
          yield* cache.markStale("a")
          assert.strictEqual(yield* cache.getOrSet("a", slow), 2)
          yield* Deferred.await(begun)
          yield* there.markStale("a")
          yield* Deferred.succeed(gate, undefined)
          yield* until(
            "the end of the lookup",
            cache.getOrSetDetailed("a", Effect.succeed("new")),
            ({ isStale, value }) => {
              assert.notStrictEqual(value, "older")
              return !isStale
            }
          )
          assert.deepStrictEqual(yield* there.get("a"), Option.some("new"))
        }))

      test("of the value that a read past the near cache has seen are near afterwards", () =>
        Effect.gen(function* () {
          const cache = yield* nearCache()
          yield* cache.set("a", 1)
          yield* warm(cache.get("a"))
          assert.isFalse(yield* isNear(cache.get("a", { near: false })))
          yield* cache.get("a", { near: false })
          assert.isTrue(yield* isNear(cache.get("a")))
          // Whoever reads otherwise may have seen something newer than what is near.
          const past = cache.withOptions({ near: false })
          assert.deepStrictEqual(yield* past.get("a"), Option.some(1))
          assert.isFalse(yield* isNear(past.get("a")))
          for (const read of [
            cache.getMany(["a"], { near: false }),
            cache.has("a", { near: false }),
            cache.getOrSet("a", Effect.succeed(2), { near: false }),
            cache.getOrSetMany(["a"], () => Effect.succeed([]), { near: false })
          ]) {
            yield* cache.get("a")
            assert.isFalse(yield* isNear(read))
          }
        }))
    })

    describe("of all keys", () => {
      const isWhole = (state: NearState) => state._tag === "Live" && state.holds === "all"
      const holding = (settings: NearCacheSettings = {}) =>
        Effect.gen(function* () {
          const cache = yield* nearCache({ ...settings, near: { hold: "all", ...settings.near } })
          yield* until("all of it", Effect.andThen(pass(5), cache.near), isWhole)
          return cache
        })
      /** Until it is read without its server. */
      const untilNear = <A, E, R>(value: A, read: Effect.Effect<A, E, R>) =>
        until("it near", Effect.andThen(pass(5), Effect.option(withoutServer(read))), (seen) =>
          isDeepStrictEqual(seen, Option.some(value))
        )

      test("are answered without having been read, also that there is none", () =>
        Effect.gen(function* () {
          const elsewhere = yield* Elsewhere
          const prefix = newPrefix()
          for (let i = 0; i < 20; i++) yield* elsewhere.send("SET", [`${prefix}:1:k${i}`, i])
          const cache = yield* holding({ prefix })
          const users = cache.withSchema(Schema.Number)
          assert.deepStrictEqual(yield* withoutServer(users.get("k7")), Option.some(7))
          assert.deepStrictEqual(
            yield* withoutServer(users.getMany(["k1", "none", "k2"])),
            new Map([
              ["k1", 1],
              ["k2", 2]
            ])
          )
          assert.deepStrictEqual(yield* withoutServer(users.get("none")), Option.none())
          assert.isTrue(yield* withoutServer(users.has("k3")))
          // It may be a structure.
          assert.isFalse(yield* isNear(users.has("none")))
          assert.isFalse(yield* users.has("none"))
        }))

      test("say of a key that is refused what they say without", () =>
        Effect.gen(function* () {
          const elsewhere = yield* Elsewhere
          const prefix = newPrefix()
          yield* elsewhere.send("SET", [`${prefix}:1:`, 1])
          const cache = yield* holding({ prefix })
          for (const key of ["", "\ud800", "k".repeat(70_000)]) {
            assert.strictEqual((yield* Effect.flip(cache.get(key)))._tag, "CacheInputError")
            assert.strictEqual((yield* Effect.flip(cache.has(key)))._tag, "CacheInputError")
            assert.strictEqual((yield* Effect.flip(cache.getMany([key])))._tag, "CacheInputError")
          }
        }))

      test("are read again when they change, whoever changes them", () =>
        Effect.gen(function* () {
          const cache = yield* holding()
          const elsewhere = yield* Elsewhere
          yield* elsewhere.send("SET", [cache.makeKey("a"), 1])
          yield* untilNear(Option.some(1), cache.get("a"))
          yield* elsewhere.send("SET", [cache.makeKey("a"), 2])
          yield* untilNear(Option.some(2), cache.get("a"))
          yield* cache.set("a", 3)
          assert.deepStrictEqual(yield* cache.get("a"), Option.some(3))
          yield* untilNear(Option.some(3), cache.get("a"))
          yield* elsewhere.send("DEL", [cache.makeKey("a")])
          yield* untilNear(Option.none(), cache.get("a"))
          yield* cache.setMany({ a: 4, b: 5 })
          yield* untilNear(Option.some(5), cache.get("b"))
          yield* elsewhere.send("FLUSHDB", [])
          yield* untilNear(Option.none(), cache.get("b"))
        }))

      test("with a lifetime end with it", () =>
        Effect.gen(function* () {
          const cache = yield* holding()
          yield* cache.set("a", 1, { timeToLive: 300 })
          yield* pass(350)
          assert.deepStrictEqual(yield* cache.get("a"), Option.none())
        }))

      test("that are no values are asked for as ever", () =>
        Effect.gen(function* () {
          const cache = yield* holding()
          yield* cache.hash("h").set("f", 1)
          yield* pass(20)
          assert.strictEqual((yield* Effect.flip(cache.get("h")))._tag, "CacheServerError")
          assert.isTrue(yield* cache.has("h"))
        }))

      test("are not held where there are too many, and reads go on", () =>
        Effect.gen(function* () {
          const told: Array<unknown> = []
          const logger = Logger.make(({ message }) => told.push(message))
          const cache = yield* Effect.provideService(
            holding({ near: { maxEntries: 3 } }),
            Logger.CurrentLoggers,
            new Set([logger])
          )
          yield* cache.setMany({ a: 1, b: 2, c: 3, d: 4, e: 5 })
          yield* until("the fall back", Effect.andThen(pass(5), cache.near), (state) => !isWhole(state))
          const fallBack = () =>
            told.flat().filter((line) => /^near cache of [\w/-]+: it holds only keys that are read/.test(String(line)))
          yield* until("it told", Effect.andThen(pass(5), Effect.sync(fallBack)), ({ length }) => length === 1)
          for (const [key, value] of [
            ["a", 1],
            ["e", 5]
          ] as const) {
            assert.deepStrictEqual(yield* cache.get(key), Option.some(value))
          }
          yield* cache.get("none")
          assert.isTrue(yield* isNear(cache.get("none")))
        }))
    })

    describe("bounds", () => {
      test("are kept", () =>
        Effect.gen(function* () {
          const cache = yield* nearCache({ near: { maxEntries: 2 } })
          yield* cache.setMany({ a: 1, b: 2, c: 3 })
          for (const key of ["a", "b", "c"]) yield* warm(cache.get(key))
          assert.isFalse(yield* isNear(cache.get("a")))
          assert.isTrue(yield* isNear(cache.getMany(["b", "c"])))
          const state = yield* cache.near
          assert.strictEqual(state._tag === "Live" ? state.entries : 0, 2)
        }))

      test("are those of keys whose changes are announced: others are read from the server", () =>
        Effect.gen(function* () {
          const cache = yield* nearCache()
          const other = cache.withOptions({ prefix: "elsewhere" })
          yield* other.set("a", 1)
          yield* other.get("a")
          assert.isFalse(yield* isNear(other.get("a")))
          const version = { version: 7 }
          yield* cache.set("v", 1, version)
          yield* cache.set("v", 2)
          yield* warm(cache.get("v", version))
          yield* warm(cache.get("v"))
          const seventh = cache.withOptions(version)
          const both = Effect.all([
            cache.get("v"),
            cache.get("v", version),
            seventh.get("v"),
            seventh.get("v", { version: 1 })
          ])
          assert.deepStrictEqual((yield* withoutServer(both)).map(Option.getOrNull), [2, 1, 1, 2])
          const shapeless = yield* nearCache({
            near: false,
            keyFunction: { make: ({ key }) => `${key}!`, reverse: (key) => key.slice(0, -1) }
          })
          assert.deepStrictEqual(yield* shapeless.near, { _tag: "Off", reason: "the cache has no near cache" })
        }))

      test("a key function without a beginning is the reason why nothing is near", () =>
        Effect.gen(function* () {
          const context = yield* Layer.build(
            CacheLive.layer({
              near: {},
              keyFunction: { make: ({ key }) => `${key}!`, reverse: (key) => key.slice(0, -1) }
            })
          )
          const cache = yield* Effect.provideContext(CacheService, context)
          yield* cache.set("a", 1)
          assert.deepStrictEqual(yield* cache.get("a"), Option.some(1))
          assert.deepStrictEqual(yield* cache.near, {
            _tag: "Off",
            reason: "the key function gives keys no common beginning"
          })
          assert.deepStrictEqual((yield* cache.health).near, Option.some(yield* cache.near))
        }))
    })

    describe("policies", () => {
      test("that judge the server are not asked: an open breaker refuses no near value", () =>
        Effect.gen(function* () {
          const cache = yield* nearCache({ policies: [Breaker.policy({ failures: 1, openFor: "1 minute" })] })
          yield* cache.set("a", 1)
          // Without a failure, which would open the circuit.
          yield* until("the values near", Effect.andThen(cache.getMany(["a", "b"]), cache.near), isHolding(2))
          yield* Effect.exit(withoutServer(cache.get("far")))
          const error = yield* Effect.flip(cache.get("far"))
          assert.strictEqual(error._tag === "CacheConnectionError" ? error.code : error._tag, "CIRCUIT_OPEN")
          assert.deepStrictEqual(yield* cache.get("a"), Option.some(1))
          assert.deepStrictEqual(yield* cache.getMany(["a", "b"]), new Map([["a", 1]]))
          assert.strictEqual(yield* cache.getOrSet("a", Effect.succeed(2)), 1)
          // It was no success of the server's.
          assert.strictEqual((yield* Effect.exit(cache.get("far")))._tag, "Failure")
        }))

      test("are told that it is on, and what servers say has changed", () =>
        Effect.gen(function* () {
          const notices: Array<CacheNotice> = []
          const policy: CachePolicyShape = Object.assign(
            <A, E, R>(_: unknown, effect: Effect.Effect<A, E, R>) => effect,
            {
              notify: (notice: CacheNotice) => void notices.push(notice)
            }
          )
          const cache = yield* nearCache({ policies: [policy] })
          yield* until("it to be on", cache.near, ({ _tag }) => _tag === "Live")
          assert.deepStrictEqual(
            notices.filter(({ _tag }) => _tag !== "Changed"),
            [{ _tag: "NearOn" }]
          )
          // In memory there is nobody else.
          if (cache.client.topology === "memory") return
          const other = yield* cacheElsewhere(cache)
          yield* other.set("a", 1)
          yield* until(
            "the change",
            Effect.sync(() => notices.flatMap((notice) => (notice._tag === "Changed" ? (notice.keys() ?? []) : []))),
            (keys) => keys.includes("a")
          )
        }))

      test("that observe are told: hits count as hits, and spans say how many keys were near", () =>
        Effect.gen(function* () {
          const { spans, tracer } = spanRecorder()
          const observed = Effect.gen(function* () {
            const cache = yield* nearCache({ policies: [Metrics.policy(), Tracing.policy()] })
            yield* cache.setMany({ a: 1, b: 2 })
            yield* warm(cache.getMany(["a", "c"]))
            spans.length = 0
            yield* cache.get("a")
            yield* cache.get("c")
            yield* cache.delete("b")
            yield* cache.getMany(["a", "b"])
            yield* cache.getOrSet("a", Effect.succeed(1))
            yield* cache.getOrSetMany(["a"], () => Effect.succeed([]))
            yield* cache.has("a")
            yield* cache.near
            const metrics = yield* Metric.snapshot
            const counted = (id: string) =>
              metrics.flatMap((metric) => (metric.id === id && "count" in metric.state ? [metric.state.count] : []))
            const [hits = 0] = counted("effect_vcache_near_hits_total")
            assert.isAtLeast(Number(hits), 6)
            const labels = metrics.find(({ id }) => id === "effect_vcache_near_hits_total")?.attributes
            assert.deepInclude(labels, { cache: CacheService.key })
            const gauge = (name: string) =>
              metrics.flatMap(({ id, state }) =>
                id === `effect_vcache_near_${name}` && "value" in state ? [state.value] : []
              )
            assert.deepStrictEqual([gauge("live"), gauge("whole")], [[1], [0]])
            assert.isAbove(Number(gauge("entries")[0]), 0)
            assert.isAbove(Number(gauge("bytes")[0]), 0)
            assert.isBelow(Number(gauge("proof_age_seconds")[0]), 2)
          })
          yield* observed.pipe(Effect.withTracer(tracer), Effect.provideService(Metric.MetricRegistry, new Map()))
          const seen = spans.map(({ attributes, name }) => [name, attributes.get("cache.near")])
          assert.deepStrictEqual(seen, [
            ["cache.get", 1],
            ["cache.get", 1],
            ["cache.delete", undefined],
            ["cache.getMany", 1],
            ["cache.getOrSet", 1],
            ["cache.getOrSetMany", 1],
            ["cache.has", 1]
          ])
        }))
    })

    nearTagTests(test, { pass })
  })
}
