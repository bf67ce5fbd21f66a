/** Four processes update two keys of a cluster, each fifty times at once. `npm run updates` does more of it, over each topology. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { startCluster } from "../support/ClusterFleet.ts"
import { updateRace } from "../support/updateRace.ts"

it.live("fifty updates at once in each of four processes are all counted", () =>
  Effect.gen(function* () {
    const { url } = yield* startCluster({ replicas: 0 })
    const { counted, expected } = yield* updateRace(url, { processes: 4, fibers: 50, keys: 2, updates: 1 })
    assert.deepStrictEqual(counted, [expected, expected])
  })
)
