/**
 * Tortures locks and semaphores, and says what became of them. `npm run locks`, `npm run locks -- --acquisitions 100000`.
 * Exits with 1 where two ever worked at the same time.
 */
import { parseArgs } from "node:util"
import { Effect } from "effect"
import { torture } from "../test/support/torture.ts"

const { values } = parseArgs({ options: { acquisitions: { type: "string", default: "10000" } } })
const acquisitions = Number(values.acquisitions)

for (const [name, permits] of [
  ["lock", undefined],
  ["semaphore of 3 permits", 3]
] as const) {
  const report = await Effect.runPromise(Effect.scoped(torture({ acquisitions, permits, atMost: acquisitions * 20 })))
  const { failed, seconds, violations, ...rest } = report
  console.log(`${name}:`)
  for (const [what, count] of Object.entries({ ...rest, ...failed, "per second": rest.acquisitions / seconds })) {
    console.log(`  ${String(Math.round(count)).padStart(8)} ${what}`)
  }
  const sum = Object.values(violations).reduce((all, count) => all + count, 0)
  console.log(`  ${String(sum).padStart(8)} violations`, sum === 0 ? "" : JSON.stringify(violations))
  if (sum > 0) process.exitCode = 1
}
