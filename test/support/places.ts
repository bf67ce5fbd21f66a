/** One place of each kind, and those that an earlier form of encryption could not tell from them. */
import type { Place } from "../../src/schema/place.ts"

const of = (kind: "hash" | "list" | "set" | "zset" | "stream", final: string, name = ""): Place => ({
  final,
  part: { kind, name }
})

export const places: Readonly<Record<string, Place>> = {
  value: { final: ":1:k" },
  "another key": { final: ":2:k" },
  "a key like a field": { final: ":1:k\nf" },
  "a field": of("hash", ":1:k", "f"),
  "another field": of("hash", ":1:k", "g"),
  "a field with a line feed": of("hash", ":1:k", "f\ng"),
  "a field of a key with a line feed": of("hash", ":1:k\nf", "g"),
  "a field without a name": of("hash", ":1:k"),
  "a field of a stream": of("stream", ":1:k", "f"),
  "an element": of("list", ":1:k"),
  "a member": of("set", ":1:k"),
  "a member with a score": of("zset", ":1:k")
}
