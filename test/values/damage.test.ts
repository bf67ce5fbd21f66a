/**
 * Damaged payloads: no format dies of them, makes more of them than the limits allow, or takes one for an encrypted
 * value. PAYLOADS=100000 npx vitest run test/values/damage.test.ts tries that many in each format; SEED chooses others.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Schema } from "effect"
import { Serializer } from "effect-vcache"
import { Formats, type FormatOptions } from "../../src/schema/Formats.ts"
import { schemaCodecs } from "../../src/schema/SchemaCodec.ts"
import { unknownCodec, type ValueCodec } from "../../src/schema/ValueCodec.ts"
import type { ValueLimits } from "../../src/schema/ValueLimits.ts"
import { decode, entry } from "../support/codecs.ts"
import { Article, article, Everything, formats } from "../support/formats.ts"
import { sizeOf } from "../support/sizeOf.ts"

const payloads = Number(process.env["PAYLOADS"] ?? 300)
const seed = Number(process.env["SEED"] ?? 20_261_121)

/** So low that what is above them is seen. */
const limits: ValueLimits = { maxBytes: 4096, maxNodes: 400, maxDepth: 512, maxDigits: 60 }

/** Numbers in [0, 1), the same in every run. */
const sequence = (seed: number) => () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32

interface Tree {
  readonly name: string
  readonly weight: bigint
  readonly children: ReadonlyArray<Tree>
}
const Tree = Schema.Struct({
  name: Schema.String,
  weight: Schema.BigInt,
  children: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree))
})

const leaf: Tree = { name: "leaf", weight: 2n ** 70n, children: [] }

const samples: ReadonlyArray<readonly [Schema.Codec<unknown> | undefined, unknown]> = [
  [Article as Schema.Codec<unknown>, article],
  [
    Everything as Schema.Codec<unknown>,
    Schema.decodeUnknownSync(Schema.toCodecJson(Everything))({
      id: 1,
      name: "n",
      at: "2026-11-21T10:00:00.123Z",
      big: "-12345678901234567890",
      bytes: "AAECAw==",
      tags: ["a", "b"],
      nullable: null,
      map: [["k", 1]],
      either: { _tag: "b", n: 7 },
      point: { x: 1.5, y: -2 },
      number: 1e21
    })
  ],
  [Tree as Schema.Codec<unknown>, { ...leaf, children: [leaf, { ...leaf, children: [leaf] }] }],
  [Schema.Array(Schema.Number) as Schema.Codec<unknown>, [1, 2.5, -1e300, 4711]],
  [Schema.Struct({ any: Schema.Unknown }) as Schema.Codec<unknown>, { any: [{ a: null }, "text", 1] }],
  [undefined, { untyped: ["text", 1, { deep: [true, null] }] }]
]

/** What damage puts in: the beginnings of large things in each format. */
const tokens = [
  [0xdd, 0xff, 0xff, 0xff, 0xff],
  [0xdc, 0x10, 0],
  [0xdf, 0, 1, 0, 0],
  [0xc7, 0xff, 1, 0x9f],
  [0xc7, 3, 2, 0x92, 1],
  [0xc7, 4, 3, 0xa2, 0x31, 0x32],
  [0xff, 0xff, 0xff, 0xff, 0x7f],
  [0x80],
  [0x90],
  [0],
  [0x20],
  ...[
    "[",
    "{",
    "]",
    "}",
    ",",
    ":",
    '"',
    "\\",
    "null",
    "[[[[[[[[",
    '{"a":',
    "1e999",
    "-0",
    "99999999999999999999",
    "\n",
    "\u0001"
  ].map((text) => Array.from(Buffer.from(text)))
]

const damaged = (bytes: Uint8Array, other: Uint8Array, random: () => number): Buffer => {
  const upTo = (most: number) => Math.floor(random() * most)
  const at = upTo(bytes.length)
  const end = at + upTo(bytes.length - at)
  switch (upTo(8)) {
    case 0:
      return Buffer.from(bytes.subarray(0, at))
    case 1:
      return Buffer.from(Array.from({ length: upTo(60) }, () => upTo(256)))
    case 2:
      return Buffer.concat([bytes.subarray(0, at), other.subarray(upTo(other.length))])
    case 3:
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)])
    case 4: {
      const token = Buffer.from(tokens[upTo(tokens.length)] ?? [])
      const times = random() < 0.5 ? 1 : upTo(700)
      return Buffer.concat([bytes.subarray(0, at), ...Array.from({ length: times }, () => token), bytes.subarray(at)])
    }
    default: {
      const copy = Buffer.from(bytes)
      for (let i = 0; i <= upTo(4); i++) copy[upTo(copy.length)]! ^= 1 << upTo(8)
      return copy
    }
  }
}

/** The serialised value, which no compressor and no cipher has seen. */
const bare = (stored: string | Buffer): Uint8Array => {
  const bytes = Buffer.from(stored as string)
  return bytes[0] === 1 ? bytes.subarray(bytes.indexOf("\n") + 1) : bytes
}

describe(`${payloads} damaged payloads`, () => {
  for (const { name, options } of formats) {
    it(
      `${name}: none is a defect, none is above the limits`,
      () => {
        const random = sequence(seed)
        const bounded: FormatOptions = { ...options, limits }
        // An attacker keeps to no limits.
        const sealing = new Formats({ ...options, limits: { maxBytes: Infinity } })
        const plain = { ...options, compressor: undefined, cipher: undefined }
        const subjects = samples
          .filter(([schema]) => schema !== undefined || options.serializer !== Serializer.binary)
          .map(([schema, value]) => {
            const codecs = schema === undefined ? unknownCodec : schemaCodecs(schema)
            const codec: ValueCodec<unknown> = codecs(bounded)
            const stored = Buffer.from(Effect.runSync(codec.encode(entry, value)) as string)
            const inner = Effect.runSync(codecs(plain).encode(entry, value))
            return { schema, value, codec, stored, inner: bare(inner) }
          })
        const counts = { decoded: 0, refused: 0 }
        for (let i = 0; i < payloads; i++) {
          const { codec, inner, schema, stored, value } = subjects[i % subjects.length]!
          const other = subjects[Math.floor(random() * subjects.length)]!
          // On the way, or before it was compressed and encrypted.
          const outside = i % 2 === 0
          const found = outside
            ? damaged(stored, other.stored, random)
            : Buffer.from(
                sealing.seal(
                  { serializer: sealing.writer, payload: damaged(inner, other.inner, random) },
                  entry,
                  undefined,
                  undefined
                ) as string
              )
          const exit = Effect.runSyncExit(decode(codec, codec.reply === "utf8" ? found.toString() : found))
          if (Exit.isFailure(exit)) {
            assert.isTrue(
              exit.cause.reasons.every(({ _tag }) => _tag === "Fail"),
              `${String(exit)} of ${found.toString("hex")}`
            )
            counts.refused++
            continue
          }
          counts.decoded++
          const size = sizeOf(exit.value)
          for (const limit of ["maxNodes", "maxDepth", "maxDigits"] as const) {
            assert.isAtMost(size[limit], limits[limit], `${limit} of ${found.toString("hex")}`)
          }
          if (schema !== undefined) assert.isTrue(Schema.is(schema)(exit.value))
          if (outside && options.cipher !== undefined) assert.deepStrictEqual(exit.value, value, found.toString("hex"))
        }
        // Both ends of the test are reached.
        assert.isAbove(counts.refused, payloads / 4)
        assert.isAbove(counts.decoded, payloads / 100)
        if (payloads > 1000) console.log(name.padEnd(24), counts)
      },
      60_000 + payloads * 10
    )
  }
})
