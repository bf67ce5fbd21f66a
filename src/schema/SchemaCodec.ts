/** Values of a schema as they are stored. A codec is compiled once for each schema. */
import type { Schema } from "effect"
import { Formats, type FormatOptions } from "./Formats.ts"
import { schemaForms } from "./schemaForms.ts"
import { schemaReader } from "./schemaReader.ts"
import { schemaWriter } from "./schemaWriter.ts"
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
