/** Lookups that wait for each other. */
import { assert, describe, it, vi } from "@effect/vitest"
import { Flight, FlightTable } from "../../src/services/cache/lookups/FlightTable.ts"

describe("the way from one flight to another", () => {
  const table = new FlightTable(new Set())
  const begin = (key: string) =>
    table.begin({ operation: "getOrSet", key, final: key, isOwn: true }, undefined, undefined)

  it("is found wherever there is one, and each flight is asked once, however many ways lead to it", () => {
    const levels = Array.from({ length: 12 }, (_, level) => ["a", "b"].map((side) => begin(`${side}${level}`)))
    levels.forEach((level, i) => {
      for (const one of level) for (const next of levels[i + 1] ?? []) one.waitFor(next)
    })
    const asked = vi.spyOn(Flight.prototype, "wayTo")
    const first = levels[0]![0]!
    assert.isUndefined(first.wayTo(begin("of nobody")))
    // Once for each of the waits: two of the first, and four between any two levels that follow.
    assert.strictEqual(asked.mock.calls.length, 1 + 2 + 4 * 10)
    asked.mockRestore()
    const way = first.wayTo(levels.at(-1)![1]!)
    assert.deepStrictEqual(
      way?.map(({ key }) => key),
      [...levels.slice(0, -1).map((_, i) => `a${i}`), "b11"]
    )
    const tried = new Set<Flight>()
    assert.isUndefined(levels[5]![0]!.wayTo(first, tried))
    assert.isUndefined(levels[4]![0]!.wayTo(first, tried))
    assert.deepStrictEqual(levels[0]![1]!.wayTo(levels[1]![1]!)?.length, 2)
  })
})
