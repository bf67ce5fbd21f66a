/** JSON that refuses what it would change, and more than the limits allow. */
import { refuseAlteration, refuseKind } from "./alteration.ts"
import { FormatError } from "./FormatError.ts"
import { isTooDeep, tooDeep } from "./codecFailures.ts"
import { isDigits, isExact } from "./numberText.ts"
import { boundBytes, defaultLimits, isDeeper, tooManyLevels, tooManyNodes, type ValueLimits } from "./ValueLimits.ts"

/** The value's JSON text; throws an error that names the path of the first part JSON would alter or drop. */
export const strictJson = (value: unknown, limits: ValueLimits = defaultLimits): string => {
  try {
    const text = JSON.stringify(value)
    refuseAlteration("JSON", value, refuseKind, limits)
    boundText(text, limits)
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
  boundText(text, limits)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The engine's own message quotes the text.
    throw new FormatError("the stored text is not JSON")
  }
  boundDepth(value, text, limits)
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value
  if (!Number.isFinite(value)) throw new FormatError("the stored number is beyond what a number can be")
  const digits = text.trim()
  if (isDigits(digits) && !isExact(digits, value)) {
    throw new FormatError("the stored integer is beyond 2^53: read it with Schema.BigInt, or with incrBig(key, 0n)")
  }
  return value
}

/** Throws where the value of the text would have too many bytes or parts. Only the text is looked at, before anything is made of it. */
const boundText = (text: string, limits: ValueLimits): void => {
  boundBytes(text, limits)
  // Each part besides the first takes two characters.
  if ((text.length + 1) / 2 > limits.maxNodes) boundNodes(text, limits)
}

/** Each level takes two characters, so that most values need not be looked at. */
const boundDepth = (value: unknown, { length }: string, limits: ValueLimits): void => {
  if (length / 2 > limits.maxDepth && isDeeper(value, limits.maxDepth)) throw tooManyLevels(limits)
}

const quote = 0x22
const comma = 0x2c
const backslash = 0x5c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/** Counts parts; what is no JSON is left to the parser. */
const boundNodes = (text: string, limits: ValueLimits): void => {
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
        if (!closesNext(text, at)) nodes++
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
