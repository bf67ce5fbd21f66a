/** What a value may become in memory is bounded, in every format and in both directions: whatever `set` takes, `get` reads. */
import { zstdCompressSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option, Schema } from "effect"
import { CacheMemory, CacheService, Compressor, Serializer } from "effect-vcache"
import type { FormatOptions } from "../../src/schema/Formats.ts"
import { schemaCodecs } from "../../src/schema/SchemaCodec.ts"
import { defaultLimits, hasRun } from "../../src/schema/ValueLimits.ts"
import { unknownCodec, type ValueCodec } from "../../src/schema/ValueCodec.ts"
import { decode, entry, plainJson, reply, roundTrip } from "../support/codecs.ts"
import { serializers } from "../support/formats.ts"

const serializer = (name: "json" | "msgpack") => Serializer[name]

/** So many lists within one another. */
const nested = (levels: number): unknown => {
  let value: unknown = 1
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { a: value }
  return value
}

const codecOf = (format: Serializer, limits: FormatOptions["limits"]) =>
  unknownCodec({ ...plainJson, serializer: format, limits })

/** 100 values: the list, 33 records, and two in each. */
const records = Array.from({ length: 33 }, () => ({ a: [], b: {} }))

const refuses = (effect: Effect.Effect<unknown, unknown>, what: string) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.strictEqual(Reflect.get(Object(error), "_tag"), "CacheCodecError")
    assert.include(String(error), what)
  })

/** What is written without bounds is read within them, or refused; what is written within them is read. */
const assertBound = <A>(
  codec: (limits: FormatOptions["limits"]) => ValueCodec<A>,
  limits: FormatOptions["limits"],
  fits: A,
  above: A
) =>
  Effect.gen(function* () {
    const [name = ""] = Object.keys(limits ?? {})
    const bounded = codec(limits)
    assert.deepStrictEqual(yield* roundTrip(bounded, fits), fits)
    yield* refuses(bounded.encode(entry, above), name)
    const free = codec({ maxBytes: Infinity, maxNodes: Infinity, maxDepth: 1e5, maxDigits: Infinity })
    yield* refuses(decode(bounded, reply(bounded, yield* free.encode(entry, above))), name)
  })

describe("every limit binds in both directions, to the last one", () => {
  for (const name of ["json", "msgpack"] as const) {
    const codec = (limits: FormatOptions["limits"]) => codecOf(serializer(name), limits)

    it.effect(`${name}: maxDepth`, () => assertBound(codec, { maxDepth: 10 }, nested(10), nested(11)))
    it.effect(`${name}: maxDepth in a large value`, () =>
      assertBound(codec, { maxDepth: 10 }, [["x".repeat(5000)], nested(9)], [["x".repeat(5000)], nested(10)])
    )
    it.effect(`${name}: maxNodes`, () =>
      assertBound(codec, { maxNodes: 100 }, Array.from({ length: 99 }).fill(1), Array.from({ length: 100 }).fill(1))
    )
    it.effect(`${name}: maxNodes of records and of lists without items`, () =>
      assertBound(codec, { maxNodes: 100 }, records, [records])
    )
    it.effect(`${name}: maxBytes`, () =>
      assertBound(
        codec,
        { maxBytes: 1000 },
        "é".repeat(name === "json" ? 499 : 498),
        "é".repeat(name === "json" ? 500 : 499)
      )
    )
  }

  it.effect("msgpack: maxDepth and maxNodes of maps and sets", () =>
    Effect.gen(function* () {
      const codec = (limits: FormatOptions["limits"]) => codecOf(Serializer.msgpack, limits)
      const map = new Map([[1, new Set([2, 3])]])
      yield* assertBound<unknown>(codec, { maxDepth: 2 }, map, [map])
      yield* assertBound<unknown>(codec, { maxNodes: 5 }, map, [map])
    })
  )

  it.effect("msgpack: maxDigits", () =>
    assertBound<unknown>(
      (limits) => codecOf(Serializer.msgpack, limits),
      { maxDigits: 20 },
      [10n ** 19n, -(10n ** 20n) + 1n],
      [10n ** 20n]
    )
  )

  for (const format of serializers) {
    const digits = (limits: FormatOptions["limits"]) =>
      schemaCodecs(Schema.Struct({ n: Schema.BigInt }))({ ...plainJson, serializer: format, limits })

    it.effect(`${format.id}: maxDigits of a schema's bigints`, () =>
      Effect.gen(function* () {
        const fits = { n: -(10n ** 9_999n) }
        assert.deepStrictEqual(yield* roundTrip(digits(undefined), fits), fits)
        yield* refuses(digits(undefined).encode(entry, { n: 10n ** 10_100n }), "maxDigits")
      })
    )

    it.effect(`${format.id}: text is no number, however many digits it has`, () =>
      Effect.gen(function* () {
        const texts = schemaCodecs(Schema.Struct({ text: Schema.String }))({ ...plainJson, serializer: format })
        const value = { text: "7".repeat(50_000) }
        assert.deepStrictEqual(yield* roundTrip(texts, value), value)
      })
    )

    it.effect(`${format.id}: what comes from a compressor is bounded before it is there`, () =>
      Effect.gen(function* () {
        const zeros = Buffer.alloc(8 * 1024 * 1024)
        for (const kind of ["zstd", "lz4", "gzip", "zlib", "brotli"] as const) {
          const compressor = Compressor[kind]({ threshold: 0 })
          const header = `\u0001${format.id === "binary" ? "1binary" : `1${format.id}`}>${kind}\n`
          const bomb = Buffer.concat([Buffer.from(header), compressor.compress(zeros)])
          const codec = schemaCodecs(Schema.String)({
            ...plainJson,
            serializer: format,
            compressor,
            limits: { maxBytes: 1024 * 1024 }
          })
          const before = process.memoryUsage().arrayBuffers
          yield* refuses(decode(codec, bomb), "maxBytes")
          assert.isBelow(process.memoryUsage().arrayBuffers - before, 4 * 1024 * 1024)
          yield* refuses(codec.encode(entry, "x".repeat(2_000_000)), "maxBytes")
        }
        // The size that LZ4 announces is believed only within the bound.
        const lie = Buffer.concat([Buffer.from("\u00011json>lz4\n"), Buffer.from([255, 255, 255, 255, 1, 2, 3])])
        yield* refuses(decode(unknownCodec({ ...plainJson, compressor: Compressor.lz4() }), lie), "maxBytes")
      })
    )
  }
})

describe("a few stored bytes", () => {
  /** In seconds of this thread, which no other process takes from it. */
  const cpuOf = (effect: Effect.Effect<unknown, unknown>) =>
    Effect.suspend(() => {
      const before = process.threadCpuUsage()
      return Effect.map(Effect.exit(effect), (exit) => {
        const { system, user } = process.threadCpuUsage(before)
        return { exit, seconds: (system + user) / 1e6 }
      })
    })
  const stored = (header: string, payload: Uint8Array) =>
    Buffer.concat([Buffer.from(header), zstdCompressSync(payload, { params: {} })])
  const size = 16 * 1024 * 1024

  it.live("do not become gigabytes, nor seconds", () =>
    Effect.gen(function* () {
      const zstd = Compressor.zstd()
      const options = {
        ...plainJson,
        serializer: [Serializer.msgpack, Serializer.json, Serializer.binary],
        compressor: zstd
      }
      const head = Buffer.from([0xdd, 0, 0, 0, 0])
      head.writeUInt32BE(size, 1)
      const maps = Buffer.concat([head, Buffer.alloc(size, 0x80)])
      const Numbers = Schema.Struct({ n: Schema.BigInt })
      const Lists = Schema.Array(Schema.Array(Schema.Int))
      const Nothing = Schema.Array(Schema.Array(Schema.Null))
      const bytes = (...all: ReadonlyArray<number>) => Buffer.from(all)
      const bombs: ReadonlyArray<readonly [string, Pick<ValueCodec<unknown>, "header" | "decode">, Buffer]> = [
        ["16 million empty maps", unknownCodec(options), stored("\u00011msgpack>zstd\n", maps)],
        [
          "4 million empty lists",
          unknownCodec(options),
          stored("\u00011json>zstd\n", Buffer.from(`[${"[],".repeat(size / 4)}[]]`))
        ],
        ["16 million levels", unknownCodec(options), stored("\u00011json>zstd\n", Buffer.alloc(size, "["))],
        [
          "16 million digits",
          schemaCodecs(Numbers)(options),
          stored("\u00011json>zstd\n", Buffer.from(`{"n":"${"9".repeat(size)}"}`))
        ],
        [
          "a number of SchemaBinary of 16 MiB",
          schemaCodecs(Numbers)(options),
          stored("\u00011binary>zstd\n", Buffer.alloc(size, 0xff))
        ],
        [
          "a number of SchemaBinary of 1 MB",
          schemaCodecs(Numbers)(options),
          stored("\u00011binary>zstd\n", Buffer.alloc(1_000_000, 0xff))
        ],
        [
          "16 million lists of SchemaBinary",
          schemaCodecs(Lists)(options),
          stored("\u00011binary>zstd\n", Buffer.alloc(size, 1))
        ],
        [
          "lists of nothing",
          schemaCodecs(Nothing)(options),
          stored("\u00011binary>zstd\n", bytes(6, 0x20, 1, 4, 0xff, 0xff, 0xff, 1))
        ]
      ]
      for (const [name, codec, bomb] of bombs) {
        const { exit, seconds } = yield* cpuOf(decode(codec, bomb))
        assert.isTrue(Exit.isFailure(exit) && exit.cause.reasons[0]?._tag === "Fail", name)
        // Most of it goes into the decompression; without bounds it was many seconds.
        assert.isBelow(seconds, 1, name)
      }
    })
  )

  it.effect("the largest number that is allowed is read again, and a value of several", () =>
    Effect.gen(function* () {
      const Numbers = Schema.Array(Schema.BigInt)
      const large = Array.from({ length: 20 }, () => -(10n ** 9_999n))
      for (const format of serializers) {
        const codec = schemaCodecs(Numbers)({ ...plainJson, serializer: format })
        assert.deepStrictEqual(yield* roundTrip(codec, large), large)
      }
    })
  )
})

describe("in binary", () => {
  const binary = (limits?: FormatOptions["limits"]) => ({ ...plainJson, serializer: Serializer.binary, limits })
  const isStoredAs = (format: string, stored: string | Buffer) => String(stored).startsWith(`\u00011${format}\n`)

  it.effect("what SchemaBinary's reader cannot bound is stored as MessagePack, and comes back", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [string, Schema.Codec<unknown>, unknown]> = [
        ["binary", Schema.Array(Schema.Int), [1, 2, 3]],
        ["binary", Schema.String, "漢字 ".repeat(50_000)],
        ["msgpack", Schema.String, "漢字".repeat(50_000)],
        ["msgpack", Schema.Uint8Array, new Uint8Array(100_000).fill(255)],
        ["binary", Schema.Uint8Array, new Uint8Array(100_000)],
        ["binary", Schema.Array(Schema.Int), Array.from({ length: 500_000 }).fill(7)],
        ["msgpack", Schema.Array(Schema.String), Array.from({ length: 300_000 }).fill("text")],
        ["msgpack", Schema.Array(Schema.Null), [null, null]],
        ["msgpack", Schema.ReadonlySet(Schema.Null), new Set([null])],
        ["msgpack", Schema.Struct({ a: Schema.Unknown }), { a: { b: [1] } }],
        ["msgpack", Schema.Record(Schema.String, Schema.Json), { a: null }]
      ]
      for (const [format, schema, value] of cases) {
        const codec = schemaCodecs<Schema.Codec<unknown>>(schema)(binary())
        const stored = yield* codec.encode(entry, value)
        assert.isTrue(isStoredAs(format, stored), `${format}, ${String(stored).slice(0, 20)}`)
        assert.deepStrictEqual(yield* decode(codec, reply(codec, stored)), value)
      }
    })
  )

  it.effect("a list that says itself which serializers it reads keeps its own MessagePack", () =>
    Effect.gen(function* () {
      const own: Serializer = {
        id: "msgpack",
        encode: (value) => Buffer.from(JSON.stringify(value)),
        decode: (bytes) => JSON.parse(Buffer.from(bytes).toString())
      }
      const codec = schemaCodecs(Schema.Array(Schema.Null))({ ...plainJson, serializer: [Serializer.binary, own] })
      assert.strictEqual(String(yield* codec.encode(entry, [null])), "\u00011msgpack\n[null]")
      assert.deepStrictEqual(yield* roundTrip(codec, [null]), [null])
    })
  )

  interface Tree {
    readonly children?: ReadonlyArray<Tree> | Tree | undefined | string
    readonly next: Option.Option<Tree>
  }
  const Tree = Schema.Struct({
    children: Schema.optionalKey(
      Schema.Union([
        Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree)),
        Schema.suspend((): Schema.Codec<Tree> => Tree),
        Schema.String,
        Schema.Undefined
      ])
    ),
    next: Schema.Option(Schema.suspend((): Schema.Codec<Tree> => Tree))
  }) as Schema.Codec<Tree>

  it.effect("every depth within the limit is read again", () =>
    Effect.gen(function* () {
      const grow: ReadonlyArray<(tree: Tree) => Tree> = [
        (tree) => ({ children: [tree], next: Option.none() }),
        (tree) => ({ children: tree, next: Option.none() }),
        (tree) => ({ next: Option.some(tree) })
      ]
      for (const step of grow) {
        for (const format of serializers) {
          const codec = schemaCodecs(Tree)({ ...plainJson, serializer: format })
          let tree: Tree = { children: "leaf", next: Option.none() }
          let deepest = 0
          for (let level = 1; level <= 600; level++) {
            tree = step(tree)
            // At the limits of the format and of the values, and here and there.
            if (level % 50 !== 0 && !(level > 122 && level < 128) && !(level > 248 && level < 258)) continue
            const stored = yield* Effect.exit(codec.encode(entry, tree))
            if (Exit.isFailure(stored)) break
            deepest = level
            assert.isTrue(
              Exit.isSuccess(yield* Effect.exit(decode(codec, reply(codec, stored.value)))),
              `${format.id}, ${level}`
            )
          }
          assert.isAtLeast(deepest, 200, format.id)
          assert.isBelow(deepest, 600, format.id)
        }
      }
    })
  )
})

describe("limits", () => {
  it("are what the documents say", () =>
    assert.deepStrictEqual(defaultLimits, {
      maxBytes: 67_108_864,
      maxNodes: 1_000_000,
      maxDepth: 512,
      maxDigits: 10_000
    }))

  it.effect("are an option of a cache, checked before anything is sent", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const small = cache.withOptions({ limits: { maxDepth: 2 } })
      yield* small.set("k", [[1]])
      yield* refuses(small.set("k", [[[1]]]), "maxDepth")
      yield* cache.set("k", [[[1]]])
      yield* refuses(small.get("k"), "maxDepth")
      assert.strictEqual(yield* small.getOrSet("k", Effect.succeed("found")), "found")
      for (const limits of [{ maxDepth: 0 }, { maxBytes: Number.NaN }, { maxNodes: "9" }, { maxLength: 1 }]) {
        const error = yield* Effect.flip(cache.withOptions({ limits: limits as FormatOptions["limits"] }).set("k", 1))
        assert.strictEqual(error._tag, "CacheInputError")
      }
    }).pipe(Effect.provide(CacheMemory))
  )

  it.prop(
    "runs are found wherever they are",
    [Schema.Array(Schema.Boolean), Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 6 }))],
    ([flags, most]) => {
      const longest = Math.max(
        0,
        ...flags
          .join(" ")
          .replaceAll("true", "1")
          .replaceAll("false", "0")
          .replaceAll(" ", "")
          .split("0")
          .map((run) => run.length)
      )
      assert.strictEqual(
        hasRun(flags.length, most, (at) => flags[at] === true),
        longest > most
      )
    },
    { arbitrary: { runs: 500, seed: "effect-vcache" } }
  )
})
