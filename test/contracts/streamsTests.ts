/** What one bounded read, several streams at once and `details` do on every topology: a part of the contract of streams, whose servers it shares. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Fiber, Option, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { type CacheError, CacheService, Cipher, type StreamPlaces } from "effect-vcache"
import { keyOf } from "../support/formats.ts"
import { fresh } from "../support/freshCache.ts"
import { hasSlots } from "../support/hasSlots.ts"
import { until } from "../support/until.ts"

const freshInts = Effect.map(fresh(), (cache) => cache.withSchema(Schema.Int))

const seen = (entries: ReadonlyArray<{ readonly key: string; readonly fields: ReadonlyMap<string, number> }>) =>
  entries.map(({ fields, key }) => `${key.at(-1)}${fields.get("n")}`)

export const streamsTests = (it: Vitest.MethodsNonLive<CacheService>): void => {
  it.effect("one read gives what there is, and where the next one goes on", () =>
    Effect.gen(function* () {
      const stream = (yield* freshInts).stream("x")
      assert.deepStrictEqual(yield* stream.read(), { entries: [], next: "0-0" })
      for (let n = 1; n <= 5; n++) yield* stream.add({ n }, { id: `${n}-1` })
      const { entries, next } = yield* stream.read({ after: "0", count: 2 })
      assert.deepStrictEqual(entries, [
        { id: "1-1", fields: new Map([["n", 1]]) },
        { id: "2-1", fields: new Map([["n", 2]]) }
      ])
      assert.strictEqual(next, "2-1")
      const rest = yield* stream.read({ after: next, timeout: "1 minute" })
      assert.deepStrictEqual(
        rest.entries.map(({ id }) => id),
        ["3-1", "4-1", "5-1"]
      )
      assert.deepStrictEqual(yield* stream.read({ after: rest.next }), { entries: [], next: "5-1" })
      assert.deepStrictEqual(yield* stream.read(), { entries: [], next: "5-1" })
    })
  )

  it.effect("a read waits for so long, and nothing is left out between two of them", () =>
    TestClock.withLive(
      Effect.gen(function* () {
        const cache = yield* freshInts
        const stream = cache.stream("x")
        const nothing = yield* stream.read({ timeout: "50 millis" })
        assert.deepStrictEqual(nothing, { entries: [], next: "0-0" })
        yield* stream.add({ n: 1 }, { id: "1-1" })
        assert.strictEqual((yield* stream.read({ after: nothing.next, timeout: "1 minute" })).next, "1-1")
        const waiting = yield* Effect.forkChild(stream.read({ after: "1-1", timeout: "Infinity" }))
        const givenUp = yield* Effect.forkChild(stream.read({ after: "1-1", timeout: "Infinity" }))
        yield* Effect.sleep("50 millis")
        assert.isUndefined(waiting.pollUnsafe())
        yield* Fiber.interrupt(givenUp)
        yield* stream.add({ n: 2 }, { id: "2-1" })
        assert.strictEqual((yield* Fiber.join(waiting)).next, "2-1")
      })
    )
  )

  it.effect("several streams are read at once, each from a place of its own", () =>
    Effect.gen(function* () {
      const cache = yield* freshInts
      const streams = cache.streams(["{x}a", "{x}b", "{x}a", "__proto__{x}"])
      assert.deepStrictEqual(yield* streams.read(), {
        entries: [],
        next: Object.fromEntries([
          ["{x}a", "0-0"],
          ["{x}b", "0-0"],
          ["__proto__{x}", "0-0"]
        ])
      })
      for (let n = 1; n <= 3; n++) {
        yield* cache.stream("{x}a").add({ n }, { id: `${n}-1` })
        yield* cache.stream("{x}b").add({ n: n * 10 }, { id: `${n}-1` })
      }
      const first = yield* streams.read({ after: { "{x}a": "1-1", "{x}b": "0" }, count: 2 })
      assert.deepStrictEqual(seen(first.entries), ["a2", "a3", "b10", "b20"])
      assert.deepInclude(first.next, { "{x}a": "3-1", "{x}b": "2-1" })
      const second = yield* streams.read({ after: first.next, timeout: "1 minute" })
      assert.deepStrictEqual(seen(second.entries), ["b30"])
      assert.deepInclude(second.next, { "{x}a": "3-1", "{x}b": "3-1" })

      const secret = yield* fresh({ cipher: Cipher.aes256gcm([keyOf(3)]) })
      yield* secret.stream("{x}a").add({ n: "hidden" }, { id: "1-1" })
      yield* secret.stream("{x}b").add({ n: "too" }, { id: "1-1" })
      const opened = yield* secret.streams(["{x}b", "{x}a"]).read({ after: { "{x}a": "0", "{x}b": "0" } })
      assert.deepStrictEqual(
        opened.entries.map(({ fields }) => fields.get("n")),
        ["too", "hidden"]
      )
      const apart = yield* Effect.result(
        cache.streams(["a", "b", "c", "d"]).read({ after: { a: "0", b: "0", c: "0", d: "0" } })
      )
      if (!hasSlots(cache.client)) assert.strictEqual(apart._tag, "Success")
      else assert.strictEqual(apart._tag === "Failure" && apart.failure._tag, "CacheUnsupportedError")
    })
  )

  it.effect("several streams are followed over one connection, each in its order", () =>
    TestClock.withLive(
      Effect.gen(function* () {
        const cache = yield* freshInts
        const [a, b] = [cache.stream("{x}a"), cache.stream("{x}b")]
        yield* a.add({ n: 1 })
        yield* b.add({ n: 99 })
        const found: Array<string> = []
        const following = yield* Effect.forkChild(
          Stream.runForEach(cache.streams(["{x}a", "{x}b"]).follow({ after: { "{x}a": "0" }, count: 1 }), (entry) =>
            Effect.sync(() => found.push(...seen([entry])))
          )
        )
        yield* until(
          "the first entry",
          Effect.sync(() => found),
          ({ length }) => length > 0
        )
        for (let n = 2; n <= 4; n++) {
          yield* a.add({ n })
          yield* b.add({ n })
        }
        yield* until(
          "all entries",
          Effect.sync(() => found),
          ({ length }) => length >= 7
        )
        yield* Fiber.interrupt(following)
        assert.deepStrictEqual(
          found.filter((one) => one.startsWith("a")),
          ["a1", "a2", "a3", "a4"]
        )
        assert.deepStrictEqual(
          found.filter((one) => one.startsWith("b")),
          ["b2", "b3", "b4"]
        )
      })
    )
  )

  it.effect("details tell everything about a stream, its groups and their consumers", () =>
    TestClock.withLive(
      Effect.gen(function* () {
        for (const options of [{}, { cipher: Cipher.aes256gcm([keyOf(3)]) }]) {
          const stream = (yield* fresh(options)).stream("x")
          assert.strictEqual((yield* Effect.flip(stream.details()))._tag, "CacheMissError")
          for (const id of ["1-1", "2-1", "3-1"]) yield* stream.add({ f: id }, { id })
          const group = stream.group("g")
          yield* group.create({ from: "0" })
          yield* group.read("c", { count: 2 })
          yield* group.read("d", { count: 1 })
          yield* group.ack("1-1")
          const { groups, ...known } = yield* stream.details({ count: 1 })
          assert.deepStrictEqual(known, {
            length: 3,
            lastGeneratedId: "3-1",
            maxDeletedEntryId: "0-0",
            entriesAdded: 3,
            firstEntryId: "1-1",
            entries: [{ id: "1-1", fields: new Map([["f", "1-1"]]) }]
          })
          const [only] = groups
          assert.deepInclude(only, {
            name: "g",
            lastDeliveredId: "3-1",
            pending: 2,
            lag: Option.some(0),
            entriesRead: Option.some(3)
          })
          assert.strictEqual(only?.deliveries.length, 1)
          assert.deepInclude(only?.deliveries[0], { id: "2-1", consumer: "c", deliveries: 1 })
          assert.deepStrictEqual(
            only?.consumers.map(({ deliveries, name, pending }) => [name, pending, deliveries.map(({ id }) => id)]),
            [
              ["c", 1, ["2-1"]],
              ["d", 1, ["3-1"]]
            ]
          )
          const now = Date.now()
          for (const { activeAt, deliveries, seenAt } of only?.consumers ?? []) {
            for (const instant of [seenAt, Option.getOrThrow(activeAt), deliveries[0]?.deliveredAt ?? 0]) {
              assert.isTrue(Math.abs(now - instant) < 60_000, String(instant))
            }
          }
          assert.strictEqual((yield* stream.details({ count: 0 })).entries.length, 3)
        }
      })
    )
  )

  it.effect("reads of bad input and of other types", () =>
    Effect.gen(function* () {
      const cache = yield* freshInts
      const stream = cache.stream("x")
      const places: StreamPlaces = { x: "-" }
      const bad: ReadonlyArray<Effect.Effect<unknown, CacheError>> = [
        stream.read({ after: ">" }),
        stream.read({ count: 0 }),
        stream.read({ timeout: Number.NaN }),
        stream.details({ count: -1 }),
        cache.streams([]).read(),
        cache.streams(["x"]).read({ after: places }),
        Stream.runDrain(cache.streams([]).follow()),
        Stream.runDrain(cache.streams(["x"]).follow({ count: 0 }))
      ]
      for (const operation of bad) assert.strictEqual((yield* Effect.flip(operation))._tag, "CacheInputError")
      yield* cache.hash("h").set("f", 1)
      const misplaced: ReadonlyArray<Effect.Effect<unknown, CacheError>> = [
        cache.stream("h").read(),
        cache.stream("h").details(),
        cache.streams(["h"]).read({ after: { h: "0" }, timeout: "1 minute" }),
        Stream.runDrain(cache.streams(["h"]).follow())
      ]
      for (const operation of misplaced) assert.deepInclude(yield* Effect.flip(operation), { code: "WRONGTYPE" })
    })
  )
}
