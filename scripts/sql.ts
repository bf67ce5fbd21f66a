/**
 * Lets processes read and write one SQLite database through caches over each topology, and looks for results that are older than
 * a write that had returned: `npm run sql`, `npm run sql -- --processes 4 --steps 2000`. Exits with 1 where it finds one;
 * `--planted` writes a table behind the cache's back, which has to be found.
 */
import { parseArgs } from "node:util"
import { Effect } from "effect"
import { fleets } from "../test/support/fleets.ts"
import { violationsIn } from "../test/support/sql/sqlHistory.ts"
import { sqlRace } from "../test/support/sql/sqlRace.ts"

const { values } = parseArgs({
  options: {
    processes: { type: "string", default: "3" },
    fibers: { type: "string", default: "4" },
    steps: { type: "string", default: "500" },
    seed: { type: "string", default: "sql" },
    planted: { type: "boolean", default: false }
  }
})
const options = {
  processes: Number(values.processes),
  fibers: Number(values.fibers),
  steps: Number(values.steps),
  seed: values.seed,
  isPlanted: values.planted
}

for (const [name, start] of fleets) {
  const race = Effect.flatMap(start, ({ url }) => sqlRace(url, options))
  const { asked, events, reads } = await Effect.runPromise(Effect.scoped(race))
  const found = violationsIn(events)
  const writes = events.filter(({ _tag }) => _tag === "Write").length
  console.log(`${name}: ${reads} reads, ${asked} of the database, ${writes} writes, ${found.length} violations`)
  if (found.length > 0 !== options.isPlanted) {
    console.log(JSON.stringify(found[0]))
    process.exitCode = 1
  }
}
