/** What encryption binds a value to: its header, the kind of place, the key and the field. Moved, it does not decrypt. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option, Schema } from "effect"
import { CacheMemory, CacheService, Cipher } from "effect-vcache"
import { schemaCodecs } from "../../src/schema/SchemaCodec.ts"
import { unknownCodec } from "../../src/schema/ValueCodec.ts"
import { binding, type Place } from "../../src/schema/place.ts"
import { decode, entry, plainJson } from "../support/codecs.ts"
import { Article, article, formats, keyOf } from "../support/formats.ts"
import { places } from "../support/places.ts"

const cipher = Cipher.aes256gcm([keyOf(1)])
const encrypted = formats.filter(({ options }) => options.cipher !== undefined)

const fixture = (name: string): Readonly<Record<string, string>> =>
  JSON.parse(readFileSync(new URL(`fixtures/${name}`, import.meta.url), "utf8"))

describe("an encrypted value", () => {
  it.effect("is read where it was stored and nowhere else", () =>
    Effect.gen(function* () {
      const codec = unknownCodec({ ...plainJson, cipher })
      for (const [from, place] of Object.entries(places)) {
        const stored = yield* codec.encode({ ...entry, ...place }, from)
        for (const [to, other] of Object.entries(places)) {
          const exit = yield* Effect.exit(decode(codec, stored, { ...entry, ...other }))
          if (from === to) assert.deepStrictEqual(exit, Exit.succeed(from))
          else assert.isTrue(Exit.isFailure(exit), `${from} opens as ${to}`)
        }
      }
    })
  )

  const Text = Schema.String.check(Schema.makeFilter((text: string) => text.isWellFormed()))
  const AnyPlace = Schema.Struct({
    final: Text,
    part: Schema.optionalKey(
      Schema.Struct({ kind: Schema.Literals(["hash", "list", "set", "zset", "stream"]), name: Text })
    )
  })
  const same = (a: Place, b: Place) => JSON.stringify([a.final, a.part]) === JSON.stringify([b.final, b.part])
  it.prop(
    "no two places have one name",
    [Text, AnyPlace, Text, AnyPlace],
    ([header, place, otherHeader, other]) => {
      const equal = binding(header, place).equals(binding(otherHeader, other))
      assert.strictEqual(equal, header === otherHeader && same(place, other))
    },
    { arbitrary: { runs: 1000, seed: "effect-vcache" } }
  )

  it.effect("cannot be moved between keys, fields, elements and members by who can write to the server", () =>
    Effect.gen(function* () {
      const cache = (yield* CacheService).withOptions({ prefix: "p", cipher })
      const { client, makeKey } = cache
      const raw = (command: string, ...args: ReadonlyArray<string>) => client.send(command, args, { reply: "buffer" })
      const bytes = Effect.map(raw("HGET", makeKey("h"), "f"), (reply) => (Buffer.isBuffer(reply) ? reply : ""))
      yield* cache.hash("h").set("f", "of the field")
      yield* cache.set("v", "of the key")
      yield* cache.list("l").pushRight("of the list")
      yield* cache.stream("s").add({ f: "of the stream" })
      const field = yield* bytes
      const value = (yield* raw("GET", makeKey("v"))) as Buffer
      const element = (yield* raw("LINDEX", makeKey("l"), "0")) as Buffer

      const moves = [
        ["SET", [makeKey("h\nf"), field], cache.get("h\nf")],
        ["HSET", [makeKey("h"), "g", field], cache.hash("h").get("g")],
        ["RPUSH", [makeKey("h2"), field], cache.list("h2").popLeft],
        ["XADD", [makeKey("h3"), "1-1", "f", field], cache.stream("h3").range()],
        ["SET", [makeKey("l"), element], cache.get("l")],
        ["SADD", [makeKey("m"), value], cache.unorderedSet("m").members],
        ["ZADD", [makeKey("z"), 1, value], cache.sortedSet("z").range()],
        ["HSET", [makeKey("w"), "", value], cache.hash("w").get("")]
      ] as const
      for (const [command, args, read] of moves) {
        if (command === "SET") yield* client.send("DEL", [args[0]])
        yield* client.send(command, args)
        const error = yield* Effect.flip(Effect.asVoid<unknown, unknown, never>(read))
        assert.strictEqual(Reflect.get(Object(error), "_tag"), "CacheCodecError", command)
      }
      assert.deepStrictEqual(yield* cache.get("v"), Option.some("of the key"))
      assert.deepStrictEqual(
        (yield* cache.stream("s").range()).map(({ fields }) => fields.get("f")),
        ["of the stream"]
      )
    }).pipe(Effect.provide(CacheMemory))
  )

  it.effect("keeps its place when it is renamed", () =>
    Effect.gen(function* () {
      const cache = (yield* CacheService).withOptions({ cipher })
      yield* cache.set("a", 1)
      assert.isTrue(yield* cache.rename("a", "b"))
      assert.deepStrictEqual(yield* cache.get("b"), Option.some(1))
    }).pipe(Effect.provide(CacheMemory))
  )
})

describe("ciphertexts that are kept", () => {
  const kept = fixture("encrypted.2.json")

  it("are of every format and every place", () =>
    assert.sameMembers(Object.keys(kept), [...encrypted.map(({ name }) => name), ...Object.keys(places)]))

  for (const { name, options } of encrypted) {
    it.effect(`${name}: can still be read`, () =>
      Effect.gen(function* () {
        const codec = schemaCodecs(Article)(options)
        assert.deepStrictEqual(yield* decode(codec, Buffer.from(kept[name] ?? "", "base64")), article)
      })
    )
  }

  for (const [name, place] of Object.entries(places)) {
    it.effect(`${name}: can still be read`, () =>
      Effect.gen(function* () {
        const codec = unknownCodec({ ...plainJson, cipher })
        const stored = Buffer.from(kept[name] ?? "", "base64")
        assert.strictEqual(yield* decode(codec, stored, { ...entry, ...place }), name)
      })
    )
  }

  // What they authenticated was ambiguous: read on, they could be moved on.
  for (const { name, options } of encrypted) {
    it.effect(`${name} of the first form is dropped, and says so`, () =>
      Effect.gen(function* () {
        const stored = Buffer.from(fixture("payloads.v1.json")[name] ?? "", "base64")
        const error = yield* Effect.flip(decode(schemaCodecs(Article)(options), stored))
        assert.include(error.message, "an encrypted form that is no longer read")
      })
    )
  }
})
