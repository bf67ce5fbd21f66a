/**
 * Reads replies from the bytes of one socket, in whatever pieces they come.
 *
 * Nothing that a server sends makes it throw, call itself, or hold more than the limits allow. A reply beyond a limit is
 * reported once and skipped as it comes, so that those behind it are read. Bytes that no server sends are a fault, after
 * which nothing is read: nobody knows where the next reply would begin.
 */
import { constants } from "node:buffer"
import type { ReplyLimits } from "../../schema/ReplyLimits.ts"
import { type RawReply, ReplyError } from "./RawReply.ts"

/** Who is told of replies. */
export interface ReplyTarget {
  /** A reply begins. Returns whether its strings are wanted as text; otherwise they become bytes. */
  readonly begin: () => boolean
  readonly reply: (reply: RawReply) => void
  /** The reply that has begun is beyond a limit. `skipped` follows when all of it has come. */
  readonly tooLarge: (what: string) => void
  readonly skipped: () => void
}

/** A list that has not come whole. */
interface Frame {
  readonly items: Array<RawReply>
  readonly length: number
}

const cr = 13
const lf = 10
const plus = 43
const minus = 45
const zero = 48
/** The kinds of replies, by their first byte. */
const status = plus
const error = minus
const string = 36
const list = 42
const integer = 58

const isText = (kind: number): boolean => kind === status || kind === error
const isKind = (kind: number): boolean => isText(kind) || kind === string || kind === list || kind === integer

/** A line with a number is never longer: its kind, a sign, 20 digits, the carriage return. */
const maxNumberLine = 23

/** Room for a string before more of it has come than this: what is announced may never come. */
const firstRoom = 1024 * 1024

/** Bytes of the room that is kept for the next text: new memory costs more than what is done in it. */
const mostKept = 256 * 1024

export class ReplyParser {
  readonly #target: ReplyTarget
  readonly #limits: ReplyLimits
  #isStopped = false
  #fault: string | undefined
  #hasBegun = false
  #asText = false
  #bytes = 0
  #elements = 0
  /** Open lists, the innermost last. */
  #frames: Array<Frame> = []
  #innermost: Frame | undefined
  /** Elements that are still to come of a reply beyond a limit; 0 = there is no such reply. */
  #skipping = 0
  /** The announced length of the string that is being read; -1 = none is. */
  #bulk = -1
  /** How many bytes of it and of its line end have come in earlier chunks. */
  #have = 0
  #room: Buffer | undefined
  /** Where the last text in parts was, for the next one. */
  #spare: Buffer | undefined
  /** The kind of a line whose end has not come; 0 = there is none. */
  #lineKind = 0
  /** What has come of it; nothing, where it is skipped. */
  #line: Buffer | undefined
  #lineLength = 0
  #lineEndsWithCr = false

  constructor(target: ReplyTarget, limits: ReplyLimits) {
    this.#target = target
    this.#limits = limits
  }

  /** Reads nothing any more. */
  stop(): void {
    this.#isStopped = true
    this.#dropFrames()
    this.#room = undefined
    this.#spare = undefined
    this.#line = undefined
  }

  /**
   * Reads the first `length` bytes of the chunk, and keeps none of it: the chunk may be filled again. Returns what is
   * wrong with the bytes, if anything is.
   */
  read(chunk: Buffer, length = chunk.length): string | undefined {
    let at = 0
    while (at < length && !this.#isStopped) {
      if (!this.#hasBegun) {
        this.#hasBegun = true
        this.#asText = this.#target.begin()
      } else if (this.#bulk >= 0) at = this.#readString(chunk, at, length)
      else at = this.#readLine(chunk, at, length)
    }
    return this.#fault
  }

  // Each returns where the next byte is that has not been read.

  #readLine(chunk: Buffer, at: number, length: number): number {
    let end = at
    while (end < length && chunk[end] !== lf) end++
    const isWhole = end < length
    if (isWhole && this.#lineKind === 0) this.#onLine(chunk, at, end)
    else {
      this.#holdLine(chunk, at, end)
      if (isWhole) this.#onHeldLine()
    }
    return end + 1
  }

  #readString(chunk: Buffer, at: number, length: number): number {
    const size = this.#bulk
    // Where its line end belongs, perhaps outside of this chunk.
    const end = at + size - this.#have
    if (end >= at && end < length && chunk[end] !== cr) return this.#fail("a string is longer than announced", length)
    if (end + 1 < length && chunk[end + 1] !== lf) return this.#fail("a string is longer than announced", length)
    if (end + 2 > length) {
      if (this.#skipping === 0) this.#store(chunk, at, length)
      this.#have += length - at
      return length
    }
    const inParts = this.#have > 0
    if (inParts && end > at && this.#skipping === 0) this.#store(chunk, at, end)
    this.#bulk = -1
    this.#have = 0
    if (this.#skipping > 0) this.#onSkipped()
    else if (inParts) this.#onStored(size)
    else this.#onValue(this.#asText ? textOf(chunk, at, end) : bytesOf(chunk, at, end))
    return end + 2
  }

  /** Keeps the bytes of a string that comes in several chunks, each copied once, and again when room is made. */
  #store(chunk: Buffer, at: number, end: number): void {
    // Without the line end, of which the first byte may be in this chunk.
    const needed = Math.min(this.#have + end - at, this.#bulk)
    // Bytes are given away as they lie there; text is read out of it.
    let room = this.#room ?? (this.#asText ? this.#spare : undefined)
    if (room === undefined || room.length < needed) {
      const bigger = Buffer.allocUnsafeSlow(Math.min(this.#bulk, Math.max(firstRoom, 2 * needed)))
      if (room !== undefined) room.copy(bigger, 0, 0, this.#have)
      room = bigger
    }
    this.#room = room
    chunk.copy(room, this.#have, at, at + needed - this.#have)
  }

  #onStored(size: number): void {
    const room = this.#room ?? Buffer.alloc(0)
    this.#room = undefined
    if (this.#asText && room.length > 0 && room.length <= mostKept) this.#spare = room
    this.#onValue(this.#asText ? textOf(room, 0, size) : room.subarray(0, size))
  }

  #holdLine(chunk: Buffer, at: number, end: number): void {
    if (end === at) return
    if (this.#lineKind === 0) {
      const kind = chunk[at]!
      if (!isKind(kind)) return void this.#fail("an unknown kind of reply", 0)
      this.#lineKind = kind
      this.#lineLength = 0
      this.#line = isText(kind) && this.#skipping > 0 ? undefined : Buffer.allocUnsafe(64)
    }
    const length = this.#lineLength + end - at
    if (!isText(this.#lineKind)) {
      if (length > maxNumberLine) return void this.#fail("a number is too long", 0)
    } else if (this.#skipping === 0 && length > this.#limits.lineBytes + 2) {
      this.#line = undefined
      this.#tooLarge("a line", this.#limits.lineBytes, "bytes")
    }
    if (this.#line !== undefined) {
      if (this.#line.length < length) {
        const bigger = Buffer.allocUnsafe(2 * length)
        this.#line.copy(bigger, 0, 0, this.#lineLength)
        this.#line = bigger
      }
      chunk.copy(this.#line, this.#lineLength, at, end)
    }
    this.#lineLength = length
    this.#lineEndsWithCr = chunk[end - 1] === cr
  }

  #onHeldLine(): void {
    const line = this.#line
    if (this.#isStopped) return
    this.#lineKind = 0
    this.#line = undefined
    if (line !== undefined) this.#onLine(line, 0, this.#lineLength)
    else if (this.#lineEndsWithCr) this.#onSkipped()
    else this.#fail("a line does not end as one does", 0)
  }

  /** A line between its kind and its line feed. */
  #onLine(bytes: Buffer, start: number, lineFeed: number): void {
    const end = lineFeed - 1
    const kind = bytes[start]!
    if (!isKind(kind)) return void this.#fail("an unknown kind of reply", 0)
    if (bytes[end] !== cr) return void this.#fail("a line does not end as one does", 0)
    this.#bytes += lineFeed + 1 - start
    if (isText(kind)) return this.#onText(kind, bytes, start + 1, end)
    const number = numberOf(bytes, start + 1, end)
    if (number === undefined) return void this.#fail("a number is none", 0)
    if (kind === integer) return this.#onValue(number)
    if (typeof number === "bigint" || number < -1) return void this.#fail("an impossible length", 0)
    if (number === -1) return this.#onValue(null)
    if (kind === list) return this.#onList(number)
    this.#onString(number)
  }

  #onText(kind: number, bytes: Buffer, start: number, end: number): void {
    const { lineBytes, totalBytes } = this.#limits
    if (this.#skipping === 0) {
      if (end - start > lineBytes) this.#tooLarge("a line", lineBytes, "bytes")
      else if (this.#bytes > totalBytes) this.#tooLarge("a reply", totalBytes, "bytes")
    }
    if (this.#skipping > 0) return this.#onSkipped()
    if (kind === error) return this.#onValue(new ReplyError(textOf(bytes, start, end)))
    if (!this.#asText) return this.#onValue(bytesOf(bytes, start, end))
    const isOk = end - start === 2 && bytes[start] === 79 && bytes[start + 1] === 75
    this.#onValue(isOk ? "OK" : textOf(bytes, start, end))
  }

  #onString(length: number): void {
    const { stringBytes, totalBytes } = this.#limits
    this.#bytes += length + 2
    if (this.#skipping === 0) {
      const most = this.#asText ? Math.min(stringBytes, constants.MAX_STRING_LENGTH) : stringBytes
      if (length > most) this.#tooLarge("a string", most, "bytes")
      else if (this.#bytes > totalBytes) this.#tooLarge("a reply", totalBytes, "bytes")
    }
    this.#bulk = length
  }

  #onList(length: number): void {
    const { depth, elements } = this.#limits
    if (this.#skipping === 0) {
      if (this.#frames.length >= depth) this.#tooLarge("lists in one another", depth, "deep")
      else if (this.#elements + length > elements) this.#tooLarge("lists", elements, "elements")
    }
    if (this.#skipping > 0) {
      this.#skipping += length
      if (!Number.isSafeInteger(this.#skipping)) return void this.#fail("an impossible length", 0)
      return this.#onSkipped()
    }
    this.#elements += length
    if (length === 0) return this.#onValue([])
    // It grows as its elements come: what is announced may never do.
    this.#innermost = { items: [], length }
    this.#frames.push(this.#innermost)
  }

  #onValue(value: RawReply): void {
    if (this.#skipping > 0) return this.#onSkipped()
    let whole = value
    for (let frame = this.#innermost; frame !== undefined; frame = this.#innermost) {
      frame.items.push(whole)
      if (frame.items.length < frame.length) return
      whole = frame.items
      this.#frames.pop()
      this.#innermost = this.#frames.at(-1)
    }
    this.#end()
    this.#target.reply(whole)
  }

  #onSkipped(): void {
    if (this.#isStopped || --this.#skipping > 0) return
    this.#end()
    this.#target.skipped()
  }

  #end(): void {
    this.#hasBegun = false
    this.#bytes = 0
    this.#elements = 0
  }

  /** From here on only the number of elements that are still to come is kept: that is 1 where no list is open. */
  #tooLarge(what: string, limit: number, unit: string): void {
    // A list that is open has been counted as an element of the one around it.
    let left = 1
    for (const { items, length } of this.#frames) left += length - items.length - 1
    this.#skipping = left
    this.#dropFrames()
    this.#target.tooLarge(`${what} of more than ${limit} ${unit}`)
  }

  #dropFrames(): void {
    this.#frames = []
    this.#innermost = undefined
  }

  #fail(fault: string, next: number): number {
    this.#fault = fault
    this.stop()
    return next
  }
}

const textOf = (bytes: Buffer, start: number, end: number): string => bytes.toString(undefined, start, end)

const bytesOf = (bytes: Buffer, start: number, end: number): Buffer => {
  const copy = Buffer.allocUnsafe(end - start)
  bytes.copy(copy, 0, start, end)
  return copy
}

/** A bigint where JavaScript has no such number; undefined where it is none. */
const numberOf = (bytes: Buffer, start: number, end: number): number | bigint | undefined => {
  const sign = bytes[start]
  const first = sign === minus || sign === plus ? start + 1 : start
  if (first === end || end - first > 20) return undefined
  let number = 0
  for (let i = first; i < end; i++) {
    const digit = bytes[i]! - zero
    if (digit < 0 || digit > 9) return undefined
    number = number * 10 + digit
  }
  if (!Number.isSafeInteger(number)) return BigInt(bytes.toString("latin1", start, end))
  return sign === minus ? 0 - number : number
}
