/** What a terminal shows of keys and values. */
import { assert, describe, it } from "@effect/vitest"
import { visible, visibleLines } from "../../src/layers/cli/text.ts"

describe("text for a terminal", () => {
  it("shows controls, bidirectional marks and line separators as escapes", () => {
    assert.strictEqual(visible("a\u001b[2J\u009f\n"), "a\\x1b[2J\\x9f\\x0a")
    assert.strictEqual(
      visible("\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069"),
      "\\u061c\\u200e\\u200f\\u2028\\u2029\\u202a\\u202e\\u2066\\u2069"
    )
    assert.strictEqual(visibleLines("a\r\nb\u2028c"), "a\\x0d\nb\\u2028c")
    assert.strictEqual(visible("ü 🎉 שלום"), "ü 🎉 שלום")
  })
})
