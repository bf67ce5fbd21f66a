/** What a reader without schema is shown of stored values. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { CacheMemory, CacheService, Cipher, Compressor, Serializer, type CacheOptions } from "effect-vcache"
import { storedForm } from "../../src/layers/inspection/storedForm.ts"

const stored = (value: unknown, options: Partial<CacheOptions>) =>
  Effect.gen(function* () {
    const cache = (yield* CacheService).withOptions(options)
    yield* options.serializer === Serializer.binary
      ? cache.withSchema(Schema.Struct({ a: Schema.Int })).set("k", { a: 1 })
      : cache.set("k", value)
    const bytes = yield* cache.client.send("GET", [cache.makeKey("k")], { reply: "buffer" })
    assert.instanceOf(bytes, Buffer)
    return storedForm(Buffer.isBuffer(bytes) ? bytes : Buffer.of(), cache.makeKey("k"))
  }).pipe(Effect.provide(CacheMemory))

describe("a stored value", () => {
  it.effect("of JSON, of MessagePack, compressed", () =>
    Effect.gen(function* () {
      const value = { a: [1, "two"], b: null }
      for (const [options, format] of [
        [{}, "json"],
        [{ serializer: Serializer.msgpack }, "msgpack"],
        [{ compressor: Compressor.zstd({ threshold: 0 }) }, "json"],
        [{ serializer: Serializer.msgpack, compressor: Compressor.gzip({ threshold: 0 }) }, "msgpack"]
      ] as const) {
        const form = yield* stored(value, options)
        assert.strictEqual(form.format, format)
        assert.deepStrictEqual(JSON.parse(form.text), value)
      }
      const long = yield* stored("x".repeat(5000), { compressor: Compressor.zstd() })
      assert.strictEqual(long.format, "json>zstd")
      assert.strictEqual(JSON.parse(long.text), "x".repeat(5000))
    })
  )

  it.effect("that JSON does not know is shown in words", () =>
    Effect.gen(function* () {
      const { text } = yield* stored(
        { when: new Date(0), bytes: new Uint8Array([1, 255]), many: new Map([[1n, new Set(["s"])]]), no: Number.NaN },
        { serializer: Serializer.msgpack }
      )
      assert.deepStrictEqual(JSON.parse(text), {
        when: "1970-01-01T00:00:00.000Z",
        bytes: "0x01ff",
        many: [["1n", ["s"]]],
        no: "NaN"
      })
    })
  )

  it.effect("that is encrypted or needs its schema is bytes, and says why", () =>
    Effect.gen(function* () {
      const secret = yield* stored("SECRET", { cipher: Cipher.aes256gcm([Redacted.make(new Uint8Array(32))]) })
      assert.strictEqual(secret.shownAs, "hex")
      assert.match(secret.reason ?? "", /encrypted/)
      assert.notInclude(Buffer.from(secret.text, "hex").toString(), "SECRET")
      const binary = yield* stored(undefined, { serializer: Serializer.binary })
      assert.strictEqual(binary.shownAs, "hex")
      assert.match(binary.reason ?? "", /schema/)
    })
  )

  it.effect("says which of them JSON says whole", () =>
    Effect.gen(function* () {
      const said = (value: unknown) => Effect.map(stored(value, { serializer: Serializer.msgpack }), ({ said }) => said)
      for (const value of [{ a: [1.5, "é", null, true] }, "text", 0, JSON.parse('{"__proto__":1}')]) {
        assert.strictEqual(yield* said(value), "json")
      }
      for (const value of [new Date(0), new Uint8Array(1), [new Map()], new Set([1]), 1n, [Number.NaN]]) {
        assert.strictEqual(yield* said(value), "partly")
      }
      const ofText = (text: string) => storedForm(Buffer.from(text), "k").said
      assert.strictEqual(ofText('{"id":"12345678901234567890","\\"":[-1]}'), "json")
      for (const text of ['{"id":12345678901234567890}', "[-0]"]) assert.strictEqual(ofText(text), "partly", text)
      assert.strictEqual(ofText("no JSON"), "not")
    })
  )

  it("of others, damaged ones and claims", () => {
    const form = (bytes: string | Buffer) => storedForm(Buffer.from(bytes), "k")
    assert.deepInclude(form("plain text"), { format: "text", text: "plain text" })
    assert.deepInclude(form("12"), { format: "json", text: "12" })
    assert.deepInclude(form(Buffer.from([0xff, 0])), { format: "bytes", text: "ff00" })
    assert.deepInclude(form(""), { format: "text", text: "" })
    assert.deepInclude(form("\u00011!zz.abc\n"), { format: "claim", shownAs: "nothing" })
    assert.deepInclude(form('\u00011json*abc\n"old"'), { format: "json", isMarkedStale: true, text: '"old"' })
    const failure = form('\u00011?json\n{"_tag":"NotFound"}')
    assert.deepInclude(failure, { format: "json", isFailure: true, said: "partly" })
    assert.deepStrictEqual(JSON.parse(failure.text), { _tag: "NotFound" })
    for (const damaged of [
      "\u0001",
      "\u00019json\n1",
      "\u00011json>zstd\nno zstd",
      "\u00011nothing\nx",
      "\u00011msgpack\n"
    ]) {
      const { reason, shownAs } = form(damaged)
      assert.isDefined(reason, JSON.stringify(damaged))
      assert.oneOf(shownAs, ["hex", "text"])
    }
  })
})
