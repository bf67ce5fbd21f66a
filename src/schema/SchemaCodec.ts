/** Values of a schema as they are stored. A codec is compiled once for each schema. */
import { Effect, type Equivalence, Exit, Schema, SchemaAST } from "effect"
import { SchemaJITCompiler } from "effect/schema"
import { hasLoneSurrogate, lostText, mayHaveLostText } from "./alteration.ts"
import { otherMember } from "./ambiguity.ts"
import { binaryRefusal, fitsBinary, isBoundedBinary, maxBinaryDepth, shallowBytes } from "./binaryBounds.ts"
import { attempt, bySchema, codecFailure } from "./codecFailures.ts"
import { refused } from "./failures.ts"
import { Formats, type FormatOptions, type Payload, type Serialized, toBytes } from "./Formats.ts"
import { factsOf, propertyNames, type SchemaFacts } from "./schemaFacts.ts"
import { isDigits } from "./numberText.ts"
import { numbers, Serializer } from "./Serializer.ts"
import {
  type CodecError,
  deserialize,
  type EntryName,
  isNumber,
  makeCodec,
  parse,
  serialize,
  takesText,
  type ValueCodec
} from "./ValueCodec.ts"
import { boundDigits, isDeeper } from "./ValueLimits.ts"

export interface SchemaCodec<S extends Schema.Constraint> extends ValueCodec<
  S["Type"],
  S["DecodingServices"],
  S["EncodingServices"]
> {}

/** A schema in the form of one format. */
interface Compiled<S extends Schema.Constraint, Encoded> {
  readonly encode: (entry: EntryName, value: S["Type"]) => Effect.Effect<Encoded, CodecError, S["EncodingServices"]>
  readonly decode: (entry: EntryName, encoded: unknown) => Effect.Effect<S["Type"], CodecError, S["DecodingServices"]>
  /** Whether there is one; where not, its methods fail. */
  readonly exists: boolean
  readonly ast: SchemaAST.AST
  readonly facts: SchemaFacts
}

/** Generated code where the platform allows it, the interpreter elsewhere. A schema without such a form fails the operations. */
const compile = <S extends Schema.Constraint, Encoded>(
  schema: S,
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
      decode: (entry, encoded) => bySchema(entry, "decode", ast, () => decode(encoded)),
      exists: true,
      ast,
      facts: factsOf(ast)
    }
  } catch {
    const unfit = ({ operation }: EntryName) => refused(operation, `the schema has no form in ${format}`)
    return { encode: unfit, decode: unfit, exists: false, ast: schema.ast, facts: noFacts }
  }
}

const noFacts: SchemaFacts = {
  integer: false,
  recursive: false,
  bigints: false,
  untyped: false,
  emptyItems: false,
  ambiguous: false
}

/** Whether the text is digits as a bigint gives them: without a leading zero, which would not come back. */
const isCanonical = (value: unknown): value is string => typeof value === "string" && /^(?:0|-?[1-9]\d*)$/.test(value)

const digits = (payload: string): Exit.Exit<Serialized> => Exit.succeed({ serializer: numbers, payload })

/** The codecs of a schema, one for each set of options: compiled when first asked for. */
export const schemaCodecs = <S extends Schema.Constraint>(schema: S): ((options: FormatOptions) => SchemaCodec<S>) => {
  const json = compile<S, unknown>(schema, "JSON", () => Schema.toCodecJson(schema))

  let equivalence: Equivalence.Equivalence<S["Type"]> | undefined
  /** The value's JSON form, from which the same value is read again. */
  const toJson: typeof json.encode = (entry, value) => {
    const encoding = json.encode(entry, value)
    if (!json.facts.ambiguous) return encoding
    return Effect.flatMapEager(encoding, (encoded) => {
      // Where reading needs services, it finds them if the caller has them; where not, the value is refused.
      const reading = json.decode(entry, encoded) as Effect.Effect<S["Type"], CodecError>
      return Effect.flatMapEager(reading, (read) =>
        attempt(entry, "encode", "the schema's equivalence", () => {
          equivalence ??= Schema.toEquivalence(Schema.make<Schema.Schema<S["Type"]>>(schema.ast))
          if (!equivalence(value, read)) throw otherMember(value, read, propertyNames(json.ast))
          return encoded
        })
      )
    })
  }

  const derived = new Map<Serializer, Compiled<S, Uint8Array>>()
  /** The schema in the serializer's own form; undefined where it goes through JSON. */
  const derivedFrom = (serializer: Serializer) => {
    const { forSchema, id } = serializer
    const known = derived.get(serializer)
    if (known !== undefined || forSchema === undefined) return known
    const made = compile<S, Uint8Array>(schema, id, () => forSchema(schema))
    derived.set(serializer, made)
    return made
  }

  return (options) => {
    const formats = new Formats(options)
    const { bounded, limits, writer } = formats
    type Serializing = Effect.Effect<Serialized, CodecError, S["EncodingServices"]>

    const encoded = (entry: EntryName, serializer: Serializer, value: unknown): Exit.Exit<Serialized, CodecError> => {
      const serialized =
        json.facts.integer && isCanonical(value) ? digits(value) : serialize(entry, serializer, value, limits)
      return json.facts.bigints && Exit.isSuccess(serialized) ? boundedDigits(entry, serialized.value) : serialized
    }
    const boundedDigits = (entry: EntryName, serialized: Serialized) =>
      attempt(entry, "encode", "the format", () => {
        boundDigits(serialized.payload, limits)
        return serialized
      })
    const viaJson = (entry: EntryName, serializer: Serializer, value: S["Type"]): Serializing =>
      Effect.flatMapEager(toJson(entry, value), (encodedJson) => encoded(entry, serializer, encodedJson))

    const isBinary = writer === Serializer.binary
    /** In the serializer's own form, or where SchemaBinary has none, or none that can be bounded, through JSON. */
    const viaOwnForm =
      (form: Compiled<S, Uint8Array>) =>
      (entry: EntryName, value: S["Type"]): Serializing => {
        if (isBinary && !(form.exists && fitsBinary(json.facts, limits))) return viaJson(entry, bounded, value)
        return Effect.flatMapEager(form.encode(entry, value), (payload): Serializing => {
          if (isBinary && !isBoundedBinary(payload, limits)) return viaJson(entry, bounded, value)
          const serialized = { serializer: writer, payload }
          const mayBeDeep = json.facts.recursive && payload.length > shallowBytes
          if (!mayBeDeep && !mayHaveLostText(payload)) return Exit.succeed(serialized)
          return Effect.flatMapEager(json.encode(entry, value), (encodedJson): Serializing => {
            if (hasLoneSurrogate(encodedJson)) return Exit.fail(codecFailure(entry, "encode", lostText(writer.id)))
            return mayBeDeep && isDeeper(encodedJson, maxBinaryDepth)
              ? viaJson(entry, bounded, value)
              : Exit.succeed(serialized)
          })
        })
      }
    const ownForm = derivedFrom(writer)
    const viaOwn = ownForm === undefined ? undefined : viaOwnForm(ownForm)

    /** The digits of a schema's integer, which are text in its JSON form. */
    const integerIn = (payload: Payload): string | undefined => {
      if (!json.facts.integer) return undefined
      const text = typeof payload === "string" ? payload : Buffer.from(payload).toString("latin1")
      return isDigits(text) ? text : undefined
    }

    const fromParsed = (entry: EntryName, payload: Payload, parsed: unknown) => {
      if (json.facts.bigints) {
        const digits = attempt(entry, "decode", "the format", () => boundDigits(payload, limits))
        if (!Exit.isSuccess(digits)) return Exit.failCause(digits.cause)
      }
      return json.decode(entry, parsed)
    }

    return makeCodec(formats, {
      serialize: (entry, value) => {
        if (viaOwn === undefined) return viaJson(entry, writer, value)
        if (!isNumber(value) && !(typeof value === "bigint" && json.facts.integer)) return viaOwn(entry, value)
        // What is a number in JSON, too, stays countable.
        return Effect.flatMapEager(toJson(entry, value), (encodedJson) =>
          isNumber(encodedJson) || json.facts.integer ? encoded(entry, writer, encodedJson) : viaOwn(entry, value)
        )
      },
      deserialize: (entry, serialized) => {
        const { payload, serializer } = serialized
        const form = derivedFrom(serializer)
        if (form !== undefined) {
          const bytes = toBytes(payload)
          const refusal = serializer === Serializer.binary ? binaryRefusal(json.facts, bytes, limits) : undefined
          return refusal === undefined ? form.decode(entry, bytes) : Exit.fail(codecFailure(entry, "decode", refusal))
        }
        const integer = takesText(serializer) ? integerIn(payload) : undefined
        if (integer !== undefined) return fromParsed(entry, payload, integer)
        const parsed = deserialize(entry, serialized, limits)
        return Exit.isSuccess(parsed) ? fromParsed(entry, payload, parsed.value) : Exit.failCause(parsed.cause)
      },
      fromJson: (entry, text) => {
        const integer = integerIn(text)
        if (integer !== undefined) return fromParsed(entry, text, integer)
        const parsed = parse(entry, text, limits)
        return Exit.isSuccess(parsed) ? fromParsed(entry, text, parsed.value) : Exit.failCause(parsed.cause)
      }
    })
  }
}
