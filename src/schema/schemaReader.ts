/** How values of a schema are read from what was serialised. */
import { Exit, type Schema } from "effect"
import { binaryRefusal } from "./binaryBounds.ts"
import { attempt, codecFailure } from "./codecFailures.ts"
import { type Formats, type Payload, toBytes } from "./Formats.ts"
import { isDigits } from "./numberText.ts"
import type { SchemaForms } from "./schemaForms.ts"
import { isBinary } from "./binarySerializer.ts"
import { deserialize, type EntryName, parse, takesText, type ValueForm } from "./ValueCodec.ts"
import { boundDigits } from "./ValueLimits.ts"

type Reader<S extends Schema.Constraint> = Pick<
  ValueForm<S["Type"], S["DecodingServices"], S["EncodingServices"]>,
  "deserialize" | "fromJson"
>

export const schemaReader = <S extends Schema.Constraint>(
  { facts, json, own }: SchemaForms<S>,
  { limits }: Formats
): Reader<S> => {
  /** The digits of a schema's integer, which are text in its JSON form. */
  const integerIn = (payload: Payload): string | undefined => {
    if (!facts.integer) return undefined
    const text = typeof payload === "string" ? payload : Buffer.from(payload).toString("latin1")
    return isDigits(text) ? text : undefined
  }

  const fromParsed = (entry: EntryName, payload: Payload, parsed: unknown) => {
    if (!facts.bigints) return json.decode(entry, parsed)
    const digits = attempt(entry, "decode", "the format", () => boundDigits(payload, limits))
    return Exit.isSuccess(digits) ? json.decode(entry, parsed) : Exit.failCause(digits.cause)
  }

  return {
    deserialize: (entry, serialized) => {
      const { payload, serializer } = serialized
      const form = own(serializer)
      if (form !== undefined) {
        const bytes = toBytes(payload)
        const refusal = isBinary(serializer) ? binaryRefusal(facts, bytes, limits) : undefined
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
  }
}
