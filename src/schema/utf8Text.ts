/** Bytes that may be text. */
import { isUtf8 } from "node:buffer"

/** The text that the bytes are in UTF-8; undefined where they are none. */
export const utf8Text = (bytes: Buffer): string | undefined => (isUtf8(bytes) ? bytes.toString() : undefined)
