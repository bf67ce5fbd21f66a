/** A schema in the forms of the formats: in JSON, and in those that are derived from schemas themselves. */
import { Effect, type Equivalence, Schema, SchemaAST } from "effect"
import * as SchemaJITCompiler from "effect/schema/SchemaJITCompiler"
import { otherMember } from "./ambiguity.ts"
import { attempt, bySchema } from "./codecFailures.ts"
import { refused } from "./failures.ts"
import { factsOf, noFacts, propertyNames, type SchemaFacts } from "./schemaFacts.ts"
import type { Serializer } from "./Serializer.ts"
import type { CodecError, EntryName } from "./ValueCodec.ts"

/** A schema in the form of one format. */
export interface SchemaForm<S extends Schema.Constraint, Encoded> {
  readonly encode: (entry: EntryName, value: S["Type"]) => Effect.Effect<Encoded, CodecError, S["EncodingServices"]>
  readonly decode: (entry: EntryName, encoded: unknown) => Effect.Effect<S["Type"], CodecError, S["DecodingServices"]>
  /** Whether there is one; where not, its methods fail. */
  readonly exists: boolean
}

export interface SchemaForms<S extends Schema.Constraint> {
  readonly facts: SchemaFacts
  readonly json: SchemaForm<S, unknown>
  /** As `json.encode`, and refuses a value of which JSON would give another one back. */
  readonly toJson: SchemaForm<S, unknown>["encode"]
  /** The serializer's own form, compiled when first asked for; undefined where it holds the JSON form. */
  readonly own: (serializer: Serializer) => SchemaForm<S, Uint8Array> | undefined
}

type Derived<S extends Schema.Constraint, Encoded> = Schema.Codec<
  S["Type"],
  Encoded,
  S["DecodingServices"],
  S["EncodingServices"]
>

export const schemaForms = <S extends Schema.Constraint>(schema: S): SchemaForms<S> => {
  const codec = derivedBy((): Derived<S, unknown> => Schema.toCodecJson(schema))
  const json = compiled<S, unknown>("JSON", codec)
  const facts = codec === undefined ? noFacts : factsOf(codec.ast)

  let equivalence: Equivalence.Equivalence<S["Type"]> | undefined
  const readBack: typeof json.encode = (entry, value) =>
    Effect.flatMapEager(json.encode(entry, value), (encoded) => {
      // Where reading needs services, it finds them if the caller has them; where not, the value is refused.
      const reading = json.decode(entry, encoded) as Effect.Effect<S["Type"], CodecError>
      return Effect.flatMapEager(reading, (read) =>
        attempt(entry, "encode", "the schema's equivalence", () => {
          equivalence ??= Schema.toEquivalence(Schema.make<Schema.Schema<S["Type"]>>(schema.ast))
          if (!equivalence(value, read)) throw otherMember(value, read, propertyNames(schema.ast))
          return encoded
        })
      )
    })

  const forms = new Map<Serializer, SchemaForm<S, Uint8Array>>()
  const own: SchemaForms<S>["own"] = (serializer) => {
    const { forSchema, id } = serializer
    const known = forms.get(serializer)
    if (known !== undefined || forSchema === undefined) return known
    const made = compiled<S, Uint8Array>(
      id,
      derivedBy(() => forSchema(schema))
    )
    forms.set(serializer, made)
    return made
  }

  return { facts, json, toJson: facts.ambiguous ? readBack : json.encode, own }
}

/** Undefined where the format has no form of the schema, for which Effect throws. */
const derivedBy = <A>(derive: () => A): A | undefined => {
  try {
    return derive()
  } catch {
    return undefined
  }
}

/** Generated code where the platform allows it, the interpreter elsewhere. */
const compiled = <S extends Schema.Constraint, Encoded>(
  format: string,
  codec: Derived<S, Encoded> | undefined
): SchemaForm<S, Encoded> => {
  if (codec === undefined) {
    const unfit = ({ operation }: EntryName) => refused(operation, `the schema cannot be encoded as ${format}`)
    return { encode: unfit, decode: unfit, exists: false }
  }
  const { ast } = codec
  SchemaJITCompiler.enable(ast)
  SchemaJITCompiler.enable(SchemaAST.flip(ast))
  const encode = Schema.encodeEffect(codec)
  const decode = Schema.decodeUnknownEffect(codec)
  return {
    encode: (entry, value) => bySchema(entry, "encode", ast, () => encode(value)),
    decode: (entry, encoded) => bySchema(entry, "decode", ast, () => decode(encoded)),
    exists: true
  }
}
