/** Which server a key belongs to, over generated rings. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { slotCount, slotOfKey } from "../../src/layers/connection/cluster/slot.ts"
import { type RingPlace, ServerRing } from "../../src/layers/ring/ServerRing.ts"

const Weight = Schema.Literals([0.5, 1, 1, 1, 2, 4])
const Names = Schema.Array(Schema.Literals(["a", "b", "cache-1", "cache-2", "10.0.0.1", "10.0.0.2", "::1", "s"]))
type Ring = [typeof Names, typeof Weight, typeof Weight]
const Ring: Ring = [Names, Weight, Weight]

const placesOf = (names: ReadonlyArray<string>, first: number): ReadonlyArray<RingPlace> =>
  [...new Set(names)].map((name, i) => ({ name: `${name}:6379`, weight: i === 0 ? first : 1 }))

/** The name of each slot's owner. */
const owners = (places: ReadonlyArray<RingPlace>): ReadonlyArray<string> => {
  const ring = new ServerRing(places)
  return Array.from({ length: slotCount }, (_, slot) => places[ring.ownerOf(slot)]!.name)
}

const sum = (numbers: ReadonlyArray<number>) => numbers.reduce((total, number) => total + number, 0)

describe("a ring", () => {
  it.prop(
    "a server that is added takes its share of the slots, and no other slot moves",
    Ring,
    ([names, first, added]) => {
      const before = [{ name: "old:6379", weight: 1 }, ...placesOf(names, first)]
      const after = [...before, { name: "new:6379", weight: added }]
      const [from, to] = [owners(before), owners(after)]
      let moved = 0
      for (let slot = 0; slot < slotCount; slot++) {
        if (from[slot] === to[slot]) continue
        moved++
        assert.strictEqual(to[slot], "new:6379")
      }
      const share = (slotCount * added) / sum(after.map(({ weight }) => weight))
      // More than five times the deviation of a share that is drawn by chance.
      assert.isBelow(Math.abs(moved - share), 6 * Math.sqrt(share))
    },
    { arbitrary: { runs: 20, seed: "ring" } }
  )

  it.prop(
    "the order of the list means nothing, and each slot has an order of all servers which its owner leads",
    Ring,
    ([names, first]) => {
      const places = [{ name: "old:6379", weight: 1 }, ...placesOf(names, first)]
      const turned = places.toReversed()
      assert.deepStrictEqual(owners(places), owners(turned))
      const [ring, other] = [new ServerRing(places), new ServerRing(turned)]
      for (let slot = 0; slot < slotCount; slot += 1997) {
        const order = ring.order(slot)
        assert.strictEqual(order[0], ring.ownerOf(slot))
        assert.strictEqual(new Set(order).size, places.length)
        assert.deepStrictEqual(
          order.map((i) => places[i]!.name),
          other.order(slot).map((i) => turned[i]!.name)
        )
        order.forEach((server, i) => assert.strictEqual(ring.after(slot, server), order[i + 1]))
        // Without the owner the next one is it.
        const rest = places.filter((_, i) => i !== order[0])
        if (rest.length > 0) assert.strictEqual(rest[new ServerRing(rest).ownerOf(slot)], places[order[1]!])
      }
    },
    { arbitrary: { runs: 20, seed: "ring" } }
  )

  it("has the shares that the weights say, whatever the servers are called", () => {
    for (const names of [
      ["a:6379", "b:6379", "c:6379"],
      ["127.0.0.1:7000", "127.0.0.1:7001", "127.0.0.1:7002"]
    ]) {
      for (const weights of [
        [1, 1, 1],
        [1, 2, 3]
      ]) {
        const places = names.map((name, i) => ({ name, weight: weights[i]! }))
        const all = owners(places)
        for (const { name, weight } of places) {
          const share = all.filter((owner) => owner === name).length / slotCount
          assert.closeTo(share, weight / sum(weights), 0.02, `${name} with ${weights}`)
        }
      }
    }
  })

  it("assigns keys as every version before has assigned them: whatever moves them would lose them", () => {
    const places = ["cache-1:6379", "cache-2:6379", "cache-3:6379"].map((name) => ({ name, weight: 1 }))
    const ring = new ServerRing(places)
    const keys = ["a", "user:1", "user:2", "{user:1}:cart", ":1:k", "Iñt ☃", "", "b", "users", "x"]
    const orders = keys.map((key) => ring.order(slotOfKey(key)).join(" "))
    assert.deepStrictEqual(orders, [
      "1 2 0",
      "1 0 2",
      "1 2 0",
      "1 0 2",
      "1 2 0",
      "1 0 2",
      "2 1 0",
      "1 0 2",
      "0 1 2",
      "0 2 1"
    ])
  })
})
