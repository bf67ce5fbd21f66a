/** Values of a schema as they are stored. A codec is compiled once for each schema. */
import { Effect, Exit, Schema, SchemaAST } from "effect"
import { SchemaJITCompiler } from "effect/schema"
import { hasLoneSurrogate, lostText, mayHaveLostText } from "./alteration.ts"
import { bySchema, codecFailure } from "./codecFailures.ts"
import { refused } from "./failures.ts"
import { Formats, type FormatOptions, type Serialized, toBytes } from "./Formats.ts"
import type { Serializer } from "./Serializer.ts"
import {
  type CodecError,
  deserialize,
  type EntryName,
  integerText,
  isInteger,
  makeCodec,
  parse,
  serialize,
  type ValueCodec
} from "./ValueCodec.ts"

export interface SchemaCodec<S extends Schema.Constraint> extends ValueCodec<
  S["Type"],
  S["DecodingServices"],
  S["EncodingServices"]
> {}

/** A schema in the form of one format. */
interface Compiled<S extends Schema.Constraint, Encoded> {
  readonly encode: (entry: EntryName, value: S["Type"]) => Effect.Effect<Encoded, CodecError, S["EncodingServices"]>
  readonly decode: (entry: EntryName, encoded: unknown) => Effect.Effect<S["Type"], CodecError, S["DecodingServices"]>
}

/** Generated code where the platform allows it, the interpreter elsewhere. A schema without such a form fails the operations. */
const compile = <S extends Schema.Constraint, Encoded>(
  format: string,
  derive: () => Schema.Codec<S["Type"], Encoded, S["DecodingServices"], S["EncodingServices"]>
): Compiled<S, Encoded> => {
  try {
    const codec = derive()
    const { ast } = codec
    SchemaJITCompiler.enable(ast)
    SchemaJITCompiler.enable(SchemaAST.flip(ast))
    const encode = Schema.encodeEffect(codec)
    const decode = Schema.decodeUnknownEffect(codec)
    return {
      encode: (entry, value) => bySchema(entry, "encode", ast, () => encode(value)),
      decode: (entry, encoded) => bySchema(entry, "decode", ast, () => decode(encoded))
    }
  } catch {
    const unfit = ({ operation }: EntryName) => refused(operation, `the schema has no form in ${format}`)
    return { encode: unfit, decode: unfit }
  }
}

/** The codecs of a schema, one for each set of options: compiled when first asked for. */
export const schemaCodecs = <S extends Schema.Constraint>(schema: S): ((options: FormatOptions) => SchemaCodec<S>) => {
  const json = compile<S, unknown>("JSON", () => Schema.toCodecJson(schema))
  const viaJson = (entry: EntryName, writer: Serializer, value: S["Type"]) =>
    Effect.flatMapEager(json.encode(entry, value), (encoded) => serialize(entry, writer, encoded))

  const derived = new Map<Serializer, Compiled<S, Uint8Array>>()
  const derivedFrom = (serializer: Serializer) => {
    const { forSchema, id } = serializer
    const known = derived.get(serializer)
    if (known !== undefined || forSchema === undefined) return known
    const made = compile<S, Uint8Array>(id, () => forSchema(schema))
    derived.set(serializer, made)
    return made
  }

  return (options) => {
    const formats = new Formats(options)
    const { writer } = formats
    const binary = derivedFrom(writer)
    const viaBinary =
      binary === undefined
        ? undefined
        : (entry: EntryName, value: S["Type"]) =>
            Effect.flatMapEager(
              binary.encode(entry, value),
              (payload): Effect.Effect<Serialized, CodecError, S["EncodingServices"]> => {
                const serialized = { serializer: writer, payload }
                if (!mayHaveLostText(payload)) return Exit.succeed(serialized)
                return Effect.flatMapEager(json.encode(entry, value), (encoded) =>
                  hasLoneSurrogate(encoded)
                    ? Exit.fail(codecFailure(entry, "encode", lostText(writer.id)))
                    : Exit.succeed(serialized)
                )
              }
            )
    return makeCodec(formats, {
      serialize: (entry, value) => {
        if (viaBinary === undefined) return viaJson(entry, writer, value)
        if (!isInteger(value)) return viaBinary(entry, value)
        // What is an integer in JSON, too, stays countable.
        return Effect.flatMapEager(json.encode(entry, value), (encoded) =>
          isInteger(encoded) ? integerText(entry, encoded) : viaBinary(entry, value)
        )
      },
      deserialize: (entry, serialized) => {
        const form = derivedFrom(serialized.serializer)
        if (form !== undefined) return form.decode(entry, toBytes(serialized.payload))
        return Effect.flatMapEager(deserialize(entry, serialized), (encoded) => json.decode(entry, encoded))
      },
      fromJson: (entry, text) => {
        const parsed = parse(entry, text)
        return Exit.isSuccess(parsed) ? json.decode(entry, parsed.value) : Exit.failCause(parsed.cause)
      }
    })
  }
}
