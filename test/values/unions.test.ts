/** Of a union the member that was stored comes back, or the value is refused: JSON has no dates, no bigints, no undefined. */
import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option, Schema } from "effect"
import { CacheMemory, CacheService, Cipher, Compressor, Serializer } from "effect-vcache"
import { schemaCodecs } from "../../src/schema/SchemaCodec.ts"
import { factsOf } from "../../src/schema/schemaFacts.ts"
import { entry, plainJson, roundTrip } from "../support/codecs.ts"
import { keyOf, serializers } from "../support/formats.ts"

const outcome = (serializer: Serializer, schema: Schema.Codec<unknown>, value: unknown) =>
  Effect.exit(roundTrip(schemaCodecs(schema)({ ...plainJson, serializer }), value))

const asCodec = <S extends Schema.Constraint>(schema: S) => schema as unknown as Schema.Codec<unknown>

class Point extends Schema.Class<Point>("Point")({ x: Schema.Finite, y: Schema.Finite }) {}
class Size extends Schema.Class<Size>("Size")({ x: Schema.Finite, y: Schema.Finite }) {}

const Nested = Schema.Struct({ at: Schema.Array(Schema.Union([Schema.String, Schema.Date])) })

/** Values that JSON would give back as another member's. */
const refused: ReadonlyArray<readonly [name: string, schema: Schema.Codec<unknown>, value: unknown, where: string]> = [
  ["NullishOr(Int)", asCodec(Schema.Struct({ a: Schema.NullishOr(Schema.Int) })), { a: undefined }, " at .a"],
  ["String | BigInt", asCodec(Schema.Union([Schema.String, Schema.BigInt])), "12", ""],
  ["String | Date", asCodec(Schema.Union([Schema.String, Schema.Date])), new Date(0), ""],
  ["Date | String", asCodec(Schema.Union([Schema.Date, Schema.String])), "1970-01-01T00:00:00.000Z", ""],
  ["String | Number", asCodec(Schema.Union([Schema.String, Schema.Number])), Number.NaN, ""],
  ["1 | '1' | 1n", asCodec(Schema.Literals([1, "1", 1n])), 1n, ""],
  ["nested", asCodec(Nested), { at: ["x", new Date(0)] }, " at .at[1]"],
  [
    "structs of transformed parts",
    asCodec(Schema.Union([Schema.Struct({ at: Schema.String }), Schema.Struct({ at: Schema.Date })])),
    { at: new Date(0) },
    " at .at"
  ],
  ["classes of the same parts", asCodec(Schema.Union([Point, Size])), new Size({ x: 1, y: 2 }), ""],
  [
    "in a map's keys",
    asCodec(Schema.ReadonlyMap(Schema.Union([Schema.String, Schema.Date]), Schema.Int)),
    new Map([[new Date(0), 1]]),
    ""
  ],
  ["options", asCodec(Schema.Option(Schema.NullishOr(Schema.Int))), Option.some(undefined), ""]
]

/** Values of the same schemas, and of others that look alike, that JSON keeps apart. */
const kept: ReadonlyArray<readonly [name: string, schema: Schema.Codec<unknown>, value: unknown]> = [
  ["NullishOr(Int)", asCodec(Schema.Struct({ a: Schema.NullishOr(Schema.Int) })), { a: null }],
  ["NullishOr(Int)", asCodec(Schema.Struct({ a: Schema.NullishOr(Schema.Int) })), { a: 1 }],
  ["String | BigInt", asCodec(Schema.Union([Schema.String, Schema.BigInt])), 12n],
  ["String | BigInt", asCodec(Schema.Union([Schema.String, Schema.BigInt])), "twelve"],
  ["Date | String", asCodec(Schema.Union([Schema.Date, Schema.String])), new Date(0)],
  ["String | Number", asCodec(Schema.Union([Schema.String, Schema.Number])), "NaN"],
  ["String | Number", asCodec(Schema.Union([Schema.String, Schema.Number])), 1.5],
  ["1 | '1' | 1n", asCodec(Schema.Literals([1, "1", 1n])), "1"],
  ["UndefinedOr(Date)", asCodec(Schema.Struct({ a: Schema.UndefinedOr(Schema.Date) })), { a: undefined }],
  ["optional", asCodec(Schema.Struct({ a: Schema.optional(Schema.Date) })), {}],
  ["optional", asCodec(Schema.Struct({ a: Schema.optional(Schema.Date) })), { a: undefined }],
  ["nested", asCodec(Nested), { at: ["x", "y"] }],
  ["classes", asCodec(Schema.Union([Point, Schema.String])), new Point({ x: 1, y: 2 })],
  [
    "a tag",
    asCodec(
      Schema.Union([
        Schema.Struct({ _tag: Schema.Literal("a"), at: Schema.Date }),
        Schema.Struct({ _tag: Schema.Literal("b"), at: Schema.String })
      ])
    ),
    { _tag: "b", at: "1970-01-01T00:00:00.000Z" }
  ]
]

describe("a union's value that JSON would give back as another member's", () => {
  for (const [name, schema, value, where] of refused) {
    for (const serializer of [Serializer.json, Serializer.msgpack]) {
      it.effect(`${name}: is refused in ${serializer.id}`, () =>
        Effect.gen(function* () {
          const exit = yield* outcome(serializer, schema, value)
          assert.isTrue(Exit.isFailure(exit), inspect(exit))
          assert.include(String(exit), `JSON would give back another member of a union${where}`)
          assert.notInclude(String(exit), "1970")
        })
      )
    }
    it.effect(`${name}: comes back in binary, or is refused where SchemaBinary has no form of the schema`, () =>
      Effect.gen(function* () {
        const exit = yield* outcome(Serializer.binary, schema, value)
        if (Exit.isSuccess(exit)) assert.deepStrictEqual(exit.value, value)
        else assert.include(String(exit), "JSON would give back another member")
        assert.strictEqual(Exit.isFailure(exit), name.includes("of the same parts") || name.includes("structs of"))
      })
    )
  }
})

describe("a union's value that JSON keeps apart", () => {
  for (const [name, schema, value] of kept) {
    for (const serializer of serializers) {
      it.effect(`${name}, ${inspect(value)}: comes back in ${serializer.id}`, () =>
        Effect.gen(function* () {
          const exit = yield* outcome(serializer, schema, value)
          assert.isTrue(Exit.isSuccess(exit), String(exit))
          if (Exit.isSuccess(exit)) assert.deepStrictEqual(exit.value, value)
        })
      )
    }
  }

  it("costs a second look only where its schema needs one", () => {
    const ambiguous = (schema: Schema.Constraint) => factsOf(Schema.toCodecJson(schema).ast).ambiguous
    for (const schema of [
      Schema.NullOr(Schema.Date),
      Schema.UndefinedOr(Schema.String),
      Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null]),
      Schema.Union([Schema.Struct({ a: Schema.String }), Schema.Struct({ b: Schema.Int })]),
      Schema.Union([
        Schema.TaggedStruct("a", { at: Schema.Date }),
        Schema.TaggedStruct("b", { at: Schema.String }),
        Schema.TaggedStruct("c", { at: Schema.optional(Schema.Date) })
      ]),
      Schema.Union([Schema.Tuple([Schema.Literal(1), Schema.Date]), Schema.Tuple([Schema.Literal(2), Schema.String])]),
      Schema.Option(Schema.Date),
      Schema.Result(Schema.Date, Schema.String),
      Schema.Literals(["a", "b", 1]),
      Schema.Struct({ a: Schema.optional(Schema.Int), b: Schema.optionalKey(Schema.Date) })
    ]) {
      assert.isFalse(ambiguous(schema), inspect(schema.ast, { depth: 3 }))
    }
    for (const [, schema] of refused) assert.isTrue(ambiguous(schema))
  })
})

describe("untyped parts of a schema", () => {
  const values: ReadonlyArray<unknown> = [
    [undefined],
    { a: undefined },
    [Number.NaN],
    { d: new Date(0) },
    new Map([[1, 2]]),
    [() => 1],
    -0,
    { toJSON: () => 1 },
    2n
  ]
  for (const serializer of serializers) {
    for (const schema of [Schema.Unknown, Schema.Any, Schema.Json]) {
      it.effect(`${serializer.id}, ${schema.ast._tag}: what JSON would change is refused`, () =>
        Effect.gen(function* () {
          const meta = asCodec(Schema.Struct({ meta: schema }))
          for (const value of values) {
            const exit = yield* outcome(serializer, meta, { meta: value })
            // Schema.Any leaves it to the format, and MessagePack holds some of them.
            if (Exit.isSuccess(exit)) assert.deepStrictEqual(exit.value, { meta: value }, inspect(value))
            else assert.include(String(exit), ".meta")
            if (schema !== Schema.Any || serializer === Serializer.json) assert.isTrue(Exit.isFailure(exit))
          }
          assert.deepStrictEqual(
            yield* outcome(serializer, meta, { meta: { a: [1, "x", null, { b: true }] } }),
            Exit.succeed({ meta: { a: [1, "x", null, { b: true }] } })
          )
        })
      )
    }
  }
})

describe("no error shows a part of the value", () => {
  const Secret = Schema.Literals(["SECRET1", "SECRET2"])
  const Stored = Schema.Union([
    Schema.Array(Secret),
    Schema.Record(Secret, Secret),
    Schema.Struct({ a: Secret, b: Schema.Array(Schema.Struct({ c: Secret })) })
  ])
  const Quoting = Schema.String.check(Schema.makeFilter((text: string) => `${text} is not allowed`))
  const readers = [
    Schema.Int,
    Schema.Date,
    Schema.URL,
    Quoting,
    Schema.Array(Quoting),
    Schema.Array(Schema.Int),
    Schema.Record(Schema.String, Schema.Int),
    Schema.Record(Schema.String, Quoting),
    Schema.ReadonlyMap(Schema.String, Quoting),
    Schema.Struct({ a: Schema.Int }),
    Schema.Struct({ a: Schema.String, b: Schema.Array(Schema.Struct({ c: Quoting })) }),
    Schema.Union([Schema.Struct({ a: Schema.Date }), Schema.Array(Schema.Literal("other"))])
  ].map(asCodec)
  const formats = serializers.flatMap((serializer) => [
    { ...plainJson, serializer },
    { ...plainJson, serializer, compressor: Compressor.gzip({ threshold: 0 }), cipher: Cipher.aes256gcm([keyOf(3)]) }
  ])

  it.effect.prop(
    "read with a schema that it is not of, damaged, moved or above the limits",
    [Stored, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 }))],
    ([value, place]) =>
      Effect.gen(function* () {
        const options = formats[place]!
        const stored = yield* schemaCodecs(Stored)(options).encode(entry, value)
        const bytes = typeof stored === "string" ? Buffer.from(stored) : stored
        const cut = bytes.subarray(0, bytes.length - 2)
        for (const reader of readers) {
          for (const [limits, found] of [
            [undefined, bytes],
            [undefined, cut],
            [{ maxDepth: 1, maxNodes: 2 }, bytes]
          ] as const) {
            const codec = schemaCodecs(reader)({ ...options, limits })
            const exit = yield* Effect.exit(
              Effect.flatMap(codec.header(entry, found), (header) => codec.decode(entry, found, header))
            )
            if (Exit.isFailure(exit)) {
              assert.isTrue(
                exit.cause.reasons.every(({ _tag }) => _tag === "Fail"),
                String(exit)
              )
              assert.notInclude(JSON.stringify(exit) + String(exit.cause) + inspect(exit, { depth: 9 }), "SECRET")
            }
          }
          const written = yield* Effect.exit(schemaCodecs(reader)(options).encode(entry, value))
          if (Exit.isFailure(written)) {
            assert.notInclude(
              JSON.stringify(written) + String(written.cause) + inspect(written, { depth: 9 }),
              "SECRET"
            )
          }
        }
      }),
    { arbitrary: { runs: 60, seed: "effect-vcache" } }
  )

  it.effect("of a value without a schema", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      for (const serializer of [Serializer.json, Serializer.msgpack]) {
        for (const value of [
          ["SECRET", undefined],
          { a: "SECRET", b: Symbol("SECRET") },
          ["SECRET", new Error("SECRET")],
          { a: "SECRET", b: () => "SECRET" },
          ["SECRET".repeat(9), "\ud800SECRET", -0]
        ]) {
          const exit = yield* Effect.exit(cache.withOptions({ serializer }).set("k", value))
          assert.isTrue(Exit.isFailure(exit))
          assert.notInclude(JSON.stringify(exit) + String(exit), "SECRET")
        }
      }
    }).pipe(Effect.provide(CacheMemory))
  )
})
