/** Compressors: from Node's zlib, and LZ4. */
import { createRequire } from "node:module"
import * as zlib from "node:zlib"
import { CacheInputError } from "./CacheError.ts"

export interface Compressor {
  /** The name of the format in what is stored: a letter, then up to 31 letters, digits, `.`, `_` or `-`. */
  readonly id: string
  /** The size in bytes from which payloads are compressed. Smaller ones are stored as they are. */
  readonly threshold: number
  /**
   * Compresses a payload. The cache calls it for payloads of `threshold` bytes or more, and keeps the result only if it is
   * smaller.
   */
  readonly compress: (bytes: Uint8Array) => Uint8Array
  /** Returns what `compress` was given. It throws where the bytes are damaged, or would become more than `maxBytes`. */
  readonly decompress: (bytes: Uint8Array, maxBytes: number) => Uint8Array
}

interface SizeOptions {
  /** Bytes from which on a payload is compressed. Default 1 024. */
  readonly threshold?: number | undefined
}

interface Options extends SizeOptions {
  /** How hard it tries: a whole number, whose bounds and default each compressor has of its own. */
  readonly level?: number | undefined
}

interface Algorithm {
  readonly id: string
  readonly levels?: readonly [least: number, most: number]
  readonly compress: (bytes: Uint8Array) => Uint8Array
  readonly decompress: (bytes: Uint8Array, maxBytes: number) => Uint8Array
}

const make = (
  { compress, decompress, id, levels: [least, most] = [0, 0] }: Algorithm,
  { level = least, threshold = 1024 }: Options = {}
): Compressor => {
  const refuse = (reason: string) => new CacheInputError({ operation: `Compressor.${id}`, reason })
  if (!(threshold >= 0)) throw refuse("threshold must be a number of bytes, 0 or more")
  if (!(Number.isInteger(level) && level >= least && level <= most)) {
    throw refuse(`level must be an integer from ${least} to ${most}`)
  }
  return { id, threshold, compress, decompress }
}

const levelOf = (level: number | undefined) => (level === undefined ? {} : { level })

const { constants } = zlib

/** Native code: a package of its own, which only programs that ask for it install. */
const lz4Library = (): typeof import("lz4-napi") => {
  try {
    // Neither a bundler nor a platform without a binary gets in the way before it is asked for.
    return createRequire(import.meta.url)("lz4-napi")
  } catch {
    throw new CacheInputError({
      operation: "Compressor.lz4",
      reason:
        "the package lz4-napi cannot be loaded: install it with `npm install lz4-napi`, exclude it from bundles, and check that it has a binary for this platform"
    })
  }
}

const lz4 = (options?: SizeOptions): Compressor => {
  const { compressSync, uncompressSync } = lz4Library()
  return make(
    {
      id: "lz4",
      compress: (bytes) => compressSync(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)),
      decompress: (bytes, maxBytes) => {
        const size = bytes.length < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true)
        if (size > maxBytes) throw Object.assign(new RangeError("too large"), { code: "ERR_BUFFER_TOO_LARGE" })
        return uncompressSync(bytes)
      }
    },
    options
  )
}

/**
 * The compressors. Each compresses payloads from `threshold` on, and keeps the result only if it is smaller. Bad options throw a
 * `CacheInputError`.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService, Compressor } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   yield* cache.set("page", "tea ".repeat(10_000))
 *   console.log(yield* cache.client.send("STRLEN", [cache.makeKey("page")]))
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => 40002
 * Effect.runSync(Effect.provide(program, CacheMemory.layer({ compressor: Compressor.gzip() })))
 * // => 93
 * ```
 *
 * @since 0.2.0
 * @category formats
 * @see docs/values.md
 */
export const Compressor = {
  /** Zstandard, which is the best in most cases. Its level is 1 to 22. Default: 3. */
  zstd: (options?: Options): Compressor => {
    const params = options?.level === undefined ? {} : { [constants.ZSTD_c_compressionLevel]: options.level }
    return make(
      {
        id: "zstd",
        levels: [1, 22],
        compress: (bytes) => zlib.zstdCompressSync(bytes, { params }),
        decompress: (bytes, maxOutputLength) => zlib.zstdDecompressSync(bytes, { maxOutputLength })
      },
      options
    )
  },
  /**
   * LZ4, which is the fastest, with the largest results. It has no levels. It needs the package `lz4-napi`, and throws a
   * `CacheInputError` where that cannot be loaded.
   */
  lz4,
  /** gzip. Its level is 0 to 9. Default: 6. */
  gzip: (options?: Options): Compressor =>
    make(
      {
        id: "gzip",
        levels: [0, 9],
        compress: (bytes) => zlib.gzipSync(bytes, levelOf(options?.level)),
        decompress: (bytes, maxOutputLength) => zlib.gunzipSync(bytes, { maxOutputLength })
      },
      options
    ),
  /** zlib, which is gzip with a shorter header. Its level is 0 to 9. Default: 6. */
  zlib: (options?: Options): Compressor =>
    make(
      {
        id: "zlib",
        levels: [0, 9],
        compress: (bytes) => zlib.deflateSync(bytes, levelOf(options?.level)),
        decompress: (bytes, maxOutputLength) => zlib.inflateSync(bytes, { maxOutputLength })
      },
      options
    ),
  /**
   * Brotli, which makes the smallest text and takes longest. Its level is 0 to 11. Default: 5, because Node's own default of 11
   * takes a hundred times as long.
   */
  brotli: (options?: Options): Compressor => {
    const params = { [constants.BROTLI_PARAM_QUALITY]: options?.level ?? 5 }
    return make(
      {
        id: "brotli",
        levels: [0, 11],
        compress: (bytes) => zlib.brotliCompressSync(bytes, { params }),
        decompress: (bytes, maxOutputLength) => zlib.brotliDecompressSync(bytes, { maxOutputLength })
      },
      options
    )
  }
}

export declare namespace Compressor {
  export type { Options, SizeOptions }
}
