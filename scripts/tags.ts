/**
 * Lets callers, invalidations and losses fall together in many ways, in memory and on a cluster whose records change their primary, with
 * near caches and without: `npm run tags`, `npm run tags -- --steps 1000 --cluster-steps 0 --seed x`. Then it does what breaks, each of
 * which has to be found. Exits with 1 where somebody is given what was invalidated before, or where what breaks is not found.
 */
import { parseArgs } from "node:util"
import { Effect } from "effect"
import { startCluster } from "../test/support/ClusterFleet.ts"
import { Dice } from "../test/support/Dice.ts"
import { clusterHistory } from "../test/support/tags/clusterHistory.ts"
import { flaws, type HistoryOutcome, historyThatShows, memoryHistory } from "../test/support/tags/tagHistory.ts"

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "100000" },
    "cluster-steps": { type: "string", default: "20000" },
    seed: { type: "string", default: String(Date.now()) }
  }
})
const { seed } = values
const each = 500

/** Histories of that many steps each, until there are so many in all. */
const run = Effect.fnUntraced(function* <E>(
  name: string,
  steps: number,
  history: (dice: Dice) => Effect.Effect<HistoryOutcome & { readonly failovers?: number }, E>
) {
  let [failed, failovers, fromCache, wrong] = [0, 0, 0, 0]
  for (let i = 0; i * each < steps; i++) {
    const seen = yield* history(new Dice(`${seed} ${name} ${i}`))
    fromCache += seen.fromCache
    failed += seen.failed
    failovers += seen.failovers ?? 0
    wrong += seen.violations.length
    for (const violation of seen.violations.slice(0, 3)) console.log(`  history ${i}: ${violation}`)
  }
  const also = failovers === 0 ? "" : `, ${failovers} promotions, ${failed} calls failed`
  console.log(
    `${name}: ${steps} steps, ${fromCache} reads from the cache${also}: ${wrong === 0 ? "good" : `${wrong} VIOLATIONS`}`
  )
  if (wrong > 0) process.exitCode = 1
})

const near = (isNear: boolean) => (isNear ? "near" : "from the server")

const program = Effect.gen(function* () {
  console.log(`seed ${seed}`)
  const half = Math.ceil(Number(values.steps) / 2)
  for (const isNear of [false, true]) {
    yield* run(`in memory, ${near(isNear)}`, half, (dice) => memoryHistory({ dice, steps: each, isNear }))
  }
  const onCluster = Math.ceil(Number(values["cluster-steps"]) / 2)
  if (onCluster > 0) {
    const fleet = yield* startCluster()
    for (const isNear of [false, true]) {
      yield* run(`on a cluster, ${near(isNear)}`, onCluster, (dice) =>
        clusterHistory(fleet, { dice, steps: each, isNear })
      )
    }
  }
  for (const flaw of flaws) {
    const found = yield* historyThatShows(flaw, `${seed} ${flaw}`, each)
    console.log(`${flaw}: ${found === undefined ? "NOT FOUND" : `found in history ${found}`}`)
    if (found === undefined) process.exitCode = 1
  }
})

await Effect.runPromise(Effect.scoped(program))
