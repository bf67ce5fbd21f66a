/** Serializers: values to bytes or text, and back. */
import type { Schema } from "effect"
import * as SchemaBinary from "effect/encoding/SchemaBinary"
import { type BinarySerializer, standIn } from "./binarySerializer.ts"
import { FormatError } from "./FormatError.ts"
import { type JsonSerializer, jsonSerializer } from "./jsonSerializer.ts"
import { decodeMsgPack, encodeMsgPack } from "./msgPack.ts"
import type { ValueLimits } from "./ValueLimits.ts"

/**
 * How values become bytes or text, and values again. `Serializer.json` is the default of a cache.
 *
 * @example
 * ```ts
 * import { Effect, Option } from "effect"
 * import { CacheMemory, CacheService, Serializer } from "effect-vcache"
 *
 * // MessagePack keeps what JSON would change. Values that JSON has stored before are still read.
 * const cache = CacheMemory.layer({ serializer: [Serializer.msgpack, Serializer.json] })
 * const program = CacheService.use((cache) => Effect.andThen(cache.set("at", new Date(0)), cache.get("at")))
 * console.log(Option.getOrNull(Effect.runSync(Effect.provide(program, cache))))
 * // => 1970-01-01T00:00:00.000Z
 * ```
 *
 * @since 0.2.0
 * @category formats
 * @see docs/values.md
 */
export interface Serializer {
  /** The name of the format in what is stored: a letter, then up to 31 letters, digits, `.`, `_` or `-`. */
  readonly id: string
  /**
   * Returns the value as text or bytes. It throws where the format cannot hold the value unchanged, or where the value is above
   * the cache's limits.
   */
  readonly encode: (value: unknown, limits?: ValueLimits) => Uint8Array | string
  /** Returns the value. It throws where the bytes are not of this format, or would become more than the cache's limits allow. */
  readonly decode: (bytes: Uint8Array, limits?: ValueLimits) => unknown
  /**
   * Returns a codec for a schema, for formats that are derived from schemas: `withSchema` uses it in place of encoding by the
   * schema first.
   */
  readonly forSchema?: <S extends Schema.Constraint>(
    schema: S
  ) => Schema.Codec<S["Type"], Uint8Array, S["DecodingServices"], S["EncodingServices"]>
}

/** Of a format that is made from a schema; a cache without one refuses it before this is called. */
const needsSchema = (): never => {
  throw new FormatError("Serializer.binary needs a schema: use withSchema")
}

const msgpack: Serializer = { id: "msgpack", encode: encodeMsgPack, decode: decodeMsgPack }

const binary: BinarySerializer = {
  id: "binary",
  encode: needsSchema,
  decode: needsSchema,
  forSchema: (schema) => SchemaBinary.toCodec(schema),
  [standIn]: msgpack
}

export const Serializer: {
  /** Plain JSON text, readable by any other client. A value that JSON would change is refused, not altered. */
  readonly json: JsonSerializer
  /**
   * MessagePack, which also holds bytes, Date, Map, Set, bigint, NaN and the infinities. A value that it would change is refused.
   */
  readonly msgpack: Serializer
  /**
   * Effect's SchemaBinary, which is smallest and fastest. It needs a cache with a schema, and fails with `CacheInputError` without
   * one.
   */
  readonly binary: Serializer
} = {
  json: jsonSerializer,
  msgpack,
  binary
}
