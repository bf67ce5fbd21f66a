/** Where a value stands: what encryption binds it to. */
import type { KeyType } from "./Command.ts"

/** Which part of a key a value is. */
export interface Part {
  readonly kind: KeyType
  /** The name of a field; empty for elements and members, which have no names. */
  readonly name: string
}

export interface Place {
  readonly final: string
  /** Undefined: all that the key holds. */
  readonly part?: Part | undefined
}

/** Stands in the header of what is encrypted. Form 1 had no lengths and no kinds, so that different places had the same name. */
export const bindingForm = "2"

const whole: Part = { kind: "string", name: "" }

/** The header, the kind of place, the key and the part's name, each after its length in bytes, so that no two places share one. */
export const binding = (header: string, { final, part = whole }: Place): Buffer =>
  Buffer.concat([header, part.kind, final, part.name].flatMap(lengthFirst))

const lengthFirst = (text: string): ReadonlyArray<Buffer> => {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return [length, bytes]
}
