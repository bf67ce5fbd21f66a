/**
 * Replies that no server should send: `npm run fuzz -- --connections 200000`. What went wrong is repeated by
 * `npm run fuzz -- --seed … --exchange …`, which shows all that was sent. Exits with 1 where anything went wrong.
 */
import { parseArgs } from "node:util"
import { Effect } from "effect"
import { fuzz } from "../test/support/fuzz.ts"

const { values } = parseArgs({
  options: {
    connections: { type: "string", default: "20000" },
    seed: { type: "string", default: new Date().toISOString() },
    exchange: { type: "string" },
    width: { type: "string", default: "20" }
  }
})
const { exchange, seed } = values
const onCrash = (what: string) => {
  console.log(what)
  process.exit(1)
}
const report = await Effect.runPromise(
  Effect.scoped(
    fuzz(
      exchange === undefined
        ? { seed, connections: Number(values.connections), width: Number(values.width), onCrash }
        : { seed, connections: Infinity, from: Number(exchange), exchanges: 1, trace: console.log, onCrash }
    )
  )
)
const { examples, failed, kinds, violations, ...figures } = report
console.log(`seed ${seed}`)
for (const [what, count] of Object.entries({ ...figures, ...failed, ...violations })) {
  console.log(`  ${String(Math.round(count)).padStart(9)} ${what}`)
}
console.log(
  `  replies: ${Object.entries(kinds)
    .map(([kind, count]) => `${count} ${kind}`)
    .join(", ")}`
)
for (const example of examples) console.log(`  ${example}`)
if (Object.values(violations).some((count) => count > 0)) process.exitCode = 1
