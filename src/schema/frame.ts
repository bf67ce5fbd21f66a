/**
 * The stored form of all that is not plain JSON: a marker, a header of text up to a line feed, and the payload.
 *
 *     \x01 1 json>zstd#aes256gcm/2 @fresh.ttl.cost *mark !until.token \n payload
 *     \x01 2 json>zstd#aes256gcm/2 @fresh.ttl.cost ~names;hard;soft;era *mark !until.token \n payload
 *
 * The version of the form; `?` before what is the failure of a lookup and no value; the serializer, `>` the compressor, `#`
 * the cipher with `/` the form of what it authenticates;
 * for values that can be stale, when they become so, their lifetime and what their lookup took; in version 2 the value's
 * tags; the mark of one that was made stale before its time; a claim by a process that looks the value up. Without spaces;
 * numbers are milliseconds in base 36. A header without
 * a format is a claim alone: there is no value yet. JSON text, neither compressed nor encrypted, keeps the whole of it text.
 * A value without tags is of version 1, which programs of before there were tags read, too.
 */

import type { Reply } from "./Command.ts"
import { FormatError } from "./FormatError.ts"
import { HeaderScanner } from "./HeaderScanner.ts"
import { tagText, type TagStamp } from "./TagStamp.ts"

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
  /** Empty where there is no value; with a sign before it where there is a failure in its place. */
  readonly format: string
  readonly timing: Timing | undefined
  /** Undefined where the value has no tags. */
  readonly tags: TagStamp | undefined
  /** The mark of a value that was made stale before its time: text that no other mark has. */
  readonly mark: string | undefined
  readonly claim: Claim | undefined
  /** Where the payload starts. */
  readonly length: number
}

export type Stored = string | Buffer

/** Before the format of a failure. */
export const failureSign = "?"

/** Whether it is the header of a failure of a lookup, which only lookups are told of. */
export const isOfFailure = ({ format }: Header): boolean => format.startsWith(failureSign)

/** What GET replies: what is stored, or null where there is nothing. */
export const isValueReply = (reply: Reply | undefined): reply is Stored | null =>
  reply === null || typeof reply === "string" || Buffer.isBuffer(reply)

const marker = "\u0001"
const lineFeed = "\n"
const lineFeedCode = 10
const versionWithTags = 0x32

/** Longer than any header can be: 64 tags of 1 024 bytes take three characters for each byte. */
const maxHeaderLength = 200_000

export const isFramed = (stored: Stored): boolean =>
  typeof stored === "string" ? stored.charCodeAt(0) === 1 : stored[0] === 1

/** Whether a look at the header is needed to tell which tags it bears. */
export const bearsTags = (stored: Stored): boolean =>
  typeof stored === "string"
    ? stored.charCodeAt(0) === 1 && stored.charCodeAt(1) === versionWithTags
    : stored[0] === 1 && stored[1] === versionWithTags

const base36 = (value: number): string => value.toString(36)

/** What a cipher authenticates of it is all but the mark and the claim, which others may add: both can only make a value older. */
export const headerText = (format: string, timing: Timing | undefined, tags: TagStamp | undefined): string => {
  const times =
    timing === undefined ? "" : `@${base36(timing.freshUntil)}.${base36(timing.timeToLive)}.${base36(timing.cost)}`
  return tags === undefined ? `${marker}1${format}${times}` : `${marker}2${format}${times}${tagText(tags)}`
}

const markText = (mark: string | undefined): string => (mark === undefined ? "" : `*${mark}`)

const claimText = ({ token, until }: Claim): string => `!${base36(until)}.${token}`

/** A header and its payload. */
export const framed = (header: string, payload: string | Uint8Array): Stored =>
  typeof payload === "string"
    ? `${header}${lineFeed}${payload}`
    : Buffer.concat([Buffer.from(header + lineFeed), payload])

/** A claim on a key without a value. */
export const bareClaim = (claim: Claim): string => `${marker}1${claimText(claim)}${lineFeed}`

/** Reads the header of what is stored. Throws where it is not of this form. */
export const readHeader = (stored: Stored): Header => {
  const length = endOf(stored)
  const scanner = new HeaderScanner(
    typeof stored === "string" ? stored.slice(1, length) : stored.toString("latin1", 1, length)
  )
  const version = scanner.version()
  const format = scanner.format()
  const timing = scanner.takes("@") ? scanner.timing() : undefined
  const tags = version === 2 && scanner.takes("~") ? scanner.tags() : undefined
  const mark = scanner.takes("*") ? scanner.token() : undefined
  const claim = scanner.takes("!") ? scanner.claim() : undefined
  scanner.end()
  return { format, timing, tags, mark, claim, length: length + 1 }
}

/** The same value with a claim in place of the one it may have had. */
export const claimed = (stored: Stored, header: Header, claim: Claim): Stored =>
  amended(stored, header, markText(header.mark) + claimText(claim))

/** The same value with that mark. */
export const marked = (stored: Stored, mark: string): Stored => amended(stored, readHeader(stored), markText(mark))

/** The same value with this in place of the mark and the claim of its header. */
const amended = (stored: Stored, { format, length, tags, timing }: Header, end: string): Stored =>
  framed(
    headerText(format, timing, tags) + end,
    typeof stored === "string" ? stored.slice(length) : stored.subarray(length)
  )

const endOf = (stored: Stored): number => {
  const end = typeof stored === "string" ? stored.indexOf(lineFeed) : stored.indexOf(lineFeedCode)
  if (end < 0 || end > maxHeaderLength) throw new FormatError("the header of the stored value is damaged")
  return end
}
