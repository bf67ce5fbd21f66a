/**
 * The stored form of all that is not plain JSON: a marker, a header of text up to a line feed, and the payload.
 *
 *     \x01 1 json>zstd#aes256gcm/2 @fresh.ttl.cost !until.token \n payload
 *
 * The version of the form; the serializer, `>` the compressor, `#` the cipher with `/` the form of what it authenticates;
 * for values that can be stale, when they become so, their lifetime and what their lookup took; a claim by a process that
 * looks the value up. Without spaces; numbers are milliseconds in base 36. A header without a format is a claim alone:
 * there is no value yet. JSON text, neither compressed nor encrypted, keeps the whole of it text.
 */

import { FormatError } from "./FormatError.ts"

/** When a value becomes stale, in milliseconds since 1970; its lifetime until then; how long its lookup took. */
export interface Timing {
  readonly freshUntil: number
  readonly timeToLive: number
  readonly cost: number
}

/** A process looks the value up until then, unless it says otherwise. */
export interface Claim {
  readonly until: number
  readonly token: string
}

export interface Header {
  /** Empty where there is no value. */
  readonly format: string
  readonly timing: Timing | undefined
  readonly claim: Claim | undefined
  /** Where the payload starts. */
  readonly length: number
}

export type Stored = string | Buffer

const marker = "\u0001"
const version = "1"
const lineFeed = "\n"

/** Longer than any header can be. */
const maxHeaderLength = 256

export const isFramed = (stored: Stored): boolean =>
  typeof stored === "string" ? stored.charCodeAt(0) === 1 : stored[0] === 1

const base36 = (value: number): string => value.toString(36)

/** What a cipher authenticates of it is all but the claim, which others may add. */
export const headerText = (format: string, timing: Timing | undefined): string =>
  timing === undefined
    ? `${marker}${version}${format}`
    : `${marker}${version}${format}@${base36(timing.freshUntil)}.${base36(timing.timeToLive)}.${base36(timing.cost)}`

const claimText = ({ token, until }: Claim): string => `!${base36(until)}.${token}`

/** A header and its payload. */
export const framed = (header: string, payload: string | Uint8Array): Stored =>
  typeof payload === "string"
    ? `${header}${lineFeed}${payload}`
    : Buffer.concat([Buffer.from(header + lineFeed), payload])

/** A claim on a key without a value. */
export const bareClaim = (claim: Claim): string => `${marker}${version}${claimText(claim)}${lineFeed}`

const grammar =
  /^([a-z][\w.-]*(?:>[a-z][\w.-]*)?(?:#[a-z][\w.-]*(?:\/\d)?)?)?(?:@([0-9a-z]{1,11})\.([0-9a-z]{1,11})\.([0-9a-z]{1,11}))?(?:!([0-9a-z]{1,11})\.([0-9a-f]{1,32}))?$/i

/** Throws where the stored thing is none of ours. */
export const readHeader = (stored: Stored): Header => {
  const length = endOf(stored)
  const text = typeof stored === "string" ? stored.slice(1, length) : stored.toString("latin1", 1, length)
  if (!text.startsWith(version)) throw new FormatError("the stored value is of an unknown version")
  const match = grammar.exec(text.slice(version.length))
  if (match === null) throw new FormatError("the header of the stored value is damaged")
  const [, format = "", freshUntil, timeToLive = "", cost = "", until, token = ""] = match
  return {
    format,
    timing:
      freshUntil === undefined
        ? undefined
        : {
            freshUntil: Number.parseInt(freshUntil, 36),
            timeToLive: Number.parseInt(timeToLive, 36),
            cost: Number.parseInt(cost, 36)
          },
    claim: until === undefined ? undefined : { until: Number.parseInt(until, 36), token },
    length: length + 1
  }
}

/** The same value with a claim in place of the one it may have had. */
export const claimed = (stored: Stored, header: Header, claim: Claim): Stored => {
  const start = headerText(header.format, header.timing) + claimText(claim)
  return framed(start, typeof stored === "string" ? stored.slice(header.length) : stored.subarray(header.length))
}

const endOf = (stored: Stored): number => {
  const end = stored.indexOf(lineFeed)
  if (end < 0 || end > maxHeaderLength) throw new FormatError("the header of the stored value is damaged")
  return end
}
