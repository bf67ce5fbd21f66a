/** Every combination of serializer, compressor and cipher. */
import { Redacted, Schema } from "effect"
import { Cipher, Compressor, Serializer } from "effect-vcache"
import type { FormatOptions } from "../../src/schema/Formats.ts"

export const serializers = [Serializer.json, Serializer.msgpack, Serializer.binary]

/** A threshold so low that everything is compressed. */
export const compressors = [
  undefined,
  Compressor.zstd({ threshold: 0 }),
  Compressor.lz4({ threshold: 0 }),
  Compressor.gzip({ threshold: 0 }),
  Compressor.zlib({ threshold: 0 }),
  Compressor.brotli({ threshold: 0 })
]

export const keyOf = (byte: number) => Redacted.make(new Uint8Array(32).fill(byte))

export const ciphers = [undefined, Cipher.aes256gcm([keyOf(1)])]

export interface NamedFormat {
  readonly name: string
  readonly options: FormatOptions
}

export const formats: ReadonlyArray<NamedFormat> = serializers.flatMap((serializer) =>
  compressors.flatMap((compressor) =>
    ciphers.map((cipher) => ({
      name: [serializer.id, compressor?.id ?? "plain", cipher?.id ?? "open"].join("-"),
      options: { serializer, compressor, cipher }
    }))
  )
)

/** What the payloads kept in `fixtures` hold. */
export const Article = Schema.Struct({
  id: Schema.Int,
  title: Schema.String,
  published: Schema.Date,
  tags: Schema.Array(Schema.String),
  draft: Schema.Boolean,
  rating: Schema.NullOr(Schema.Finite)
})

export const article: typeof Article.Type = {
  id: 7,
  title: "Iñtërnâtiônàlizætiøn ☃ 𝕏",
  published: new Date("2026-11-21T10:00:00.123Z"),
  tags: ["cache", "cache", "cache", "cache", "cache", "cache", "cache", "cache", "cache", "cache", "cache", "cache"],
  draft: false,
  rating: 4.5
}

class Point extends Schema.Class<Point>("Point")({ x: Schema.Finite, y: Schema.Finite }) {}

/** Values of many kinds. */
export const Everything = Schema.Struct({
  id: Schema.Int,
  name: Schema.String,
  at: Schema.Date,
  big: Schema.BigInt,
  bytes: Schema.Uint8Array,
  tags: Schema.Array(Schema.String),
  maybe: Schema.optionalKey(Schema.Boolean),
  nullable: Schema.NullOr(Schema.String),
  map: Schema.ReadonlyMap(Schema.String, Schema.Int),
  either: Schema.Union([
    Schema.Struct({ _tag: Schema.Literal("a") }),
    Schema.Struct({ _tag: Schema.Literal("b"), n: Schema.Int })
  ]),
  point: Point,
  number: Schema.Finite
})
