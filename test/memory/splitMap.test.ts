import { assert, describe, it } from "@effect/vitest"
import { SplitMap } from "../../src/schema/SplitMap.ts"

const many = 60_000

describe("a map in parts", () => {
  for (const [name, keyOf] of [
    ["numbered keys", (i: number) => `user:${i}`],
    [
      "keys that differ where the hash does not look",
      (i: number) => `${"x".repeat(400)}${i.toString(36).padEnd(5)}yyyyyyyyy`
    ],
    ["keys beyond ASCII", (i: number) => `ключ:${i}`]
  ] as const) {
    it(`does what a Map does, with ${name}`, () => {
      const map = new SplitMap<number>()
      const where = (test: (i: number) => boolean) => Array.from({ length: many }, (_, i) => i).filter(test).length
      assert.strictEqual(
        where((i) => map.set(keyOf(i), i)),
        many
      )
      assert.isFalse(map.set(keyOf(7), 7))
      assert.strictEqual(map.size, many)
      assert.strictEqual(
        where((i) => map.get(keyOf(i)) === i),
        many
      )
      assert.isUndefined(map.get(keyOf(many)))
      assert.strictEqual(
        where((i) => i % 2 === 0 && map.delete(keyOf(i))),
        many / 2
      )
      assert.isFalse(map.delete(keyOf(0)))
      assert.strictEqual(map.size, many / 2)
      assert.strictEqual(
        where((i) => map.get(keyOf(i)) === (i % 2 === 0 ? undefined : i)),
        many
      )
      map.clear()
      assert.strictEqual(map.size, 0)
      assert.isUndefined(map.get(keyOf(1)))
    })
  }
})
