/** Servers that answer with whatever chance decides: the process lives, every operation ends, nobody is given nonsense. */
import { assert } from "@effect/vitest"
import { test, watchForTraces } from "../support/faults.ts"
import { fuzz } from "../support/fuzz.ts"
import { Effect } from "effect"

watchForTraces()

test("1 000 connections of clients of every topology to servers that answer wrongly", () =>
  Effect.gen(function* () {
    const report = yield* fuzz({ seed: "effect-vcache", connections: 1000, width: 12 })
    assert.deepStrictEqual([report.violations, report.examples], [{ crashes: 0, hangs: 0, wrong: 0, untyped: 0 }, []])
    // It has come to something: right values through all that, and failures of each kind.
    assert.isAtLeast(report.connections, 1000)
    assert.isAbove(report.checked, 50)
    assert.isAbove(report.failed["CacheConnectionError PROTOCOL"] ?? 0, 20)
    assert.isAbove(Object.keys(report.kinds).length, 20)
  }))
