/** MessagePack: JSON's values, and bytes, `Date`, `Map`, `Set`, bigint, NaN and the infinities. What it would change is refused. */
import { type Judge, alteration, inside, lostText, refuse, refuseAlteration, refuseKind } from "./alteration.ts"
import { MsgPackReader } from "./MsgPackReader.ts"
import { MsgPackWriter, Unholdable } from "./MsgPackWriter.ts"
import { defaultLimits, type ValueLimits } from "./ValueLimits.ts"

export const encodeMsgPack = (value: unknown, limits: ValueLimits = defaultLimits): Uint8Array => {
  try {
    return new MsgPackWriter(limits).whole(value)
  } catch (error) {
    if (!(error instanceof Unholdable)) throw error
    refuseAlteration("MessagePack", value, judge)
    throw lostText("MessagePack")
  }
}

export const decodeMsgPack = (bytes: Uint8Array, limits: ValueLimits = defaultLimits): unknown =>
  new MsgPackReader(bytes, limits).whole()

/** What MessagePack holds of what JSON does not. */
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
