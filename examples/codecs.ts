/** The stored form of values, read and written without a cache: for migrations, tools and tests. `npm run example examples/codecs.ts` */
import { isDeepStrictEqual } from "node:util"
import { Redacted } from "effect"
import { Cipher, Compressor, Serializer } from "effect-vcache/codecs"

const order = {
  id: 1,
  placed: new Date("2026-11-21"),
  lines: Array.from({ length: 30 }, (_, i) => `line ${i}: 2 × tea`)
}

// MessagePack keeps dates, bytes, maps and sets. JSON refuses what it would change.
const bytes = Buffer.from(Serializer.msgpack.encode(order))
console.log("MessagePack gives it back:", isDeepStrictEqual(Serializer.msgpack.decode(bytes), order))

try {
  Serializer.json.encode(order)
} catch (error) {
  console.log("JSON:", error instanceof Error ? error.message : error)
}

const zstd = Compressor.zstd()
const small = zstd.compress(bytes)
console.log("smaller by more than half:", small.length * 2 < bytes.length)
console.log("the same again:", bytes.equals(zstd.decompress(small, 1_000_000)))

// The ciphertext is bound to the key of its entry: under another key it cannot be decrypted.
const cipher = Cipher.aes256gcm([Redacted.make("11".repeat(32))])
const encrypted = cipher.encrypt(small, Buffer.from("orders:1:1"))
console.log("decrypted:", Buffer.from(cipher.decrypt(encrypted, Buffer.from("orders:1:1"))).equals(Buffer.from(small)))

// Prints:
// MessagePack gives it back: true
// JSON: JSON cannot hold a Date at .placed unchanged
// smaller by more than half: true
// the same again: true
// decrypted: true
