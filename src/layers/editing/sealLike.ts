/** Encodes JSON that a visitor has typed in the format of the value that it replaces. */
import { Effect } from "effect"
import { Formats } from "../../schema/Formats.ts"
import { type Header, isFramed, type Stored } from "../../schema/frame.ts"
import { isNumberText } from "../../schema/numberText.ts"
import { numbers } from "../../schema/jsonSerializer.ts"
import { Serializer } from "../../schema/Serializer.ts"
import { knownCompressors, knownFormats } from "../inspection/knownFormats.ts"
import { needsSchema, storedForm } from "../inspection/storedForm.ts"
import { EditRefused } from "./EditRefused.ts"

const refuse = (reason: string) => Effect.fail(new EditRefused({ reason }))

const isPlainNumber = (stored: Buffer): boolean => stored.length < 500 && isNumberText(stored.toString())

/**
 * The new value keeps the serializer, the compressor, the tags, and the instant until which it is fresh. It keeps no mark of staleness
 * and no claim: a process that looks the value up finds that it has changed, and does not store over it. `bySchema` encodes values of
 * a format that needs a schema.
 */
export const sealLike = (
  stored: Buffer,
  json: string,
  bySchema?: (json: unknown, inPlaceOf: Buffer) => Effect.Effect<Stored, EditRefused>
): Effect.Effect<Stored, EditRefused> =>
  Effect.suspend(() => {
    const typed = storedForm(Buffer.from(json), "")
    if (typed.shownAs !== "json") return refuse('The text is not JSON. Text needs its own quotes: "text".')
    if (typed.said !== "json") return refuse("It contains a number that would be rounded.")
    const value: unknown = JSON.parse(json)
    if (bySchema !== undefined && needsSchema(storedForm(stored, ""))) return bySchema(value, stored)
    // Caches of every format count with plain digits. Whether such a cache can read anything else is not known here.
    if (isPlainNumber(stored) && typeof value !== "number") return refuse("Only a number can replace a number.")
    return Effect.try({
      try: () => sealed(value, isFramed(stored) ? knownFormats().header(stored) : undefined),
      catch: (error) =>
        new EditRefused({ reason: error instanceof Error ? `${error.message}.` : "It cannot be stored." })
    })
  })

const sealed = (value: unknown, header: Header | undefined): Stored => {
  const [id = "", compressorId] = (header?.format ?? "").split(">")
  const serializer = id === Serializer.msgpack.id ? Serializer.msgpack : Serializer.json
  const compressor = knownCompressors().find(({ id }) => id === compressorId)
  const work = typeof value === "number" ? numbers : serializer
  return new Formats({ serializer, compressor, cipher: undefined }).seal(
    { serializer: work, payload: work.encode(value) },
    { final: "" },
    header?.timing,
    header?.tags
  )
}

/** An element whose format a new neighbour can take; undefined if none of the elements can be decoded. */
export const pattern = (neighbours: ReadonlyArray<Buffer>): Buffer | undefined => {
  const readable = neighbours.filter((stored) => storedForm(stored, "").said !== "not")
  return readable.find((stored) => !isPlainNumber(stored)) ?? readable[0]
}
