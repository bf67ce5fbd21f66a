/**
 * Operations of every kind, interrupted at random moments: `npm run interruptions -- --topology cluster --times 2000`; without a
 * topology one server, sentinels, a cluster and memory. Exits with 1 where something is left behind.
 */
import { parseArgs } from "node:util"
import { Effect } from "effect"
import { interruptions } from "../test/support/interruptions.ts"
import { stormyTopologies } from "../test/support/stormyTopologies.ts"

const { values } = parseArgs({
  options: {
    topology: { type: "string" },
    times: { type: "string", default: "2000" },
    seed: { type: "string", default: String(Date.now()) }
  }
})
const { cluster, memory, sentinel, standalone } = stormyTopologies

for (const [name, start] of Object.entries({ standalone, sentinel, cluster, memory })) {
  if (values.topology !== undefined && values.topology !== name) continue
  const options = { times: Number(values.times), seed: values.seed }
  const { kinds, left } = await Effect.runPromise(
    Effect.scoped(Effect.flatMap(start({}), (topology) => interruptions(topology, options)))
  )
  console.log(`${name} (--seed ${values.seed}):`)
  for (const [kind, { ended, interrupted }] of Object.entries(kinds)) {
    console.log(`  ${String(interrupted).padStart(6)} interrupted, ${String(ended).padStart(6)} had ended: ${kind}`)
  }
  for (const what of left) console.log(`  left behind: ${what}`)
  if (left.length > 0) process.exitCode = 1
}
