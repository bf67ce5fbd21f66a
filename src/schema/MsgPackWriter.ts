/** Writes MessagePack in one pass, which refuses what would be changed and what is above the limits. */
import { extensions, forms } from "./msgPackForms.ts"
import { tooManyDigits, tooManyLevels, tooManyNodes, type ValueLimits } from "./ValueLimits.ts"

/** The value holds what MessagePack would change; who catches it finds out where. */
export class Unholdable extends Error {}

const initialBytes = 8192
/** Larger buffers are not kept for the next value. */
const keptBytes = 1024 * 1024

/** Of the writer that finished last. A value whose getter stores another value meanwhile takes a new one. */
let spare: Buffer | undefined

export class MsgPackWriter {
  #buffer: Buffer
  #length = 0
  #nodes = 0
  readonly #limits: ValueLimits

  constructor(limits: ValueLimits) {
    this.#limits = limits
    this.#buffer = spare ?? Buffer.allocUnsafeSlow(initialBytes)
    spare = undefined
  }

  /** The bytes of a value, on their own. The writer cannot be used again. */
  whole(value: unknown): Uint8Array {
    this.#count(1)
    this.#value(value, 1)
    const bytes = new Uint8Array(this.#length)
    bytes.set(this.#buffer.subarray(0, this.#length))
    if (this.#buffer.length <= keptBytes) spare = this.#buffer
    return bytes
  }

  #value(value: unknown, depth: number): void {
    switch (typeof value) {
      case "string":
        return this.#text(value)
      case "number":
        return this.#number(value)
      case "boolean":
        return this.#byte(value ? forms.true : forms.false)
      case "bigint":
        return this.#bigint(value)
      case "object":
        return value === null ? this.#byte(forms.nil) : this.#object(value, depth)
      default:
        throw new Unholdable()
    }
  }

  #object(value: object, depth: number): void {
    if (Array.isArray(value)) return this.#array(value, depth)
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === Object.prototype || prototype === null) return this.#record(value, depth)
    if (value instanceof Date) return this.#date(value)
    if (value instanceof Uint8Array) return this.#bytes(value)
    if (value instanceof Map) return this.#map(value, depth)
    if (value instanceof Set) return this.#set(value, depth)
    throw new Unholdable()
  }

  #map(map: ReadonlyMap<unknown, unknown>, depth: number): void {
    this.#extension(extensions.map, () => {
      this.#list(2 * map.size, forms.fixArray, forms.array16, depth)
      for (const [key, item] of map) {
        this.#value(key, depth + 1)
        this.#value(item, depth + 1)
      }
    })
  }

  #set(set: ReadonlySet<unknown>, depth: number): void {
    this.#extension(extensions.set, () => {
      this.#list(set.size, forms.fixArray, forms.array16, depth)
      for (const item of set) this.#value(item, depth + 1)
    })
  }

  #array(array: ReadonlyArray<unknown>, depth: number): void {
    const { length } = array
    this.#list(length, forms.fixArray, forms.array16, depth)
    for (let i = 0; i < length; i++) this.#value(array[i], depth + 1)
    if (Object.keys(array).length !== length) throw new Unholdable()
  }

  #record(record: object, depth: number): void {
    const properties = record as Readonly<Record<string, unknown>>
    const names = Object.keys(properties)
    this.#list(names.length, forms.fixMap, forms.map16, depth)
    for (const name of names) {
      this.#text(name)
      this.#value(properties[name], depth + 1)
    }
    if (Object.getOwnPropertySymbols(record).length > 0) throw new Unholdable()
  }

  #number(value: number): void {
    this.#reserve(9)
    if (!Number.isSafeInteger(value)) {
      this.#byte(forms.float64)
      this.#length = this.#buffer.writeDoubleBE(value, this.#length)
    } else if (value < 0) this.#negative(value)
    else if (value < 0x80) {
      // MessagePack has no negative zero among its integers.
      if (Object.is(value, -0)) throw new Unholdable()
      this.#byte(value)
    } else if (value <= 0xff) {
      this.#byte(forms.uint8)
      this.#byte(value)
    } else if (value <= 0xffff) {
      this.#byte(forms.uint16)
      this.#length = this.#buffer.writeUInt16BE(value, this.#length)
    } else if (value <= 0xffffffff) {
      this.#byte(forms.uint32)
      this.#length = this.#buffer.writeUInt32BE(value, this.#length)
    } else {
      this.#byte(forms.uint64)
      this.#length = this.#buffer.writeBigUInt64BE(BigInt(value), this.#length)
    }
  }

  #negative(value: number): void {
    if (value >= -0x20) this.#byte(value & 0xff)
    else if (value >= -0x80) {
      this.#byte(forms.int8)
      this.#byte(value & 0xff)
    } else if (value >= -0x8000) {
      this.#byte(forms.int16)
      this.#length = this.#buffer.writeInt16BE(value, this.#length)
    } else if (value >= -0x80000000) {
      this.#byte(forms.int32)
      this.#length = this.#buffer.writeInt32BE(value, this.#length)
    } else {
      this.#byte(forms.int64)
      this.#length = this.#buffer.writeBigInt64BE(BigInt(value), this.#length)
    }
  }

  #text(text: string): void {
    const { length } = text
    // A UTF-16 unit takes at most three bytes.
    this.#reserve(5 + 3 * length)
    if (length < 32 && this.#ascii(text)) return
    const guess = headBytes(3 * length)
    const written = this.#buffer.write(text, this.#length + guess)
    // UTF-8 has no halves of surrogate pairs: U+FFFD would be written for them.
    if (written !== length && !text.isWellFormed()) throw new Unholdable()
    const head = headBytes(written)
    const start = this.#length
    if (head !== guess) this.#buffer.copyWithin(start + head, start + guess, start + guess + written)
    if (head === 1) this.#byte(forms.fixText | written)
    else if (head === 2) {
      this.#byte(forms.text8)
      this.#byte(written)
    } else this.#long(forms.text16, written)
    this.#length = start + head + written
  }

  /** Whether the short text was plain ASCII, and so is written. */
  #ascii(text: string): boolean {
    const { length } = text
    const buffer = this.#buffer
    const start = this.#length + 1
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) return false
      buffer[start + i] = code
    }
    buffer[start - 1] = forms.fixText | length
    this.#length = start + length
    return true
  }

  #bytes(bytes: Uint8Array): void {
    this.#reserve(5 + bytes.length)
    if (bytes.length <= 0xff) {
      this.#byte(forms.bytes8)
      this.#byte(bytes.length)
    } else this.#long(forms.bytes16, bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** MessagePack's own timestamp: seconds of 32, 34 or 64 bits, and nanoseconds. */
  #date(date: Date): void {
    const millis = date.getTime()
    if (Number.isNaN(millis)) throw new Unholdable()
    const seconds = Math.floor(millis / 1000)
    const nanoseconds = (millis - seconds * 1000) * 1_000_000
    this.#reserve(15)
    if (seconds < 0 || seconds >= 2 ** 34) {
      this.#head(forms.extension8, 12, extensions.timestamp)
      this.#length = this.#buffer.writeUInt32BE(nanoseconds, this.#length)
      this.#length = this.#buffer.writeBigInt64BE(BigInt(seconds), this.#length)
    } else if (nanoseconds > 0 || seconds >= 2 ** 32) {
      this.#head(forms.fixExtension8, extensions.timestamp)
      this.#length = this.#buffer.writeBigUInt64BE((BigInt(nanoseconds) << 34n) | BigInt(seconds), this.#length)
    } else {
      this.#head(forms.fixExtension4, extensions.timestamp)
      this.#length = this.#buffer.writeUInt32BE(seconds, this.#length)
    }
  }

  #head(...bytes: ReadonlyArray<number>): void {
    for (const byte of bytes) this.#byte(byte)
  }

  #bigint(value: bigint): void {
    const { maxDigits } = this.#limits
    // In hexadecimal the digits are counted in no time; each is worth 1.204 decimal ones.
    if (value.toString(16).length > maxDigits) throw tooManyDigits(this.#limits)
    const digits = String(value)
    if (digits.length - (value < 0n ? 1 : 0) > maxDigits) throw tooManyDigits(this.#limits)
    this.#extension(extensions.bigint, () => this.#text(digits))
  }

  /** What `write` writes, as an extension. Its length is known only afterwards. */
  #extension(type: number, write: () => void): void {
    this.#reserve(6)
    const start = this.#length
    this.#length += 6
    write()
    const length = this.#length - start - 6
    this.#length = start
    if (length <= 0xff) {
      this.#head(forms.extension8, length, type)
      this.#buffer.copyWithin(this.#length, start + 6, start + 6 + length)
    } else {
      this.#byte(forms.extension32)
      this.#length = this.#buffer.writeUInt32BE(length, this.#length)
      this.#byte(type)
    }
    this.#length += length
  }

  /** What a list begins with: its length, in the short form or the long one. */
  #list(length: number, fix: number, wide16: number, depth: number): void {
    if (depth > this.#limits.maxDepth) throw tooManyLevels(this.#limits)
    this.#count(length)
    this.#reserve(5)
    if (length < 16) this.#byte(fix | length)
    else this.#long(wide16, length)
  }

  /** A form with a length of 16 bits, or the next one with 32. */
  #long(wide16: number, length: number): void {
    if (length <= 0xffff) {
      this.#byte(wide16)
      this.#length = this.#buffer.writeUInt16BE(length, this.#length)
    } else {
      this.#byte(wide16 + 1)
      this.#length = this.#buffer.writeUInt32BE(length, this.#length)
    }
  }

  #byte(byte: number): void {
    if (this.#length === this.#buffer.length) this.#reserve(1)
    this.#buffer[this.#length++] = byte
  }

  #count(nodes: number): void {
    this.#nodes += nodes
    if (this.#nodes > this.#limits.maxNodes) throw tooManyNodes(this.#limits)
  }

  #reserve(bytes: number): void {
    const wanted = this.#length + bytes
    if (wanted <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.#buffer.length))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

/** Bytes before a text of so many bytes. */
const headBytes = (bytes: number): number => (bytes < 32 ? 1 : bytes <= 0xff ? 2 : bytes <= 0xffff ? 3 : 5)
