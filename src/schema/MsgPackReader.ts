/** Reads MessagePack, and refuses before room is made for it what is above the limits, or claims more than there is. */
import { FormatError } from "./FormatError.ts"
import { extensions, forms } from "./msgPackForms.ts"
import { tooManyDigits, tooManyLevels, tooManyNodes, type ValueLimits } from "./ValueLimits.ts"

const damaged = () => new FormatError("the bytes are no whole MessagePack value")
const foreign = () => new FormatError("the bytes are no MessagePack of this format")

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

export class MsgPackReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #limits: ValueLimits
  #at = 0
  /** Where the value that is read ends: the bytes, or an extension within them. */
  #end: number
  #nodes = 0

  constructor(bytes: Uint8Array, limits: ValueLimits) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#limits = limits
    this.#end = bytes.length
  }

  /** The value of all the bytes. */
  whole(): unknown {
    this.#count(1)
    const value = this.#value(1)
    if (this.#at !== this.#end) throw damaged()
    return value
  }

  #value(depth: number): unknown {
    const form = this.#bytes[this.#take(1)] ?? forms.nil
    if (form < forms.fixMap) return form
    if (form < forms.fixArray) return this.#record(form & 0x0f, depth)
    if (form < forms.fixText) return this.#array(form & 0x0f, depth)
    if (form < forms.nil) return this.#text(form & 0x1f)
    if (form >= forms.negative) return form - 0x100
    const view = this.#view
    switch (form) {
      case forms.nil:
        return null
      case forms.false:
        return false
      case forms.true:
        return true
      case forms.float32:
        return view.getFloat32(this.#take(4))
      case forms.float64:
        return view.getFloat64(this.#take(8))
      case forms.uint8:
        return view.getUint8(this.#take(1))
      case forms.uint16:
        return view.getUint16(this.#take(2))
      case forms.uint32:
        return view.getUint32(this.#take(4))
      case forms.uint64:
        return safe(view.getBigUint64(this.#take(8)))
      case forms.int8:
        return view.getInt8(this.#take(1))
      case forms.int16:
        return view.getInt16(this.#take(2))
      case forms.int32:
        return view.getInt32(this.#take(4))
      case forms.int64:
        return safe(view.getBigInt64(this.#take(8)))
      case forms.text8:
      case forms.text16:
      case forms.text32:
        return this.#text(this.#length(form - forms.text8))
      case forms.bytes8:
      case forms.bytes16:
      case forms.bytes32: {
        const length = this.#length(form - forms.bytes8)
        const start = this.#take(length)
        // A copy, which does not keep all of the reply.
        return new Uint8Array(this.#bytes.subarray(start, start + length))
      }
      case forms.array16:
      case forms.array32:
        return this.#array(this.#length(1 + form - forms.array16), depth)
      case forms.map16:
      case forms.map32:
        return this.#record(this.#length(1 + form - forms.map16), depth)
      case forms.fixExtension1:
      case forms.fixExtension2:
      case forms.fixExtension4:
      case forms.fixExtension8:
      case forms.fixExtension16:
        return this.#extension(1 << (form - forms.fixExtension1), depth)
      case forms.extension8:
      case forms.extension16:
      case forms.extension32:
        return this.#extension(this.#length(form - forms.extension8), depth)
      default:
        throw damaged()
    }
  }

  /** Of 8, 16 or 32 bits. */
  #length(width: number): number {
    if (width === 0) return this.#view.getUint8(this.#take(1))
    return width === 1 ? this.#view.getUint16(this.#take(2)) : this.#view.getUint32(this.#take(4))
  }

  #array(count: number, depth: number): Array<unknown> {
    this.#nest(count, count, depth)
    const array: Array<unknown> = []
    for (let i = 0; i < count; i++) array.push(this.#value(depth + 1))
    return array
  }

  #record(count: number, depth: number): Record<string, unknown> {
    this.#nest(count, 2 * count, depth)
    const record: Record<string, unknown> = {}
    for (let i = 0; i < count; i++) {
      const name = this.#name()
      const value = this.#value(depth + 1)
      // It is a property like others, where an assignment would call a setter.
      if (name === "__proto__") Object.defineProperty(record, name, { value, ...ownProperty })
      else record[name] = value
    }
    return record
  }

  #name(): string {
    const form = this.#bytes[this.#at]
    if (form !== undefined && form >= forms.fixText && form < forms.nil) {
      this.#at++
      const length = form & 0x1f
      const start = this.#take(length)
      return names.at(this.#bytes, start, length) ?? this.#textAt(start, length)
    }
    const name = this.#value(this.#limits.maxDepth)
    // Others write numbers, too.
    if (typeof name === "string" || typeof name === "number") return String(name)
    throw foreign()
  }

  #text(length: number): string {
    return this.#textAt(this.#take(length), length)
  }

  #textAt(start: number, length: number): string {
    const bytes = this.#bytes
    const end = start + length
    if (length < 24) {
      let text = ""
      let at = start
      for (; at < end; at++) {
        const byte = bytes[at] ?? 0x80
        if (byte > 0x7f) break
        text += String.fromCharCode(byte)
      }
      if (at === end) return text
    }
    return utf8.decode(bytes.subarray(start, end))
  }

  #extension(length: number, depth: number): unknown {
    const type = this.#bytes[this.#take(1)]
    const outer = this.#end
    const start = this.#at
    this.#take(length)
    this.#at = start
    this.#end = start + length
    const value = this.#extended(type, length, depth)
    if (this.#at !== this.#end) throw damaged()
    this.#end = outer
    return value
  }

  #extended(type: number | undefined, length: number, depth: number): unknown {
    switch (type) {
      case extensions.map:
        return this.#map(depth)
      case extensions.set:
        return new Set(this.#items(depth))
      case extensions.bigint:
        return this.#bigint()
      case extensions.timestamp:
        return this.#date(length)
      default:
        throw foreign()
    }
  }

  #map(depth: number): Map<unknown, unknown> {
    const items = this.#items(depth)
    if (items.length % 2 !== 0) throw foreign()
    const map = new Map<unknown, unknown>()
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1])
    return map
  }

  /** Of a map or a set, which are one level together with the array that they are written as. */
  #items(depth: number): Array<unknown> {
    const form = this.#bytes[this.#take(1)] ?? 0
    if (form >= forms.fixArray && form < forms.fixText) return this.#array(form & 0x0f, depth)
    if (form !== forms.array16 && form !== forms.array32) throw foreign()
    return this.#array(this.#length(1 + form - forms.array16), depth)
  }

  #bigint(): bigint {
    const { maxDigits } = this.#limits
    if (this.#end - this.#at > maxDigits + 6) throw tooManyDigits(this.#limits)
    const text = this.#value(this.#limits.maxDepth)
    if (typeof text !== "string" || !/^-?\d+$/.test(text)) throw foreign()
    if (text.length - (text.startsWith("-") ? 1 : 0) > maxDigits) throw tooManyDigits(this.#limits)
    return BigInt(text)
  }

  #date(length: number): Date {
    const date = new Date(this.#millis(length))
    if (Number.isNaN(date.getTime())) throw foreign()
    return date
  }

  #millis(length: number): number {
    const view = this.#view
    switch (length) {
      case 4:
        return view.getUint32(this.#take(4)) * 1000
      case 8: {
        const both = view.getBigUint64(this.#take(8))
        return Number(both & 0x3_ffff_ffffn) * 1000 + Math.floor(Number(both >> 34n) / 1_000_000)
      }
      case 12: {
        const nanoseconds = view.getUint32(this.#take(4))
        return Number(view.getBigInt64(this.#take(8))) * 1000 + Math.floor(nanoseconds / 1_000_000)
      }
      default:
        throw foreign()
    }
  }

  /** Before room is made for a list: each item takes a byte at least, so that what is announced never exceeds what is left. */
  #nest(nodes: number, items: number, depth: number): void {
    if (items > this.#end - this.#at) throw damaged()
    if (depth > this.#limits.maxDepth) throw tooManyLevels(this.#limits)
    this.#count(nodes)
  }

  #count(nodes: number): void {
    this.#nodes += nodes
    if (this.#nodes > this.#limits.maxNodes) throw tooManyNodes(this.#limits)
  }

  /** Where the next bytes start. */
  #take(bytes: number): number {
    const start = this.#at
    if (bytes > this.#end - start) throw damaged()
    this.#at = start + bytes
    return start
  }
}

const ownProperty = { configurable: true, enumerable: true, writable: true }

const safe = (integer: bigint): number => {
  const number = Number(integer)
  if (Number.isSafeInteger(number)) return number
  throw new FormatError("the stored value holds an integer beyond 2^53")
}

/** Short names of properties, which come again and again: the engine finds a property sooner by a text that it knows. */
class KnownNames {
  readonly #names = Array.from<string | undefined>({ length: 2048 })

  /** Undefined where it is too long, or not ASCII. */
  at(bytes: Uint8Array, start: number, length: number): string | undefined {
    if (length > 24) return undefined
    let hash = length
    for (let i = start; i < start + length; i++) hash = (Math.imul(hash, 31) + (bytes[i] ?? 0)) | 0
    const place = hash & 2047
    const known = this.#names[place]
    if (known?.length === length && isSame(known, bytes, start)) return known
    let name = ""
    for (let i = start; i < start + length; i++) {
      const byte = bytes[i] ?? 0x80
      if (byte > 0x7f) return undefined
      name += String.fromCharCode(byte)
    }
    this.#names[place] = name
    return name
  }
}

const isSame = (name: string, bytes: Uint8Array, start: number): boolean => {
  for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) !== bytes[start + i]) return false
  return true
}

const names = new KnownNames()
