/** A short run of `npm run interruptions`: who is interrupted, at whatever moment, leaves nothing behind. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { test, watchForTraces } from "../support/faults.ts"
import { interruptions } from "../support/interruptions.ts"
import { stormyTopologies } from "../support/stormyTopologies.ts"

watchForTraces()

const { cluster, memory, sentinel, standalone } = stormyTopologies

for (const [name, start] of Object.entries({ standalone, sentinel, cluster, memory })) {
  test(`${name}: operations of every kind that are interrupted leave nothing behind`, () =>
    Effect.gen(function* () {
      const { kinds, left } = yield* interruptions(yield* start({}), { times: 40, seed: String(process.pid) })
      assert.deepStrictEqual(left, [])
      const interrupted = Object.values(kinds).reduce((all, kind) => all + kind.interrupted, 0)
      assert.isAbove(interrupted, 100)
    }))
}
