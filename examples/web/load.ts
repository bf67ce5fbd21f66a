/**
 * Requests per second of the example application, with and without the cache, and while its Valkey is frozen and killed.
 * `npm run example:web:load`; it starts the application on a Valkey of its own.
 */
import { Effect } from "effect"
import { startWebApplication } from "../../test/support/webApplication.ts"
import { products } from "./products.ts"

const clients = 16

interface Phase {
  requests: number
  errors: number
  readonly times: Array<number>
}

/** Asks with `clients` clients, each of which sends one request after the other. */
const ask = async (address: string, millis: number): Promise<Phase> => {
  const phase: Phase = { requests: 0, errors: 0, times: [] }
  const end = performance.now() + millis
  const client = async (first: number) => {
    for (let i = first; performance.now() < end; i++) {
      const started = performance.now()
      const response = await fetch(`${address}/${i % products.length}`)
      await response.arrayBuffer()
      phase.requests++
      if (!response.ok) phase.errors++
      phase.times.push(performance.now() - started)
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, i) => client(i)))
  return phase
}

const tell = (name: string, { errors, requests, times }: Phase, millis: number) => {
  const sorted = times.toSorted((a, b) => a - b)
  const percentile = (part: number) => (sorted[Math.floor(sorted.length * part)] ?? Number.NaN).toFixed(1)
  const cells = [Math.round((requests / millis) * 1000), errors, percentile(0.5), percentile(0.99)]
  console.log(name.padEnd(34) + cells.map((cell) => String(cell).padStart(10)).join(""))
}

const program = Effect.gen(function* () {
  const { at } = yield* startWebApplication()
  const millis = 3000
  const press = (path: string) => Effect.promise(() => fetch(at + path, { method: "POST" }))
  const measure = (name: string, path: string) =>
    Effect.map(
      Effect.promise(() => ask(at + path, millis)),
      (phase) => tell(name, phase, millis)
    )
  // The visitors of the page stay at home.
  yield* press("/visitors/0")
  console.log("".padEnd(34) + ["requests/s", "errors", "p50 ms", "p99 ms"].map((name) => name.padStart(10)).join(""))
  yield* measure("without the cache", "/direct/products")
  yield* measure("with it", "/api/products")
  yield* press("/valkey/freeze")
  yield* measure("with it, Valkey frozen", "/api/products")
  yield* press("/valkey/kill")
  yield* measure("with it, Valkey killed", "/api/products")
  yield* press("/valkey/start")
  yield* measure("with it, Valkey back", "/api/products")
})

await Effect.runPromise(Effect.scoped(program))
