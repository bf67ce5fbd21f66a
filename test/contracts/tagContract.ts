/** What tags promise, whatever the client stands on: one process stores, another one invalidates. */
import { assert, describe, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import {
  type CacheError,
  type CacheOptions,
  type CacheQueue,
  CacheRegion,
  Cipher,
  Compressor,
  type NearOptions,
  Serializer,
  type TypedCache,
  ValkeyClient
} from "effect-vcache"
import { cacheOver } from "../support/cacheOver.ts"
import { keyOf } from "../support/formats.ts"
import { isNone } from "../support/found.ts"
import { Elsewhere } from "../support/near/elsewhere.ts"
import { stored } from "../support/stored.ts"
import { until } from "../support/until.ts"

let spaces = 0

type Run = (
  queue: (queue: CacheQueue<unknown>) => ReadonlyArray<Effect.Effect<unknown, CacheError>>
) => Effect.Effect<ReadonlyArray<unknown>, CacheError>

interface Settings extends Partial<CacheOptions> {
  readonly near?: NearOptions | false
}

/** Two caches with the same keys, over two clients. */
const both = ({ near = false, ...options }: Settings = {}) =>
  Effect.gen(function* () {
    const prefix = `tags{${++spaces}`
    const settings = { prefix, timeToLive: "1 hour", ...options, near } as const
    const here = yield* cacheOver(yield* ValkeyClient, settings)
    const there = yield* cacheOver(yield* Elsewhere, settings)
    const slot = `{${prefix.replace("{", "%7B")}#tags}`
    const ledger = `%vcache:tags:${slot}`
    const token = (tag: string) => `%vcache:tag:${slot}:${tag}`
    return { here, there, ledger, token }
  })

export const tagContract = (name: string, clients: Layer.Layer<ValkeyClient | Elsewhere, unknown>): void => {
  layer(clients)(`${name}: tags`, (it) => {
    it.effect("forget all values that bear one of them, and no others, for every process", () =>
      Effect.gen(function* () {
        const { here, there } = yield* both()
        yield* here.set("a", 1, { tags: ["user:1", "team:7"] })
        yield* there.set("b", 2, { tags: ["user:2", "team:7"] })
        yield* here.setMany({ c: 3, d: 4 }, { tags: (key) => [`key:${key}`, "many"] })
        yield* here.set("plain", 5)
        for (const cache of [here, there]) {
          assert.deepStrictEqual(yield* cache.get("a"), Option.some(1))
          const all = yield* cache.getMany(["a", "b", "c", "d", "plain"])
          assert.deepStrictEqual([...all.values()], [1, 2, 3, 4, 5])
        }
        yield* there.invalidateTags(["user:1", "key:c", "nobody's"])
        for (const cache of [here, there]) {
          assert.isTrue(yield* isNone(cache, "a"))
          assert.isFalse(yield* cache.has("a"))
          const all = yield* cache.getMany(["a", "b", "c", "d", "plain"])
          assert.deepStrictEqual([...all.keys()], ["b", "d", "plain"])
        }
        const looked = yield* there.getOrSetMany(["a", "b"], () => Effect.succeed([["a", 9]] as const))
        assert.deepStrictEqual([...looked.values()], [2, 9])
        yield* here.invalidateTags(["team:7"])
        assert.isTrue(yield* isNone(there, "b"))
        assert.deepStrictEqual(yield* there.get("plain"), Option.some(5))
        assert.deepStrictEqual(yield* there.get("a"), Option.some(9))
      })
    )

    it.effect("forget what was made before, when the value is stored after the invalidation", () =>
      Effect.gen(function* () {
        const { here, there } = yield* both()
        const since = yield* here.tagSnapshot(["user:1"])
        yield* there.invalidateTags(["user:1"])
        yield* here.set("old", 1, { tags: ["user:1"], since })
        yield* here.set("new", 2, { tags: ["user:1"] })
        yield* here.setMany({ oldOfMany: 1 }, { tags: ["user:1"], since })
        assert.isTrue(yield* isNone(there, "old"))
        assert.isTrue(yield* isNone(there, "oldOfMany"))
        assert.deepStrictEqual(yield* there.get("new"), Option.some(2))
        const good = yield* here.tagSnapshot(["user:1", "other"])
        yield* here.set("good", 3, { tags: ["user:1"], since: good })
        assert.deepStrictEqual(yield* there.get("good"), Option.some(3))
      })
    )

    it.effect("make values stale that getOrSet serves while one lookup runs, until they are removed", () =>
      Effect.gen(function* () {
        const { here, there } = yield* both()
        yield* here.set("k", 1, { tags: ["t"] })
        yield* there.invalidateTags(["t"], { mode: "stale" })
        assert.isTrue(yield* isNone(here, "k"))
        assert.isFalse(yield* here.has("k"))
        const gate = yield* Deferred.make<void>()
        const slow = Effect.as(Deferred.await(gate), 2)
        const served = yield* Effect.forEach([1, 2, 3], () => here.getOrSet("k", slow), { concurrency: "unbounded" })
        assert.deepStrictEqual(served, [1, 1, 1])
        yield* Deferred.succeed(gate, undefined)
        yield* until("the value of the lookup", there.get("k"), (found) => Option.contains(found, 2))

        yield* here.set("gone", 1, { tags: ["t"] })
        yield* there.invalidateTags(["t"])
        yield* there.invalidateTags(["t"], { mode: "stale" })
        assert.strictEqual(yield* here.getOrSet("gone", Effect.succeed(7)), 7)

        yield* here.set("of a process", 1, { tags: ["t"] })
        yield* there.invalidateTags(["t"], { mode: "stale" })
        const one = { singleFlight: "cluster" } as const
        assert.strictEqual(yield* here.getOrSet("of a process", Effect.succeed(8), one), 1)
        yield* until("the value of the lookup", there.get("of a process"), (found) => Option.contains(found, 8))
      })
    )

    it.effect("whose records are lost take their values with them, which never come back", () =>
      Effect.gen(function* () {
        const { here, ledger, there, token } = yield* both()
        const store = here.setMany({ a: 1, b: 2 }, { tags: (key) => [key, "all"] })
        const { client } = here
        yield* store
        yield* client.send("UNLINK", [token("a")])
        assert.deepStrictEqual([...(yield* there.getMany(["a", "b"])).keys()], ["b"])
        // The tag has a token again, and not the old one.
        yield* here.set("c", 3, { tags: ["a"] })
        assert.isTrue(yield* isNone(there, "a"))
        assert.deepStrictEqual(yield* there.get("c"), Option.some(3))
        yield* client.send("UNLINK", [ledger])
        assert.strictEqual((yield* there.getMany(["a", "b", "c"])).size, 0)
        yield* there.set("d", 4, { tags: ["b"] })
        assert.strictEqual((yield* here.getMany(["a", "b", "c"])).size, 0)
        yield* store
        // What is no record counts as none.
        yield* client.send("SET", [token("all"), "what nobody wrote"])
        assert.strictEqual((yield* there.getMany(["a", "b"])).size, 0)
        yield* store
        yield* client.send("UNLINK", [ledger])
        yield* client.send("RPUSH", [ledger, "a list"])
        assert.strictEqual((yield* there.getMany(["a", "b"])).size, 0)
        yield* there.invalidateTags(["a"])
        yield* store
        assert.strictEqual((yield* there.getMany(["a", "b"])).size, 2)
      })
    )

    it.effect("that nobody bears get no record when they are invalidated; others get one that ends", () =>
      Effect.gen(function* () {
        const { here, there, token } = yield* both()
        yield* there.invalidateTags(["nobody's"])
        assert.strictEqual(yield* here.client.send("EXISTS", [token("nobody's")]), 0)
        yield* here.set("k", 1, { tags: ["t"], timeToLive: "1 hour" })
        const left = Effect.map(here.client.send("PTTL", [token("t")]), Number)
        assert.isAtLeast(yield* left, 3_600_000)
        yield* here.set("long", 1, { tags: ["t"], timeToLive: "3 hours" })
        assert.isAtLeast(yield* left, 10_800_000)
        yield* here.set("for ever", 1, { tags: ["t"], timeToLive: "Infinity" })
        assert.strictEqual(yield* left, -1)
        yield* there.invalidateTags(["t"])
        assert.strictEqual(yield* left, -1)
      })
    )

    it.effect("leave the place free: add, getAndSet, update and setIf take an invalidated value for none", () =>
      Effect.gen(function* () {
        const { here, there } = yield* both()
        const keys = ["add", "set", "getAndSet", "update", "setIf", "getAndDelete"]
        yield* here.setMany(
          keys.map((key) => [key, 1] as const),
          { tags: ["t"] }
        )
        assert.isFalse(yield* there.add("add", 2))
        assert.isFalse(yield* there.set("set", 2, { when: "absent" }))
        assert.deepStrictEqual(yield* there.getAndSet("getAndSet", 2, { when: "absent" }), Option.some(1))
        assert.isFalse(yield* there.setIf("setIf", Option.none(), 2))
        yield* there.invalidateTags(["t"])
        assert.isTrue(yield* here.add("add", 2, { tags: ["t"] }))
        assert.isFalse(yield* there.add("add", 3))
        assert.isTrue(yield* here.set("set", 2, { when: "absent", keepTtl: true }))
        assert.isTrue(Option.isSome(yield* here.ttl("set")))
        assert.deepStrictEqual(yield* here.getAndSet("getAndSet", 2, { when: "absent" }), Option.none())
        assert.deepStrictEqual(
          yield* here.update("update", (before) => Option.some(Option.isNone(before) ? 2 : -1)),
          Option.some(2)
        )
        assert.isTrue(yield* here.setIf("setIf", Option.none(), 2, { tags: ["t"] }))
        assert.deepStrictEqual(yield* here.getAndDelete("getAndDelete"), Option.none())
        const values = yield* there.getMany(keys)
        assert.deepStrictEqual([...values.values()], [2, 2, 2, 2, 2])
        yield* there.invalidateTags(["t"])
        assert.sameMembers([...(yield* here.getMany(keys)).keys()], ["set", "getAndSet", "update"])
      })
    )

    it.effect("count a value that became stale as absent, too", () =>
      Effect.gen(function* () {
        const { here } = yield* both()
        yield* here.set("k", 1, { timeToLive: "1 minute", staleFor: "1 hour" })
        assert.isTrue(yield* here.has("k"))
        assert.isFalse(yield* here.add("k", 2))
        yield* TestClock.adjust("2 minutes")
        assert.isFalse(yield* here.has("k"))
        assert.isTrue(yield* here.add("k", 2))
        assert.deepStrictEqual(yield* here.get("k"), Option.some(2))
        yield* here.list("l").pushRight(1)
        assert.isTrue(yield* here.has("l"))
        assert.isFalse(yield* here.add("l", 1))
      })
    )

    it.effect("go with their value: update, rename, versions and claims carry them", () =>
      Effect.gen(function* () {
        const { here, there } = yield* both()
        yield* here.set("updated", 1, { tags: ["t"] })
        yield* there.update("updated", () => Option.some(2))
        yield* there.update("updated", () => Option.some(3), { timeToLive: "2 hours" })
        assert.deepStrictEqual(yield* here.get("updated"), Option.some(3))
        yield* here.set("renamed", 1, { tags: ["t"] })
        yield* there.rename("renamed", "to")
        yield* here.set("versioned", 1, { tags: ["t"] })
        const version = yield* there.incrVersion("versioned")
        assert.deepStrictEqual(yield* here.get("to"), Option.some(1))
        assert.deepStrictEqual(yield* here.get("versioned", { version }), Option.some(1))
        assert.deepStrictEqual(yield* here.tagsOf("updated"), Option.some(["t"]))
        assert.deepStrictEqual(yield* here.tagsOf("to"), Option.some(["t"]))
        yield* there.invalidateTags(["t"])
        assert.isTrue(yield* isNone(here, "updated"))
        assert.isTrue(yield* isNone(here, "to"))
        assert.isTrue(Option.isNone(yield* here.get("versioned", { version })))
      })
    )

    it.effect("end with their records, whatever prolongs the value", () =>
      Effect.gen(function* () {
        const { here, there, token } = yield* both()
        const prolonged = {
          touch: here.touch("touch"),
          expire: here.expire("expire", "2 hours"),
          expireAt: here.expireAt("expireAt", 8e15),
          persist: here.persist("persist"),
          keepTtl: here.set("keepTtl", 1, { keepTtl: true, tags: ["keepTtl"] })
        }
        for (const [key, prolong] of Object.entries(prolonged)) {
          yield* here.set(key, 1, { tags: [key] })
          assert.isTrue(yield* prolong, key)
          assert.deepStrictEqual(yield* there.get(key), Option.some(1), key)
          yield* here.client.send("UNLINK", [token(key)])
          assert.isTrue(yield* isNone(there, key), key)
        }
      })
    )

    it.effect("are told of a value", () =>
      Effect.gen(function* () {
        const { here, there } = yield* both()
        yield* here.set("k", 1, { tags: ["ünï, côdé!", "a", "b", "a"] })
        assert.deepStrictEqual(yield* there.tagsOf("k"), Option.some(["a", "b", "ünï, côdé!"]))
        yield* here.set("none", 1)
        assert.deepStrictEqual(yield* there.tagsOf("none"), Option.some([]))
        assert.deepStrictEqual(yield* there.tagsOf("absent"), Option.none())
        yield* there.invalidateTags(["ünï, côdé!"])
        assert.deepStrictEqual(yield* here.tagsOf("k"), Option.none())
      })
    )

    it.effect("are known by their prefix, however values are stored", () =>
      Effect.gen(function* () {
        const { here, there } = yield* both()
        const settings = [
          {},
          { version: 7 },
          { serializer: Serializer.msgpack },
          { compressor: Compressor.zstd({ threshold: 0 }) },
          { cipher: Cipher.aes256gcm([keyOf(1)]) }
        ]
        for (const [i, options] of settings.entries()) {
          yield* here.withOptions(options).set(`k${i}`, "v".repeat(100), { tags: ["t"] })
        }
        const read = Effect.forEach(settings, (options, i) => there.withOptions(options).get(`k${i}`))
        assert.isTrue((yield* read).every(Option.isSome))
        yield* there.withOptions({ version: 3 }).invalidateTags(["t"])
        assert.isTrue((yield* read).every(Option.isNone))
        // Another prefix has tags of its own.
        const other = here.withOptions({ prefix: `other ${spaces}` })
        yield* other.set("k", 1, { tags: ["t"] })
        yield* there.invalidateTags(["t"])
        assert.deepStrictEqual(yield* other.get("k"), Option.some(1))
      })
    )

    describe("in a pipeline or transaction", () => {
      it.effect("need a snapshot, and are judged when values are read", () =>
        Effect.gen(function* () {
          const { here, there } = yield* both()
          let since = yield* here.tagSnapshot(["t"])
          const inPipeline: Run = (queue) => here.pipeline(queue)
          const inTransaction: Run = (queue) => here.transaction(queue)
          for (const run of [inPipeline, inTransaction]) {
            const error = yield* Effect.flip(run((queue) => [queue.set("k", 1, { tags: ["t"] })]))
            assert.strictEqual(error._tag, "CacheInputError")
            assert.isTrue(yield* isNone(there, "k"))
            yield* run((queue) => [queue.set("k", 1, { tags: ["t"], since })])
            assert.deepStrictEqual(yield* there.get("k"), Option.some(1))
            assert.deepStrictEqual(yield* run((queue) => [queue.get("k"), queue.has("k")]), [Option.some(1), true])
            yield* there.invalidateTags(["t"])
            assert.deepStrictEqual(yield* run((queue) => [queue.get("k"), queue.has("k")]), [Option.none(), false])
            yield* run((queue) => [queue.set("k", 2, { tags: ["t"], since })])
            assert.isTrue(yield* isNone(there, "k"))
            yield* here.delete("k")
            since = yield* here.tagSnapshot(["t"])
          }
        })
      )
    })

    it.effect("that are none are refused before anything is sent", () =>
      Effect.gen(function* () {
        const { here } = yield* both()
        const since = yield* here.tagSnapshot(["t"])
        const many = Array.from({ length: 65 }, (_, i) => `t${i}`)
        const calls = [
          here.set("k", 1, { tags: [""] }),
          here.set("k", 1, { tags: ["\ud800"] }),
          here.set("k", 1, { tags: ["x".repeat(1025)] }),
          here.set("k", 1, { tags: many }),
          here.set("k", 1, { since }),
          here.set("k", 1, { tags: ["t", "other"], since }),
          here.setMany({ k: 1 }, { tags: () => [""] }),
          here.setMany(
            { k: 1 },
            {
              tags: () => {
                throw new Error("the program's")
              }
            }
          ),
          here.invalidateTags([""]),
          here.invalidateTags(["t"], { mode: "soft" as "stale" }),
          here.tagSnapshot(many)
        ]
        for (const call of calls) {
          assert.strictEqual(
            (yield* Effect.flip(Effect.asVoid<unknown, CacheError, never>(call)))._tag,
            "CacheInputError"
          )
        }
        assert.isTrue(yield* isNone(here, "k"))
        yield* here.invalidateTags(many)
        yield* here.invalidateTags([])
      })
    )

    it.effect("are asked for once in a batch, and by many at once", () =>
      Effect.gen(function* () {
        const client = yield* Elsewhere
        let asked = 0
        const counting: typeof client = {
          ...client,
          tracked: (...call) => Effect.suspend(() => (asked++, client.tracked(...call)))
        }
        const { here, there } = yield* Effect.provideService(both(), Elsewhere, counting)
        const keys = Array.from({ length: 1200 }, (_, i) => `k${i}`)
        yield* here.setMany(
          keys.map((key) => [key, key] as const),
          { tags: (key) => [key, "all"] }
        )
        assert.strictEqual((yield* there.getMany(keys)).size, 1200)
        // 1 000 of 1 202 records at a time.
        assert.strictEqual(asked, 2)
        const readers = yield* Effect.forkChild(
          Effect.forEach(keys.slice(0, 50), (key) => there.get(key), { concurrency: "unbounded" })
        )
        assert.isTrue((yield* Fiber.join(readers)).every(Option.isSome))
        yield* there.invalidateTags(keys.slice(0, 1100))
        assert.strictEqual((yield* here.getMany(keys)).size, 100)
        yield* there.invalidateTags(["all"])
        assert.strictEqual((yield* here.getMany(keys)).size, 0)
      })
    )

    it.effect("hold where a near cache reads, as soon as the server has announced what becomes of them", () =>
      Effect.gen(function* () {
        const { here, there } = yield* both({ near: {} })
        yield* until("the channel", here.near, ({ _tag }) => _tag === "Live")
        for (let round = 0; round < 5; round++) {
          yield* here.set("k", round, { tags: ["t"] })
          assert.deepStrictEqual(yield* here.get("k"), Option.some(round))
          assert.deepStrictEqual(yield* here.get("k"), Option.some(round))
          yield* there.invalidateTags(["t"])
          yield* until("the invalidation", here.get("k"), Option.isNone)
          assert.isFalse(yield* here.has("k"))
          assert.strictEqual((yield* here.getMany(["k"])).size, 0)
          assert.strictEqual(yield* here.getOrSet("k", Effect.succeed(100 + round), { near: false }), 100 + round)
          yield* here.delete("k")
        }
      })
    )

    describe("of lookups", () => {
      /** The tags of a value, given by the caller or known only from the value. */
      const ways = {
        given: { tags: ["t", "u"] },
        "of the value": { tags: (value: unknown) => ["t", `value ${String(value)}`] }
      }
      for (const [way, { tags }] of Object.entries(ways)) {
        for (const singleFlight of ["process", "cluster"] as const) {
          const options = { tags, singleFlight }
          it.effect(
            `that are ${way} (${singleFlight}): what is invalidated while a lookup runs is not served later`,
            () =>
              Effect.gen(function* () {
                const { here, there } = yield* both()
                const [started, gate] = yield* Effect.all([Deferred.make<void>(), Deferred.make<void>()])
                const slow = Deferred.succeed(started, undefined).pipe(
                  Effect.andThen(Deferred.await(gate)),
                  Effect.as("old")
                )
                const first = yield* Effect.forkChild(here.getOrSet("k", slow, options))
                yield* Deferred.await(started)
                yield* there.invalidateTags(["t"])
                // In this process, and in another one, nobody waits for what was read before.
                const process = { tags }
                assert.strictEqual(yield* here.getOrSet("k", Effect.succeed("new"), process), "new")
                yield* until("the value", there.get("k"), (found) => Option.contains(found, "new"))
                assert.strictEqual(yield* there.getOrSet("k", Effect.succeed("newer"), process), "new")
                yield* Deferred.succeed(gate, undefined)
                assert.strictEqual(yield* Fiber.join(first), "old")
                yield* stored(here, "k")
                for (const cache of [here, there]) assert.deepStrictEqual(yield* cache.get("k"), Option.some("new"))
              })
          )

          it.effect(`that are ${way} (${singleFlight}): a lookup whose value is not stored leaves the place free`, () =>
            Effect.gen(function* () {
              const { here, there } = yield* both()
              const old = Effect.andThen(there.invalidateTags(["t", "u"]), Effect.succeed("old"))
              assert.strictEqual(yield* here.getOrSet("k", old, options), "old")
              // Where there was a claim, it is given back; where there is a value, it is nobody's.
              const held = here.client.send("GET", [here.makeKey("k")])
              yield* until("no claim", held, (held) => held === null || !String(held).includes("!"))
              yield* until(
                "a free place",
                there.getOrSet("k", Effect.succeed("new"), options),
                (value) => value === "new"
              )
              yield* until("the value", here.get("k"), (found) => Option.contains(found, "new"))
              assert.deepStrictEqual(
                yield* here.tagsOf("k"),
                Option.some(way === "given" ? ["t", "u"] : ["t", "value new"])
              )
            })
          )
        }

        it.effect(`that are ${way}: callers with equal tags share one lookup`, () =>
          Effect.gen(function* () {
            const { here, there } = yield* both()
            // Others are invalidated meanwhile, and these tags have been borne before.
            yield* here.set("other", 1, { tags: ["others", "t", "value 1"] })
            const gate = yield* Deferred.make<void>()
            let lookups = 0
            const slow = Effect.suspend(() => Effect.as(Deferred.await(gate), ++lookups))
            const callers = yield* Effect.forkChild(
              Effect.forEach(Array.from({ length: 50 }), () => here.getOrSet("k", slow, { tags }), {
                concurrency: "unbounded"
              })
            )
            yield* until(
              "a lookup",
              Effect.sync(() => lookups),
              (lookups) => lookups === 1
            )
            yield* there.invalidateTags(["others"])
            yield* Deferred.succeed(gate, undefined)
            assert.deepStrictEqual(new Set(yield* Fiber.join(callers)), new Set([1]))
            yield* until("the value", there.get("k"), (found) => Option.contains(found, 1))
            assert.strictEqual(yield* there.getOrSet("k", Effect.succeed(2), { tags }), 1)
          })
        )

        it.effect(`that are ${way}: of many, and of a refresh`, () =>
          Effect.gen(function* () {
            const { here, there } = yield* both()
            const pairs = (value: string) => (keys: ReadonlyArray<string>) =>
              Effect.succeed(keys.map((key) => [key, value] as const))
            const old = (keys: ReadonlyArray<string>) => Effect.andThen(there.invalidateTags(["t"]), pairs("old")(keys))
            assert.strictEqual((yield* here.getOrSetMany(["a", "b"], old, { tags })).get("a"), "old")
            yield* stored(here, "a", "b")
            assert.strictEqual((yield* there.getMany(["a", "b"])).size, 0)
            yield* here.getOrSetMany(["a", "b"], pairs("new"), { tags })
            yield* until("the values", there.getMany(["a", "b"]), ({ size }) => size === 2)
            yield* here.refresh("a", Effect.andThen(there.invalidateTags(["t"]), Effect.succeed("old")), { tags })
            yield* stored(here, "a")
            assert.strictEqual((yield* there.getMany(["a", "b"])).size, 0)
            yield* here.refresh("a", Effect.succeed("new"), { tags })
            yield* until("the value", there.get("a"), (found) => Option.contains(found, "new"))
            yield* there.invalidateTags(["t"], { mode: "stale" })
            assert.strictEqual(yield* here.getOrSet("a", Effect.succeed("newer"), { tags }), "new")
            yield* until("the value", there.get("a"), (found) => Option.contains(found, "newer"))
            yield* there.invalidateTags(["t"])
            assert.isTrue(yield* isNone(here, "a"))
          })
        )
      }

      it.effect("of a region are made of its keys, too", () =>
        Effect.gen(function* () {
          const { here, there } = yield* both()
          const region = (cache: TypedCache<unknown>, value: string) =>
            CacheRegion.make(cache, "users", {
              key: Schema.Int,
              value: Schema.String,
              tags: (id, name) => [`user:${id}`, `name:${name}`],
              lookup: () => Effect.succeed(value),
              lookupMany: (ids) => Effect.succeed(ids.map((id) => [id, value] as const))
            })
          const [mine, theirs] = yield* Effect.all([region(here, "Ada"), region(there, "Grace")])
          const expectAll = Effect.fnUntraced(function* (value: string) {
            assert.deepStrictEqual(yield* theirs.getMany([1, 2, 3]), new Map([1, 2, 3].map((id) => [id, value])))
          })
          assert.strictEqual(yield* mine.get(1), "Ada")
          yield* mine.getMany([2])
          yield* mine.set(3, "Ada")
          yield* until("the values", Effect.all([1, 2, 3].map((id) => theirs.getCached(id))), (all) =>
            all.every(Option.isSome)
          )
          yield* expectAll("Ada")
          yield* there.invalidateTags(["user:2"])
          assert.isTrue(Option.isNone(yield* mine.getCached(2)))
          yield* mine.refresh(2)
          yield* until("the value", theirs.getCached(2), Option.isSome)
          yield* there.invalidateTags(["name:Ada"])
          yield* expectAll("Grace")
        })
      )

      it.effect("that are none keep their value from being stored, or the lookup from running", () =>
        Effect.gen(function* () {
          const { here } = yield* both()
          assert.strictEqual(yield* here.getOrSet("k", Effect.succeed(1), { tags: () => [""] }), 1)
          assert.isTrue(yield* isNone(here, "k"))
          const error = yield* Effect.flip(here.getOrSet("k", Effect.die("not asked"), { tags: [""] }))
          assert.strictEqual(error._tag, "CacheInputError")
          assert.strictEqual(yield* here.getOrSet("k", Effect.succeed(1), { tags: () => [] }), 1)
          yield* until("the value", here.get("k"), Option.isSome)
          assert.deepStrictEqual(yield* here.tagsOf("k"), Option.some([]))
        })
      )
    })
  })
}
