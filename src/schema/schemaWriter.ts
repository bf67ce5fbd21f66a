/** How values of a schema are serialised: in the serializer's own form, through JSON, or as numbers that the server can count. */
import { Effect, Exit, type Schema } from "effect"
import { hasLoneSurrogate, lostText, mayHaveLostText } from "./alteration.ts"
import { fitsBinary, isBoundedBinary, maxBinaryDepth, shallowBytes } from "./binaryBounds.ts"
import { attempt, codecFailure } from "./codecFailures.ts"
import type { Formats, Serialized } from "./Formats.ts"
import type { SchemaForm, SchemaForms } from "./schemaForms.ts"
import { isBinary } from "./binarySerializer.ts"
import { numbers } from "./jsonSerializer.ts"
import type { Serializer } from "./Serializer.ts"
import { type CodecError, type EntryName, isNumber, serialize, type ValueForm } from "./ValueCodec.ts"
import { boundDigits, isDeeper } from "./ValueLimits.ts"

type Writer<S extends Schema.Constraint> = ValueForm<
  S["Type"],
  S["DecodingServices"],
  S["EncodingServices"]
>["serialize"]

export const schemaWriter = <S extends Schema.Constraint>(
  { facts, json, own, toJson }: SchemaForms<S>,
  { bounded, limits, writer }: Formats
): Writer<S> => {
  const bound = (entry: EntryName, serialized: Serialized) =>
    attempt(entry, "encode", "the format", () => {
      boundDigits(serialized.payload, limits)
      return serialized
    })

  const encoded = (entry: EntryName, serializer: Serializer, value: unknown): Exit.Exit<Serialized, CodecError> => {
    const serialized = facts.integer && isCanonical(value) ? digits(value) : serialize(entry, serializer, value, limits)
    return facts.bigints && Exit.isSuccess(serialized) ? bound(entry, serialized.value) : serialized
  }

  const viaJson =
    (serializer: Serializer): Writer<S> =>
    (entry, value) =>
      Effect.flatMapEager(toJson(entry, value), (encodedJson) => encoded(entry, serializer, encodedJson))

  /** What text was lost, and how deep the value is, can be seen in its JSON form. */
  const viaOwn = ({ encode }: SchemaForm<S, Uint8Array>, isFit: (payload: Uint8Array) => boolean): Writer<S> => {
    const otherwise = viaJson(bounded)
    return (entry, value) =>
      Effect.flatMapEager(encode(entry, value), (payload) => {
        if (!isFit(payload)) return otherwise(entry, value)
        const serialized = Exit.succeed({ serializer: writer, payload })
        const mayBeDeep = facts.recursive && payload.length > shallowBytes
        if (!mayBeDeep && !mayHaveLostText(payload)) return serialized
        return Effect.flatMapEager(json.encode(entry, value), (encodedJson) => {
          if (hasLoneSurrogate(encodedJson)) return Exit.fail(codecFailure(entry, "encode", lostText(writer.id)))
          return mayBeDeep && isDeeper(encodedJson, maxBinaryDepth) ? otherwise(entry, value) : serialized
        })
      })
  }

  const form = own(writer)
  if (form === undefined) return viaJson(writer)
  // Where SchemaBinary has no form of the schema, or none that can be bounded.
  const write =
    isBinary(writer) && !(form.exists && fitsBinary(facts, limits))
      ? viaJson(bounded)
      : viaOwn(form, (payload) => !isBinary(writer) || isBoundedBinary(payload, limits))
  return (entry, value) => {
    if (!isNumber(value) && !(typeof value === "bigint" && facts.integer)) return write(entry, value)
    // What is a number in JSON, too, stays countable.
    return Effect.flatMapEager(toJson(entry, value), (encodedJson) =>
      isNumber(encodedJson) || facts.integer ? encoded(entry, writer, encodedJson) : write(entry, value)
    )
  }
}

/** Whether the text is digits as a bigint gives them: without a leading zero, which would not come back. */
const isCanonical = (value: unknown): value is string => typeof value === "string" && /^(?:0|-?[1-9]\d*)$/.test(value)

const digits = (payload: string): Exit.Exit<Serialized> => Exit.succeed({ serializer: numbers, payload })
