/** In which form a value is kept: decoded and frozen, or as the server stores it. */
import type { Effect } from "effect"
import { Exit } from "effect"
import { type Header, isFramed, isOfFailure, type Stored } from "../../../schema/frame.ts"
import { type CodecError, type EntryName, type ValueCodec, valueNow } from "../../../schema/ValueCodec.ts"
import { absent, type Kept, type NearValue, unread } from "./NearValue.ts"

/** The server has no such key. */
export const nothing: Kept = { codec: undefined, value: absent, header: undefined, bytes: 0 }

/**
 * Undefined where it is not to be kept: a claim or a failure, which are no values, what has a header that cannot be read, and
 * a value that was made stale.
 */
export const keptForm = <A, RD, RE>(
  codec: ValueCodec<A, RD, RE>,
  name: EntryName,
  stored: Stored | null,
  values: "shared" | "copied"
): Kept | undefined => {
  if (stored === null) return nothing
  const parsed = isFramed(stored) ? codec.header(name, stored) : undefined
  if (parsed !== undefined && !Exit.isSuccess(parsed)) return undefined
  const header = ownHeader(parsed?.value)
  if (header?.format === "" || header?.mark !== undefined) return undefined
  if (header !== undefined && isOfFailure(header)) return undefined
  const bytes = Buffer.byteLength(stored)
  if (values === "shared") {
    const decoded = valueNow(codec.decode(name, stored, header))
    if (decoded !== undefined && freeze(decoded.value)) return { codec, value: decoded.value, header, bytes }
  }
  return { codec: undefined, value: own(stored), header, bytes }
}

/** As it was read for nobody in particular. */
export const rawForm = (stored: Stored | null): Kept | undefined => {
  if (stored === null) return nothing
  const bytes = own(Buffer.from(stored))
  return { codec: unread, value: bytes, header: undefined, bytes: bytes.length }
}

/** The value, for a reader with the codec that decoded it if one did. Each gets an object of its own, unless it is frozen. */
export const valueIn = <A, RD, RE>(
  codec: ValueCodec<A, RD, RE>,
  name: EntryName,
  { codec: decoder, header, value }: NearValue
): Effect.Effect<A, CodecError, RD> => {
  // What is decoded of bytes may show them.
  if (decoder === undefined && Buffer.isBuffer(value)) return codec.decode(name, Buffer.from(value), header)
  if (decoder === undefined && typeof value === "string") return codec.decode(name, value, header)
  // Of the codec's own type, because that codec made it.
  return Exit.succeed(value as A)
}

/** Parts of a text would keep the whole of it. */
const ownHeader = (header: Header | undefined): Header | undefined => {
  if (header?.tags === undefined) return header
  const { era, hard, names, soft } = header.tags
  const text = Buffer.from(names + hard + soft + era, "latin1").toString("latin1")
  const hardAt = names.length
  const softAt = hardAt + hard.length
  const eraAt = softAt + soft.length
  const tags = {
    names: text.slice(0, hardAt),
    hard: text.slice(hardAt, softAt),
    soft: text.slice(softAt, eraAt),
    era: text.slice(eraAt)
  }
  return { ...header, tags }
}

/** Small buffers are parts of large ones, which would be kept with them. */
const own = (stored: Stored): Stored => {
  if (typeof stored === "string" || stored.buffer.byteLength <= 2 * stored.length) return stored
  const copy = Buffer.allocUnsafeSlow(stored.length)
  stored.copy(copy)
  return copy
}

/**
 * Freezes the value with all that it holds; false where it holds anything but primitives, plain objects and arrays, and is
 * not to be handed out then: a part of it may be frozen. A frozen `Date` or `Map` still changes, and a `Uint8Array` cannot be
 * frozen.
 */
export const freeze = (value: unknown): boolean => {
  if (typeof value !== "object" || value === null) return typeof value !== "function"
  const open: Array<object> = [value]
  for (let holder = open.pop(); holder !== undefined; holder = open.pop()) {
    if (!isPlain(holder)) return false
    Object.freeze(holder)
    if (Array.isArray(holder)) {
      for (const item of holder) if (!isFreezable(item, open)) return false
    } else {
      for (const name in holder) if (!isFreezable(holder[name], open)) return false
    }
  }
  return true
}

/** Objects are to be frozen in turn. */
const isFreezable = (item: unknown, open: Array<object>): boolean => {
  // What is frozen already was met before, or is the program's own constant.
  if (typeof item === "object" && item !== null && Object.isExtensible(item)) open.push(item)
  return typeof item !== "function"
}

const isPlain = (value: object): value is Readonly<Record<string, unknown>> => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null
}
