/** What a value may be made of. The same bounds hold when it is written and when it is read: whatever `set` takes, `get` reads. */
import { FormatError } from "./FormatError.ts"

/**
 * What a value may be made of. A value beyond a limit fails with `CacheCodecError`.
 *
 * @since 0.2.0
 * @category formats
 * @see docs/values.md
 */
export interface ValueLimits {
  /** The size of the serialised value in bytes, uncompressed. Default: 64 MiB. */
  readonly maxBytes: number
  /**
   * How many values there may be within the value, itself included: each text, number, list, record … is one. Default: 1 000 000.
   */
  readonly maxNodes: number
  /** How deep lists, records, maps and sets may be within one another. Default: 512. */
  readonly maxDepth: number
  /** How many decimal digits a bigint may have. Default: 10 000. */
  readonly maxDigits: number
}

export const defaultLimits: ValueLimits = {
  maxBytes: 64 * 1024 * 1024,
  maxNodes: 1_000_000,
  maxDepth: 512,
  maxDigits: 10_000
}

/** Why limits cannot be used; undefined when they can. */
export const limitsRefusal = (limits: Partial<ValueLimits> | undefined): string | undefined => {
  for (const [name, limit] of Object.entries(limits ?? {})) {
    if (!Object.hasOwn(defaultLimits, name)) return `limits has no option ${name}`
    if (typeof limit !== "number" || !(limit > 0)) return `${name} must be a number above zero`
  }
  return undefined
}

export const limitsOf = (limits: Partial<ValueLimits> | undefined): ValueLimits =>
  limits === undefined ? defaultLimits : { ...defaultLimits, ...limits }

const above = (name: keyof ValueLimits, limits: ValueLimits, what: string) =>
  new FormatError(`the value has more ${what} than its limit, ${name}, allows: ${limits[name]}`)

export const tooManyBytes = (limits: ValueLimits) => above("maxBytes", limits, "bytes")
export const tooManyNodes = (limits: ValueLimits) => above("maxNodes", limits, "parts")
export const tooManyLevels = (limits: ValueLimits) => above("maxDepth", limits, "levels of nesting")
export const tooManyDigits = (limits: ValueLimits) => above("maxDigits", limits, "digits in one number")

/** Throws where the payload has too many bytes. */
export const boundBytes = (payload: string | Uint8Array, limits: ValueLimits): void => {
  const { length } = payload
  if (typeof payload !== "string") {
    if (length > limits.maxBytes) throw tooManyBytes(limits)
  } else if (length * 3 > limits.maxBytes && Buffer.byteLength(payload) > limits.maxBytes) {
    // A UTF-16 unit takes at most three bytes.
    throw tooManyBytes(limits)
  }
}

/** Whether more than `most` places in a row pass the test. Looks at every `most`th one first, since a longer run holds one of them. */
export const hasRun = (length: number, most: number, test: (index: number) => boolean): boolean => {
  for (let at = most; at < length; at += most) {
    if (!test(at)) continue
    let start = at
    while (start > 0 && test(start - 1)) start--
    let end = at + 1
    while (end < length && test(end)) end++
    if (end - start > most) return true
  }
  return false
}

/** Throws where more digits stand in a row than a number may have: turned into a bigint they would take too long. */
export const boundDigits = (payload: string | Uint8Array, limits: ValueLimits): void => {
  const { maxDigits } = limits
  if (payload.length <= maxDigits) return
  const code: (index: number) => number =
    typeof payload === "string" ? (index) => payload.charCodeAt(index) : (index) => payload[index] ?? 0
  const isDigit = (index: number): boolean => {
    const digit = code(index) - 0x30
    return digit >= 0 && digit <= 9
  }
  if (hasRun(payload.length, Math.ceil(maxDigits), isDigit)) throw tooManyDigits(limits)
}

/** Whether lists and records are nested more deeply in a value of JSON. */
export const isDeeper = (value: unknown, most: number): boolean => {
  if (typeof value !== "object" || value === null) return false
  if (most <= 0) return true
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (typeof value[i] === "object" && isDeeper(value[i], most - 1)) return true
    return false
  }
  const properties = value as Readonly<Record<string, unknown>>
  for (const name in properties) {
    const property = properties[name]
    if (typeof property === "object" && isDeeper(property, most - 1)) return true
  }
  return false
}
