/** Values of a schema as they are stored. A codec is compiled once for each schema. */
import type { Schema } from "effect"
import { type CacheOptions, usableFormat } from "./CacheOptions.ts"
import { Formats, type FormatOptions } from "./Formats.ts"
import { schemaForms } from "./schemaForms.ts"
import { schemaReader } from "./schemaReader.ts"
import { schemaWriter } from "./schemaWriter.ts"
import { isBinary } from "./binarySerializer.ts"
import { makeCodec, type ValueCodec } from "./ValueCodec.ts"

export interface SchemaCodec<S extends Schema.Constraint> extends ValueCodec<
  S["Type"],
  S["DecodingServices"],
  S["EncodingServices"]
> {}

/** The codecs of a schema, one for each set of options. */
export const schemaCodecs = <S extends Schema.Constraint>(schema: S): ((options: FormatOptions) => SchemaCodec<S>) => {
  const forms = schemaForms(schema)
  return (options) => {
    const formats = new Formats(options)
    return makeCodec(formats, { serialize: schemaWriter(forms, formats), ...schemaReader(forms, formats) })
  }
}

/** The codec of failures of the schema. */
export const failureCodec = <S extends Schema.Constraint>(schema: S, options: FormatOptions): SchemaCodec<S> => {
  const forms = schemaForms(schema)
  const formats = new Formats(options).failures
  return makeCodec(formats, { serialize: schemaWriter(forms, formats), ...schemaReader(forms, formats) })
}

/** Why no value of the schema can be stored, where that can be told without a value; undefined where it cannot. */
export const schemaRefusal = (schema: Schema.Constraint, options: CacheOptions): string | undefined => {
  const { json, own } = schemaForms(schema)
  const { writer } = new Formats(usableFormat(options))
  const form = own(writer)
  // What SchemaBinary has no form of is stored through JSON.
  if (form?.exists || (json.exists && (form === undefined || isBinary(writer)))) return undefined
  return `the schema cannot be encoded as ${form === undefined ? "JSON" : writer.id}`
}
