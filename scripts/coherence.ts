/**
 * Whether near caches keep their promises while everything around them breaks. `npm run coherence`; with `--minutes 5` for longer;
 * `-- --counter-proofs` breaks the near cache in each of six ways, every one of which has to be found. Exits with 1 where a
 * promise was broken, or a fault on purpose was not found.
 */
import { parseArgs } from "node:util"
import { Effect } from "effect"
import { type CounterProof, counterProofs } from "../test/support/coherence/breaks.ts"
import { coherence } from "../test/support/coherence/coherence.ts"
import type { Verdict } from "../test/support/coherence/checkHistories.ts"

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "3" },
    readers: { type: "string", default: "3" },
    seed: { type: "string", default: String(process.pid) },
    "max-staleness": { type: "string", default: "400" },
    "counter-proofs": { type: "boolean", default: false },
    broken: { type: "string" }
  }
})

const run = (minutes: number, broken?: CounterProof): Promise<Verdict> =>
  Effect.runPromise(
    Effect.scoped(
      coherence({
        readers: Number(values.readers),
        apart: true,
        millis: minutes * 60_000,
        maxStaleness: Number(values["max-staleness"]),
        seed: values.seed,
        broken
      })
    )
  )

const countOf = ({ violations }: Verdict): number => Object.values(violations).reduce((sum, count) => sum + count, 0)

const print = (name: string, verdict: Verdict): void => {
  const { examples, failed, near, reads, staleness, violations } = verdict
  const rounded = Object.fromEntries(Object.entries(staleness).map(([at, millis]) => [`staleness ${at}, ms`, millis]))
  console.log(`${name} (seed ${values.seed}):`)
  for (const [what, count] of Object.entries({ reads, near, failed, ...rounded, ...violations })) {
    console.log(`  ${String(Math.round(count * 10) / 10).padStart(10)} ${what}`)
  }
  for (const example of examples.slice(0, 5)) console.log(`  ${example}`)
}

const broken = counterProofs.find((name) => name === values.broken)
if (values["counter-proofs"] || broken !== undefined) {
  for (const counterProof of broken === undefined ? counterProofs : [broken]) {
    const verdict = await run(Math.min(Number(values.minutes), 1), counterProof)
    print(counterProof, verdict)
    if (countOf(verdict) === 0) process.exitCode = 1
  }
} else {
  const verdict = await run(Number(values.minutes))
  print("one server", verdict)
  if (countOf(verdict) > 0) process.exitCode = 1
}
