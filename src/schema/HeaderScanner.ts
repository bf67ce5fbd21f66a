/** Reads a header of the stored form from left to right, one character after the other: a regular expression takes twice as long. */
import { FormatError } from "./FormatError.ts"
import type { Claim, Timing } from "./frame.ts"
import type { TagStamp } from "./TagStamp.ts"

/** What a character may be part of. */
const letter = 1
const digit = 2
const hex = 4
/** Of a name of a serializer, compressor or cipher, after its first letter. */
const name = 8

const kinds = new Uint8Array(128)
const mark = (characters: string, kind: number): void => {
  for (let i = 0; i < characters.length; i++) kinds[characters.charCodeAt(i)]! |= kind
}
const letters = "abcdefghijklmnopqrstuvwxyz"
mark(letters + letters.toUpperCase(), letter | name)
mark("0123456789", digit | hex | name)
mark("abcdefABCDEF", hex)
mark("_.-", name)

/** The most digits of a number in base 36, of the token of a claim or a mark, of an era. */
const longestNumber = 11
const longestToken = 32
/** The beginning of a server's `master_replid`. */
const longestEra = 40

const damaged = (): FormatError => new FormatError("the header of the stored value is damaged")

/** Reads a header from its start to its end. Its methods throw where the header is damaged. */
export class HeaderScanner {
  readonly #text: string
  #at = 0

  /** The header between its marker and its line feed. */
  constructor(text: string) {
    this.#text = text
  }

  version(): 1 | 2 {
    const version = this.#text.charCodeAt(this.#at++)
    if (version === 0x31) return 1
    if (version === 0x32) return 2
    throw new FormatError("the stored value is of an unknown version")
  }

  /** `json>zstd#aes256gcm/2`, with `?` before it where it is a failure's; empty where there is no value. */
  format(): string {
    const start = this.#at
    if (this.takes("?") && !this.#isNext(letter)) throw damaged()
    if (!this.#isNext(letter)) return ""
    this.#past(name, Infinity)
    if (this.takes(">")) this.#name()
    if (this.takes("#")) {
      this.#name()
      if (this.takes("/")) this.#expect(digit)
    }
    return this.#text.slice(start, this.#at)
  }

  timing(): Timing {
    const freshUntil = this.#number()
    this.#mustTake(".")
    const timeToLive = this.#number()
    this.#mustTake(".")
    return { freshUntil, timeToLive, cost: this.#number() }
  }

  /** What no tag can be is not looked for: a name that nobody has given has no token, and its entry is gone. */
  tags(): TagStamp {
    const names = this.#before(";")
    if (names === "") throw damaged()
    const hard = this.#before(";")
    const soft = this.#before(";")
    const start = this.#at
    this.#past(hex, longestEra)
    return { names, hard, soft, era: this.#text.slice(start, this.#at) }
  }

  claim(): Claim {
    const until = this.#number()
    this.#mustTake(".")
    return { until, token: this.token() }
  }

  /** The token of a claim or a mark. */
  token(): string {
    const start = this.#at
    this.#past(hex, longestToken)
    if (this.#at === start) throw damaged()
    return this.#text.slice(start, this.#at)
  }

  /** Goes on past the sign where it is the next one. */
  takes(sign: string): boolean {
    if (this.#text.charCodeAt(this.#at) !== sign.charCodeAt(0)) return false
    this.#at++
    return true
  }

  end(): void {
    if (this.#at !== this.#text.length) throw damaged()
  }

  #mustTake(sign: string): void {
    if (!this.takes(sign)) throw damaged()
  }

  #name(): void {
    this.#expect(letter)
    this.#past(name, Infinity)
  }

  #expect(kind: number): void {
    if (!this.#isNext(kind)) throw damaged()
    this.#at++
  }

  #isNext(kind: number): boolean {
    // Beyond the end a character is NaN, and no kind of anything.
    return (kinds[this.#text.charCodeAt(this.#at)]! & kind) !== 0
  }

  #past(kind: number, most: number): void {
    const text = this.#text
    const end = Math.min(text.length, this.#at + most)
    let at = this.#at
    while (at < end && (kinds[text.charCodeAt(at)]! & kind) !== 0) at++
    this.#at = at
  }

  /** What stands before the sign; the sign is left behind. */
  #before(sign: string): string {
    const end = this.#text.indexOf(sign, this.#at)
    if (end < 0) throw damaged()
    const part = this.#text.slice(this.#at, end)
    this.#at = end + 1
    return part
  }

  #number(): number {
    const text = this.#text
    const start = this.#at
    const end = Math.min(text.length, start + longestNumber)
    let at = start
    let value = 0
    while (at < end) {
      const code = text.charCodeAt(at)
      // Letters of either case.
      const digit = code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57
      if (digit < 0 || digit > 35 || (code > 0x39 && digit < 10)) break
      value = value * 36 + digit
      at++
    }
    if (at === start) throw damaged()
    this.#at = at
    return value
  }
}
