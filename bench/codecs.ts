/** What each format makes of three shapes of value: bytes, and time for each value. */
import { Effect, Redacted, Schema } from "effect"
import { Cipher, Compressor, Serializer } from "../src/index.ts"
import type { FormatOptions } from "../src/schema/Formats.ts"
import { schemaCodecs } from "../src/schema/SchemaCodec.ts"
import { nanoseconds } from "./measure.ts"
import { Article, article, Order, order } from "./value.ts"

const Row = Schema.Struct({
  id: Schema.Int,
  name: Schema.String,
  price: Schema.Finite,
  active: Schema.Boolean,
  added: Schema.Date
})

const rows = Array.from({ length: 100 }, (_, i) => ({
  id: i,
  name: `product ${i}`,
  price: i / 4,
  active: i % 3 > 0,
  added: new Date(1e12 + i * 1e7)
}))

const format = (options: Partial<FormatOptions>): FormatOptions => ({
  serializer: Serializer.json,
  compressor: undefined,
  cipher: undefined,
  ...options
})

const small = { threshold: 0 }

const formats: Readonly<Record<string, FormatOptions>> = {
  json: format({}),
  msgpack: format({ serializer: Serializer.msgpack }),
  binary: format({ serializer: Serializer.binary }),
  "json, zstd": format({ compressor: Compressor.zstd(small) }),
  "json, lz4": format({ compressor: Compressor.lz4(small) }),
  "json, gzip": format({ compressor: Compressor.gzip(small) }),
  "json, zlib": format({ compressor: Compressor.zlib(small) }),
  "json, brotli": format({ compressor: Compressor.brotli(small) }),
  "json, aes256gcm": format({ cipher: Cipher.aes256gcm([Redacted.make(new Uint8Array(32))]) })
}

const entry = { operation: "bench", key: "k", final: ":1:k" }

const rowsOf = <S extends Schema.Codec<unknown>>(schema: S, value: S["Type"]) => {
  const codecs = schemaCodecs<Schema.Codec<S["Type"]>>(schema)
  const encodes: Record<string, () => unknown> = {}
  const decodes: Record<string, () => unknown> = {}
  const sizes = new Map<string, number>()
  for (const [name, options] of Object.entries(formats)) {
    const codec = codecs(options)
    const stored = Effect.runSync(codec.encode(entry, value))
    const reply = codec.reply === "buffer" && typeof stored === "string" ? Buffer.from(stored) : stored
    sizes.set(name, Buffer.byteLength(stored))
    encodes[name] = () => Effect.runSync(codec.encode(entry, value))
    decodes[name] = () =>
      Effect.runSync(Effect.flatMapEager(codec.header(entry, reply), (header) => codec.decode(entry, reply, header)))
  }
  const encoding = nanoseconds(encodes, 500)
  const decoding = nanoseconds(decodes, 500)
  const micros = (times: ReadonlyMap<string, number>, name: string) =>
    ((times.get(name) ?? Number.NaN) / 1000).toFixed(1)
  return [...sizes].map(([name, size]) => [name, String(size), micros(encoding, name), micros(decoding, name)])
}

/** For each shape: rows of format, bytes, microseconds to encode, microseconds to decode. */
export const codecRows = (): ReadonlyMap<string, ReadonlyArray<ReadonlyArray<string>>> =>
  new Map<string, ReadonlyArray<ReadonlyArray<string>>>([
    ["an article of 1 KB, most of it one text", rowsOf(Article, article)],
    ["an order of 1 KB, most of it fields", rowsOf(Order, order)],
    ["a list of 100 rows", rowsOf(Schema.Array(Row), rows)]
  ])
