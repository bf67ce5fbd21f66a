/** JSON that refuses what it would change, and more than the limits allow. */
import { refuseAlteration, refuseKind } from "./alteration.ts"
import { FormatError } from "./FormatError.ts"
import { isTooDeep, tooDeep } from "./codecFailures.ts"
import { isDigits, isExact } from "./numberText.ts"
import { boundBytes, defaultLimits, tooManyLevels, tooManyNodes, type ValueLimits } from "./ValueLimits.ts"

/** The value's JSON text; throws an error that names the path of the first part JSON would alter or drop. */
export const strictJson = (value: unknown, limits: ValueLimits = defaultLimits): string => {
  try {
    const text = JSON.stringify(value)
    refuseAlteration("JSON", value, refuseKind)
    boundJson(text, limits)
    return text
  } catch (error) {
    if (error instanceof FormatError) throw error
    throw new FormatError(unwritable(value, error))
  }
}

/** The engine's own message about a bigint, a cycle or a `toJSON` that throws quotes names of properties and classes. */
const unwritable = (value: unknown, error: unknown): string => {
  if (isTooDeep(error)) return tooDeep
  try {
    refuseAlteration("JSON", value, refuseKind)
    return "JSON cannot hold the value"
  } catch (error) {
    return error instanceof FormatError ? error.message : tooDeep
  }
}

/** The value of a JSON text; throws where there is none, or where it is a number that JavaScript would round. */
export const parseJson = (text: string, limits: ValueLimits = defaultLimits): unknown => {
  boundJson(text, limits)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The engine's own message quotes the text.
    throw new FormatError("the stored text is not JSON")
  }
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value
  if (!Number.isFinite(value)) throw new FormatError("the stored number is beyond what a number can be")
  const digits = text.trim()
  if (isDigits(digits) && !isExact(digits, value)) {
    throw new FormatError("the stored integer is beyond 2^53: read it with Schema.BigInt, or with incrBig(key, 0n)")
  }
  return value
}

/** Throws where the value of the text would be above the limits. Only the text is looked at, before anything is made of it. */
export const boundJson = (text: string, limits: ValueLimits): void => {
  const { maxDepth, maxNodes } = limits
  boundBytes(text, limits)
  // Each level takes two characters, and so does each value besides the first.
  const most = (text.length + 1) / 2
  if (most <= maxDepth && most <= maxNodes) return
  if (most <= maxNodes && count(text, "[", maxDepth) + count(text, "{", maxDepth) <= maxDepth) return
  scan(text, limits)
}

/** How often the character stands in the text, up to one more than `most`. */
const count = (text: string, character: string, most: number): number => {
  let found = 0
  for (let at = text.indexOf(character); at >= 0 && found <= most; at = text.indexOf(character, at + 1)) found++
  return found
}

const quote = 0x22
const comma = 0x2c
const backslash = 0x5c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/** Counts levels and values; what is no JSON is left to the parser. */
const scan = (text: string, limits: ValueLimits): void => {
  let depth = 0
  let nodes = 1
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote:
        at = closingQuote(text, at)
        if (at < 0) return
        break
      case comma:
        nodes++
        break
      case openBracket:
      case openBrace:
        if (++depth > limits.maxDepth) throw tooManyLevels(limits)
        if (!closesNext(text, at)) nodes++
        break
      case closeBracket:
      case closeBrace:
        depth--
    }
    if (nodes > limits.maxNodes) throw tooManyNodes(limits)
  }
}

const closingQuote = (text: string, opening: number): number => {
  for (let at = text.indexOf('"', opening + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let start = at
    while (text.charCodeAt(start - 1) === backslash) start--
    // A quote behind an even number of backslashes is not escaped.
    if ((at - start) % 2 === 0) return at
  }
  return -1
}

const closesNext = (text: string, opening: number): boolean => {
  let code = text.charCodeAt(opening + 1)
  // White space is what is below the exclamation mark.
  for (let at = opening + 2; code <= 0x20; at++) code = text.charCodeAt(at)
  return code === closeBracket || code === closeBrace
}
