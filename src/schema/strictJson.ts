/** JSON that refuses what it would change. */
import { refuseAlteration, refuseKind } from "./alteration.ts"

/** The value's JSON text; throws a `TypeError` that names the path of the first part JSON would alter or drop. */
export const strictJson = (value: unknown): string => {
  // First, because it is what notices cycles.
  const text = JSON.stringify(value)
  refuseAlteration("JSON", value, refuseKind)
  return text
}

/** The value of a JSON text; throws where there is none, or where it is an integer that a number cannot hold. */
export const parseJson = (text: string): unknown => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The engine's own message quotes the text.
    throw new SyntaxError("the stored text is not JSON")
  }
  if (typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(text)) {
    throw new RangeError("the stored integer is beyond 2^53; read it with incrBig(key, 0n)")
  }
  return value
}
