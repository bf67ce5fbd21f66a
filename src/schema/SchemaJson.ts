/** Stored values of a schema as JSON and back, for tools that have bytes in place of a type. */
import { isDeepStrictEqual } from "node:util"
import { Effect, type Schema } from "effect"
import type { FormatOptions } from "./Formats.ts"
import type { Stored } from "./frame.ts"
import { schemaCodecs } from "./SchemaCodec.ts"
import { schemaForms } from "./schemaForms.ts"
import type { CodecError, EntryName } from "./ValueCodec.ts"

/**
 * A value in the JSON form of its schema.
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/admin.md
 */
export interface ValueJson {
  /** The value as its schema encodes it for JSON. */
  readonly json: unknown
  /** Whether the same value comes back of it. */
  readonly isWhole: boolean
}

export interface SchemaJson<S extends Schema.Constraint> {
  readonly read: (
    entry: EntryName,
    stored: Stored
  ) => Effect.Effect<ValueJson, CodecError, S["DecodingServices"] | S["EncodingServices"]>
  /** Until when it is fresh and its tags are those of what it takes the place of; its claim and its mark of staleness are left out. */
  readonly write: (
    entry: EntryName,
    json: unknown,
    inPlaceOf: Stored
  ) => Effect.Effect<Stored, CodecError, S["DecodingServices"] | S["EncodingServices"]>
}

export const schemaJson = <S extends Schema.Constraint>(schema: S, options: FormatOptions): SchemaJson<S> => {
  const { json } = schemaForms(schema)
  const codec = schemaCodecs(schema)(options)
  return {
    read: (entry, stored) =>
      Effect.gen(function* () {
        const value = yield* codec.decode(entry, stored, yield* codec.header(entry, stored))
        const encoded = yield* json.encode(entry, value)
        const text: unknown = JSON.parse(JSON.stringify(encoded))
        return { json: encoded, isWhole: isDeepStrictEqual(yield* json.decode(entry, text), value) }
      }),
    write: (entry, typed, inPlaceOf) =>
      Effect.gen(function* () {
        const header = yield* codec.header(entry, inPlaceOf)
        return yield* codec.encode(entry, yield* json.decode(entry, typed), header?.timing, header?.tags)
      })
  }
}
