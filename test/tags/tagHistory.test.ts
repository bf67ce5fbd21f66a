/** Generated histories of tags; `npm run tags` makes more of them, and on a cluster. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Dice } from "../support/Dice.ts"
import { flaws, historyThatShows, memoryHistory } from "../support/tags/tagHistory.ts"

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

  for (const flaw of flaws) {
    it.live(`find ${flaw}`, () => Effect.map(historyThatShows(flaw, flaw, steps), (found) => assert.isDefined(found)))
  }
})
