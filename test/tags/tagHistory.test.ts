/** Generated histories of tags; `npm run tags` makes more of them, and on a cluster. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Dice } from "../support/Dice.ts"
import { type Flaw, memoryHistory } from "../support/tags/tagHistory.ts"

const histories = Number(process.env["HISTORIES"] ?? 4)
const seed = process.env["SEED"] ?? "19"
const steps = 250

describe("histories of tags", () => {
  for (const isNear of [false, true]) {
    it.live(
      `${histories} of ${steps} steps give nobody what was invalidated before, ${isNear ? "near" : "read from the server"}`,
      () =>
        Effect.gen(function* () {
          let fromCache = 0
          for (let i = 0; i < histories; i++) {
            const seen = yield* memoryHistory({ dice: new Dice(`${seed} ${i}`), steps, isNear })
            assert.deepStrictEqual(seen.violations, [], `history ${i} of SEED=${seed}`)
            fromCache += seen.fromCache
          }
          // They are about a cache that answers.
          assert.isAbove(fromCache, histories * 10)
        })
    )
  }

  const flaws: ReadonlyArray<Flaw> = [
    "tokens read after the lookup",
    "tokens without an era",
    "flights joined without comparing tokens"
  ]
  for (const flaw of flaws) {
    it.live(`find ${flaw}`, () =>
      Effect.gen(function* () {
        for (let i = 0; i < 100; i++) {
          const { violations } = yield* memoryHistory({
            dice: new Dice(`${flaw} ${i}`),
            steps,
            isNear: i % 2 === 1,
            flaw
          })
          if (violations.length > 0) return
        }
        assert.fail("no violation in 100 histories")
      })
    )
  }
})
