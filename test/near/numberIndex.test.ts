/** Numbers by text, against a `Map` of the same. */
import { assert, describe, it } from "@effect/vitest"
import { hashOf, NumberIndex } from "../../src/services/cache/near/NumberIndex.ts"
import { Dice } from "../support/Dice.ts"

/** As many additions and deletions, after each of which the index has what the map has; `textOf` makes the texts. */
const compare = (seed: string, steps: number, texts: number, textOf: (i: number) => string) => {
  const dice = new Dice(seed)
  const held: Array<string | undefined> = []
  const index = new NumberIndex((number) => held[number])
  const map = new Map<string, number>()
  let growing = true
  for (let step = 0; step < steps; step++) {
    if (map.size === texts) growing = false
    if (map.size === 0) growing = true
    const text = textOf(dice.below(texts))
    const known = map.get(text)
    assert.strictEqual(index.get(text), known)
    if (known === undefined) {
      if (!growing && dice.chance(0.7)) continue
      const number = held.length
      held.push(text)
      map.set(text, number)
      index.add(text, number)
    } else if (!growing || dice.chance(0.1)) {
      assert.isTrue(index.delete(text))
      assert.isFalse(index.delete(text))
      map.delete(text)
      held[known] = undefined
    }
    assert.strictEqual(index.size, map.size)
    if (dice.chance(3 / steps)) growing = !growing
  }
  for (let i = 0; i < texts; i++) assert.strictEqual(index.get(textOf(i)), map.get(textOf(i)))
  return index
}

describe("an index of numbers", () => {
  it("has what a map of the same texts has, few or many", () => {
    compare("few", 20_000, 500, (i) => `key:${i}`)
    compare("many", 60_000, 15_000, (i) => `key:${i}`)
  })

  it("finds texts of one hash, more than it has places for", () => {
    // Every second character counts, from the last.
    const alike = (i: number) => `${"a".repeat(40)}${[...String(i).padStart(6, "0")].join("b")}b`
    compare("alike", 16_000, 3000, alike)
  })

  it("makes no more tables than its texts need, whatever their hashes are", () => {
    // Each group's hashes end alike, and another group is there at each time.
    const groups = Array.from({ length: 64 }, (): Array<string> => [])
    for (let i = 0; i < 64 * 4500; i++) groups[hashOf(`key:${i}`) & 63]!.push(`key:${i}`)
    const texts: Array<string> = []
    const index = new NumberIndex((number) => texts[number])
    let before: ReadonlyArray<string> = []
    for (const group of groups) {
      for (const text of group) index.add(text, texts.push(text) - 1)
      for (const text of before) assert.isTrue(index.delete(text))
      assert.strictEqual(index.size, group.length)
      assert.strictEqual(texts[index.get(group.at(-1)!)!], group.at(-1))
      before = group
    }
    assert.isAtMost(index.bytes, 2 * 5000 * 128)
  })

  it("is empty after all of it is gone, and when it is told so", () => {
    const index = compare("small", 10_000, 6000, String)
    index.clear()
    assert.deepStrictEqual([index.size, index.get("1")], [0, undefined])
  })
})
