/** What holds for all keys, values and globs. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Schema } from "effect"
import { globMatcher } from "../../src/schema/glob.ts"
import { allVersions, defaultKeyFunction, escapeGlob, keyRefusal, keySpace } from "../../src/schema/key.ts"
import { decode, entry, plainJson, roundTrip } from "../support/codecs.ts"
import { Everything } from "../support/formats.ts"
import { schemaCodecs } from "../../src/schema/SchemaCodec.ts"
import { unknownCodec } from "../../src/schema/ValueCodec.ts"

const many = { arbitrary: { runs: 1000, seed: "effect-vcache" } }
const WellFormed = Schema.String.check(Schema.makeFilter((text: string) => text.isWellFormed()))
const Key = WellFormed.check(Schema.isNonEmpty())

describe("keys", () => {
  it.prop(
    "the key function is reversible",
    [WellFormed, Schema.Int, Key],
    ([prefix, version, key]) => {
      const parts = { prefix, version }
      assert.strictEqual(defaultKeyFunction.reverse(defaultKeyFunction.make({ ...parts, key }), parts), key)
    },
    many
  )

  it.prop(
    "every final key is found by the patterns of its space, whatever the prefix is made of",
    [WellFormed, Schema.Int, Key],
    ([prefix, version, key]) => {
      const final = defaultKeyFunction.make({ prefix, version, key })
      for (const pattern of ["*", escapeGlob(key)]) {
        const space = keySpace(defaultKeyFunction, { prefix, version }, pattern)
        assert.isTrue(globMatcher(space.match)(final))
        assert.strictEqual(space.userKey(final), key)
      }
      const versions = allVersions(defaultKeyFunction, prefix)
      assert.isTrue(globMatcher(versions.match)(final))
      assert.isTrue(versions.owns(final))
    },
    many
  )

  it.prop(
    "a key is refused exactly where UTF-8 would change it or it is empty",
    [Schema.String],
    ([text]) => {
      const changed = Buffer.from(text).toString() !== text
      assert.strictEqual(keyRefusal(text) === undefined, text !== "" && !changed)
    },
    many
  )
})

describe("globs", () => {
  it.prop(
    "an escaped text matches itself and nothing longer",
    [Key],
    ([text]) => {
      assert.isTrue(globMatcher(escapeGlob(text))(text))
      assert.isFalse(globMatcher(escapeGlob(text))(`${text}x`))
      assert.isTrue(globMatcher(`*${escapeGlob(text)}*`)(`before${text}after`))
    },
    many
  )

  it("take no more steps than pattern × key, 32 at a time", () => {
    const before = process.threadCpuUsage()
    const key = "a".repeat(65_536)
    for (const pattern of [
      `${"a*".repeat(15_000)}b`,
      `${"*".repeat(30_000)}b`,
      `*${"a".repeat(30_000)}b`,
      `*[${"a".repeat(30_000)}`,
      `*[^${"a".repeat(30_000)}`
    ]) {
      assert.strictEqual(globMatcher(pattern)(key), pattern.startsWith("*[a"))
    }
    // Step by step each of them takes five seconds and more.
    assert.isBelow(process.threadCpuUsage(before).user, 5_000_000)
  })
})

const anything = unknownCodec(plainJson)
const schemaCodec = <S extends Schema.Constraint>(schema: S) => schemaCodecs(schema)(plainJson)

describe("codecs", () => {
  it.effect.prop(
    "a JSON value comes back as it was, or is refused",
    [Schema.Json],
    ([value]) =>
      Effect.gen(function* () {
        const result = yield* Effect.exit(roundTrip(anything, value))
        if (Exit.isSuccess(result)) assert.deepStrictEqual(result.value, value)
        else assert.isTrue(hasWhatJsonChanges(value), JSON.stringify(value))
      }),
    many
  )

  it.prop(
    "safe integers are stored as their digits",
    [Schema.Int],
    ([value]) => {
      const stored = Effect.runSyncExit(anything.encode(entry, value))
      if (Object.is(value, -0)) assert.isTrue(Exit.isFailure(stored))
      else assert.deepStrictEqual(stored, Exit.succeed(String(value)))
    },
    many
  )

  const codec = schemaCodec(Everything)

  it.effect.prop(
    "a value of a schema comes back equal",
    [Everything],
    ([value]) =>
      Effect.gen(function* () {
        const result = yield* Effect.exit(roundTrip(codec, value))
        if (Exit.isSuccess(result)) assert.deepStrictEqual(result.value, value)
        else assert.isTrue(hasWhatJsonChanges(value))
      }),
    many
  )

  it.effect.prop(
    "a decode error shows nothing of the value",
    [Schema.Array(Schema.Literals(["SECRET1", "SECRET2"]))],
    ([value]) =>
      Effect.gen(function* () {
        const stored = yield* anything.encode(entry, value)
        for (const schema of [
          Schema.Int,
          Schema.Date,
          Schema.Array(Schema.Int),
          Schema.Struct({ a: Schema.String }),
          Schema.Array(Schema.Literal("other"))
        ]) {
          const exit = yield* Effect.exit(decode(schemaCodec(schema), stored))
          if (Exit.isFailure(exit)) assert.notInclude(JSON.stringify(exit) + String(exit.cause), "SECRET")
        }
      }),
    many
  )

  it.effect("text that is not JSON is refused without being quoted", () =>
    Effect.gen(function* () {
      for (const stored of ["SECRET", "{SECRET", "", "\u0000", '"SECRET']) {
        const error = yield* Effect.flip(decode(anything, stored))
        assert.notInclude(JSON.stringify(error) + error.message, "SECRET")
      }
    })
  )
})

/** Negative zero. */
const hasWhatJsonChanges = (value: unknown): boolean => {
  if (typeof value === "number") return Object.is(value, -0)
  const parts = value instanceof Map ? [...value.values()] : Object.values(Object(value))
  return typeof value === "object" && parts.some(hasWhatJsonChanges)
}
