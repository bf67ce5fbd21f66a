/**
 * Whether near caches keep their promises while everything around them breaks, on every topology. `npm run coherence`; with
 * `-- --minutes 5` for longer on each of them, `-- --site cluster` for one; `-- --counter-proofs` breaks the near cache in each of
 * six ways, every one of which has to be found. Exits with 1 where a promise was broken, or a fault on purpose was not found.
 */
import { parseArgs } from "node:util"
import { Effect } from "effect"
import { type CounterProof, counterProofs } from "../test/support/coherence/breaks.ts"
import { type Coherence, coherence } from "../test/support/coherence/coherence.ts"
import { sites } from "../test/support/coherence/sites.ts"

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "0.5" },
    seed: { type: "string", default: String(process.pid) },
    site: { type: "string", default: "" },
    "max-staleness": { type: "string", default: "400" },
    "counter-proofs": { type: "boolean", default: false },
    broken: { type: "string" }
  }
})

const run = (name: string, minutes: number, broken?: CounterProof): Promise<Coherence> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(sites[name]!, (site) =>
        coherence({
          site,
          readers: ["broadcast", "perKey", "all"],
          apart: true,
          fibers: 8,
          millis: minutes * 60_000,
          maxStaleness: Number(values["max-staleness"]),
          seed: values.seed,
          broken
        })
      )
    )
  )

const countOf = ({ violations }: Coherence): number => Object.values(violations).reduce((sum, count) => sum + count, 0)

const print = (name: string, verdict: Coherence): void => {
  const { examples, failed, happened, near, reads, staleness, violations } = verdict
  const rounded = Object.fromEntries(Object.entries(staleness).map(([at, millis]) => [`staleness ${at}, ms`, millis]))
  console.log(`${name} (seed ${values.seed}):`)
  for (const [what, count] of Object.entries({ reads, near, failed, ...rounded, ...violations })) {
    console.log(`  ${String(Math.round(count * 10) / 10).padStart(10)} ${what}`)
  }
  for (const [what, count] of Object.entries(happened)) console.log(`  ${String(count).padStart(10)} × ${what}`)
  for (const example of examples.slice(0, 5)) console.log(`  ${example}`)
}

const minutes = Number(values.minutes)
const broken = counterProofs.find((name) => name === values.broken)
if (values["counter-proofs"] || broken !== undefined) {
  for (const counterProof of broken === undefined ? counterProofs : [broken]) {
    const verdict = await run("one server", minutes, counterProof)
    print(counterProof, verdict)
    if (countOf(verdict) === 0) process.exitCode = 1
  }
} else {
  let reads = 0
  for (const name of Object.keys(sites).filter((name) => name.includes(values.site))) {
    const verdict = await run(name, minutes)
    print(name, verdict)
    reads += verdict.reads
    if (countOf(verdict) > 0) process.exitCode = 1
  }
  console.log(`${reads} reads`)
}
