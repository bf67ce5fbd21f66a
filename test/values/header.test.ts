/** The header of the stored form: what is written, what all versions so far have written, and what is none. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Schema } from "effect"
import { Cipher } from "effect-vcache"
import { bareClaim, claimed, framed, type Header, headerText, isOfFailure, readHeader } from "../../src/schema/frame.ts"
import { failureCodec, schemaCodecs } from "../../src/schema/SchemaCodec.ts"
import { tagNames, tagsIn, tagsRefusal, type TagStamp } from "../../src/schema/TagStamp.ts"
import { unknownCodec } from "../../src/schema/ValueCodec.ts"
import { decode, entry, plainJson, reply } from "../support/codecs.ts"
import { Article, article, formats, keyOf } from "../support/formats.ts"

const timing = { freshUntil: 1_793_016_000_000, timeToLive: 300_000, cost: 41 }
const claim = { until: 1_793_016_010_000, token: "0123456789abcdef01234567" }
const tags: TagStamp = {
  names: tagNames(["team:7", "user:1", "ünï côdé!"]),
  hard: "h8_-AAAAAAAAAAAA",
  soft: "s8_-BBBBBBBBBBBB",
  era: "0123456789abcdef"
}

const fixture = (name: string): Readonly<Record<string, string>> =>
  JSON.parse(readFileSync(new URL(`fixtures/${name}`, import.meta.url), "utf8"))

describe("stored payloads of version 1 with times and claims", () => {
  const kept = fixture("headers.v1.json")
  const parts: Readonly<Record<string, Partial<Header>>> = {
    times: { format: "json", timing },
    claim: { format: "json>zstd", claim },
    "times and a claim": { format: "json", timing, claim },
    "a claim alone": { format: "", claim },
    "an encrypted value with times and a claim": { format: "num#aes256gcm/2", timing, claim },
    "a number of before numbers were text": { format: "int" }
  }

  it("are kept of each kind", () => assert.sameMembers(Object.keys(kept), Object.keys(parts)))

  for (const [name, expected] of Object.entries(parts)) {
    it.effect(`${name}: can still be read`, () =>
      Effect.gen(function* () {
        const stored = Buffer.from(kept[name] ?? "", "base64")
        const none = { format: "", timing: undefined, tags: undefined, mark: undefined, claim: undefined }
        assert.deepStrictEqual(readHeader(stored), { ...none, ...expected, length: stored.indexOf("\n") + 1 })
        if (expected.format === "" || expected.format === "json>zstd") return
        const options = expected.format?.includes("#") === true ? { cipher: Cipher.aes256gcm([keyOf(1)]) } : {}
        const codec = unknownCodec({ ...plainJson, ...options })
        assert.strictEqual(yield* decode(codec, codec.reply === "utf8" ? stored.toString() : stored), 7)
      })
    )
  }
})

describe("stored payloads of version 2", () => {
  const kept = fixture("payloads.v2.json")

  it("are kept for every format", () =>
    assert.sameMembers(
      Object.keys(kept),
      formats.map(({ name }) => name)
    ))

  for (const { name, options } of formats) {
    it.effect(`${name}: can be read, with its tags`, () =>
      Effect.gen(function* () {
        const codec = schemaCodecs(Article)(options)
        const bytes = Buffer.from(kept[name] ?? "", "base64")
        const stored = codec.reply === "utf8" ? bytes.toString() : bytes
        assert.deepStrictEqual(yield* decode(codec, stored), article)
        const header = yield* codec.header(entry, stored)
        assert.deepStrictEqual(header?.tags, tags)
        assert.deepStrictEqual(header?.timing, timing)
      })
    )
  }
})

describe("a header", () => {
  const grammar =
    /^(\??[a-z][\w.-]*(?:>[a-z][\w.-]*)?(?:#[a-z][\w.-]*(?:\/\d)?)?)?(?:@([0-9a-z]{1,11})\.([0-9a-z]{1,11})\.([0-9a-z]{1,11}))?(?:\*([0-9a-f]{1,32}))?(?:!([0-9a-z]{1,11})\.([0-9a-f]{1,32}))?$/i

  /** As it was read before there was a scanner. */
  const byGrammar = (text: string): Omit<Header, "length" | "tags"> | undefined => {
    const match = grammar.exec(text)
    if (match === null) return undefined
    const [, format = "", freshUntil, timeToLive = "", cost = "", mark, until, token = ""] = match
    const number = (digits: string) => Number.parseInt(digits, 36)
    return {
      format,
      timing:
        freshUntil === undefined
          ? undefined
          : { freshUntil: number(freshUntil), timeToLive: number(timeToLive), cost: number(cost) },
      mark,
      claim: until === undefined ? undefined : { until: number(until), token }
    }
  }

  const seeds = [
    "json",
    "json>zstd#aes256gcm/2",
    headerText("json", timing, undefined).slice(2),
    bareClaim(claim).slice(2, -1)
  ]
  const Mutation = Schema.Struct({
    seed: Schema.Literals(seeds),
    other: Schema.Literals(seeds),
    at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 })),
    skipped: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 })),
    sign: Schema.Literals([
      "",
      "@",
      "!",
      ".",
      "~",
      ">",
      "#",
      "/",
      "Z",
      "0",
      "é",
      "\u0000",
      "1.2.3",
      "!a.f",
      "*",
      "*f",
      "?",
      "?a"
    ])
  })
  it.prop(
    "is read as the grammar of version 1 says, whatever is cut out of it or put in",
    [Mutation],
    ([{ at, other, seed, sign, skipped }]) => {
      const text = seed.slice(0, at) + sign + other.slice(skipped)
      const read = Exit.isSuccess(Effect.runSyncExit(Effect.try(() => readHeader(`\u00011${text}\n`))))
        ? readHeader(`\u00011${text}\nrest`)
        : undefined
      const expected = byGrammar(text)
      assert.deepStrictEqual(
        read,
        expected && { ...expected, tags: undefined, length: text.length + 3 },
        JSON.stringify(text)
      )
    },
    { arbitrary: { runs: 2000, seed: "effect-vcache" } }
  )

  it("of a value without tags is of version 1, which programs of before read", () => {
    assert.strictEqual(headerText("json", undefined, undefined), "\u00011json")
    assert.isTrue(headerText("json", timing, undefined).startsWith("\u00011json@"))
    assert.isTrue(headerText("json", timing, tags).startsWith("\u00012json@"))
  })

  it("keeps times, tags and a mark when a process claims the value", () => {
    const stored = framed(`${headerText("json", timing, tags)}*abc`, "7")
    const header = readHeader(claimed(stored, readHeader(stored), claim))
    assert.deepStrictEqual([header.timing, header.tags, header.mark, header.claim], [timing, tags, "abc", claim])
    assert.strictEqual(claimed(stored, readHeader(stored), claim).slice(header.length), "7")
  })

  it("that ends too early, or says more than it should, is damaged", () => {
    for (const text of [
      "2json~",
      "2json~a;b;c",
      "2json~;b;c;d",
      "2json~a;b;c;xyz",
      "2json~a;b;c;0~a;b;c;0",
      "2json~a;b;c;0@1.2.3",
      "1json~a;b;c;0",
      `2json~${"a".repeat(200_000)};b;c;0`
    ]) {
      assert.throws(() => readHeader(`\u0001${text}\n7`), /damaged/, text.slice(0, 30))
    }
  })
})

describe("the failure of a lookup", () => {
  it.effect("is not read as a value, nor a value as a failure, however they are stored", () =>
    Effect.gen(function* () {
      for (const { name, options } of formats) {
        const values = schemaCodecs(Article)(options)
        const failures = failureCodec(Article, options)
        const stored = reply(failures, yield* failures.encode(entry, article))
        assert.isTrue(isOfFailure((yield* failures.header(entry, stored))!), name)
        assert.deepStrictEqual(yield* decode(failures, stored), article)
        assert.strictEqual((yield* Effect.flip(decode(values, stored)))._tag, "CacheCodecError", name)
        const value = reply(values, yield* values.encode(entry, article, timing))
        assert.strictEqual((yield* Effect.flip(decode(failures, value)))._tag, "CacheCodecError", name)
        // Somebody who can write to the server takes the sign away.
        if (options.cipher === undefined) continue
        const bytes = Buffer.from(stored)
        const unsigned = Buffer.concat([bytes.subarray(0, 2), bytes.subarray(3)])
        assert.strictEqual((yield* Effect.flip(decode(values, unsigned)))._tag, "CacheCodecError", name)
      }
    })
  )
})

describe("tags in a header", () => {
  const Name = Schema.String.check(Schema.makeFilter((text: string) => text.isWellFormed()))
  it.prop(
    "are what they were, whatever their names are",
    [Schema.Array(Name)],
    ([others]) => {
      const names = ["a tag!", ...others.map((name) => `~${name},`)]
      const stamp = { ...tags, names: tagNames(names) }
      const stored = String(framed(headerText("json", undefined, stamp), "7"))
      for (const one of [stored, Buffer.from(stored)]) {
        const header = readHeader(one)
        assert.deepStrictEqual(tagsIn(header.tags?.names ?? ""), names)
        assert.strictEqual(one.slice(header.length).toString(), "7")
      }
    },
    { arbitrary: { runs: 300, seed: "effect-vcache" } }
  )

  it("may be 64 of 1 024 bytes, and no more", () => {
    const longest = Array.from({ length: 64 }, (_, i) => String.fromCodePoint(0x4e00 + i).repeat(341))
    assert.isUndefined(tagsRefusal(longest))
    const header = readHeader(framed(headerText("json", timing, { ...tags, names: tagNames(longest) }), "7"))
    assert.deepStrictEqual(tagsIn(header.tags?.names ?? ""), longest)
    for (const refusedTags of [[...longest, "one more"], ["x".repeat(1025)], [""], ["\ud800"], [7], "team:7"]) {
      assert.isString(tagsRefusal(refusedTags))
    }
  })

  it.effect("cannot be changed by who can write to the server, where values are encrypted", () =>
    Effect.gen(function* () {
      const codec = unknownCodec({ ...plainJson, cipher: Cipher.aes256gcm([keyOf(1)]) })
      const stored = reply(codec, yield* codec.encode(entry, { secret: true }, timing, tags))
      const header = yield* codec.header(entry, stored)
      assert.deepStrictEqual(header?.tags, tags)
      assert.deepStrictEqual(yield* decode(codec, stored), { secret: true })
      const others = [{ names: tagNames(["team:7"]) }, { hard: tags.soft }, { soft: tags.hard }, { era: "0" }]
      for (const other of [...others, undefined]) {
        const moved = framed(
          headerText(header?.format ?? "", timing, other && { ...tags, ...other }),
          Buffer.from(stored).subarray(header?.length)
        )
        assert.strictEqual((yield* Effect.flip(decode(codec, moved)))._tag, "CacheCodecError")
      }
      const elsewhere = codec.rebind?.(entry, stored, ":1:other")
      const rebound = Exit.isSuccess(elsewhere!) ? elsewhere.value : ""
      const place = { ...entry, final: ":1:other" }
      assert.deepStrictEqual((yield* codec.header(place, rebound))?.tags, tags)
      assert.deepStrictEqual(yield* decode(codec, rebound, place), { secret: true })
    })
  )
})
