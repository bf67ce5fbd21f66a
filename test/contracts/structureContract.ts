/** What structures do, whatever the cache stands on. */
import { assert, describe, layer } from "@effect/vitest"
import { Duration, Effect, Fiber, type Layer, Option, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import {
  type CacheError,
  CacheService,
  Cipher,
  Compressor,
  Serializer,
  type StructurePage,
  type StructurePageOptions,
  type ValueError
} from "effect-vcache"
import { keyOf } from "../support/formats.ts"
import { fresh } from "../support/freshCache.ts"
import { hasSlots } from "../support/hasSlots.ts"
import { listsTests } from "./listsTests.ts"

const some = Option.some
const none = Option.none()

export const structureContract = (name: string, cacheLayer: Layer.Layer<CacheService, unknown>): void => {
  layer(cacheLayer)(`${name}: structures`, (it) => {
    describe("hash", () => {
      it.effect("fields hold values of every kind", () =>
        Effect.gen(function* () {
          const hash = (yield* fresh()).hash("h")
          assert.deepStrictEqual(yield* hash.get("missing"), none)
          assert.deepStrictEqual(yield* hash.getAll, new Map())
          for (const value of ["text", "", 0, -1.5, true, null, [], { a: [1] }]) {
            assert.strictEqual(yield* hash.set(JSON.stringify(value), value), true)
            assert.strictEqual(yield* hash.set(JSON.stringify(value), value), false)
            assert.deepStrictEqual(yield* hash.get(JSON.stringify(value)), some(value))
          }
          assert.strictEqual(yield* hash.size, 8)
          assert.isTrue(yield* hash.has("null"))
          assert.isFalse(yield* hash.has("undefined"))
        })
      )

      it.effect("many fields at once", () =>
        Effect.gen(function* () {
          const hash = (yield* fresh()).hash("h")
          assert.strictEqual(yield* hash.setMany({ a: 1, b: "two" }), 2)
          assert.strictEqual(
            yield* hash.setMany(
              new Map<string, unknown>([
                ["b", 2],
                ["c", null]
              ])
            ),
            1
          )
          assert.strictEqual(yield* hash.setMany([]), 0)
          assert.deepStrictEqual(
            yield* hash.getMany(["c", "x", "a", "c"]),
            new Map<string, unknown>([
              ["c", null],
              ["a", 1]
            ])
          )
          assert.deepStrictEqual(yield* hash.getMany([]), new Map())
          assert.deepStrictEqual((yield* hash.fields).toSorted(), ["a", "b", "c"])
          assert.deepStrictEqual(new Set(yield* hash.values), new Set([1, 2, null]))
          assert.deepStrictEqual(
            yield* hash.getAll,
            new Map<string, unknown>([
              ["a", 1],
              ["b", 2],
              ["c", null]
            ])
          )
          assert.strictEqual(yield* hash.delete("a", "x", "b", "a"), 2)
          assert.strictEqual(yield* hash.delete(), 0)
          assert.strictEqual(yield* hash.delete("c"), 1)
        })
      )

      it.effect("is gone with its last field; setIfAbsent", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const hash = cache.hash("h")
          assert.isTrue(yield* hash.setIfAbsent("f", 1))
          assert.isFalse(yield* hash.setIfAbsent("f", 2))
          assert.deepStrictEqual(yield* hash.get("f"), some(1))
          assert.isTrue(yield* cache.has("h"))
          yield* hash.delete("f")
          assert.isFalse(yield* cache.has("h"))
        })
      )

      it.effect("25 000 fields, by scan too", () =>
        Effect.gen(function* () {
          const hash = (yield* fresh()).withSchema(Schema.Int).hash("h")
          const fields = new Map(Array.from({ length: 25_000 }, (_, i) => [`field ${i}`, i] as const))
          assert.strictEqual(yield* hash.setMany(fields), 25_000)
          assert.strictEqual(yield* hash.size, 25_000)
          assert.deepStrictEqual(new Map(yield* Stream.runCollect(hash.scan())), fields)
          const some = new Map(yield* Stream.runCollect(hash.scan("field 1234?", { count: 10 })))
          assert.deepStrictEqual(
            [...some.values()].toSorted(),
            [12_340, 12_341, 12_342, 12_343, 12_344, 12_345, 12_346, 12_347, 12_348, 12_349]
          )
          assert.deepStrictEqual(yield* Stream.runCollect(hash.scan("nothing")), [])
        })
      )

      it.effect("counters are raw, exact or refused", () =>
        Effect.gen(function* () {
          const hash = (yield* fresh()).hash("h")
          assert.strictEqual(yield* hash.incr("n"), 1)
          assert.strictEqual(yield* hash.incr("n", 41), 42)
          assert.strictEqual(yield* hash.incr("n", -2), 40)
          assert.deepStrictEqual(yield* hash.get("n"), some(40))
          yield* hash.set("stored", 5)
          assert.strictEqual(yield* hash.incr("stored"), 6)
          assert.strictEqual(yield* hash.incrFloat("f", 0.1), 0.1)
          assert.strictEqual(yield* hash.incrFloat("f", 0.2), 0.3)
          yield* hash.set("big", Number.MAX_SAFE_INTEGER)
          assert.deepInclude(yield* Effect.flip(hash.incr("big")), { _tag: "CacheServerError", code: "OVERFLOW" })
          assert.deepStrictEqual(yield* hash.get("big"), some(Number.MAX_SAFE_INTEGER))
          yield* hash.set("text", "abc")
          assert.strictEqual((yield* Effect.flip(hash.incr("text")))._tag, "CacheServerError")
          for (const bad of [hash.incr("n", 0.5), hash.incrFloat("n", Number.NaN), hash.incr("\ud800")]) {
            assert.strictEqual((yield* Effect.flip(bad))._tag, "CacheInputError")
          }
        })
      )

      it.effect("lives as long as its key is told to, and apart in each version", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.hash("h").set("f", 1)
          assert.deepStrictEqual(yield* cache.ttl("h"), some(Duration.infinity))
          assert.isTrue(yield* cache.expire("h", "1 hour"))
          yield* cache.hash("h").set("g", 2)
          assert.isTrue(Option.exists(yield* cache.ttl("h"), (ttl) => Duration.toMillis(ttl) <= 3_600_000))
          assert.deepStrictEqual(yield* cache.hash("h", { version: 2 }).get("f"), none)
          assert.deepStrictEqual(yield* cache.typeOf("h"), some("hash"))
          assert.deepStrictEqual(yield* Stream.runCollect(cache.scan("*", { type: "hash" })), ["h"])
          assert.isTrue(yield* cache.rename("h", "moved"))
          assert.deepStrictEqual(yield* cache.hash("moved").get("f"), some(1))
          assert.strictEqual(yield* cache.incrVersion("moved"), 2)
          assert.deepStrictEqual(yield* cache.hash("moved", { version: 2 }).get("f"), some(1))
        })
      )

      it.effect("another type under the key is an error on either side", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.set("value", 1)
          yield* cache.hash("hash").set("f", 1)
          const misplaced: ReadonlyArray<Effect.Effect<unknown, CacheError>> = [
            cache.hash("value").get("f"),
            cache.hash("value").set("f", 1),
            cache.hash("value").getAll,
            cache.hash("value").incr("f"),
            cache.get("hash"),
            cache.incr("hash"),
            cache.getAndDelete("hash")
          ]
          for (const operation of misplaced) {
            assert.deepInclude(yield* Effect.flip(operation), { _tag: "CacheServerError", code: "WRONGTYPE" })
          }
          assert.deepStrictEqual(yield* cache.getMany(["value", "hash"]), new Map([["value", 1]]))
          assert.isTrue(yield* cache.set("hash", "now a value"))
          assert.deepStrictEqual(yield* cache.get("hash"), some("now a value"))
        })
      )

      it.effect("bad names and keys are refused before anything is sent", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const bad: ReadonlyArray<Effect.Effect<unknown, CacheError>> = [
            cache.hash("").get("f"),
            cache.hash("h").get("\udfff"),
            cache.hash("h").getMany(["a", "\udfff"]),
            cache.hash("h").setMany({ "\udfff": 1 }),
            cache.hash("h").delete("\udfff"),
            cache.hash("h", { version: 0.5 }).size
          ]
          for (const operation of bad) {
            assert.strictEqual((yield* Effect.flip(operation))._tag, "CacheInputError")
          }
          assert.strictEqual(
            (yield* Effect.flip(cache.hash("h").setMany({ a: 1, b: undefined })))._tag,
            "CacheCodecError"
          )
          assert.isFalse(yield* cache.has("h"))
        })
      )

      it.effect("lifetimes of fields are refused where the server has none", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const hash = cache.hash("h")
          yield* hash.set("f", 1)
          if (cache.client.topology === "memory") {
            assert.strictEqual(yield* hash.expireFields(["f"], "1 hour"), 1)
            return
          }
          const refused: ReadonlyArray<Effect.Effect<unknown, CacheError>> = [
            hash.expireFields(["f"], 0),
            hash.expireFields(["f"], "Infinity"),
            hash.persistFields(["f"]),
            hash.fieldTtls(["f"]),
            hash.getAndTouch(["f"], 0),
            hash.setExpiring({ f: 2 }, "1 hour")
          ]
          for (const operation of refused) {
            const error = yield* Effect.flip(operation)
            assert.strictEqual(error._tag, "CacheUnsupportedError")
            assert.include(error.message, "Valkey 9")
          }
          assert.deepStrictEqual(yield* hash.getAll, new Map([["f", 1]]))
        })
      )

      for (const [format, options] of Object.entries({
        msgpack: { serializer: Serializer.msgpack },
        "zstd, encrypted": { compressor: Compressor.zstd({ threshold: 10 }), cipher: Cipher.aes256gcm([keyOf(3)]) }
      })) {
        it.effect(`in ${format}`, () =>
          Effect.gen(function* () {
            const cache = yield* fresh(options)
            const hash = cache.hash("h")
            const value = { text: "some text ".repeat(10) }
            yield* hash.setMany({ a: value, b: [1] })
            assert.deepStrictEqual(yield* hash.get("a"), some(value))
            assert.deepStrictEqual(
              yield* hash.getAll,
              new Map<string, unknown>([
                ["a", value],
                ["b", [1]]
              ])
            )
            assert.deepStrictEqual(new Map(yield* Stream.runCollect(hash.scan("a"))), new Map([["a", value]]))
          })
        )
      }

      it.effect("an encrypted value is bound to its field, and its hash to its key", () =>
        Effect.gen(function* () {
          const cache = yield* fresh({ cipher: Cipher.aes256gcm([keyOf(3)]) })
          yield* cache.hash("h").set("mine", "balance: 100")
          const final = cache.makeKey("h")
          const stolen = yield* cache.client.send("HGET", [final, "mine"], { reply: "buffer" })
          if (Buffer.isBuffer(stolen)) yield* cache.client.send("HSET", [final, "yours", stolen])
          assert.strictEqual((yield* Effect.flip(cache.hash("h").get("yours")))._tag, "CacheCodecError")
          assert.strictEqual((yield* Effect.flip(cache.rename("h", "other")))._tag, "CacheUnsupportedError")
        })
      )
    })

    describe("set", () => {
      it.effect("members, each once", () =>
        Effect.gen(function* () {
          const set = (yield* fresh()).unorderedSet("s")
          assert.strictEqual(yield* set.add(1, "1", { a: [1] }, null, 1), 4)
          assert.strictEqual(yield* set.add(1, 2), 1)
          assert.strictEqual(yield* set.add(), 0)
          assert.strictEqual(yield* set.size, 5)
          assert.isTrue(yield* set.has({ a: [1] }))
          assert.isFalse(yield* set.has("2"))
          assert.deepStrictEqual(yield* set.hasMany([2, "2", null]), [true, false, true])
          assert.deepStrictEqual(yield* set.hasMany([]), [])
          assert.sameDeepMembers([...(yield* set.members)], [1, "1", { a: [1] }, null, 2])
          assert.strictEqual(yield* set.remove(1, 7), 1)
          assert.strictEqual(yield* set.remove("1", { a: [1] }, null, 2), 4)
          assert.deepStrictEqual(yield* set.members, [])
        })
      )

      it.effect("some of them by chance", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const set = cache.withSchema(Schema.Int).unorderedSet("s")
          assert.deepStrictEqual(yield* set.pop, none)
          assert.deepStrictEqual(yield* set.popMany(2), [])
          assert.deepStrictEqual(yield* set.random, none)
          assert.deepStrictEqual(yield* set.randomMany(-2), [])
          yield* set.add(1, 2, 3, 4, 5)
          const seen = yield* set.randomMany(3)
          assert.strictEqual(new Set(seen).size, 3)
          assert.strictEqual((yield* set.randomMany(-20)).length, 20)
          assert.isTrue(Option.isSome(yield* set.random))
          assert.strictEqual(yield* set.size, 5)
          const one = Option.toArray(yield* set.pop)
          const rest = [...(yield* set.popMany(2)), ...(yield* set.popMany(10))]
          assert.sameMembers([...one, ...rest], [1, 2, 3, 4, 5])
          assert.isFalse(yield* cache.has("s"))
        })
      )

      it.effect("combined, moved and stored, in another version too", () =>
        Effect.gen(function* () {
          const cache = (yield* fresh()).withSchema(Schema.Int)
          // In a cluster they must be in one slot.
          const [a, b] = [cache.unorderedSet("{t}a"), cache.unorderedSet("{t}b")]
          yield* a.add(1, 2, 3)
          yield* b.add(3, 4)
          assert.sameMembers([...(yield* a.union("{t}b", "{t}none"))], [1, 2, 3, 4])
          assert.deepStrictEqual(yield* a.intersection("{t}b"), [3])
          assert.sameMembers([...(yield* a.difference("{t}b"))], [1, 2])
          assert.strictEqual(yield* a.storeUnion("{t}u", ["{t}b"]), 4)
          assert.strictEqual(yield* a.storeIntersection("{t}i", ["{t}b"], { version: 2 }), 1)
          assert.strictEqual(yield* a.storeDifference("{t}u", ["{t}a"]), 0)
          assert.isFalse(yield* cache.has("{t}u"))
          assert.deepStrictEqual(yield* cache.unorderedSet("{t}i", { version: 2 }).members, [3])
          assert.isTrue(yield* a.moveTo("{t}i", 1, { version: 2 }))
          assert.isFalse(yield* a.moveTo("{t}i", 9, { version: 2 }))
          assert.sameMembers([...(yield* cache.unorderedSet("{t}i", { version: 2 }).members)], [1, 3])
          assert.isFalse(yield* cache.has("{t}i"))
        })
      )

      it.effect("sets in several slots: unsupported in a cluster and in a ring, and nowhere else", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.unorderedSet("a").add(1)
          const union = yield* Effect.result(cache.unorderedSet("a").union("b", "c", "d"))
          if (!hasSlots(cache.client)) assert.strictEqual(union._tag, "Success")
          else {
            assert.strictEqual(union._tag === "Failure" && union.failure._tag, "CacheUnsupportedError")
            assert.include(String(union._tag === "Failure" && union.failure.message), "hash tag")
          }
        })
      )

      it.effect("25 000 members, by scan too", () =>
        Effect.gen(function* () {
          const set = (yield* fresh()).withSchema(Schema.String).unorderedSet("s")
          const members = Array.from({ length: 25_000 }, (_, i) => `member ${i}`)
          assert.strictEqual(yield* set.add(...members), 25_000)
          assert.strictEqual(new Set(yield* Stream.runCollect(set.scan("*", { count: 100 }))).size, 25_000)
        })
      )

      it.effect("scans of structures go on in pages where a cursor says", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const names = Array.from({ length: 700 }, (_, i) => `member ${i}`)
          const [hash, set, ranked] = [cache.hash("h"), cache.unorderedSet("s"), cache.sortedSet("z")]
          yield* hash.setMany(names.map((name, i) => [name, i] as const))
          yield* set.add(...names)
          yield* ranked.add(names.map((name, i) => [name, i] as const))
          const all = Effect.fnUntraced(function* <B>(
            next: (pattern: string, options: StructurePageOptions) => Effect.Effect<StructurePage<B>, ValueError>,
            pattern: string
          ) {
            const items: Array<B> = []
            let pages = 0
            let cursor: string | undefined
            do {
              const page: StructurePage<B> = yield* next(pattern, { cursor, count: 50 })
              items.push(...page.items)
              cursor = Option.getOrUndefined(page.cursor)
              pages++
            } while (cursor !== undefined)
            return { items, pages }
          })
          for (const [pattern, count] of [
            ["*", 700],
            ["member 1?", 10],
            ["none", 0]
          ] as const) {
            const fields = yield* all(hash.scanPage, pattern)
            assert.strictEqual(new Map(fields.items).size, count)
            assert.strictEqual(new Set((yield* all(set.scanPage, pattern)).items).size, count)
            assert.strictEqual(new Map((yield* all(ranked.scanPage, pattern)).items).size, count)
            // The memory store has small structures in one page.
            if (cache.client.topology !== "memory") assert.isAbove(fields.pages, 1)
          }
          assert.deepStrictEqual(yield* cache.hash("missing").scanPage(), { items: [], cursor: Option.none() })
          for (const cursor of ["", "x", "-1", "1 2"]) {
            for (const page of [hash.scanPage("*", { cursor }), set.scanPage("*", { cursor })]) {
              assert.strictEqual((yield* Effect.flip<unknown, CacheError, never>(page))._tag, "CacheInputError")
            }
          }
          yield* cache.set("value", 1)
          assert.strictEqual((yield* Effect.flip(cache.unorderedSet("value").scanPage()))._tag, "CacheServerError")
        })
      )

      it.effect("scans by patterns over text and over the JSON of other members", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const set = cache.unorderedSet("s")
          const ranked = cache.sortedSet("z")
          const members = [
            "user:1",
            "user:22",
            "User:1",
            'a"b',
            "a\\b",
            "a\nb",
            "naïve",
            "[x]",
            "",
            17,
            18.5,
            { id: 1 },
            null
          ]
          yield* set.add(...members)
          yield* ranked.add(members.map((member, i) => [member, i] as const))
          const expected: Readonly<Record<string, ReadonlyArray<unknown>>> = {
            "*": members,
            "user:*": ["user:1", "user:22"],
            "?ser:1": ["user:1", "User:1"],
            "[uU]ser:[0-9]": ["user:1", "User:1"],
            "a?b": ['a"b', "a\\b", "a\nb"],
            'a"*': ['a"b'],
            "a\\\\b": ["a\\b"],
            "a\nb": ["a\nb"],
            "na*ve": ["naïve"],
            "\\[x\\]": ["[x]"],
            "1*": [17, 18.5],
            '{"id":*': [{ id: 1 }],
            '"*': [],
            user: [],
            null: [null]
          }
          for (const [pattern, wanted] of Object.entries(expected)) {
            assert.sameDeepMembers(yield* Stream.runCollect(set.scan(pattern)), [...wanted], pattern)
            const scored = yield* Stream.runCollect(ranked.scan(pattern, { count: 1 }))
            assert.sameDeepMembers(
              scored,
              wanted.map((member) => [
                member,
                members.indexOf(members.find((one) => JSON.stringify(one) === JSON.stringify(member))!)
              ]),
              pattern
            )
          }
          const packed = yield* fresh({ serializer: Serializer.msgpack })
          for (const scan of [
            packed.unorderedSet("s").scan("a*"),
            packed.sortedSet("z").scan("a*"),
            set.scan("\udfff")
          ]) {
            assert.strictEqual(
              (yield* Effect.flip(Stream.runCollect<unknown, CacheError, never>(scan)))._tag,
              "CacheInputError"
            )
          }
        })
      )

      it.effect("a set cannot be encrypted; in other formats members are found again", () =>
        Effect.gen(function* () {
          const encrypted = (yield* fresh({ cipher: Cipher.aes256gcm([keyOf(3)]) })).unorderedSet("s")
          assert.strictEqual((yield* Effect.flip(encrypted.add(1)))._tag, "CacheInputError")
          const packed = (yield* fresh({
            serializer: Serializer.msgpack,
            compressor: Compressor.zstd({ threshold: 10 })
          })).unorderedSet("s")
          const member = { text: "some text ".repeat(10), bytes: new Uint8Array([255, 0]) }
          assert.strictEqual(yield* packed.add(member), 1)
          assert.strictEqual(yield* packed.add(member), 0)
          assert.isTrue(yield* packed.has(member))
          assert.deepStrictEqual(yield* packed.members, [member])
        })
      )

      it.effect("bad input and other types", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.set("value", 1)
          assert.deepInclude(yield* Effect.flip(cache.unorderedSet("value").add(1)), { code: "WRONGTYPE" })
          for (const bad of [
            cache.unorderedSet("s").popMany(-1),
            cache.unorderedSet("s").randomMany(0.5),
            cache.unorderedSet("s").union("")
          ]) {
            assert.strictEqual((yield* Effect.flip(bad))._tag, "CacheInputError")
          }
        })
      )
    })

    describe("sorted set", () => {
      it.effect("members by score", () =>
        Effect.gen(function* () {
          const board = (yield* fresh()).withSchema(Schema.String).sortedSet("z")
          assert.strictEqual(
            yield* board.add([
              ["ada", 10],
              ["bob", 5],
              ["eve", 7.5]
            ]),
            3
          )
          assert.strictEqual(yield* board.add([]), 0)
          assert.strictEqual(
            yield* board.add([
              ["bob", 6],
              ["dan", 1]
            ]),
            1
          )
          assert.strictEqual(
            yield* board.add(
              [
                ["bob", 7],
                ["dan", 1]
              ],
              { countChanged: true }
            ),
            1
          )
          assert.strictEqual(yield* board.size, 4)
          assert.deepStrictEqual(yield* board.range(), ["dan", "bob", "eve", "ada"])
          assert.deepStrictEqual(yield* board.range(0, 1, { reverse: true }), ["ada", "eve"])
          assert.deepStrictEqual(yield* board.range(-2), ["eve", "ada"])
          assert.deepStrictEqual(yield* board.rangeWithScores(1, 2), [
            ["bob", 7],
            ["eve", 7.5]
          ])
          assert.deepStrictEqual(yield* board.score("eve"), some(7.5))
          assert.deepStrictEqual(yield* board.score("zoe"), none)
          assert.deepStrictEqual(yield* board.scores(["zoe", "ada"]), [none, some(10)])
          assert.deepStrictEqual(yield* board.rank("dan"), some(0))
          assert.deepStrictEqual(yield* board.rank("dan", { reverse: true }), some(3))
          assert.deepStrictEqual(yield* board.rank("zoe"), none)
          assert.strictEqual(yield* board.incr("dan", 100.5), 101.5)
          assert.strictEqual(yield* board.incr("new", -2), -2)
          assert.deepStrictEqual(yield* board.incrIf("if", 5, "present"), Option.none())
          assert.deepStrictEqual(yield* board.incrIf("if", 5, "absent"), Option.some(5))
          assert.deepStrictEqual(yield* board.incrIf("if", 5, "absent"), Option.none())
          assert.deepStrictEqual(yield* board.incrIf("if", 1.5, "present"), Option.some(6.5))
          assert.deepStrictEqual(yield* board.incrIf("if", -1, "greater"), Option.none())
          assert.deepStrictEqual(yield* board.incrIf("if", 1, "greater"), Option.some(7.5))
          assert.deepStrictEqual(yield* board.incrIf("if", 1, "less"), Option.none())
          assert.deepStrictEqual(yield* board.incrIf("if", -Infinity, "less"), Option.some(-Infinity))
          assert.strictEqual((yield* Effect.flip(board.incrIf("if", Number.NaN, "less")))._tag, "CacheInputError")
          assert.strictEqual(yield* board.remove("if"), 1)
        })
      )

      it.effect("conditions", () =>
        Effect.gen(function* () {
          const set = (yield* fresh()).sortedSet("z")
          const scoreOf = Effect.map(set.score("m"), Option.getOrUndefined)
          yield* set.add([["m", 5]], { when: "present" })
          assert.isUndefined(yield* scoreOf)
          yield* set.add([["m", 5]], { when: "greater" })
          yield* set.add([["m", 9]], { when: "absent" })
          yield* set.add([["m", 4]], { when: "greater" })
          assert.strictEqual(yield* scoreOf, 5)
          yield* set.add([["m", 6]], { when: "greater" })
          yield* set.add([["m", 7]], { when: "less" })
          assert.strictEqual(yield* scoreOf, 6)
          assert.strictEqual(yield* set.add([["m", 3]], { when: "less", countChanged: true }), 1)
          assert.strictEqual(yield* scoreOf, 3)
        })
      )

      it.effect("ranges of scores, with their ends and without", () =>
        Effect.gen(function* () {
          const set = (yield* fresh()).withSchema(Schema.Int).sortedSet("z")
          yield* set.add(Array.from({ length: 10 }, (_, i) => [i, i] as const))
          yield* set.add([
            [-1, -Infinity],
            [10, Infinity],
            [11, 1e21],
            [12, 1e-7]
          ])
          const members = <E>(range: Effect.Effect<ReadonlyArray<readonly [number, number]>, E>) =>
            Effect.map(range, (pairs) => pairs.map(([member]) => member))
          assert.deepStrictEqual(yield* members(set.rangeByScore(3, { exclusive: 6 })), [3, 4, 5])
          assert.deepStrictEqual(yield* members(set.rangeByScore({ exclusive: 7 }, "+inf")), [8, 9, 11, 10])
          assert.deepStrictEqual(yield* members(set.rangeByScore("-inf", 1)), [-1, 0, 12, 1])
          assert.deepStrictEqual(yield* members(set.rangeByScore(0, 9, { offset: 2, count: 3 })), [1, 2, 3])
          assert.deepStrictEqual(yield* members(set.rangeByScore(3, 9, { reverse: true, count: 2 })), [9, 8])
          assert.deepStrictEqual(yield* members(set.rangeByScore(3, 9, { reverse: true, offset: 5 })), [4, 3])
          assert.deepStrictEqual(yield* set.rangeByScore(1e21, Infinity), [
            [11, 1e21],
            [10, Infinity]
          ])
          assert.deepStrictEqual(yield* set.rangeByScore(-Infinity, -1), [[-1, -Infinity]])
          assert.strictEqual(yield* set.countByScore({ exclusive: 0 }, 3), 4)
          assert.strictEqual(yield* set.removeByScore(0, 1), 3)
          assert.strictEqual(yield* set.removeByRank(0, 1), 2)
          assert.strictEqual(yield* set.removeByRank(-1, -1), 1)
          assert.deepStrictEqual(yield* set.range(), [3, 4, 5, 6, 7, 8, 9, 11])
          assert.strictEqual(yield* set.remove(3, 3, 99), 1)
        })
      )

      it.effect("the least and the greatest are taken", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const set = cache.withSchema(Schema.String).sortedSet("z")
          assert.deepStrictEqual(yield* set.popMin(), [])
          yield* set.add([
            ["a", 1],
            ["b", 2],
            ["c", 3],
            ["d", 4]
          ])
          assert.deepStrictEqual(yield* set.popMin(), [["a", 1]])
          assert.deepStrictEqual(yield* set.popMax(2), [
            ["d", 4],
            ["c", 3]
          ])
          assert.deepStrictEqual(yield* set.popMax(0), [])
          assert.deepStrictEqual(yield* set.popMax(9), [["b", 2]])
          assert.isFalse(yield* cache.has("z"))
        })
      )

      it.effect("25 000 members, by scan too", () =>
        Effect.gen(function* () {
          const set = (yield* fresh()).withSchema(Schema.String).sortedSet("z")
          const members = Array.from({ length: 25_000 }, (_, i) => [`member ${i}`, i / 2] as const)
          assert.strictEqual(yield* set.add(members), 25_000)
          assert.deepStrictEqual(new Map(yield* Stream.runCollect(set.scan("*", { count: 100 }))), new Map(members))
        })
      )

      it.effect("members of any kind; lifetime, type and version like any key's", () =>
        Effect.gen(function* () {
          const cache = yield* fresh({ serializer: Serializer.msgpack })
          const set = cache.sortedSet("z", { version: 3 })
          yield* set.add([
            [{ a: [1] }, 1],
            [new Date(0), 2],
            [7, 3]
          ])
          assert.deepStrictEqual(yield* set.rangeWithScores(), [
            [{ a: [1] }, 1],
            [new Date(0), 2],
            [7, 3]
          ])
          assert.deepStrictEqual(yield* set.rank(new Date(0)), some(1))
          assert.deepStrictEqual(yield* cache.typeOf("z", { version: 3 }), some("zset"))
          assert.isTrue(yield* cache.touch("z", { version: 3, timeToLive: "1 minute" }))
          assert.strictEqual(yield* cache.incrVersion("z", 1, { version: 3 }), 4)
          assert.deepStrictEqual(yield* cache.sortedSet("z", { version: 4 }).score(7), some(3))
        })
      )

      it.effect("bad input and other types", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const set = cache.sortedSet("z")
          const bad: ReadonlyArray<Effect.Effect<unknown, CacheError>> = [
            set.add([["a", Number.NaN]]),
            set.add([["a", 1]], { when: "maybe" as "absent" }),
            set.incr("a", Number.NaN),
            set.range(0.5),
            set.rangeByScore(0, Number.NaN),
            set.rangeByScore(0, 1, { offset: -1 }),
            set.popMin(-1),
            cache
              .withOptions({ cipher: Cipher.aes256gcm([keyOf(3)]) })
              .sortedSet("z")
              .add([["a", 1]])
          ]
          for (const operation of bad) assert.strictEqual((yield* Effect.flip(operation))._tag, "CacheInputError")
          yield* cache.set("value", 1)
          assert.deepInclude(yield* Effect.flip(cache.sortedSet("value").add([["a", 1]])), { code: "WRONGTYPE" })
          yield* set.add([["a", Infinity]])
          assert.strictEqual((yield* Effect.flip(set.incr("a", -Infinity)))._tag, "CacheServerError")
        })
      )
    })

    describe("list", () => {
      it.effect("elements at both ends", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const list = cache.list("l")
          assert.strictEqual(yield* list.pushRight(1, "two", { three: 3 }), 3)
          assert.strictEqual(yield* list.pushLeft(0, null), 5)
          assert.strictEqual(yield* list.pushLeft(), 5)
          assert.deepStrictEqual(yield* list.range(), [null, 0, 1, "two", { three: 3 }])
          assert.deepStrictEqual(yield* list.range(1, -2), [0, 1, "two"])
          assert.deepStrictEqual(yield* list.popLeft, some(null))
          assert.deepStrictEqual(yield* list.popRight, some({ three: 3 }))
          assert.deepStrictEqual(yield* list.popRightMany(2), ["two", 1])
          assert.deepStrictEqual(yield* list.popLeftMany(5), [0])
          assert.deepStrictEqual(yield* list.popLeftMany(5), [])
          assert.deepStrictEqual(yield* list.popLeft, none)
          assert.strictEqual(yield* list.size, 0)
          assert.isFalse(yield* cache.has("l"))
        })
      )

      it.effect("elements within", () =>
        Effect.gen(function* () {
          const list = (yield* fresh()).withSchema(Schema.String).list("l")
          yield* list.pushRight("a", "b", "c", "b", "d", "b")
          assert.deepStrictEqual(yield* list.at(-1), some("b"))
          assert.deepStrictEqual(yield* list.at(9), none)
          yield* list.setAt(0, "A")
          assert.strictEqual((yield* Effect.flip(list.setAt(9, "x")))._tag, "CacheServerError")
          assert.deepStrictEqual(yield* list.insert("before", "c", "between"), some(7))
          assert.deepStrictEqual(yield* list.insert("after", "nothing", "x"), none)
          assert.deepStrictEqual(yield* list.indexOf("b"), some(1))
          assert.deepStrictEqual(yield* list.indexOf("b", { rank: -1 }), some(6))
          assert.deepStrictEqual(yield* list.indexOf("b", { rank: 2, maxLength: 3 }), none)
          assert.deepStrictEqual(yield* list.indexesOf("b"), [1, 4, 6])
          assert.deepStrictEqual(yield* list.indexesOf("b", { rank: -1, count: 2 }), [6, 4])
          assert.strictEqual(yield* list.remove("b", -2), 2)
          assert.strictEqual(yield* list.remove("b"), 1)
          yield* list.trim(1, -1)
          assert.deepStrictEqual(yield* list.range(), ["between", "c", "d"])
        })
      )

      it.effect("25 000 elements keep their order", () =>
        Effect.gen(function* () {
          const list = (yield* fresh()).withSchema(Schema.Int).list("l")
          const all = Array.from({ length: 25_000 }, (_, i) => i)
          assert.strictEqual(yield* list.pushRight(...all), 25_000)
          assert.deepStrictEqual(yield* list.range(), all)
        })
      )

      it.effect("moved to another list, in another version too", () =>
        Effect.gen(function* () {
          const cache = (yield* fresh()).withSchema(Schema.Int)
          const from = cache.list("{t}from")
          yield* from.pushRight(1, 2, 3)
          assert.deepStrictEqual(yield* from.moveTo("{t}to"), some(1))
          assert.deepStrictEqual(yield* from.moveTo("{t}to", { from: "right", to: "left", version: 2 }), some(3))
          assert.deepStrictEqual(yield* from.moveTo("{t}from"), some(2))
          assert.deepStrictEqual(yield* cache.list("{t}none").moveTo("{t}to"), none)
          assert.deepStrictEqual(yield* cache.list("{t}to").range(), [1])
          assert.deepStrictEqual(yield* cache.list("{t}to", { version: 2 }).range(), [3])
        })
      )

      it.effect("waiting for an element", () =>
        TestClock.withLive(
          Effect.gen(function* () {
            const cache = (yield* fresh()).withSchema(Schema.Int)
            const list = cache.list("{w}l")
            assert.deepStrictEqual(yield* list.awaitLeft("50 millis"), none)
            assert.deepStrictEqual(yield* list.awaitRight(0), none)
            yield* list.pushRight(1, 2)
            assert.deepStrictEqual(yield* list.awaitLeft("1 minute"), some(1))
            assert.deepStrictEqual(yield* list.awaitRight("Infinity"), some(2))

            const waiting = yield* Effect.forkChild(list.awaitLeft("1 minute"))
            const moving = yield* Effect.forkChild(cache.list("{w}m").moveTo("{w}l", { timeout: "1 minute" }))
            yield* Effect.sleep("100 millis")
            assert.isUndefined(waiting.pollUnsafe())
            yield* cache.list("{w}m").pushRight(7)
            assert.deepStrictEqual(yield* Fiber.join(moving), some(7))
            assert.deepStrictEqual(yield* Fiber.join(waiting), some(7))
          })
        )
      )

      it.effect("whoever gives up takes nothing; of those who wait everybody gets something else", () =>
        TestClock.withLive(
          Effect.gen(function* () {
            const list = (yield* fresh()).withSchema(Schema.Int).list("l")
            const quitters = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(list.awaitLeft("Infinity")))
            yield* Effect.sleep("50 millis")
            yield* Fiber.interruptAll(quitters)
            yield* list.pushRight(0)
            assert.strictEqual(yield* list.size, 1)
            yield* list.popLeft
            const workers = yield* Effect.forEach([1, 2, 3, 4], () => Effect.forkChild(list.awaitLeft("1 minute")))
            yield* Effect.sleep("50 millis")
            yield* list.pushRight(1, 2)
            yield* list.pushRight(3, 4)
            const taken = yield* Effect.forEach(workers, (worker) => Fiber.join(worker))
            assert.sameMembers(taken.map(Option.getOrThrow), [1, 2, 3, 4])
          })
        )
      )

      listsTests(it)

      it.effect("encrypted: kept at the ends, and nothing is looked for", () =>
        Effect.gen(function* () {
          const cache = yield* fresh({ cipher: Cipher.aes256gcm([keyOf(3)]) })
          const list = cache.list("l")
          yield* list.pushRight("a", "b")
          assert.deepStrictEqual(yield* list.range(), ["a", "b"])
          assert.deepStrictEqual(yield* list.popLeft, some("a"))
          assert.strictEqual((yield* Effect.flip(list.remove("b")))._tag, "CacheInputError")
          assert.strictEqual((yield* Effect.flip(list.moveTo("other")))._tag, "CacheInputError")
        })
      )

      it.effect("bad input and other types", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const list = cache.list("l")
          const bad: ReadonlyArray<Effect.Effect<unknown, CacheError>> = [
            list.range(0.5),
            list.at(Number.NaN),
            list.popLeftMany(-1),
            list.indexOf(1, { rank: 0 }),
            list.insert("beside" as "before", 1, 2),
            list.moveTo("x", { from: "middle" as "left" }),
            list.awaitLeft(Number.NaN)
          ]
          for (const operation of bad) assert.strictEqual((yield* Effect.flip(operation))._tag, "CacheInputError")
          yield* cache.set("value", 1)
          assert.deepInclude(yield* Effect.flip(cache.list("value").pushLeft(1)), { code: "WRONGTYPE" })
          assert.deepInclude(yield* Effect.flip(cache.list("value").awaitLeft("1 minute")), { code: "WRONGTYPE" })
        })
      )
    })
  })
}
