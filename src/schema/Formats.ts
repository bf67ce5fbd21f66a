/** Formats: what one cache writes, and all that it reads. */
import { lostText } from "./alteration.ts"
import type { Cipher } from "./Cipher.ts"
import { FormatError } from "./FormatError.ts"
import { kindOf } from "./codecFailures.ts"
import type { Compressor } from "./Compressor.ts"
import {
  failureSign,
  framed,
  type Header,
  headerText,
  isFramed,
  readHeader,
  type Stored,
  type Timing
} from "./frame.ts"
import { isNumberText } from "./numberText.ts"
import { isBinary, standIn } from "./binarySerializer.ts"
import { jsonSerializer, numbers } from "./jsonSerializer.ts"
import type { Serializer } from "./Serializer.ts"
import type { TagStamp } from "./TagStamp.ts"
import { binding, bindingForm, type Place } from "./place.ts"
import { boundBytes, limitsOf, limitsRefusal, tooManyBytes, type ValueLimits } from "./ValueLimits.ts"
import type { ReplyEncoding } from "./Command.ts"

export interface FormatOptions {
  readonly serializer: Serializer | ReadonlyArray<Serializer>
  readonly compressor: Compressor | ReadonlyArray<Compressor> | undefined
  readonly cipher: Cipher | undefined
  readonly limits?: Partial<ValueLimits> | undefined
}

interface Format {
  readonly serializer: Serializer
  readonly compressor: Compressor | undefined
}

export type Payload = string | Uint8Array

/** A serialised value, and whose work it is. */
export interface Serialized {
  readonly serializer: Serializer
  readonly payload: Payload
}

const listOf = <A>(one: A | ReadonlyArray<A> | undefined): ReadonlyArray<A> =>
  one === undefined ? [] : Array.isArray(one) ? one : [one as A]

const nameOf = (serializer: Serializer, compressor: Compressor | undefined, cipher: Cipher | undefined): string =>
  `${serializer.id}${compressor === undefined ? "" : `>${compressor.id}`}${cipher === undefined ? "" : `#${cipher.id}/${bindingForm}`}`

/** Seals serialised values for storage, and opens what was stored. Its methods throw. */
export class Formats {
  readonly writer: Serializer
  /** How replies must be read: text where nothing but JSON text is expected. */
  readonly reply: ReplyEncoding
  /** What is written where a value's size in `Serializer.binary` cannot be bounded. */
  readonly bounded: Serializer
  readonly limits: ValueLimits
  /** Plain text is built-in JSON, and JSON text is stored plain. */
  readonly plainJson: boolean
  readonly #cipher: Cipher | undefined
  readonly #compressor: Compressor | undefined
  readonly #readable = new Map<string, Format>()
  readonly #plain: Serializer | undefined
  readonly #headers: Array<KnownHeader> = []
  readonly #options: FormatOptions
  readonly #lead: string
  #failures: Formats | undefined

  /** `lead`: what stands before the names of the formats. What has one is never stored as plain text. */
  constructor(options: FormatOptions, lead = "") {
    const { cipher, compressor, limits, serializer } = options
    this.#options = options
    this.#lead = lead
    this.limits = limitsOf(limits)
    const serializers = listOf(serializer)
    const compressors = listOf(compressor)
    this.writer = serializers[0] ?? jsonSerializer
    this.#compressor = compressors[0]
    this.#cipher = cipher
    this.#plain = serializers.find(({ id }) => id === jsonSerializer.id)
    const binary = serializers.find(isBinary)
    this.bounded = serializers.find(({ id }) => id === binary?.[standIn].id) ?? binary?.[standIn] ?? this.writer
    const read = new Set(binary === undefined ? serializers : [...serializers, this.bounded])
    for (const serializer of read) {
      for (const compressor of [undefined, ...compressors]) {
        this.#readable.set(lead + nameOf(serializer, compressor, cipher), { serializer, compressor })
      }
    }
    for (const id of numberIds) {
      const name = lead + nameOf({ ...numbers, id }, undefined, cipher)
      this.#readable.set(name, { serializer: numbers, compressor: undefined })
    }
    const textOnly = serializers.every((serializer) => serializer === jsonSerializer)
    this.reply = textOnly && compressors.length === 0 && cipher === undefined ? "utf8" : "buffer"
    this.plainJson = this.#plain === jsonSerializer && cipher === undefined && lead === ""
    for (const format of this.#readable.keys()) this.#headers.push(new KnownHeader(format))
  }

  get encrypted(): boolean {
    return this.#cipher !== undefined
  }

  /** The same formats for failures of lookups: what is of one kind is not read as the other. */
  get failures(): Formats {
    return (this.#failures ??= new Formats(this.#options, failureSign))
  }

  /** What the header of plain text would say; undefined where it is no value that is read here. */
  get plainHeader(): string | undefined {
    if (this.encrypted) return undefined
    return headerText(nameOf(this.#plain ?? numbers, undefined, undefined), undefined, undefined)
  }

  /** The header of what is stored; undefined for plain text. Throws where the header is not one of this format. */
  header(stored: Stored): Header | undefined {
    if (!isFramed(stored)) return undefined
    // Most are one of the few that say nothing but the format.
    for (const known of this.#headers) if (known.begins(stored)) return known.header
    return readHeader(stored)
  }

  /** What is stored of a value where nothing has to be done to it; undefined where something has. */
  plain({ payload, serializer }: Serialized): string | undefined {
    const asIs =
      this.#lead === "" &&
      this.#compressor === undefined &&
      this.#cipher === undefined &&
      (serializer === jsonSerializer || serializer === numbers)
    return asIs && typeof payload === "string" ? payload : undefined
  }

  /** JSON text stays as it is unless something else is asked for. */
  seal(
    { payload, serializer }: Serialized,
    place: Place,
    timing: Timing | undefined,
    tags: TagStamp | undefined
  ): Stored {
    boundBytes(payload, this.limits)
    // JSON.stringify escapes them.
    if (
      serializer !== jsonSerializer &&
      serializer !== numbers &&
      typeof payload === "string" &&
      !payload.isWellFormed()
    ) {
      throw lostText(serializer.id)
    }
    const compressed = serializer === numbers ? undefined : this.#compress(payload)
    const compressor = compressed === undefined ? undefined : this.#compressor
    const body = compressed ?? payload
    const cipher = this.#cipher
    if (
      this.#lead === "" &&
      timing === undefined &&
      tags === undefined &&
      compressor === undefined &&
      cipher === undefined &&
      typeof body === "string" &&
      (serializer === numbers || serializer.id === jsonSerializer.id)
    ) {
      return body
    }
    const header = headerText(this.#lead + nameOf(serializer, compressor, cipher), timing, tags)
    if (cipher === undefined) return framed(header, body)
    const plain = typeof body === "string" ? Buffer.from(body) : body
    return framed(
      header,
      step(`encryption with ${cipher.id}`, () => cipher.encrypt(plain, binding(header, place)))
    )
  }

  /** The serialised value behind a header; undefined header = plain text. */
  open(stored: Stored, header: Header | undefined, place: Place): Serialized {
    if (header === undefined) {
      if (this.encrypted)
        throw new FormatError("the stored value is not encrypted; a counter is read with incr(key, 0)")
      const serializer = this.#plain ?? (isNumber(stored, this.limits) ? numbers : undefined)
      if (serializer === undefined) throw new FormatError("the stored value has no format that this cache reads")
      return { serializer, payload: stored }
    }
    const format = this.#readable.get(header.format)
    if (format === undefined) {
      const why = /#[^/]*$/.test(header.format)
        ? "an encrypted form that is no longer read"
        : "which this cache does not read"
      throw new FormatError(`the stored value is ${header.format}, ${why}`)
    }
    const { compressor, serializer } = format
    let payload: Payload = stored.slice(header.length)
    const cipher = this.#cipher
    if (cipher !== undefined) {
      const sealed = toBytes(payload)
      const context = binding(headerText(header.format, header.timing, header.tags), place)
      payload = step(`decryption with ${cipher.id}`, () => cipher.decrypt(sealed, context))
    }
    if (compressor !== undefined) {
      payload = decompressed(compressor, toBytes(payload), this.limits)
    }
    boundBytes(payload, this.limits)
    return { serializer, payload }
  }

  #compress(payload: Payload): Uint8Array | undefined {
    const compressor = this.#compressor
    // A UTF-16 unit takes at most three bytes.
    if (compressor === undefined || payload.length * 3 < compressor.threshold) return undefined
    const bytes = toBytes(payload)
    if (bytes.length < compressor.threshold) return undefined
    const compressed = step(`compression with ${compressor.id}`, () => compressor.compress(bytes))
    // A header comes with it.
    return compressed.length + headerLength < bytes.length ? compressed : undefined
  }
}

/** The header of values that cannot become stale. */
class KnownHeader {
  readonly header: Header
  readonly #text: string
  readonly #bytes: Buffer

  constructor(format: string) {
    this.#text = framedText(format)
    this.#bytes = Buffer.from(this.#text)
    this.header = {
      format,
      timing: undefined,
      tags: undefined,
      mark: undefined,
      claim: undefined,
      length: this.#text.length
    }
  }

  begins(stored: Stored): boolean {
    if (typeof stored === "string") return stored.startsWith(this.#text)
    const bytes = this.#bytes
    for (let i = 0; i < bytes.length; i++) if (stored[i] !== bytes[i]) return false
    return true
  }
}

/** Plain text that any serializer's cache reads: a counter, or a number that was stored as one. */
const isNumber = (stored: Stored, { maxDigits }: ValueLimits): boolean =>
  stored.length <= maxDigits + 32 && isNumberText(stored.toString())

const framedText = (format: string): string => String(framed(headerText(format, undefined, undefined), ""))

/** Not as a `Buffer`: what decoders cut out of it would be one, too. */
export const toBytes = (payload: Payload): Uint8Array => {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload
  return Buffer.isBuffer(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes
}

const decompressed = (compressor: Compressor, compressed: Uint8Array, limits: ValueLimits): Uint8Array => {
  try {
    return compressor.decompress(compressed, limits.maxBytes)
  } catch (error) {
    const kind = kindOf(error)
    throw kind === "ERR_BUFFER_TOO_LARGE"
      ? tooManyBytes(limits)
      : new FormatError(`decompression with ${compressor.id} failed (${kind})`)
  }
}

/** What foreign code throws may quote what it was given; its kind is all that is kept. */
const step = <A>(what: string, run: () => A): A => {
  try {
    return run()
  } catch (error) {
    throw new FormatError(`${what} failed (${kindOf(error)})`)
  }
}

/** About. */
const headerLength = 20

/** Before all numbers were stored as text, integers had a name of their own. */
const numberIds: ReadonlyArray<string> = [numbers.id, "int"]

const idPattern = /^[a-z][\w.-]{0,31}$/i

/** Why the options cannot be used; undefined when they can. */
export const formatRefusal = ({ cipher, compressor, limits, serializer }: FormatOptions): string | undefined => {
  const serializers = listOf(serializer)
  if (serializers.length === 0) return "serializer must not be an empty list"
  return (
    listRefusal("serializer", serializers, ["encode", "decode"]) ??
    listRefusal("compressor", listOf(compressor), ["compress", "decompress"]) ??
    listRefusal("cipher", listOf(cipher), ["encrypt", "decrypt"]) ??
    limitsRefusal(limits)
  )
}

const listRefusal = (
  kind: string,
  list: ReadonlyArray<{ readonly id: string }>,
  methods: ReadonlyArray<string>
): string | undefined => {
  const malformed = `a ${kind} must be an object with an id and the functions ${methods.join(" and ")}`
  for (const one of list) {
    const candidate: unknown = one
    if (typeof candidate !== "object" || candidate === null) return malformed
    // Of an instance of a class, too.
    const member = (name: string): unknown => Reflect.get(candidate, name)
    if (!methods.every((name) => typeof member(name) === "function")) return malformed
    const id = member("id")
    if (typeof id !== "string" || !idPattern.test(id)) {
      return `the id of a ${kind} must be a letter, followed by up to 31 letters, digits, dots, underscores or dashes`
    }
    if (numberIds.includes(id)) return `the id ${id} is reserved: choose another one`
    if (kind === "compressor" && !(Number(member("threshold")) >= 0))
      return "the threshold of a compressor must be a number of bytes, 0 or more"
  }
  const ids = new Set(list.map(({ id }) => id))
  return ids.size === list.length ? undefined : `two ${kind}s have the same id`
}
