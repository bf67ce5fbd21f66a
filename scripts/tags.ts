/**
 * Lets callers, invalidations and losses fall together in many ways, in memory and on a cluster whose records change their server, with
 * near caches and without: `npm run tags`, `npm run tags -- --steps 1000 --cluster-steps 0 --seed x`. Then it does what breaks, each of
 * which has to be found. Exits with 1 where somebody is given what was invalidated before, where what breaks is not found, or where the
 * cluster hardly answered.
 */
import { parseArgs } from "node:util"
import { Effect } from "effect"
import { startCluster } from "../test/support/ClusterFleet.ts"
import { Dice } from "../test/support/Dice.ts"
import { clusterHistory } from "../test/support/tags/clusterHistory.ts"
import { downAfter, recordFaults } from "../test/support/tags/recordFaults.ts"
import { flaws, type HistoryOutcome, historyThatShows, memoryHistory } from "../test/support/tags/tagHistory.ts"

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "100000" },
    "cluster-steps": { type: "string", default: "20000" },
    seed: { type: "string", default: String(Date.now()) }
  }
})
const { seed } = values

/** The steps of one history. Those on a cluster with near caches outlast the staleness that is allowed there. */
const short = 500
const long = 5000

/** More would mean that the histories are about a cluster that is down. */
const mostFailed = 0.05

/** Runs histories of `each` steps, until they have `steps` steps together. */
const run = Effect.fnUntraced(function* <E>(
  name: string,
  steps: number,
  each: number,
  history: (dice: Dice, steps: number) => Effect.Effect<HistoryOutcome, E>
) {
  const started = performance.now()
  let [failed, fromCache, wrong] = [0, 0, 0]
  for (let i = 0; i * each < steps; i++) {
    const seen = yield* history(new Dice(`${seed} ${name} ${i}`), Math.min(each, steps - i * each))
    fromCache += seen.fromCache
    failed += seen.failed
    wrong += seen.violations.length
    for (const violation of seen.violations.slice(0, 3)) console.log(`  history ${i}: ${violation}`)
  }
  const isDown = failed > mostFailed * steps
  const verdict = wrong > 0 ? `${wrong} VIOLATIONS` : isDown ? "TOO MANY FAILED" : "good"
  const seconds = Math.round((performance.now() - started) / 1000)
  console.log(
    `${name}: ${steps} steps in ${seconds} s, ${fromCache} reads from the cache, ${failed} calls failed: ${verdict}`
  )
  if (wrong > 0 || isDown) process.exitCode = 1
})

const near = (isNear: boolean) => (isNear ? "near" : "from the server")

const program = Effect.gen(function* () {
  console.log(`seed ${seed}`)
  const half = Math.ceil(Number(values.steps) / 2)
  for (const isNear of [false, true]) {
    yield* run(`in memory, ${near(isNear)}`, half, short, (dice, steps) => memoryHistory({ dice, steps, isNear }))
  }
  const onCluster = Math.ceil(Number(values["cluster-steps"]) / 2)
  if (onCluster > 0) {
    const fleet = yield* startCluster({ downAfter })
    const faults = recordFaults(fleet)
    for (const isNear of [false, true]) {
      yield* run(`on a cluster, ${near(isNear)}`, onCluster, isNear ? long : short, (dice, steps) =>
        clusterHistory(fleet, faults, { dice, steps, isNear })
      )
    }
    console.log(
      `the records were moved ${faults.counts.moves} times, and ${faults.counts.promotions} replicas promoted`
    )
  }
  for (const flaw of flaws) {
    const found = yield* historyThatShows(flaw, `${seed} ${flaw}`, short)
    console.log(`${flaw}: ${found === undefined ? "NOT FOUND" : `found in history ${found}`}`)
    if (found === undefined) process.exitCode = 1
  }
})

await Effect.runPromise(Effect.scoped(program))
