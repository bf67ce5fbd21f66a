/** What is known of `Serializer.binary` where it is not loaded: only programs that use it load Effect's SchemaBinary. */
import type { Serializer } from "./Serializer.ts"

/** What is written in its place where a value's size in it cannot be bounded. */
export const standIn: unique symbol = Symbol("effect-vcache/Serializer.standIn")

export interface BinarySerializer extends Serializer {
  readonly [standIn]: Serializer
}

export const isBinary = (serializer: Serializer): serializer is BinarySerializer => standIn in serializer
