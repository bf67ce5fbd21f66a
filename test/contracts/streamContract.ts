/** What streams do, whatever the cache stands on. */
import { assert, describe, layer } from "@effect/vitest"
import { Duration, Effect, Fiber, type Layer, Option, Result, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { type CacheError, CacheService, type CacheStream, Cipher, Serializer, type StreamEntry } from "effect-vcache"
import { keyOf } from "../support/formats.ts"
import { fresh } from "../support/freshCache.ts"
import { until } from "../support/until.ts"
import { streamsTests } from "./streamsTests.ts"

const freshInts = Effect.map(fresh(), (cache) => cache.withSchema(Schema.Int).stream("x"))

const idsOf = <A>(entries: ReadonlyArray<StreamEntry<A>>) => entries.map(({ id }) => id)
const numbersOf = (entries: Iterable<StreamEntry<number>>) => [...entries].map(({ fields }) => fields.get("n"))

/** So many who follow what is new, up to a number, once each of them has been heard to: what is below zero was for that. */
const followers = Effect.fnUntraced(function* (stream: CacheStream<number>, count: number, last: number) {
  let begun = 0
  const fibers = yield* Effect.forEach(Array.from({ length: count }), () => {
    let isFirst = true
    const followed = Stream.tap(stream.follow(), () =>
      Effect.sync(() => {
        if (isFirst) begun++
        isFirst = false
      })
    ).pipe(
      Stream.takeUntil(({ fields }) => fields.get("n") === last),
      Stream.filter(({ fields }) => (fields.get("n") ?? 0) >= 0)
    )
    return Effect.forkChild(Stream.runCollect(followed))
  })
  const added = Effect.map(stream.add({ n: -1 }), () => begun)
  yield* until(`${count} followers that have begun`, added, (begun) => begun === count)
  return fibers
})

export const streamContract = (name: string, cacheLayer: Layer.Layer<CacheService, unknown>): void => {
  layer(cacheLayer)(`${name}: streams`, (it) => {
    describe("entries", () => {
      it.effect("are added at the end and read by id, forward and back", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const stream = cache.stream("x")
          assert.deepStrictEqual(yield* stream.range(), [])
          assert.strictEqual(yield* stream.size, 0)
          assert.deepStrictEqual(yield* stream.add({ kind: "sale", amount: 5 }, { id: "1-1" }), Option.some("1-1"))
          assert.deepStrictEqual(
            yield* stream.add({ kind: "sale", tags: ["a", null] }, { id: "1-*" }),
            Option.some("1-2")
          )
          assert.deepStrictEqual(yield* stream.add({ "": "" }, { id: "3" }), Option.some("3-0"))
          assert.strictEqual(yield* stream.size, 3)
          assert.deepStrictEqual(yield* stream.range(), [
            {
              id: "1-1",
              fields: new Map<string, unknown>([
                ["kind", "sale"],
                ["amount", 5]
              ])
            },
            {
              id: "1-2",
              fields: new Map<string, unknown>([
                ["kind", "sale"],
                ["tags", ["a", null]]
              ])
            },
            { id: "3-0", fields: new Map([["", ""]]) }
          ])
          assert.deepStrictEqual(idsOf(yield* stream.range("(1-1")), ["1-2", "3-0"])
          assert.deepStrictEqual(idsOf(yield* stream.range("1", "1")), ["1-1", "1-2"])
          assert.deepStrictEqual(idsOf(yield* stream.range("-", "+", { reverse: true, count: 2 })), ["3-0", "1-2"])
          assert.deepStrictEqual(yield* stream.range("-", "+", { count: 0 }), [])
          assert.strictEqual(yield* stream.delete("1-2", "1-2", "9-9"), 1)
          assert.strictEqual(yield* stream.delete(), 0)
          assert.deepStrictEqual(idsOf(yield* stream.range()), ["1-1", "3-0"])
          const id = Option.getOrThrow(yield* stream.add({ now: true }))
          assert.isTrue(Number(id.split("-")[0]) >= 3)
        })
      )

      it.effect("live as long as their key is told to, apart in each version, under another name", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.stream("x").add({ n: 1 }, { id: "1-1" })
          yield* cache.stream("x").group("g").create({ from: "0" })
          assert.deepStrictEqual(yield* cache.ttl("x"), Option.some(Duration.infinity))
          assert.isTrue(yield* cache.expire("x", "1 hour"))
          yield* cache.stream("x").add({ n: 2 }, { id: "2-1" })
          assert.isTrue(Option.exists(yield* cache.ttl("x"), (ttl) => Duration.toMillis(ttl) <= 3_600_000))
          assert.strictEqual(yield* cache.stream("x", { version: 2 }).size, 0)
          assert.deepStrictEqual(yield* cache.typeOf("x"), Option.some("stream"))
          assert.deepStrictEqual(yield* Stream.runCollect(cache.scan("*", { type: "stream" })), ["x"])
          assert.isTrue(yield* cache.rename("x", "moved"))
          assert.strictEqual((yield* cache.stream("moved").group("g").read("c")).length, 2)
        })
      )

      it.effect("are cut to a length or an id", () =>
        Effect.gen(function* () {
          const stream = yield* freshInts
          for (let i = 1; i <= 10; i++) yield* stream.add({ n: i }, { id: `${i}-0`, maxLength: 8 })
          assert.strictEqual(yield* stream.size, 8)
          assert.strictEqual(yield* stream.trim({ minId: "5" }), 2)
          assert.strictEqual(yield* stream.trim({ maxLength: 5, approximate: true }), 0)
          assert.strictEqual(yield* stream.trim({ maxLength: 5, approximate: true, limit: 10 }), 0)
          assert.strictEqual(yield* stream.trim({ maxLength: 3 }), 3)
          assert.deepStrictEqual(numbersOf(yield* stream.range()), [8, 9, 10])
          yield* stream.add({ n: 11 }, { id: "11", minId: "10" })
          assert.deepStrictEqual(numbersOf(yield* stream.range()), [10, 11])
          assert.deepStrictEqual(yield* (yield* freshInts).add({ n: 1 }, { create: false }), Option.none())
        })
      )

      it.effect("tell about themselves", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const stream = cache.stream("x")
          assert.strictEqual((yield* Effect.flip(stream.info))._tag, "CacheMissError")
          assert.deepStrictEqual(yield* stream.groups, [])
          for (const id of ["1-1", "2-1", "3-1"]) yield* stream.add({ f: id }, { id })
          yield* stream.delete("3-1")
          yield* stream.group("g").create({ from: "0" })
          yield* stream.group("g").read("c", { count: 1 })
          assert.deepStrictEqual(yield* stream.info, {
            length: 2,
            groups: 1,
            lastGeneratedId: "3-1",
            maxDeletedEntryId: "3-1",
            entriesAdded: 3,
            firstEntryId: "1-1"
          })
          const [group] = yield* stream.groups
          assert.deepInclude(group, { name: "g", consumers: 1, pending: 1, lastDeliveredId: "1-1" })
          assert.deepStrictEqual(group?.lag, Option.none())
          const [consumer] = yield* stream.group("g").consumers
          assert.deepInclude(consumer, { name: "c", pending: 1 })
          assert.isTrue((consumer?.idle ?? -1) >= 0)
        })
      )

      it.effect("2 500 at once", () =>
        Effect.gen(function* () {
          const stream = yield* freshInts
          yield* Effect.forEach(Array.from({ length: 2500 }), (_, n) => stream.add({ n }), { concurrency: "unbounded" })
          const entries = yield* stream.range()
          assert.deepStrictEqual(
            numbersOf(entries),
            Array.from({ length: 2500 }, (_, n) => n)
          )
          assert.strictEqual(yield* stream.delete(...idsOf(entries)), 2500)
        })
      )

      it.effect("bytes and encrypted values, each bound to its field", () =>
        Effect.gen(function* () {
          const bytes = (yield* fresh({ serializer: Serializer.msgpack })).stream("x")
          yield* bytes.add({ f: { b: new Uint8Array([0, 255]) } }, { id: "1-1" })
          assert.deepStrictEqual((yield* bytes.range())[0]?.fields.get("f"), { b: new Uint8Array([0, 255]) })
          const cache = yield* fresh({ cipher: Cipher.aes256gcm([keyOf(3)]) })
          const secret = cache.stream("x")
          yield* secret.add({ a: 1, b: 2 }, { id: "1-1" })
          assert.deepStrictEqual(
            (yield* secret.range())[0]?.fields,
            new Map([
              ["a", 1],
              ["b", 2]
            ])
          )
          const final = cache.makeKey("x")
          const read = yield* cache.client.send("XRANGE", [final, "-", "+"], { reply: "buffer" })
          const entry = Array.isArray(read) && Array.isArray(read[0]) ? read[0] : []
          const [, first = ""] = Array.isArray(entry[1]) ? entry[1] : []
          yield* cache.client.send("XADD", [final, "2-1", "b", Buffer.isBuffer(first) ? first : ""])
          assert.strictEqual((yield* Effect.flip(secret.range("2")))._tag, "CacheCodecError")
        })
      )

      it.effect("bad input and other types", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const stream = cache.stream("x")
          const group = stream.group("g")
          const bad: ReadonlyArray<Effect.Effect<unknown, CacheError>> = [
            stream.add({}),
            stream.add({ "\ud800": 1 }),
            stream.add({ f: 1 }, { id: "abc" }),
            stream.add({ f: 1 }, { maxLength: -1 }),
            stream.add({ f: 1 }, { maxLength: 1, minId: "1" }),
            stream.trim({}),
            stream.trim({ maxLength: 5, limit: 5 }),
            stream.range("a"),
            stream.range("-", "+", { count: 0.5 }),
            stream.delete("1-1", "-"),
            Stream.runDrain(stream.follow({ after: ">" })),
            Stream.runDrain(stream.follow({ count: 0 })),
            stream.group("").create(),
            group.create({ from: ">" }),
            group.read(""),
            group.read("c", { count: 0 }),
            group.ack("x"),
            group.pending({ start: "x" }),
            group.claim("c", Number.NaN, ["1-1"]),
            group.claim("c", 0, ["x"]),
            group.autoClaim("c", "Infinity"),
            Stream.runDrain(group.consume("\ud800"))
          ]
          for (const [i, operation] of bad.entries()) {
            assert.strictEqual((yield* Effect.flip(operation))._tag, "CacheInputError", `${i}`)
          }
          yield* cache.set("value", 1)
          const other = cache.stream("value")
          for (const operation of [other.add({ f: 1 }), other.range(), other.info, Stream.runHead(other.follow())]) {
            assert.deepInclude(yield* Effect.flip<unknown, CacheError, never>(operation), { code: "WRONGTYPE" })
          }
          yield* stream.add({ f: 1 }, { id: "5-1" })
          assert.strictEqual((yield* Effect.flip(stream.add({ f: 1 }, { id: "5-1" })))._tag, "CacheServerError")
        })
      )
    })

    describe("following", () => {
      it.effect("from an id on, and what comes", () =>
        TestClock.withLive(
          Effect.gen(function* () {
            const stream = yield* freshInts
            for (let n = 1; n <= 5; n++) yield* stream.add({ n })
            const all = yield* Effect.forkChild(
              Stream.runCollect(Stream.take(stream.follow({ after: "0", count: 2 }), 8))
            )
            for (let n = 6; n <= 8; n++) yield* stream.add({ n })
            assert.deepStrictEqual(numbersOf(yield* Fiber.join(all)), [1, 2, 3, 4, 5, 6, 7, 8])
            const [fresh] = yield* followers(stream, 1, 11)
            for (let n = 9; n <= 11; n++) yield* stream.add({ n })
            assert.deepStrictEqual(numbersOf(yield* Fiber.join(fresh!)), [9, 10, 11])
          })
        )
      )

      it.effect("what is new, though the entry before it is of another schema", () =>
        TestClock.withLive(
          Effect.gen(function* () {
            const cache = yield* fresh()
            yield* cache.stream("s").add({ n: "text" })
            const ints = cache.withSchema(Schema.Int).stream("s")
            const follower = yield* Effect.forkChild(Stream.runCollect(Stream.take(ints.follow(), 1)))
            const added = Effect.map(ints.add({ n: 1 }), () => follower.pollUnsafe())
            yield* until("an entry for the follower", added, (exit) => exit !== undefined, { every: 50 })
            assert.deepStrictEqual(numbersOf(yield* Fiber.join(follower)), [1])
          })
        )
      )

      it.effect("a stream that does not exist yet; many followers see the same", () =>
        TestClock.withLive(
          Effect.gen(function* () {
            const stream = yield* freshInts
            const all = yield* followers(stream, 3, 19)
            for (let n = 0; n < 20; n++) yield* stream.add({ n })
            for (const follower of all) {
              assert.deepStrictEqual(
                numbersOf(yield* Fiber.join(follower)),
                Array.from({ length: 20 }, (_, n) => n)
              )
            }
          })
        )
      )
    })

    describe("reads", () => streamsTests(it))

    describe("groups", () => {
      it.effect("share the entries; what is not acknowledged is pending", () =>
        Effect.gen(function* () {
          const stream = yield* freshInts
          const group = stream.group("g")
          assert.isTrue(yield* group.create())
          assert.isFalse(yield* group.create())
          for (let n = 1; n <= 4; n++) yield* stream.add({ n }, { id: `${n}-0` })
          assert.deepStrictEqual(numbersOf(yield* group.read("a", { count: 1 })), [1])
          assert.deepStrictEqual(numbersOf(yield* group.read("b", { count: 2 })), [2, 3])
          assert.deepStrictEqual(numbersOf(yield* group.read("a", { noAck: true })), [4])
          assert.deepStrictEqual(yield* group.read("a"), [])
          assert.deepStrictEqual(numbersOf(yield* group.read("b", { from: "2-0" })), [3])
          assert.deepStrictEqual(yield* group.pendingSummary, {
            count: 3,
            firstId: Option.some("1-0"),
            lastId: Option.some("3-0"),
            consumers: new Map([
              ["a", 1],
              ["b", 2]
            ])
          })
          assert.strictEqual(yield* group.ack("1-0", "2-0", "9-9"), 2)
          const [left, ...more] = yield* group.pending()
          assert.deepStrictEqual(more, [])
          assert.deepInclude(left, { id: "3-0", consumer: "b", deliveries: 2 })
          assert.deepStrictEqual(yield* group.pending({ consumer: "a" }), [])
          assert.deepStrictEqual(yield* group.pending({ minIdle: "1 hour" }), [])
          assert.strictEqual(yield* group.removeConsumer("b"), 1)
          assert.deepStrictEqual((yield* group.pendingSummary).count, 0)
          yield* group.setId("0")
          assert.strictEqual((yield* group.read("c")).length, 4)
          assert.isTrue(yield* group.destroy)
          assert.isFalse(yield* group.destroy)
          assert.deepInclude(yield* Effect.flip(group.read("c")), { code: "NOGROUP" })
          const missing = (yield* freshInts).group("g")
          assert.isFalse(yield* missing.destroy)
          assert.strictEqual(yield* missing.ack("1-1"), 0)
          assert.strictEqual((yield* Effect.flip(missing.create({ createStream: false })))._tag, "CacheServerError")
        })
      )

      it.effect("a dead consumer's entries are claimed", () =>
        // A test's clock begins in 1970, before which nothing was delivered.
        TestClock.withLive(
          Effect.gen(function* () {
            const stream = yield* freshInts
            const group = stream.group("g")
            yield* group.create({ from: "0" })
            for (let n = 1; n <= 5; n++) yield* stream.add({ n }, { id: `${n}-0` })
            yield* group.read("dead")
            yield* stream.delete("4-0")
            assert.deepStrictEqual(numbersOf(yield* group.claim("a", 0, ["1-0", "9-0"])), [1])
            assert.deepStrictEqual(yield* group.claim("a", "1 hour", ["2-0"]), [])
            assert.deepStrictEqual(yield* group.claimIds("a", 0, ["2-0"], { idle: "5 minutes", deliveries: 7 }), [
              "2-0"
            ])
            const [claimed] = yield* group.pending({ start: "2", end: "2" })
            assert.deepInclude(claimed, { consumer: "a", deliveries: 7 })
            assert.isTrue((claimed?.idle ?? 0) >= 300_000)
            const first = yield* group.autoClaim("b", 0, { count: 3 })
            assert.deepStrictEqual(numbersOf(first.entries), [1, 2, 3])
            const rest = yield* group.autoClaim("b", 0, { start: first.next })
            assert.deepStrictEqual([rest.next, numbersOf(rest.entries), rest.deleted], ["0-0", [5], ["4-0"]])
            assert.deepStrictEqual(yield* group.autoClaimIds("c", "1 hour"), { next: "0-0", ids: [], deleted: [] })
            assert.deepStrictEqual((yield* group.autoClaimIds("c", 0)).ids, ["1-0", "2-0", "3-0", "5-0"])
            assert.deepStrictEqual(yield* group.claim("a", 0, []), [])
            yield* group.ack("5-0")
            assert.deepStrictEqual(numbersOf(yield* group.claim("a", 0, ["5-0"], { force: true })), [5])
          })
        )
      )

      it.effect("consumers work till they are stopped, and begin with what they left", () =>
        TestClock.withLive(
          Effect.gen(function* () {
            const stream = yield* freshInts
            const group = stream.group("g")
            yield* group.create()
            const done: Array<number | undefined> = []
            const work = (consumer: string) =>
              Stream.runForEach(group.consume(consumer, { count: 3 }), ({ fields, id }) =>
                Effect.map(group.ack(id), () => void done.push(fields.get("n")))
              )
            for (let n = 0; n < 4; n++) yield* stream.add({ n })
            assert.strictEqual((yield* group.read("a", { count: 2 })).length, 2)
            const workers = yield* Effect.forEach(["a", "b"], (consumer) => Effect.forkChild(work(consumer)))
            for (let n = 4; n < 40; n++) yield* stream.add({ n })
            yield* until(
              "every entry",
              Effect.sync(() => done.length),
              (count) => count >= 40
            )
            yield* Fiber.interruptAll(workers)
            assert.sameMembers(
              done,
              Array.from({ length: 40 }, (_, n) => n)
            )
            assert.strictEqual((yield* group.pendingSummary).count, 0)
          })
        )
      )

      it.effect("a consumer whose group ends is told", () =>
        TestClock.withLive(
          Effect.gen(function* () {
            const group = (yield* freshInts).group("g")
            yield* group.create()
            const consuming = yield* Effect.forkChild(Effect.result(Stream.runDrain(group.consume("a"))))
            yield* Effect.sleep("100 millis")
            yield* group.destroy
            const outcome = yield* Fiber.join(consuming)
            assert.isTrue(Result.isFailure(outcome))
            if (Result.isFailure(outcome)) assert.deepInclude(outcome.failure, { code: "NOGROUP" })
          })
        )
      )
    })
  })
}
