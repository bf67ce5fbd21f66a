/** JSON, the format of a cache that is told no other, and numbers, which stand beside every format. */
import { FormatError } from "./FormatError.ts"
import { numberText } from "./numberText.ts"
import type { Serializer } from "./Serializer.ts"
import { parseJson, strictJson } from "./strictJson.ts"
import type { ValueLimits } from "./ValueLimits.ts"

/** Works on text as well, since text is what the wire gives without a copy. */
export interface JsonSerializer extends Serializer {
  readonly encode: (value: unknown, limits?: ValueLimits) => string
  readonly decode: (stored: Uint8Array | string, limits?: ValueLimits) => unknown
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** `Serializer.json`. */
export const jsonSerializer: JsonSerializer = {
  id: "json",
  encode: strictJson,
  decode: (stored, limits) => parseJson(typeof stored === "string" ? stored : utf8.decode(stored), limits)
}

/** Of finite numbers under every serializer: decimal text, which the server can count. */
export const numbers: JsonSerializer = {
  id: "num",
  encode: (value) => numberText(Number(value)),
  decode: (stored, limits) => {
    const value = jsonSerializer.decode(stored, limits)
    if (typeof value === "number") return value
    throw new FormatError("the stored value is not a number")
  }
}
