/** Values through a codec and back, as a cache does it. */
import { Effect } from "effect"
import { Serializer } from "effect-vcache"
import type { FormatOptions } from "../../src/schema/Formats.ts"
import type { Stored } from "../../src/schema/frame.ts"
import type { EntryName, ValueCodec } from "../../src/schema/ValueCodec.ts"

export const plainJson: FormatOptions = { serializer: Serializer.json, compressor: undefined, cipher: undefined }

export const entry: EntryName = { operation: "get", key: "k", final: ":1:k" }

/** What a server would give: bytes where the codec asks for bytes. */
export const reply = ({ reply }: Pick<ValueCodec<unknown>, "reply">, stored: Stored): Stored =>
  reply === "buffer" && typeof stored === "string" ? Buffer.from(stored) : stored

export const decode = <A>(codec: ValueCodec<A>, stored: Stored, name = entry) =>
  Effect.flatMap(codec.header(name, stored), (header) => codec.decode(name, stored, header))

export const roundTrip = <A>(codec: ValueCodec<A>, value: A) =>
  Effect.flatMap(codec.encode(entry, value), (stored) => decode(codec, reply(codec, stored)))
