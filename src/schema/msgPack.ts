/** MessagePack that refuses what it would change, and bytes that claim more than they hold. */
import { type DecoderOptions, decode, type EncoderOptions, encode, ExtensionCodec } from "@msgpack/msgpack"
import {
  alteration,
  hasLoneSurrogate,
  holdsText,
  inside,
  type Judge,
  lostText,
  mayHaveLostText,
  refuse,
  refuseAlteration,
  refuseKind,
  someWithin
} from "./alteration.ts"
import { FormatError } from "./codecFailures.ts"

const nativeTypes = new ExtensionCodec()

const options: EncoderOptions & DecoderOptions = {
  extensionCodec: nativeTypes,
  maxDepth: 1000
}

// Types of the application's own range; those below zero belong to MessagePack.
nativeTypes.register({
  type: 1,
  encode: (value) => (value instanceof Map ? encode([...value].flat(), options) : null),
  decode: (bytes) => new Map(pairs(listOf(bytes)))
})
nativeTypes.register({
  type: 2,
  encode: (value) => (value instanceof Set ? encode([...value], options) : null),
  decode: (bytes) => new Set(listOf(bytes))
})
nativeTypes.register({
  type: 3,
  encode: (value) => (typeof value === "bigint" ? encode(String(value)) : null),
  decode: (bytes) => bigintOf(decodeMsgPack(bytes))
})

/** MessagePack holds JSON's values, and these. */
const judge: Judge = (value) => {
  if (typeof value === "number" || typeof value === "bigint") return undefined
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? refuse("an invalid date") : undefined
  if (value instanceof Uint8Array) return undefined
  if (value instanceof Map) return inMap(value)
  if (value instanceof Set) return inValues([...value], ".values()")
  return refuseKind(value)
}

const inMap = (map: ReadonlyMap<unknown, unknown>) =>
  inValues([...map.keys()], ".keys()") ?? inValues([...map.values()], ".get(…)")

const inValues = (values: ReadonlyArray<unknown>, step: string) => {
  for (const value of values) {
    const found = alteration(value, judge)
    if (found !== undefined) return inside(found, step)
  }
  return undefined
}

const ownsProto = (part: unknown): boolean =>
  typeof part === "object" && part !== null && Object.hasOwn(part, "__proto__")

export const encodeMsgPack = (value: unknown): Uint8Array => {
  refuseAlteration("MessagePack", value, judge)
  const bytes = encode(value, options)
  if (mayHaveLostText(bytes) && hasLoneSurrogate(value)) throw lostText("MessagePack")
  // The decoder refuses it.
  if (holdsText(bytes, "__proto__") && someWithin(value, ownsProto)) {
    throw new FormatError("MessagePack cannot hold a property named __proto__")
  }
  return bytes
}

export const decodeMsgPack = (bytes: Uint8Array): unknown => {
  if (!holdsWhatItClaims(bytes)) throw new FormatError("the bytes are no whole MessagePack value")
  return decode(bytes, options)
}

const notOurs = () => new FormatError("the bytes are no MessagePack of this format")

const listOf = (bytes: Uint8Array): ReadonlyArray<unknown> => {
  const list = decodeMsgPack(bytes)
  if (!Array.isArray(list)) throw notOurs()
  return list
}

function* pairs(list: ReadonlyArray<unknown>): Generator<readonly [unknown, unknown]> {
  if (list.length % 2 !== 0) throw notOurs()
  for (let i = 0; i < list.length; i += 2) yield [list[i], list[i + 1]]
}

const bigintOf = (text: unknown): bigint => {
  if (typeof text !== "string" || !/^-?\d+$/.test(text)) throw notOurs()
  return BigInt(text)
}

/**
 * Whether the lengths in the bytes can be true: the decoder makes room for a list before it reads it, so that five
 * bytes could ask for gigabytes. Every item takes a byte, so what is announced never exceeds what is left.
 */
const holdsWhatItClaims = (bytes: Uint8Array): boolean => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let position = 0
  let due = 1
  try {
    while (due > 0) {
      if (due > bytes.length - position) return false
      due--
      const head = view.getUint8(position++)
      if (head <= 0x7f || head >= 0xe0) continue
      if (head <= 0x8f) due += 2 * (head & 0x0f)
      else if (head <= 0x9f) due += head & 0x0f
      else if (head <= 0xbf) position += head & 0x1f
      else {
        const form = forms[head - 0xc0]
        if (form === undefined) return false
        const [lengthBytes, extra, items] = form
        const length = lengthBytes === 0 ? 0 : readLength(view, position, lengthBytes)
        position += lengthBytes + extra
        if (items === 0) position += length
        else due += items * length
      }
    }
  } catch {
    return false
  }
  return position === bytes.length
}

const readLength = (view: DataView, position: number, bytes: number): number =>
  bytes === 1 ? view.getUint8(position) : bytes === 2 ? view.getUint16(position) : view.getUint32(position)

/** Of each head from 0xc0 on: bytes of its length, bytes that follow besides, items for each one of the length (0 = it counts bytes). */
const forms: ReadonlyArray<readonly [lengthBytes: number, extra: number, items: number] | undefined> = [
  [0, 0, 0], // nil
  undefined,
  [0, 0, 0], // false
  [0, 0, 0], // true
  [1, 0, 0], // bin
  [2, 0, 0],
  [4, 0, 0],
  [1, 1, 0], // ext
  [2, 1, 0],
  [4, 1, 0],
  [0, 4, 0], // float
  [0, 8, 0],
  [0, 1, 0], // uint
  [0, 2, 0],
  [0, 4, 0],
  [0, 8, 0],
  [0, 1, 0], // int
  [0, 2, 0],
  [0, 4, 0],
  [0, 8, 0],
  [0, 2, 0], // fixext
  [0, 3, 0],
  [0, 5, 0],
  [0, 9, 0],
  [0, 17, 0],
  [1, 0, 0], // str
  [2, 0, 0],
  [4, 0, 0],
  [2, 0, 1], // array
  [4, 0, 1],
  [2, 0, 2], // map
  [4, 0, 2]
]
