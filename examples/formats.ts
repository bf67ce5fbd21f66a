/** How values are stored: formats, compression, encryption, and changing them without a flush. `npm run example examples/formats.ts` */
import { Effect, Option, Redacted, Schema } from "effect"
import { CacheFromConfig, CacheService, Cipher, Compressor, Serializer } from "effect-vcache"

const Order = Schema.Struct({
  id: Schema.Int,
  customer: Schema.String,
  placed: Schema.Date,
  lines: Schema.Array(Schema.String)
})

const order: typeof Order.Type = {
  id: 1,
  customer: "Ada",
  placed: new Date("2026-11-21"),
  lines: Array.from({ length: 30 }, (_, i) => `line ${i}: 2 × tea, strong`)
}

// 32 bytes each, from wherever the program's secrets come.
const oldKey = Redacted.make("11".repeat(32))
const newKey = Redacted.make("22".repeat(32))

const program = Effect.gen(function* () {
  const cache = (yield* CacheService).withOptions({ prefix: "formats" })
  yield* cache.clear

  const show = Effect.fnUntraced(function* (name: string, view: typeof cache) {
    yield* view.withSchema(Order).set(name, order)
    const stored = yield* cache.client.send("GET", [cache.makeKey(name)], { reply: "buffer" })
    if (!Buffer.isBuffer(stored)) return
    // Anything but plain JSON says in its first line how it is to be read.
    const isPlain = stored[0] !== 1
    const header = isPlain ? "none, plain JSON for any client" : stored.toString("latin1", 1, stored.indexOf("\n"))
    console.log(`  ${name.padEnd(10)} ${String(100 * Math.ceil(stored.length / 100)).padStart(4)} bytes  ${header}`)
  })
  console.log("An order of 30 lines, as it is stored:")
  console.log("  format     at most     header: how it is to be read")
  yield* show("json", cache)
  yield* show("msgpack", cache.withOptions({ serializer: Serializer.msgpack }))
  yield* show("binary", cache.withOptions({ serializer: Serializer.binary }))
  yield* show("zstd", cache.withOptions({ compressor: Compressor.zstd({ threshold: 500 }) }))
  yield* show("encrypted", cache.withOptions({ cipher: Cipher.aes256gcm([oldKey]) }))

  // Each value was written under another setting. A cache that has moved on still reads it, so nothing must be flushed.
  const readBy = (name: string, view: typeof cache) =>
    Effect.map(view.withSchema(Order).get(name), (found) => (Option.isSome(found) ? "read" : "not found"))
  // The first serializer writes, any of them reads. The same holds for keys.
  const moved = cache.withOptions({ serializer: [Serializer.msgpack, Serializer.json] })
  const rotated = cache.withOptions({ cipher: Cipher.aes256gcm([newKey, oldKey]) })
  console.log("The JSON value, by a cache that has moved to MessagePack:", yield* readBy("json", moved))
  console.log(
    "The encrypted value, by a cache that has a new key and the old one:",
    yield* readBy("encrypted", rotated)
  )

  // A value that was encrypted for one key cannot be decrypted under another.
  const stolen = yield* cache.client.send("GET", [cache.makeKey("encrypted")], { reply: "buffer" })
  if (Buffer.isBuffer(stolen)) yield* cache.client.send("SET", [cache.makeKey("copied"), stolen])
  console.log("The encrypted value, after somebody has copied it to another key:")
  console.log(`  ${(yield* Effect.flip(readBy("copied", rotated))).message}`)
})

await Effect.runPromise(Effect.provide(program, CacheFromConfig))

// Prints:
// An order of 30 lines, as it is stored:
//   format     at most     header: how it is to be read
//   json       1000 bytes  none, plain JSON for any client
//   msgpack     900 bytes  1msgpack
//   binary      900 bytes  1binary
//   zstd        200 bytes  1json>zstd
//   encrypted  1000 bytes  1json#aes256gcm/2
// The JSON value, by a cache that has moved to MessagePack: read
// The encrypted value, by a cache that has a new key and the old one: read
// The encrypted value, after somebody has copied it to another key:
//   get: cannot decode the value of "copied": decryption with aes256gcm failed (Error)
