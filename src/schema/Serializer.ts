/** Serializers: values to bytes or text, and back. */
import { strictJson } from "./StrictJson.ts"

export interface Serializer {
  /** Names the format in errors. */
  readonly id: string
  /** Throws where the format cannot hold the value unchanged. */
  readonly encode: (value: unknown) => Uint8Array | string
  /** Throws where the bytes are not of this format. */
  readonly decode: (bytes: Uint8Array) => unknown
}

/** Works on text as well, since text is what the wire gives without a copy. */
export interface JsonSerializer extends Serializer {
  readonly encode: (value: unknown) => string
  readonly decode: (stored: Uint8Array | string) => unknown
}

const utf8 = new TextDecoder("utf-8", { fatal: true })

export const Serializer: {
  /** Plain JSON text, readable by any other client. A value that JSON would change is refused, not altered. */
  readonly json: JsonSerializer
} = {
  json: {
    id: "json",
    encode: strictJson,
    decode: (stored) => parseJson(typeof stored === "string" ? stored : utf8.decode(stored))
  }
}

const parseJson = (text: string): unknown => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The engine's own message quotes the text.
    throw new SyntaxError("the stored text is not JSON")
  }
  if (typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(text)) {
    throw new RangeError("the stored integer is beyond 2^53; read it with incrBig(key, 0n)")
  }
  return value
}
