/** What the bytes of a stored value say to a reader who has no schema and no key of a cipher. */
import { isDeepStrictEqual } from "node:util"
import { failureSign, isFramed, isOfFailure, type Timing } from "../../schema/frame.ts"
import { decodeMsgPack } from "../../schema/msgPack.ts"
import { isDigits, isExact } from "../../schema/numberText.ts"
import { Serializer } from "../../schema/Serializer.ts"
import { tagsIn } from "../../schema/TagStamp.ts"
import { utf8Text } from "../../schema/utf8Text.ts"
import { knownFormats } from "./knownFormats.ts"

export interface StoredForm {
  /** The name of the format, as the header has it; `"json"` or `"text"` and `"bytes"` without a header; `"claim"` where there is no value yet. */
  readonly format: string
  readonly timing: Timing | undefined
  /** It is not a value, but the stored failure of a lookup. */
  readonly isFailure: boolean
  /** Somebody made it stale before its time. */
  readonly isMarkedStale: boolean
  /** Until when a process looks the value up; undefined where none does. */
  readonly claimedUntil: number | undefined
  /** The tags that the value bears, invalidated or not. */
  readonly tags: ReadonlyArray<string>
  /** JSON with two spaces, text as it is, or hex. */
  readonly shownAs: "json" | "text" | "hex" | "nothing"
  readonly text: string
  /**
   * - `"json"`: `text` says all of it, so that it can be edited as JSON
   * - `"partly"`: it was decoded, and holds what JSON would lose
   * - `"not"`: it cannot be decoded
   */
  readonly said: "json" | "partly" | "not"
  /** Why the value is not shown as what it is. */
  readonly reason: string | undefined
}

/** Whether the value cannot be read without its schema. */
export const needsSchema = ({ format, isFailure, said }: StoredForm): boolean =>
  said === "not" && !isFailure && format.split(">")[0] === Serializer.binary.id

/** Decodes what can be decoded. It does not throw. */
export const storedForm = (stored: Buffer, final: string): StoredForm => {
  if (!isFramed(stored)) return plainForm(stored)
  try {
    const header = knownFormats().header(stored)
    if (header === undefined) return plainForm(stored)
    const { claim, mark, tags, timing } = header
    const isFailure = isOfFailure(header)
    const format = isFailure ? header.format.slice(failureSign.length) : header.format
    const form = {
      timing,
      isFailure,
      isMarkedStale: mark !== undefined,
      claimedUntil: claim?.until,
      tags: tags === undefined ? [] : tagsIn(tags.names)
    }
    if (format === "") return { ...form, ...nothing, format: "claim" }
    if (format.includes("#")) return { ...form, format, ...asHex(stored.subarray(header.length), encrypted) }
    try {
      const readable = isFailure ? knownFormats().failures : knownFormats()
      const { payload, serializer } = readable.open(stored, header, { final })
      const shown = decoded(serializer.id, Buffer.from(payload))
      return { ...form, format, ...shown, ...(isFailure && shown.said === "json" ? failed : {}) }
    } catch (error) {
      return { ...form, format, ...asHex(stored.subarray(header.length), messageOf(error)) }
    }
  } catch (error) {
    return { ...untimed, format: "bytes", ...asHex(stored, messageOf(error)) }
  }
}

type Shown = Pick<StoredForm, "shownAs" | "text" | "said" | "reason">

const untimed = { timing: undefined, isFailure: false, isMarkedStale: false, claimedUntil: undefined, tags: [] }
const nothing: Shown = { shownAs: "nothing", text: "", said: "not", reason: "A process is looking the value up." }

/** A stored failure cannot be edited as a value. */
const failed = { said: "partly", reason: "It is not a value, but the stored failure of a lookup." } as const

const encrypted = "The value is encrypted, and the key is not known here."

/** Errors of formats name types and formats, never what is in the value. */
const messageOf = (error: unknown): string => (error instanceof Error ? `${error.message}.` : "It cannot be decoded.")

const plainForm = (stored: Buffer): StoredForm => {
  const shown = decoded(Serializer.json.id, stored)
  const format = shown.shownAs === "hex" ? "bytes" : shown.shownAs
  return { ...untimed, format, ...shown, reason: shown.said === "partly" ? shown.reason : undefined }
}

const decoded = (serializer: string, payload: Buffer): Shown => {
  if (serializer === Serializer.binary.id) return asHex(payload, "SchemaBinary cannot be read without its schema.")
  try {
    if (serializer === Serializer.msgpack.id) {
      const value = decodeMsgPack(payload)
      return asJson(toJson(value), survivesJson(value))
    }
    const value = Serializer.json.decode(payload)
    return asJson(value, survivesJson(value) && hasExactIntegers(payload.toString()))
  } catch (error) {
    return asText(payload, messageOf(error))
  }
}

/** Whether JSON says all of the value, down to the sign of a zero. */
const survivesJson = (value: unknown): boolean => {
  try {
    return isDeepStrictEqual(value, JSON.parse(JSON.stringify(value)))
  } catch {
    return false
  }
}

/** Whether JavaScript would write the integers of a JSON text as they are: other programs may count beyond 2^53. */
const hasExactIntegers = (json: string): boolean =>
  (json.match(/"(?:[^"\\]+|\\.)*"|-?\d[\d.eE+-]*/g) ?? []).every(
    (token) => !isDigits(token) || isExact(token, Number(token))
  )

const asJson = (value: unknown, survives: boolean): Shown => ({
  shownAs: "json",
  text: JSON.stringify(value, undefined, 2) ?? "null",
  said: survives ? "json" : "partly",
  reason: survives ? undefined : "JSON cannot represent the value exactly."
})

const asText = (payload: Buffer, reason: string): Shown => {
  const text = utf8Text(payload)
  return text === undefined ? asHex(payload, reason) : { shownAs: "text", text, said: "not", reason }
}

const asHex = (payload: Buffer, reason: string): Shown => ({
  shownAs: "hex",
  text: payload.toString("hex"),
  said: "not",
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
