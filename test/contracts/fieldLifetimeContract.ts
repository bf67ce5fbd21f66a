/** What lifetimes of fields do, where there are any: in memory, and on a Valkey 9. */
import { assert, describe, layer } from "@effect/vitest"
import { Duration, Effect, type Layer, Option, Stream } from "effect"
import { TestClock } from "effect/testing"
import { type CacheError, CacheService, Cipher, Serializer } from "effect-vcache"
import { keyOf } from "../support/formats.ts"
import { fresh } from "../support/freshCache.ts"
import { until } from "../support/until.ts"

const live = TestClock.withLive

export const fieldLifetimeContract = (name: string, cacheLayer: Layer.Layer<CacheService, unknown>): void => {
  layer(cacheLayer)(`${name}: lifetimes of fields`, (it) => {
    describe("hash", () => {
      it.effect("fields are given lifetimes, which can be read and taken away", () =>
        live(
          Effect.gen(function* () {
            const hash = (yield* fresh()).hash("h")
            yield* hash.setMany({ a: 1, b: 2, c: 3, d: 4 })
            assert.strictEqual(yield* hash.expireFields(["a", "b", "x", "a"], "1 hour"), 2)
            const ttls = yield* hash.fieldTtls(["c", "a", "x"])
            assert.deepStrictEqual([...ttls.keys()], ["c", "a"])
            assert.deepStrictEqual(ttls.get("c"), Duration.infinity)
            const left = Duration.toSeconds(ttls.get("a")!)
            assert.isTrue(left > 3500 && left <= 3600, String(left))
            assert.strictEqual(yield* hash.persistFields(["a", "c", "x"]), 1)
            assert.strictEqual(yield* hash.expireFields(["a", "b"], "Infinity"), 2)
            assert.deepStrictEqual(
              [...(yield* hash.fieldTtls(["a", "b"])).values()],
              [Duration.infinity, Duration.infinity]
            )
            assert.strictEqual(yield* hash.expireFields(["a", "x"], 0), 1)
            assert.deepStrictEqual((yield* hash.fields).toSorted(), ["b", "c", "d"])
            assert.strictEqual(yield* hash.expireFields([], "1 hour"), 0)
            assert.strictEqual(yield* hash.persistFields([]), 0)
            assert.deepStrictEqual(yield* hash.fieldTtls([]), new Map())
            assert.deepStrictEqual(yield* hash.getAndTouch([], "1 hour"), new Map())
          })
        )
      )

      it.effect("a field that has ended is in no reply, and the hash is gone with its last one", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            const hash = cache.hash("h")
            yield* hash.setMany({ a: 1, b: 2, c: 3 })
            yield* hash.expireFields(["a", "b"], "30 millis")
            yield* until("the end of two fields", hash.fieldTtls(["a", "b"]), ({ size }) => size === 0)
            assert.deepStrictEqual(yield* hash.getAll, new Map([["c", 3]]))
            assert.deepStrictEqual(yield* hash.get("a"), Option.none())
            assert.isFalse(yield* hash.has("a"))
            assert.deepStrictEqual([...(yield* hash.getMany(["a", "b", "c"])).keys()], ["c"])
            assert.deepStrictEqual(yield* Stream.runCollect(hash.scan()), [["c", 3]])
            assert.strictEqual(yield* hash.delete("a"), 0)
            assert.strictEqual(yield* hash.incr("a"), 1)
            assert.deepStrictEqual((yield* hash.fieldTtls(["a"])).get("a"), Duration.infinity)
            yield* hash.expireFields(["a", "c"], "30 millis")
            yield* until("the end of the hash", cache.has("h"), (has) => !has)
            assert.deepStrictEqual(yield* cache.typeOf("h"), Option.none())
            assert.isTrue(yield* cache.add("h", "a value"))
          })
        )
      )

      it.effect("a field that is set anew lives for ever, one that is counted as long as before", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            const hash = cache.hash("h")
            yield* hash.setExpiring({ set: 1, counted: 1, kept: 1 }, "1 hour")
            yield* hash.set("set", 2)
            assert.strictEqual(yield* hash.incr("counted", 4), 5)
            assert.strictEqual(yield* hash.incrFloat("counted", 0.5), 5.5)
            assert.isFalse(yield* hash.setIfAbsent("kept", 2))
            const isFinite = (ttls: ReadonlyMap<string, Duration.Duration>) =>
              [...ttls].map(([field, ttl]) => [field, Duration.isFinite(ttl)])
            const expected = [
              ["set", false],
              ["counted", true],
              ["kept", true]
            ]
            assert.deepStrictEqual(isFinite(yield* hash.fieldTtls(["set", "counted", "kept"])), expected)
            assert.isTrue(yield* cache.rename("h", "moved"))
            assert.deepStrictEqual(isFinite(yield* cache.hash("moved").fieldTtls(["set", "counted", "kept"])), expected)
            assert.isTrue(yield* cache.expire("moved", "10 minutes"))
            assert.isTrue(Option.exists(yield* cache.ttl("moved"), (ttl) => Duration.toMinutes(ttl) <= 10))
            yield* cache.persist("moved")
            assert.deepStrictEqual(yield* cache.ttl("moved"), Option.some(Duration.infinity))
          })
        )
      )

      it.effect("fields are set with a lifetime under a condition, all of them or none", () =>
        live(
          Effect.gen(function* () {
            const hash = (yield* fresh()).hash("h")
            assert.isFalse(yield* hash.setExpiring({ a: 1 }, "1 hour", { when: "present" }))
            assert.isTrue(yield* hash.setExpiring({ a: 1, b: 1 }, "1 hour", { when: "absent" }))
            assert.isFalse(yield* hash.setExpiring({ b: 2, c: 2 }, "1 hour", { when: "absent" }))
            assert.isFalse(yield* hash.setExpiring({ b: 2, c: 2 }, "1 hour", { when: "present" }))
            assert.isTrue(yield* hash.setExpiring([["b", 3]], "Infinity", { when: "present" }))
            assert.deepStrictEqual(
              yield* hash.getAll,
              new Map([
                ["a", 1],
                ["b", 3]
              ])
            )
            assert.deepStrictEqual((yield* hash.fieldTtls(["b"])).get("b"), Duration.infinity)
            assert.isTrue(yield* hash.setExpiring({ a: 9, b: 9 }, 0))
            assert.strictEqual(yield* hash.size, 0)
          })
        )
      )

      for (const [format, options] of Object.entries({
        json: {},
        msgpack: { serializer: Serializer.msgpack },
        encrypted: { cipher: Cipher.aes256gcm([keyOf(3)]) }
      })) {
        it.effect(`fields are read and given a lifetime in one step, in ${format}`, () =>
          live(
            Effect.gen(function* () {
              const hash = (yield* fresh(options)).hash("h")
              yield* hash.setMany({ a: "one", b: { n: [2] }, c: 3 })
              assert.deepStrictEqual(
                yield* hash.getAndTouch(["b", "x", "a"], "1 hour"),
                new Map<string, unknown>([
                  ["b", { n: [2] }],
                  ["a", "one"]
                ])
              )
              assert.isTrue(Duration.isFinite((yield* hash.fieldTtls(["a"])).get("a")!))
              assert.deepStrictEqual(yield* hash.getAndTouch(["a"], "Infinity"), new Map([["a", "one"]]))
              assert.deepStrictEqual((yield* hash.fieldTtls(["a"])).get("a"), Duration.infinity)
              assert.deepStrictEqual(yield* hash.getAndTouch(["a"], 0), new Map([["a", "one"]]))
              assert.isFalse(yield* hash.has("a"))
            })
          )
        )
      }

      it.effect("bad input, other types, and a queue", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const hash = cache.hash("h")
          const bad: ReadonlyArray<Effect.Effect<unknown, CacheError>> = [
            hash.expireFields(["\udfff"], "1 hour"),
            hash.expireFields(["f"], Number.NaN),
            hash.persistFields(["\udfff"]),
            hash.fieldTtls(["\udfff"]),
            hash.getAndTouch(["f"], Number.NaN),
            hash.setExpiring({}, "1 hour"),
            hash.setExpiring({ "\udfff": 1 }, "1 hour")
          ]
          for (const operation of bad) assert.strictEqual((yield* Effect.flip(operation))._tag, "CacheInputError")
          yield* cache.list("l").pushRight(1)
          const misplaced: ReadonlyArray<Effect.Effect<unknown, CacheError>> = [
            cache.hash("l").expireFields(["f"], "1 hour"),
            cache.hash("l").fieldTtls(["f"]),
            cache.hash("l").setExpiring({ f: 1 }, "1 hour")
          ]
          for (const operation of misplaced) assert.deepInclude(yield* Effect.flip(operation), { code: "WRONGTYPE" })
          const queued = yield* cache.transaction((queue) => [
            queue.hash("h").setExpiring({ f: 1 }, "1 hour"),
            queue.hash("h").getAndTouch(["f"], "Infinity")
          ])
          assert.deepStrictEqual(queued, [true, new Map<string, unknown>([["f", 1]])])
        })
      )
    })
  })
}
