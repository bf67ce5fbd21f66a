/** How large a reply may be before its command fails with `REPLY_TOO_LARGE`. */
import type { Fields } from "./Fields.ts"

/**
 * How large a reply may be. Every field has a default.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export interface ReplyLimitOptions {
  /** How deep arrays may be within one another. Default: 128. */
  readonly depth?: number | undefined
  /** The size of one string in bytes. Default: 512 MiB, which is the server's own limit. */
  readonly stringBytes?: number | undefined
  /** The size of a whole reply in bytes. Default: 1 GiB. */
  readonly totalBytes?: number | undefined
  /** How many elements all arrays of a reply may have together. Default: 16 777 216. */
  readonly elements?: number | undefined
  /** The size of a status or an error in bytes. Default: 1 MiB. */
  readonly lineBytes?: number | undefined
}

export interface ReplyLimits {
  readonly depth: number
  readonly stringBytes: number
  readonly totalBytes: number
  readonly elements: number
  readonly lineBytes: number
}

const mebibyte = 1024 * 1024

export const defaultReplyLimits: ReplyLimits = {
  depth: 128,
  stringBytes: 512 * mebibyte,
  totalBytes: 1024 * mebibyte,
  elements: 2 ** 24,
  lineBytes: mebibyte
}

export const replyLimits = (fields: Fields, options: ReplyLimitOptions = {}): ReplyLimits => {
  const limit = (name: keyof ReplyLimits, least: number) =>
    fields.integer(`replyLimits.${name}`, options[name], defaultReplyLimits[name], least)
  return {
    // Our own commands are answered with lists of lists of lists: COMMAND, CLUSTER SLOTS.
    depth: limit("depth", 8),
    stringBytes: limit("stringBytes", 1024),
    totalBytes: limit("totalBytes", 1024),
    elements: limit("elements", 1024),
    lineBytes: limit("lineBytes", 1024)
  }
}
