/**
 * A storm by hand: `npm run storm -- --topology cluster --reads 1000000`; without a topology all, one after the other.
 * Exits with 1 where anybody was given what is not his.
 */
import { parseArgs } from "node:util"
import { Effect } from "effect"
import { connectTo, profile, withCache } from "../test/support/faults.ts"
import { storm } from "../test/support/storm.ts"
import { type StormyTopology, stormyTopologies } from "../test/support/stormyTopologies.ts"

const { values } = parseArgs({
  options: {
    topology: { type: "string" },
    reads: { type: "string", default: "100000" },
    width: { type: "string", default: "40" }
  }
})
const reads = Number(values.reads)
const width = Number(values.width)

for (const [name, start] of Object.entries(stormyTopologies)) {
  if (values.topology !== undefined && values.topology !== name) continue
  const report = await Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const { client, faults, standIn }: StormyTopology = yield* start({})
        const { cache } = yield* connectTo(withCache(client(profile)))
        const { commandTimeout } = profile
        return yield* storm(cache, {
          reads,
          width,
          faults: faults.map(({ make }) => make),
          commandTimeout,
          standIn,
          calm: 300,
          atMost: 30_000 + reads * 4
        })
      })
    )
  )
  const { examples, failed, violations, ...figures } = report
  console.log(`${name}:`)
  for (const [what, count] of Object.entries({ ...figures, ...failed, ...violations })) {
    console.log(`  ${String(Math.round(count)).padStart(9)} ${what}`)
  }
  for (const example of examples) console.log(`  ${example}`)
  if (Object.values(violations).some((count) => count > 0) || figures.checked < reads) process.exitCode = 1
}
