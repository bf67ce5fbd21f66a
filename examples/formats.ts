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
    const header = stored[0] === 1 ? stored.toString("latin1", 1, stored.indexOf("\n")) : "none: plain JSON"
    console.log(`${name.padEnd(10)} ${stored.length < 500 ? "below" : "above"} 500 bytes, header: ${header}`)
  })
  yield* show("json", cache)
  yield* show("msgpack", cache.withOptions({ serializer: Serializer.msgpack }))
  yield* show("binary", cache.withOptions({ serializer: Serializer.binary }))
  yield* show("zstd", cache.withOptions({ compressor: Compressor.zstd({ threshold: 500 }) }))
  yield* show("encrypted", cache.withOptions({ cipher: Cipher.aes256gcm([oldKey]) }))

  // A new format: write it, and go on reading the old one.
  const moved = cache.withOptions({ serializer: [Serializer.msgpack, Serializer.json] }).withSchema(Order)
  console.log("JSON is read by a cache that writes MessagePack:", Option.isSome(yield* moved.get("json")))

  // A new key: the first one writes, any of them reads.
  const rotated = cache.withOptions({ cipher: Cipher.aes256gcm([newKey, oldKey]) }).withSchema(Order)
  console.log("what the old key encrypted is read after the rotation:", Option.isSome(yield* rotated.get("encrypted")))

  // What was encrypted for one key is nothing under another.
  const stolen = yield* cache.client.send("GET", [cache.makeKey("encrypted")], { reply: "buffer" })
  if (Buffer.isBuffer(stolen)) yield* cache.client.send("SET", [cache.makeKey("copied"), stolen])
  console.log("a ciphertext copied to another key fails:")
  console.log((yield* Effect.flip(rotated.get("copied"))).message)
})

await Effect.runPromise(Effect.provide(program, CacheFromConfig))

// Prints:
// json       above 500 bytes, header: none: plain JSON
// msgpack    above 500 bytes, header: 1msgpack
// binary     above 500 bytes, header: 1binary
// zstd       below 500 bytes, header: 1json>zstd
// encrypted  above 500 bytes, header: 1json#aes256gcm/2
// JSON is read by a cache that writes MessagePack: true
// what the old key encrypted is read after the rotation: true
// a ciphertext copied to another key fails:
// get: cannot decode the value of "copied": decryption with aes256gcm failed (Error)
