/** Finds what a format would not give back as it is. */
import { FormatError } from "./FormatError.ts"
import { defaultLimits, tooManyLevels, type ValueLimits } from "./ValueLimits.ts"

/** What would be changed, and where. */
export interface Alteration {
  readonly what: string
  /** Innermost first. */
  readonly path: Array<string>
}

export const refuse = (what: string): Alteration => ({ what, path: [] })

/** Judges a value that JSON cannot hold: undefined = this format can. */
export type Judge = (value: unknown) => Alteration | undefined

/** Nothing is altered as deep as was looked; there is more. */
const deeper: Alteration = refuse("")

/**
 * The first part of `value` that would be altered or dropped by a format that holds JSON's values and what `judge` lets pass. Lists and
 * records within one another are looked at as deep as `levels` says.
 */
export const alteration = (value: unknown, judge: Judge, levels = Infinity): Alteration | undefined => {
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined
    case "number":
      if (!Number.isFinite(value)) return judge(value)
      return value === 0 && Object.is(value, -0) ? refuse("negative zero") : undefined
    case "object":
      if (value === null) return undefined
      if (levels <= 0) return deeper
      return Array.isArray(value) ? inArray(value, judge, levels - 1) : inObject(value, judge, levels - 1)
    default:
      return judge(value)
  }
}

/** Throws an error that names the path of the first part that `format` would alter or drop, or one of a value that is too deep. */
export const refuseAlteration = (format: string, value: unknown, judge: Judge, limits?: ValueLimits): void => {
  const found = alteration(value, judge, limits?.maxDepth)
  if (found === undefined) return
  if (found === deeper) throw tooManyLevels(limits ?? defaultLimits)
  const at = found.path.length === 0 ? "" : ` at ${found.path.toReversed().join("")}`
  throw new FormatError(`${format} cannot hold ${found.what}${at} unchanged`)
}

const inArray = (array: ReadonlyArray<unknown>, judge: Judge, levels: number): Alteration | undefined => {
  for (let i = 0; i < array.length; i++) {
    const item = array[i]
    if (typeof item === "string") continue
    const found = alteration(item, judge, levels)
    if (found !== undefined) return inside(found, `[${i}]`)
  }
  return Object.keys(array).length === array.length ? undefined : refuse("an array with properties")
}

const inObject = (object: object, judge: Judge, levels: number): Alteration | undefined => {
  const prototype: unknown = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null) return judge(object)
  const properties = object as Readonly<Record<string, unknown>>
  for (const name in properties) {
    const property = properties[name]
    if (typeof property === "string") continue
    const found = alteration(property, judge, levels)
    if (found !== undefined) return inside(found, `.${name}`)
  }
  return Object.getOwnPropertySymbols(object).length === 0 ? undefined : refuse("a property with a symbol key")
}

export const inside = (found: Alteration, step: string): Alteration => {
  if (found !== deeper) found.path.push(step)
  return found
}

/** What a value is called that no format here can hold. */
export const refuseKind: Judge = (value) => {
  if (typeof value === "number") return refuse("a number that is not finite")
  return refuse(typeof value === "object" && value !== null ? `a ${className(value)}` : typeof value)
}

const className = (object: object): string => object.constructor?.name ?? "class instance"

/** What UTF-8 makes of half a surrogate pair. */
const replacement = "\ufffd"

/** Whether bytes raise the suspicion that text was lost on the way into them. */
export const mayHaveLostText = (bytes: Uint8Array): boolean => holdsText(bytes, replacement)

/** Whether it was. */
export const hasLoneSurrogate = (value: unknown): boolean =>
  someWithin(value, (part) => typeof part === "string" && !part.isWellFormed())

export const lostText = (format: string) =>
  new FormatError(`${format} cannot hold text with a lone surrogate unchanged`)

export const holdsText = (bytes: Uint8Array, text: string): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(text)

/** Whether the value, or anything in it, passes the test; names of properties are parts, too. */
export const someWithin = (value: unknown, test: (part: unknown) => boolean): boolean => {
  if (test(value)) return true
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return false
  const parts =
    value instanceof Map || Array.isArray(value) || value instanceof Set ? [...value] : Object.entries(value)
  return parts.some((part) => someWithin(part, test))
}
