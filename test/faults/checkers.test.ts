/** What storms and soaks check with: it notices what it is there for. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { CacheConnectionError, CacheServerError } from "effect-vcache"
import { Dice } from "../support/Dice.ts"
import { NamedValues } from "../support/NamedValues.ts"
import { pause } from "../support/pause.ts"
import { framesOf, wordsOf } from "../support/resp.ts"
import { SoakLedger } from "../support/SoakLedger.ts"
import { WriteHistory } from "../support/WriteHistory.ts"

describe("values that name their key", () => {
  it("tells them from values of other keys, and from what nobody wrote", () => {
    const wrong: Array<string> = []
    const values = new NamedValues((what) => wrong.push(what))
    const [a, b] = [values.next("a", "w"), values.next("b", "w")]
    values.check("a", a, "get")
    values.check("a", JSON.stringify(a), "raw")
    values.check("a", undefined, "get")
    assert.deepStrictEqual([values.checked, values.missing, wrong], [2, 1, []])
    values.check("a", b, "get")
    values.check("a", "a|w|1", "get")
    values.check("a", "a|w|7", "get")
    values.check("a", "OK", "get")
    values.checkEach(["a", "b"], [a], "mget")
    values.expect("pong", null, "ping")
    assert.lengthOf(wrong, 6)
    assert.strictEqual(values.checked, 3)
  })

  it("knows values that are too old from those that it remembers", () => {
    const wrong: Array<string> = []
    const values = new NamedValues((what) => wrong.push(what), 2)
    const [first, second, third] = [values.next("a", "w"), values.next("a", "w"), values.next("a", "w")]
    for (const value of [second, third]) values.check("a", value, "get")
    assert.lengthOf(wrong, 0)
    values.check("a", first, "get")
    assert.lengthOf(wrong, 1)
  })
})

describe("a history of writes", () => {
  it("allows the last confirmed value and what may have been written since, and nothing older", () => {
    const history = new WriteHistory(() => false)
    assert.isTrue(history.allows(undefined))
    history.end(history.begin("1"), "done")
    assert.deepStrictEqual([history.allows("1"), history.allows(undefined)], [true, false])
    history.end(history.begin("2"), "unknown")
    history.end(history.begin("3"), "not done")
    assert.deepStrictEqual(
      ["1", "2", "3"].map((value) => history.allows(value)),
      [true, true, false]
    )
    history.end(history.begin("4"), "done")
    assert.deepStrictEqual(
      ["1", "2", "4"].map((value) => history.allows(value)),
      [false, false, true]
    )
    history.end(history.begin(undefined), "done")
    assert.deepStrictEqual([history.allows("4"), history.allows(undefined)], [false, true])
  })

  it("allows older ones where what was confirmed may be lost", () => {
    let losesNow = false
    const history = new WriteHistory(() => losesNow)
    history.end(history.begin("1"), "done")
    losesNow = true
    history.end(history.begin("2"), "done")
    assert.deepStrictEqual([history.allows("1"), history.allows("2")], [true, true])
  })
})

describe("a soak's ledger", () => {
  it.live("counts what is late or unexpected, and knows when something may be lost", () =>
    Effect.gen(function* () {
      const ledger = new SoakLedger({ since: () => 0 })
      const error = (code: string) =>
        new CacheServerError({ operation: "GET", code, reply: code, node: undefined, mayHaveExecuted: false })
      yield* ledger.run("get", 1000, Effect.fail(error("LOADING")))
      assert.strictEqual(ledger.violations.unexpected, 0)
      yield* ledger.run("get", 1000, Effect.fail(error("WRONGTYPE")))
      yield* ledger.run(
        "get",
        1000,
        Effect.fail(
          new CacheConnectionError({
            operation: "GET",
            phase: "lost",
            code: "PROTOCOL",
            node: undefined,
            mayHaveExecuted: true
          })
        )
      )
      yield* ledger.run("get", -1000, Effect.void)
      assert.deepInclude(ledger.violations, { unexpected: 2, late: 1 })
      const before = performance.now()
      yield* ledger.during("one that loses nothing", false, Effect.void)
      assert.isUndefined(ledger.lossAt(before))
      yield* ledger.during("one that loses", true, pause(5))
      assert.strictEqual(ledger.lossAt(before), "one that loses")
      assert.isUndefined(ledger.lossAt(performance.now() + 1))
    })
  )
})

describe("frames", () => {
  it("are found whole, whatever is in them", () => {
    const bytes = Buffer.from("+OK\r\n$4\r\n\r\n\r\n\r\n*2\r\n:1\r\n*1\r\n$-1\r\n$3\r\nab")
    const { frames, rest } = framesOf(bytes)
    assert.deepStrictEqual(frames.map(String), ["+OK\r\n", "$4\r\n\r\n\r\n\r\n", "*2\r\n:1\r\n*1\r\n$-1\r\n"])
    assert.strictEqual(String(rest), "$3\r\nab")
    assert.deepStrictEqual(wordsOf(Buffer.from("*2\r\n$3\r\nGET\r\n$2\r\nk\n\r\n")), ["GET", "k\n"])
  })

  it("dice with one seed fall alike", () => {
    const rolls = (seed: string) => {
      const dice = new Dice(seed)
      return Array.from({ length: 20 }, () => dice.below(100))
    }
    assert.deepStrictEqual(rolls("a"), rolls("a"))
    assert.notDeepEqual(rolls("a"), rolls("b"))
    assert.isAbove(new Set(rolls("a")).size, 10)
  })
})
