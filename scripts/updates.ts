/**
 * Lets processes update the same keys at the same time over each topology, and counts what came of it: `npm run updates`,
 * `npm run updates -- --processes 8 --fibers 100 --updates 20`. Exits with 1 where an update is missing.
 */
import { parseArgs } from "node:util"
import { Effect } from "effect"
import { fleets } from "../test/support/fleets.ts"
import { updateRace } from "../test/support/updateRace.ts"

const { values } = parseArgs({
  options: {
    processes: { type: "string", default: "4" },
    fibers: { type: "string", default: "50" },
    updates: { type: "string", default: "10" },
    keys: { type: "string", default: "2" }
  }
})
const options = {
  processes: Number(values.processes),
  fibers: Number(values.fibers),
  updates: Number(values.updates),
  keys: Number(values.keys)
}

for (const [name, start] of fleets) {
  const race = Effect.flatMap(start, ({ url }) => updateRace(url, options))
  const { counted, expected, millis } = await Effect.runPromise(Effect.scoped(race))
  const isComplete = counted.every((count) => count === expected)
  const rate = Math.round((expected * options.keys * 1000) / millis)
  console.log(
    `${name}: ${counted.join(", ")} of ${expected} updates of each key, ${rate} a second`,
    isComplete ? "" : "MISSING"
  )
  if (!isComplete) process.exitCode = 1
}
