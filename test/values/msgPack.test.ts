/** Our MessagePack against a library's, in both directions, and against bytes that nobody should send. */
import { decode as libraryDecode, encode as libraryEncode, ExtensionCodec } from "@msgpack/msgpack"
import { inspect, isDeepStrictEqual } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Serializer } from "effect-vcache"
import { decodeMsgPack, encodeMsgPack } from "../../src/schema/msgPack.ts"
import { comparable } from "../support/codecs.ts"

const many = { arbitrary: { runs: 1000, seed: "effect-vcache" } }

/** The three types of ours that MessagePack itself does not have. */
const extensionCodec = new ExtensionCodec()
const library = { extensionCodec }
const list = (bytes: Uint8Array) => libraryDecode(bytes, library) as Array<unknown>
extensionCodec.register({
  type: 1,
  encode: (value) => (value instanceof Map ? libraryEncode([...value].flat(), library) : null),
  decode: (bytes) => {
    const items = list(bytes)
    return new Map(items.flatMap((key, i) => (i % 2 === 0 ? [[key, items[i + 1]] as const] : [])))
  }
})
extensionCodec.register({
  type: 2,
  encode: (value) => (value instanceof Set ? libraryEncode([...value], library) : null),
  decode: (bytes) => new Set(list(bytes))
})
extensionCodec.register({
  type: 3,
  encode: (value) => (typeof value === "bigint" ? libraryEncode(String(value)) : null),
  decode: (bytes) => BigInt(String(libraryDecode(bytes)))
})

const same = (value: unknown) => {
  for (const found of [
    libraryDecode(encodeMsgPack(value), library),
    decodeMsgPack(libraryEncode(value, library)),
    decodeMsgPack(encodeMsgPack(value))
  ]) {
    assert.isTrue(isDeepStrictEqual(comparable(found), comparable(value)), inspect({ value, found }, { depth: 10 }))
  }
}

const WellFormed = Schema.String.check(Schema.makeFilter((text: string) => text.isWellFormed()))
const Name = WellFormed.check(Schema.makeFilter((text: string) => text !== "__proto__"))
const Leaf = Schema.Union([
  WellFormed,
  Schema.Number.check(Schema.makeFilter((value: number) => !Object.is(value, -0))),
  Schema.BigInt,
  Schema.Boolean,
  Schema.Null,
  Schema.Uint8Array,
  Schema.Date
])
const Value = Schema.Union([
  Leaf,
  Schema.Array(Leaf),
  Schema.Record(Name, Schema.Union([Leaf, Schema.Array(Leaf)])),
  Schema.ReadonlyMap(Leaf, Schema.Record(Name, Leaf)),
  Schema.ReadonlySet(Schema.Union([WellFormed, Schema.Int]))
])

describe("ours and the library's", () => {
  it.prop("read each other's values", [Value], ([value]) => same(value), many)

  it("read each other's forms of every length", () => {
    for (const power of [5, 7, 8, 15, 16, 31, 32, 40, 53]) {
      for (const near of [-1, 0, 1]) {
        const number = 2 ** power + near
        for (const value of [number, -number]) if (Number.isSafeInteger(value)) same(value)
      }
    }
    for (const length of [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536]) {
      for (const character of ["x", "é", "漢", "𝕏"]) same(character.repeat(length))
      same(new Uint8Array(length).fill(7))
      same(Array.from({ length }).fill(null))
    }
    for (const length of [0, 1, 7, 8, 15, 16, 200]) {
      same(Object.fromEntries(Array.from({ length }, (_, i) => [`key ${i}`, i])))
      same(new Map(Array.from({ length }, (_, i) => [i, [i]])))
      same(new Set(Array.from({ length }, (_, i) => `${i}`)))
    }
    for (const millis of [0, 1, 999, 1000, -1, -1001, 2 ** 32 * 1000, 2 ** 34 * 1000 + 1, 8.64e15, -8.64e15]) {
      same(new Date(millis))
    }
    for (const number of [0.1, -0.1, 1e300, -1e300, 2 ** 53, Number.NaN, Infinity, -Infinity, 5e-324]) same(number)
    for (const digits of [1, 250, 300, 9_999]) same(-(10n ** BigInt(digits)))
    same({ a: { b: [new Map([[{ c: 1 }, new Set([new Map([[1n, new Date(5)]])])]])] } })
  })
})

describe("ours", () => {
  it("keeps a property named __proto__ as what it is", () => {
    const value: unknown = JSON.parse('{"__proto__": {"admin": true}, "a": 1}')
    const found = decodeMsgPack(encodeMsgPack(value))
    assert.deepStrictEqual(found, value)
    assert.isUndefined(Reflect.get(Object(found), "admin"))
    assert.isUndefined(Reflect.get({}, "admin"))
  })

  it("refuses an integer that a number cannot hold, and extensions of others", () => {
    const forms = [
      [0xcf, 0, 0x20, 0, 0, 0, 0, 0, 1],
      [0xd3, 0xff, 0, 0, 0, 0, 0, 0, 1],
      [0xd4, 5, 0],
      [0xc7, 0, 1],
      [0xd4, 1, 0xc0],
      [0xc7, 2, 1, 0x91, 0],
      [0xd4, 3, 0x05],
      [0xc7, 3, 3, 0xa2, 0x31, 0x78],
      [0xd5, 0xff, 0, 0],
      [0x81, 0xc0, 0x01],
      [0xa1, 0xff]
    ]
    for (const bytes of forms) assert.throws(() => decodeMsgPack(Uint8Array.from(bytes)))
  })

  it("refuses bytes that claim more than they hold before room is made", () => {
    const before = process.memoryUsage().heapUsed
    for (const claim of [
      [0xdd, 0xff, 0xff, 0xff, 0xff],
      [0xdf, 0x7f, 0xff, 0xff, 0xff, 1],
      [0xdc, 0xff, 0xff, 0xdc, 0xff, 0xff, 1, 2],
      [0xc7, 5, 1, 0xdd, 0xff, 0xff, 0xff, 0xff],
      [0xc7, 5, 2, 0xdd, 0xff, 0xff, 0xff, 0xff],
      [0xc7, 9, 1, 0x90],
      [0xc6, 0xff, 0xff, 0xff, 0xff],
      [0xdb, 0xff, 0xff, 0xff, 0xff],
      [0xc9, 0xff, 0xff, 0xff, 0xff, 1],
      [0xc7, 1, 2, 0x92, 1, 2],
      [0x91],
      [0xcb, 1, 2],
      [0xc1],
      [1, 2],
      []
    ]) {
      assert.throws(() => decodeMsgPack(Uint8Array.from(claim)), /no whole MessagePack value/)
    }
    assert.isBelow(process.memoryUsage().heapUsed - before, 64 * 1024 * 1024)
  })

  it("writes a value whose getter writes another one meanwhile", () => {
    const value = {
      before: "x".repeat(100),
      get inner() {
        return encodeMsgPack({ other: "y".repeat(200) })
      },
      after: [1, 2, 3]
    }
    assert.deepStrictEqual(decodeMsgPack(encodeMsgPack(value)), {
      before: value.before,
      inner: encodeMsgPack({ other: "y".repeat(200) }),
      after: [1, 2, 3]
    })
  })

  it("gives bytes of its own, which the next value does not change", () => {
    const first = encodeMsgPack(["first"])
    const copy = Uint8Array.from(first)
    encodeMsgPack(["another", "and longer"])
    assert.deepStrictEqual(first, copy)
    const stored = Buffer.from(Serializer.msgpack.encode({ bytes: new Uint8Array([1, 2, 3]) }))
    const found = Serializer.msgpack.decode(stored)
    stored.fill(0)
    assert.deepStrictEqual(found, { bytes: new Uint8Array([1, 2, 3]) })
  })
})
