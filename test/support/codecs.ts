/** Values through a codec and back, as a cache does it. */
import { Effect, Option } from "effect"
import { Serializer } from "effect-vcache"
import type { FormatOptions } from "../../src/schema/Formats.ts"
import type { Stored } from "../../src/schema/frame.ts"
import type { EntryName, ValueCodec } from "../../src/schema/ValueCodec.ts"

export const plainJson: FormatOptions = { serializer: Serializer.json, compressor: undefined, cipher: undefined }

export const entry: EntryName = { operation: "get", key: "k", final: ":1:k" }

/** What a server would give: bytes where the codec asks for bytes. */
export const reply = ({ reply }: Pick<ValueCodec<unknown>, "reply">, stored: Stored): Stored =>
  reply === "buffer" && typeof stored === "string" ? Buffer.from(stored) : stored

export const decode = <A>(codec: Pick<ValueCodec<A>, "header" | "decode">, stored: Stored, name = entry) =>
  Effect.flatMap(codec.header(name, stored), (header) => codec.decode(name, stored, header))

export const roundTrip = <A>(codec: ValueCodec<A>, value: A) =>
  Effect.flatMap(codec.encode(entry, value), (stored) => decode(codec, reply(codec, stored)))

/** Objects without a prototype are like those with, and a negative zero is what `zero` says. */
export const comparable = (value: unknown, zero = -0): unknown => {
  const inner = (value: unknown) => comparable(value, zero)
  if (Object.is(value, -0)) return zero
  if (value instanceof Map) return new Map([...value].map(([key, value]) => [inner(key), inner(value)]))
  if (Array.isArray(value)) return value.map(inner)
  if (Option.isOption(value)) return Option.map(value, inner)
  if (typeof value !== "object" || value === null) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  return Object.fromEntries(Object.entries(value).map(([key, value]) => [key, inner(value)]))
}
