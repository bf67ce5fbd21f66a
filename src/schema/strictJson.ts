/** JSON that refuses what it would change. */
import { refuseAlteration, refuseKind } from "./alteration.ts"
import { FormatError, isTooDeep, tooDeep } from "./codecFailures.ts"

/** The value's JSON text; throws an error that names the path of the first part JSON would alter or drop. */
export const strictJson = (value: unknown): string => {
  try {
    const text = JSON.stringify(value)
    refuseAlteration("JSON", value, refuseKind)
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

/** The value of a JSON text; throws where there is none, or where it is an integer that a number cannot hold. */
export const parseJson = (text: string): unknown => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The engine's own message quotes the text.
    throw new FormatError("the stored text is not JSON")
  }
  if (typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(text)) {
    throw new FormatError("the stored integer is beyond 2^53; read it with incrBig(key, 0n)")
  }
  return value
}
