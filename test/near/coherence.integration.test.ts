/** A short torture of near caches; `npm run coherence` is a long one. And whether its judge sees what is wrong. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { counterProofs, shownBy } from "../support/coherence/breaks.ts"
import { checkHistories } from "../support/coherence/checkHistories.ts"
import { coherence } from "../support/coherence/coherence.ts"
import { Dice, some } from "../support/Dice.ts"
import { sites } from "../support/coherence/sites.ts"
import { Columns, nothing, type ProcessHistory, readWidth, writeWidth } from "../support/coherence/History.ts"

const none = {
  stale: 0,
  "past its lifetime": 0,
  "behind an own write": 0,
  backwards: 0,
  "different after quiet": 0
}

const maxStaleness = 400

/** Another one in each run. */
const seed = String(process.pid)

describe.concurrent("processes with near caches", () => {
  for (const [name, start] of Object.entries(sites)) {
    it.live(`keep their promises while everything fails: ${name}`, () =>
      Effect.scoped(
        Effect.gen(function* () {
          const dice = new Dice(seed)
          const verdict = yield* coherence({
            site: yield* start,
            readers: ["broadcast", "perKey", "all"],
            apart: false,
            fibers: 2,
            millis: 0,
            choose: (own, common) => [...some(own, 2, dice), ...some(common, 1, dice)],
            maxStaleness,
            seed
          })
          assert.deepStrictEqual(
            [verdict.violations, verdict.examples],
            [none, []],
            Object.keys(verdict.happened).join("; ")
          )
          assert.isAbove(verdict.near, 0)
        })
      )
    )
  }

  for (const broken of counterProofs) {
    it.live(`show what is broken on purpose: ${broken}`, () =>
      Effect.gen(function* () {
        for (let attempt = 0; attempt < 4; attempt++) {
          const { violations } = yield* Effect.scoped(
            Effect.flatMap(sites["one server"]!, (site) =>
              coherence({
                site,
                // Who holds all keys asks nobody while an announcement is late, and so has the old value longer.
                readers: [broken === "a bypass that leaves the old entry" ? "all" : "broadcast"],
                apart: true,
                fibers: 4,
                millis: 0,
                choose: (_, common) => common.filter(({ name }) => name === shownBy[broken]),
                maxStaleness,
                seed: `${seed} ${attempt}`,
                broken
              })
            )
          )
          if (Object.values(violations).some((count) => count > 0)) return
        }
        assert.fail("nothing was found")
      })
    )
  }
})

/** Milliseconds become microseconds. */
type Read = readonly [key: number, value: number, start: number, end: number]
type Write = readonly [key: number, value: number, start: number, end: number, lifetime: number]

const history = (name: string, reads: ReadonlyArray<Read>, writes: ReadonlyArray<Write>): ProcessHistory => {
  const columns = { reads: new Columns(readWidth), writes: new Columns(writeWidth) }
  for (const [key, value, start, end] of reads) columns.reads.add(key, value, start * 1000, end * 1000)
  for (const [key, value, start, end, lifetime] of writes) {
    columns.writes.add(key, value, start * 1000, end * 1000, lifetime)
  }
  return { name, reads: columns.reads.take(), writes: columns.writes.take(), near: 0, failed: 0, different: [] }
}

describe("the judge of histories", () => {
  const written: ReadonlyArray<Write> = [
    [1, 1, 0, 1, 0],
    [1, 2, 100, 101, 0],
    [1, nothing, 1000, 1001, 0],
    [1, 3, 3000, 3001, 500]
  ]
  const cases: ReadonlyArray<readonly [string, ReadonlyArray<Read>, Partial<typeof none>]> = [
    [
      "what is right",
      [
        [1, 1, 50, 51],
        [1, 2, 200, 201],
        [1, nothing, 1100, 1101],
        [1, 3, 3100, 3101]
      ],
      {}
    ],
    [
      "an old value in time",
      [
        [1, 1, 500, 501],
        [1, 2, 1400, 1401],
        [1, nothing, 3400, 3401]
      ],
      {}
    ],
    ["an old value too late", [[1, 1, 505, 506]], { stale: 1 }],
    ["a deleted value too late", [[1, 2, 1405, 1406]], { stale: 1 }],
    ["an absence too late", [[1, nothing, 3405, 3406]], { stale: 1 }],
    ["an absence before there was one", [[1, nothing, 500, 501]], { stale: 1 }],
    ["a value of nobody's", [[1, 7, 500, 501]], { stale: 1 }],
    [
      "the end of a lifetime",
      [
        [1, 3, 3503, 3504],
        [1, nothing, 3502, 3503]
      ],
      {}
    ],
    ["a value past its lifetime", [[1, 3, 3505, 3506]], { "past its lifetime": 1 }],
    [
      "a step back",
      [
        [1, 2, 150, 151],
        [1, 1, 160, 161]
      ],
      { backwards: 1 }
    ],
    [
      "two at a time",
      [
        [1, 2, 150, 170],
        [1, 1, 160, 161]
      ],
      {}
    ]
  ]
  for (const [what, reads, violations] of cases) {
    it(`sees ${what}`, () => {
      const verdict = checkHistories([history("a", reads, []), history("writer", [], written)], 400)
      assert.deepStrictEqual(verdict.violations, { ...none, ...violations })
    })
  }

  it("sees who falls behind what it has written", () => {
    const own = history(
      "a",
      [
        [1, 1, 150, 151],
        [1, 2, 160, 161]
      ],
      [
        [1, 1, 0, 1, 0],
        [1, 2, 100, 101, 0]
      ]
    )
    assert.strictEqual(checkHistories([own], 400).violations["behind an own write"], 1)
    const absent = history("a", [[1, nothing, 150, 151]], [[1, 2, 100, 101, 0]])
    assert.strictEqual(checkHistories([absent], 400).violations["behind an own write"], 1)
    const ending = [[1, nothing, 160, 161, 0]] as const
    const meanwhile = history("a", [[1, nothing, 150, 170]], [[1, 2, 100, 101, 0], ...ending])
    assert.strictEqual(checkHistories([meanwhile], 400).violations["behind an own write"], 0)
    const flushed = history("writer", [], [[-1, nothing, 140, 141, 0]])
    assert.strictEqual(checkHistories([absent, flushed], 400).violations["behind an own write"], 0)
  })

  it("asks nothing of a write whose outcome nobody knows", () => {
    const unknown = history(
      "a",
      [
        [1, 1, 900, 901],
        [1, 2, 950, 951]
      ],
      [
        [1, 1, 0, 1, 0],
        [1, 2, 100, Infinity, 0]
      ]
    )
    assert.deepStrictEqual(checkHistories([unknown], 400).violations, none)
  })
})
