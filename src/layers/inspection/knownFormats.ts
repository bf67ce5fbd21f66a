/** The formats that can be read without a schema and without the key of a cipher. */
import { Compressor } from "../../schema/Compressor.ts"
import { Formats } from "../../schema/Formats.ts"
import { Serializer } from "../../schema/Serializer.ts"

let compressors: ReadonlyArray<Compressor> | undefined

/** LZ4 is a package of its own, and may be missing. */
export const knownCompressors = (): ReadonlyArray<Compressor> => {
  if (compressors !== undefined) return compressors
  const own = [Compressor.zstd(), Compressor.gzip(), Compressor.zlib(), Compressor.brotli()]
  try {
    compressors = [...own, Compressor.lz4()]
  } catch {
    compressors = own
  }
  return compressors
}

/** SchemaBinary cannot be decoded without the schema, so its values are shown as bytes. */
const binary: Serializer = { id: Serializer.binary.id, encode: () => "", decode: (bytes) => bytes }

let formats: Formats | undefined

export const knownFormats = (): Formats =>
  (formats ??= new Formats({
    serializer: [Serializer.json, Serializer.msgpack, binary],
    compressor: knownCompressors(),
    cipher: undefined
  }))
