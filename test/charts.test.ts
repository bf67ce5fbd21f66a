import { assert, describe, it } from "@effect/vitest"
import { barChart } from "../bench/charts.ts"

describe("a chart of the bench", () => {
  const bars = [
    { label: "a <b> & c", value: 10, isOurs: false },
    { label: "ours", value: 5, isOurs: true }
  ]
  const lengths = (svg: string) =>
    [...svg.matchAll(/<rect class="(\w+)"[^>]* width="(\d+)"/g)].map(([, of, width]) => [of, Number(width)])

  it("has bars as long as their values are, in each group on a scale of its own", () => {
    const other = [{ label: "x", value: 1000, isOurs: false }]
    const svg = barChart(
      "chart",
      [
        { title: "one", bars },
        { title: "two", bars: other }
      ],
      String
    )
    const [longest = [], half = [], alone = []] = lengths(svg)
    assert.deepStrictEqual([longest[0], half[0], alone[0]], ["other", "ours", "other"])
    assert.strictEqual(Number(longest[1]), 2 * Number(half[1]))
    assert.strictEqual(alone[1], longest[1])
  })

  it("shows labels and values as text, whatever is in them", () => {
    const svg = barChart("less < is > better", [{ title: "a & b", bars }], (value) => `${value} µs`)
    assert.include(svg, "a &lt;b&gt; &amp; c")
    assert.include(svg, "<title>less &lt; is &gt; better</title>")
    assert.include(svg, ">10 µs</text>")
    assert.include(svg, ">5 µs</text>")
  })
})
