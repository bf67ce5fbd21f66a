/** What the bytes of a stored value say to a reader who has no schema and no key of a cipher. */
import { Compressor } from "../../schema/Compressor.ts"
import { Formats } from "../../schema/Formats.ts"
import { isFramed, type Timing } from "../../schema/frame.ts"
import { decodeMsgPack } from "../../schema/msgPack.ts"
import { Serializer } from "../../schema/Serializer.ts"
import { utf8Text } from "../../schema/utf8Text.ts"

export interface StoredForm {
  /** The name of the format, as the header has it; `"json"` or `"text"` and `"bytes"` without a header; `"claim"` where there is no value yet. */
  readonly format: string
  readonly timing: Timing | undefined
  /** Somebody made it stale before its time. */
  readonly isMarkedStale: boolean
  /** Until when a process looks the value up; undefined where none does. */
  readonly claimedUntil: number | undefined
  /** JSON with two spaces, text as it is, or hex. */
  readonly shownAs: "json" | "text" | "hex" | "nothing"
  readonly text: string
  /** Why the value is not shown as what it is. */
  readonly reason: string | undefined
}

/** LZ4 is a package of its own, and may be missing. */
const compressors = (): ReadonlyArray<Compressor> => {
  const own = [Compressor.zstd(), Compressor.gzip(), Compressor.zlib(), Compressor.brotli()]
  try {
    return [...own, Compressor.lz4()]
  } catch {
    return own
  }
}

/** SchemaBinary is no use without the schema, and so is named and shown as bytes. */
const binary: Serializer = { id: Serializer.binary.id, encode: () => "", decode: (bytes) => bytes }

let known: Formats | undefined
const formats = (): Formats =>
  (known ??= new Formats({
    serializer: [Serializer.json, Serializer.msgpack, binary],
    compressor: compressors(),
    cipher: undefined
  }))

/** Decodes what can be decoded. It does not throw. */
export const storedForm = (stored: Buffer, final: string): StoredForm => {
  if (!isFramed(stored)) return plainForm(stored)
  try {
    const header = formats().header(stored)
    if (header === undefined) return plainForm(stored)
    const { claim, format, mark, timing } = header
    const form = { timing, isMarkedStale: mark !== undefined, claimedUntil: claim?.until }
    if (format === "") return { ...form, ...nothing, format: "claim" }
    if (format.includes("#")) return { ...form, format, ...asHex(stored.subarray(header.length), encrypted) }
    try {
      const { payload, serializer } = formats().open(stored, header, { final })
      return { ...form, format, ...decoded(serializer.id, Buffer.from(payload)) }
    } catch (error) {
      return { ...form, format, ...asHex(stored.subarray(header.length), messageOf(error)) }
    }
  } catch (error) {
    return { ...untimed, format: "bytes", ...asHex(stored, messageOf(error)) }
  }
}

type Shown = Pick<StoredForm, "shownAs" | "text" | "reason">

const untimed = { timing: undefined, isMarkedStale: false, claimedUntil: undefined }
const nothing: Shown = { shownAs: "nothing", text: "", reason: "A process is looking the value up." }

const encrypted = "The value is encrypted, and the key is not known here."

/** Errors of formats name types and formats, never what is in the value. */
const messageOf = (error: unknown): string => (error instanceof Error ? `${error.message}.` : "It cannot be decoded.")

const plainForm = (stored: Buffer): StoredForm => {
  const shown = decoded(Serializer.json.id, stored)
  const format = shown.shownAs === "hex" ? "bytes" : shown.shownAs
  return { ...untimed, format, ...shown, reason: undefined }
}

const decoded = (serializer: string, payload: Buffer): Shown => {
  if (serializer === Serializer.binary.id) return asHex(payload, "SchemaBinary cannot be read without its schema.")
  try {
    if (serializer === Serializer.msgpack.id) return asJson(toJson(decodeMsgPack(payload)))
    return asJson(Serializer.json.decode(payload))
  } catch (error) {
    return asText(payload, messageOf(error))
  }
}

const asJson = (value: unknown): Shown => ({
  shownAs: "json",
  text: JSON.stringify(value, undefined, 2) ?? "null",
  reason: undefined
})

const asText = (payload: Buffer, reason: string): Shown => {
  const text = utf8Text(payload)
  return text === undefined ? asHex(payload, reason) : { shownAs: "text", text, reason }
}

const asHex = (payload: Buffer, reason: string): Shown => ({
  shownAs: "hex",
  text: payload.toString("hex"),
  reason
})

/** Values that JSON does not know, in words that a reader understands. */
const toJson = (value: unknown): unknown => {
  if (typeof value === "bigint") return `${value}n`
  if (typeof value === "number" && !Number.isFinite(value)) return String(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "an invalid date" : value.toISOString()
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString("hex")}`
  if (value instanceof Map) return [...value].map(([key, value]) => [toJson(key), toJson(value)])
  if (value instanceof Set) return [...value].map(toJson)
  if (Array.isArray(value)) return value.map(toJson)
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, value]) => [name, toJson(value)]))
  }
  return value
}
