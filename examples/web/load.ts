/**
 * Requests per second of the example application, with and without the cache, and while its Valkey is frozen and killed.
 * `npm run example:web:load`; it starts the application on a Valkey of its own.
 */
import { Effect } from "effect"
import { LocalValkey } from "effect-vcache/testing"
import { startWebApplication } from "../../test/support/webApplication.ts"

const clients = 16
const names = ["effect", "vitest", "iovalkey", "typescript", "lz4-napi", "undici", "ws", "vite"]

interface Phase {
  requests: number
  errors: number
  readonly times: Array<number>
}

/** As many clients as that, one request after the other. */
const ask = async (at: string, path: string, millis: number): Promise<Phase> => {
  const phase: Phase = { requests: 0, errors: 0, times: [] }
  const end = performance.now() + millis
  const client = async (first: number) => {
    for (let i = first; performance.now() < end; i++) {
      const started = performance.now()
      const response = await fetch(`${at}${path}/${names[i % names.length]}`)
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
  const server = yield* LocalValkey.make
  const { at } = yield* startWebApplication({ VALKEY_URL: server.url })
  const millis = 3000
  const measure = (name: string, path: string) =>
    Effect.map(
      Effect.promise(() => ask(at, path, millis)),
      (phase) => tell(name, phase, millis)
    )
  console.log("".padEnd(34) + ["requests/s", "errors", "p50 ms", "p99 ms"].map((name) => name.padStart(10)).join(""))
  yield* measure("without the cache", "/direct/packages")
  yield* measure("with it", "/api/packages")
  yield* server.freeze
  yield* measure("with it, Valkey frozen", "/api/packages")
  yield* server.kill
  yield* measure("with it, Valkey killed", "/api/packages")
  yield* server.start
  yield* measure("with it, Valkey back", "/api/packages")
})

await Effect.runPromise(Effect.scoped(program))
