/** Where the records of a prefix's tags are. All are in one hash slot. */
import { reservedKey } from "./reservedKeys.ts"

export interface TagKeys {
  readonly ledger: string
  /** What the keys of all tokens begin with; the tag's name follows. */
  readonly tokens: string
}

/** Braces of its own would put the keys of a prefix into another slot. */
const escapePrefix = (prefix: string): string =>
  prefix.replace(/[%{}]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)

export const tagKeys = (prefix: string): TagKeys => {
  const slot = `{${escapePrefix(prefix)}#tags}`
  return { ledger: reservedKey("tags", slot), tokens: reservedKey("tag", `${slot}:`) }
}
