/** What is stored, in every format: it comes back as it was, or is refused; damaged, it never crashes and never lies. */
import { readFileSync } from "node:fs"
import { zstdCompressSync } from "node:zlib"
import { inspect, isDeepStrictEqual } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option, Redacted, Schema } from "effect"
import { CacheInputError, CacheMemory, CacheService, Cipher, Compressor, Serializer } from "effect-vcache"
import type { FormatOptions } from "../../src/schema/Formats.ts"
import { schemaCodecs } from "../../src/schema/SchemaCodec.ts"
import { unknownCodec, type ValueCodec } from "../../src/schema/ValueCodec.ts"
import { comparable, decode, entry, plainJson, reply, roundTrip } from "../support/codecs.ts"
import { Article, article, Everything, formats, keyOf } from "../support/formats.ts"

const runs = { arbitrary: { runs: 100, seed: "effect-vcache" } }

/** Negative zero, and lone surrogates in UTF-8, are refused. */
const isRefused = (value: unknown): boolean => {
  if (typeof value === "string") return !value.isWellFormed()
  if (typeof value === "number") return Object.is(value, -0)
  const parts = value instanceof Map ? [...value].flat() : Object.entries(Object(value)).flat()
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return false
  return parts.some(isRefused)
}

/** It came back as it was, or could not be stored. SchemaBinary knows no negative zero among integers. */
const assertSame = ({ serializer }: FormatOptions, value: unknown, result: Exit.Exit<unknown, unknown>) => {
  if (Exit.isFailure(result)) {
    const refused = isRefused(value) || String(result.cause).includes("another member of a union")
    return assert.isTrue(refused, String(result.cause))
  }
  const zero = serializer === Serializer.binary ? 0 : -0
  const same = isDeepStrictEqual(comparable(result.value, zero), comparable(value, zero))
  assert.isTrue(same, inspect({ stored: value, found: result.value }, { depth: 10 }))
}

/** Numbers in [0, 1), the same in every run. */
const sequence = (seed: number) => () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32

describe("every format", () => {
  for (const { name, options } of formats) {
    const typed = schemaCodecs(Everything)(options)
    it.effect.prop(
      `${name}: a value of a schema comes back equal`,
      [Everything],
      ([value]) =>
        Effect.gen(function* () {
          assertSame(options, value, yield* Effect.exit(roundTrip(typed, value)))
        }),
      runs
    )

    for (const [kind, schema] of Object.entries({
      text: Schema.String,
      integers: Schema.Int,
      numbers: Schema.Number,
      json: Schema.Json,
      "an option": Schema.Option(Schema.Date),
      "a list of records": Schema.Array(Schema.Struct({ a: Schema.String, b: Schema.optionalKey(Schema.Int) }))
    })) {
      const codec: ValueCodec<unknown> = schemaCodecs<Schema.Codec<unknown>>(schema as Schema.Codec<unknown>)(options)
      it.effect.prop(
        `${name}: ${kind}`,
        [schema as Schema.Codec<unknown>],
        ([value]) =>
          Effect.gen(function* () {
            assertSame(options, value, yield* Effect.exit(roundTrip(codec, value)))
          }),
        runs
      )
    }
  }
})

describe("arbitrary schemas", () => {
  const random = sequence(4711)
  const pick = <A>(all: ReadonlyArray<A>): A => all[Math.floor(random() * all.length)]!
  const leaves: ReadonlyArray<Schema.Codec<unknown>> = [
    Schema.String,
    Schema.Int,
    Schema.Finite,
    Schema.Number,
    Schema.Boolean,
    Schema.Null,
    Schema.Date,
    Schema.BigInt,
    Schema.Uint8Array,
    Schema.Literals(["a", "b", 3, 3n]),
    Schema.Undefined,
    Schema.Json
  ]
  const schemaOf = (depth: number): Schema.Codec<unknown> => {
    if (depth === 0) return pick(leaves)
    const inner = () => schemaOf(depth - 1)
    switch (pick(["leaf", "array", "tuple", "struct", "map", "option", "nullable", "record", "union"])) {
      case "array":
        return Schema.Array(inner())
      case "tuple":
        return Schema.Tuple([inner(), inner()])
      case "struct":
        return Schema.Struct({ a: inner(), b: Schema.optionalKey(inner()), "c d": inner() })
      case "map":
        return Schema.ReadonlyMap(Schema.String, inner())
      case "option":
        return Schema.Option(inner())
      case "nullable":
        return Schema.NullOr(inner())
      case "union":
        // Records would take each other's values, and dates: that is the schema's doing in every format.
        return Schema.Union([pick(leaves), pick(leaves), pick(leaves), Schema.Array(inner())])
      case "record":
        return Schema.Record(Schema.String, inner())
      default:
        return pick(leaves)
    }
  }

  for (let i = 0; i < 160; i++) {
    const schema = schemaOf(3)
    const { name, options } = formats[i % formats.length]!
    const codec: ValueCodec<unknown> = schemaCodecs<Schema.Codec<unknown>>(schema)(options)
    it.effect.prop(
      `${i} in ${name}`,
      [schema],
      ([value]) =>
        Effect.gen(function* () {
          assertSame(options, value, yield* Effect.exit(roundTrip(codec, value)))
        }),
      { arbitrary: { runs: 30, seed: `schema ${i}` } }
    )
  }
})

describe("numbers", () => {
  for (const { name, options } of formats.filter(({ options }) => options.cipher === undefined)) {
    it.effect(`${name}: are raw, countable text`, () =>
      Effect.gen(function* () {
        const codecs: ReadonlyArray<ValueCodec<unknown>> = [
          unknownCodec(options),
          schemaCodecs(Schema.Unknown)(options),
          schemaCodecs<Schema.Codec<unknown>>(Schema.Number)(options)
        ]
        for (const codec of codecs) {
          for (const [value, text] of [
            [41, "41"],
            [-1.5, "-1.5"],
            [1e-7, "1e-7"],
            [2 ** 53, "9007199254740992"],
            [-(2 ** 60), "-1152921504606846976"],
            [1e20 + 2 ** 14, "100000000000000016384"],
            [1e300, "1e+300"],
            [Number.MAX_VALUE, "1.7976931348623157e+308"]
          ] as const) {
            assert.strictEqual(yield* codec.encode(entry, value), text)
            assert.strictEqual(yield* decode(codec, reply(codec, text)), value)
          }
          assert.strictEqual(yield* decode(codec, reply(codec, "0.30000000000000000004")), 0.3)
          for (const [rounded, what] of [
            ["9007199254740993", "beyond 2^53"],
            ["100000000000000000001", "beyond 2^53"],
            ["1e999", "beyond what a number can be"]
          ] as const) {
            assert.include((yield* Effect.flip(decode(codec, reply(codec, rounded)))).message, what)
          }
          assert.include((yield* Effect.flip(codec.encode(entry, -0))).message, "negative zero")
        }
      })
    )
  }

  it.effect("of the time before fractions were stored so are read, with a header and without", () =>
    Effect.gen(function* () {
      for (const { options } of formats.filter(({ options }) => options.cipher === undefined)) {
        const codec = schemaCodecs(Schema.Int)(options)
        assert.strictEqual(yield* decode(codec, reply(codec, "\u00011int@zzzz.a.1\n42")), 42)
      }
    })
  )

  it.effect("a serializer may be an instance of a class", () =>
    Effect.gen(function* () {
      class Rot13 implements Serializer {
        readonly id = "rot13"
        #turned = (text: string) =>
          text.replace(/[a-z]/g, (letter) => String.fromCharCode(((letter.charCodeAt(0) - 84) % 26) + 97))
        encode(value: unknown): string {
          return this.#turned(String(value))
        }
        decode(bytes: Uint8Array): unknown {
          return this.#turned(Buffer.from(bytes).toString())
        }
      }
      const cache = (yield* CacheService).withOptions({ serializer: [new Rot13(), Serializer.json] })
      yield* cache.set("k", "hello")
      assert.strictEqual(yield* cache.client.send("GET", [cache.makeKey("k")]), "\u00011rot13\nuryyb")
      assert.deepStrictEqual(yield* cache.get("k"), Option.some("hello"))
    }).pipe(Effect.provide(CacheMemory))
  )

  it.effect("text of digits stays text, whoever serialises it", () =>
    Effect.gen(function* () {
      const asText: Serializer = { id: "text", encode: String, decode: (bytes) => Buffer.from(bytes).toString() }
      const codec = unknownCodec({ ...plainJson, serializer: asText })
      assert.strictEqual(yield* roundTrip(codec, "123"), "123")
      assert.strictEqual(yield* roundTrip(codec, 123), 123)
    })
  )
})

describe("msgpack", () => {
  const codec = unknownCodec({ ...plainJson, serializer: Serializer.msgpack })

  it.effect("holds what JSON cannot", () =>
    Effect.gen(function* () {
      for (const value of [
        new Uint8Array([1, 2, 255]),
        new Date("1815-12-10T00:00:00.001Z"),
        new Date(-1),
        new Map<unknown, unknown>([
          ["a", 1],
          [2, new Map([["b", new Set([1n])]])]
        ]),
        new Set(["x", { y: [Number.NaN] }]),
        new Map(),
        new Set(),
        2n ** 70n,
        -1n,
        Number.NaN,
        Infinity,
        -Infinity,
        { deep: [{ at: new Date(0), bytes: new Uint8Array(3) }] },
        null,
        "",
        []
      ]) {
        assert.deepStrictEqual(yield* roundTrip(codec, value), value)
      }
    })
  )

  it.effect("refuses what it would change, and says where", () =>
    Effect.gen(function* () {
      for (const [value, where] of [
        [undefined, "undefined"],
        [{ a: undefined }, "undefined at .a"],
        [{ a: [-0] }, "negative zero at .a[0]"],
        [new Map([["k", () => 1]]), "function at .get(…)"],
        [new Set([Symbol("s")]), "symbol"],
        [new Date(Number.NaN), "an invalid date"],
        [new URL("http://secret"), "a URL"]
      ] as const) {
        const error = yield* Effect.flip(codec.encode(entry, value))
        assert.strictEqual(error._tag, "CacheCodecError")
        assert.include(error.message, where)
      }
    })
  )
})

describe("binary", () => {
  it.effect("needs a schema", () =>
    Effect.gen(function* () {
      const cache = (yield* CacheService).withOptions({ serializer: Serializer.binary })
      assert.instanceOf(yield* Effect.flip(cache.set("k", { a: 1 })), CacheInputError)
      const typed = cache.withSchema(Schema.Struct({ a: Schema.Int }))
      yield* typed.set("k", { a: 1 })
      assert.instanceOf(yield* Effect.flip(cache.get("k")), CacheInputError)
      yield* cache.set("n", 1)
      assert.strictEqual(yield* cache.incr("n"), 2)
    }).pipe(Effect.provide(CacheMemory))
  )

  it.effect("is smaller than JSON and msgpack", () =>
    Effect.gen(function* () {
      const sizes: Array<number> = []
      for (const serializer of [Serializer.binary, Serializer.msgpack, Serializer.json]) {
        sizes.push((yield* schemaCodecs(Article)({ ...plainJson, serializer }).encode(entry, article)).length)
      }
      assert.isBelow(sizes[0]!, sizes[1]!)
      assert.isBelow(sizes[1]!, sizes[2]!)
    })
  )
})

describe("lists write with the first and read what any wrote", () => {
  const zstd = Compressor.zstd({ threshold: 0 })
  const gzip = Compressor.gzip({ threshold: 0 })
  const long = "text ".repeat(100)

  it.effect("serializers", () =>
    Effect.gen(function* () {
      const old = unknownCodec({ ...plainJson, serializer: Serializer.json })
      const next = unknownCodec({ ...plainJson, serializer: [Serializer.msgpack, Serializer.json] })
      const last = unknownCodec({ ...plainJson, serializer: Serializer.msgpack })
      const written = yield* next.encode(entry, { a: 1 })
      assert.deepStrictEqual(yield* decode(next, Buffer.from((yield* old.encode(entry, { a: 0 })) as string)), { a: 0 })
      assert.deepStrictEqual(yield* decode(last, written), { a: 1 })
      const error = yield* Effect.flip(decode(old, written.toString()))
      assert.include(error.message, "the stored value is msgpack, which this cache does not read")
      const unreadable = yield* Effect.flip(decode(last, Buffer.from('{"a":0}')))
      assert.include(unreadable.message, "no format that this cache reads")
    })
  )

  it.effect("compressors", () =>
    Effect.gen(function* () {
      const old = unknownCodec({ ...plainJson, compressor: gzip })
      const next = unknownCodec({ ...plainJson, compressor: [zstd, gzip] })
      const last = unknownCodec({ ...plainJson, compressor: zstd })
      assert.strictEqual(yield* decode(next, yield* old.encode(entry, long)), long)
      assert.strictEqual(yield* decode(last, yield* next.encode(entry, long)), long)
      assert.include((yield* Effect.flip(decode(last, yield* old.encode(entry, long)))).message, "json>gzip")
    })
  )

  it.effect("keys of a cipher", () =>
    Effect.gen(function* () {
      const codec = (...bytes: readonly [number, ...Array<number>]) => {
        const [first, ...others] = bytes
        return unknownCodec({ ...plainJson, cipher: Cipher.aes256gcm([keyOf(first), ...others.map(keyOf)]) })
      }
      const written = yield* codec(1).encode(entry, "x")
      assert.strictEqual(yield* decode(codec(2, 1), written), "x")
      assert.include((yield* Effect.flip(decode(codec(2), written))).message, "decryption with aes256gcm failed")
    })
  )
})

describe("compression", () => {
  const codec = unknownCodec({ ...plainJson, compressor: Compressor.zstd() })

  it.effect("leaves alone what is short, and what does not shrink", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* codec.encode(entry, "x".repeat(1000)), JSON.stringify("x".repeat(1000)))
      assert.isBelow((yield* codec.encode(entry, "x".repeat(1100))).length, 60)
      const random = Array.from({ length: 200 }, (_, i) => Math.sin(i) * 1e15)
      const incompressible = unknownCodec({
        ...plainJson,
        compressor: { ...Compressor.lz4({ threshold: 0 }), compress: (bytes) => Buffer.concat([bytes, bytes]) }
      })
      assert.strictEqual(yield* incompressible.encode(entry, random), JSON.stringify(random))
    })
  )

  it("bad options are refused when they are given", () => {
    for (const make of [
      () => Compressor.zstd({ level: 99 }),
      () => Compressor.gzip({ level: -5 }),
      () => Compressor.brotli({ level: 12 }),
      () => Compressor.zlib({ level: 1.5 }),
      () => Compressor.lz4({ threshold: Number.NaN })
    ]) {
      assert.throws(make, CacheInputError)
    }
    assert.doesNotThrow(() => [
      Compressor.zstd({ level: 19 }),
      Compressor.brotli({ level: 0 }),
      Compressor.gzip({ level: 9 })
    ])
  })
})

describe("encryption", () => {
  const cipher = Cipher.aes256gcm([keyOf(1)])
  const codec = unknownCodec({ ...plainJson, cipher })

  it.effect("nothing of the value can be seen, and it is never stored the same way twice", () =>
    Effect.gen(function* () {
      const stored = yield* codec.encode(entry, { pin: 1234, name: "SECRET" })
      const again = yield* codec.encode(entry, { pin: 1234, name: "SECRET" })
      assert.notInclude(stored.toString("latin1" as "utf8"), "SECRET")
      assert.notDeepEqual(stored, again)
      assert.notInclude((yield* codec.encode(entry, 1234)).toString(), "1234")
      assert.strictEqual(yield* roundTrip(codec, 1234), 1234)
    })
  )

  it.effect("a value copied under another key does not decrypt", () =>
    Effect.gen(function* () {
      const stored = yield* codec.encode(entry, "x")
      assert.strictEqual(yield* decode(codec, stored), "x")
      yield* Effect.flip(decode(codec, stored, { ...entry, final: ":2:k" }))
    })
  )

  it.effect("what is not encrypted is refused", () =>
    Effect.gen(function* () {
      const compressed = { ...plainJson, compressor: Compressor.gzip({ threshold: 0 }) }
      for (const stored of ["1", '"x"', yield* unknownCodec(compressed).encode(entry, "x".repeat(99))]) {
        const error = yield* Effect.flip(decode(codec, reply(codec, stored)))
        assert.strictEqual(error._tag, "CacheCodecError")
      }
    })
  )

  it.effect("a header cannot be changed", () =>
    Effect.gen(function* () {
      const timing = { freshUntil: 1000, timeToLive: 10, cost: 1 }
      const stored = yield* codec.encode(entry, "x", timing)
      const later = Buffer.concat([
        Buffer.from("\u00011json#aes256gcm/2@zzzz.a.1"),
        Buffer.from(stored as Uint8Array).subarray(stored.indexOf("\n"))
      ])
      assert.strictEqual(yield* decode(codec, stored), "x")
      yield* Effect.flip(decode(codec, later))
    })
  )

  it("keys are 32 bytes in one of three forms, and never shown", () => {
    const hex = "ab".repeat(32)
    const forms = [
      hex,
      Buffer.from(hex, "hex"),
      Buffer.from(hex, "hex").toString("base64"),
      Buffer.from(hex, "hex").toString("base64url")
    ]
    const ciphers = forms.map((key) => Cipher.aes256gcm([Redacted.make(key)]))
    const sealed = ciphers[0]!.encrypt(Buffer.from("x"), Buffer.from("k"))
    for (const cipher of ciphers) {
      assert.deepStrictEqual(Buffer.from(cipher.decrypt(sealed, Buffer.from("k"))), Buffer.from("x"))
    }
    for (const key of ["SECRET", "", new Uint8Array(16), "ab".repeat(31), `${hex}00`]) {
      assert.throws(() => Cipher.aes256gcm([Redacted.make(key)]), CacheInputError, /32 bytes/)
    }
    assert.notInclude(JSON.stringify(ciphers), "ab")
  })
})

describe("a foreign codec's failures", () => {
  it.effect("are typed, and quote nothing", () =>
    Effect.gen(function* () {
      const failing = () => {
        throw new TypeError("SECRET")
      }
      const serializer: Serializer = { id: "mine", encode: failing, decode: failing }
      const compressor: Compressor = { id: "squash", threshold: 0, compress: failing, decompress: failing }
      const cipher: Cipher = { id: "lock", encrypt: failing, decrypt: failing }
      for (const options of [
        { ...plainJson, serializer },
        { ...plainJson, compressor },
        { ...plainJson, cipher }
      ]) {
        const error = yield* Effect.flip(unknownCodec(options).encode(entry, "SECRET"))
        assert.strictEqual(error._tag, "CacheCodecError")
        assert.notInclude(JSON.stringify(error) + error.message, "SECRET")
      }
    })
  )

  it.effect("and settings that are none are refused before anything is sent", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      for (const options of [
        { serializer: [] },
        { serializer: { id: "no spaces", encode: String, decode: String } },
        { serializer: [Serializer.json, Serializer.json] },
        { serializer: {} as Serializer },
        { compressor: { ...Compressor.gzip(), threshold: Number.NaN } },
        { cipher: "aes" as unknown as Cipher }
      ]) {
        const error = yield* Effect.flip(cache.withOptions(options).set("k", 1))
        assert.strictEqual(error._tag, "CacheInputError")
      }
    }).pipe(Effect.provide(CacheMemory))
  )
})

describe("payloads of version 1", () => {
  const kept: Readonly<Record<string, string>> = JSON.parse(
    readFileSync(new URL("fixtures/payloads.v1.json", import.meta.url), "utf8")
  )

  it("are kept for every format", () =>
    assert.sameMembers(
      Object.keys(kept),
      formats.map(({ name }) => name)
    ))

  // binding.test.ts is about those that are encrypted.
  for (const { name, options } of formats.filter(({ options }) => options.cipher === undefined)) {
    it.effect(`${name}: can still be read`, () =>
      Effect.gen(function* () {
        const codec = schemaCodecs(Article)(options)
        const stored = Buffer.from(kept[name] ?? "", "base64")
        const found = codec.reply === "utf8" ? stored.toString() : stored
        assert.deepStrictEqual(yield* decode(codec, found), article)
      })
    )
  }
})

describe("bytes", () => {
  it.effect("of a version that is not known yet are refused as such", () =>
    Effect.gen(function* () {
      const codec = unknownCodec({ ...plainJson, compressor: Compressor.zstd() })
      const later = Buffer.concat([Buffer.from("\u00013json>zstd\n"), zstdCompressSync("1")])
      assert.include((yield* Effect.flip(decode(codec, later))).message, "unknown version")
    })
  )
})
