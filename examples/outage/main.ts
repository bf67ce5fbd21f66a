/**
 * A server killed under load, and an application that answers every request all the same.
 * `npm run example examples/outage/main.ts`; it starts a Valkey of its own.
 */
import { Duration, Effect, Exit, Layer, Schema } from "effect"
import { Breaker, CacheLive, CacheService, IgnoreExceptions, ValkeyStandalone } from "effect-vcache"
import { LocalValkey } from "effect-vcache/testing"

const Page = Schema.Struct({ id: Schema.Int, text: Schema.String })

/** The source: five milliseconds a page. */
const render = (id: number) => Effect.delay(Effect.succeed({ id, text: `page ${id}` }), "5 millis")

const handle = (id: number) =>
  CacheService.use((cache) => cache.withSchema(Page).getOrSet(`page:${id}`, render(id), { timeToLive: "1 minute" }))

interface Answer {
  readonly took: number
  readonly failed: boolean
}

/** As many clients as that, one request after the other, until interrupted. */
const clients = 32
const pages = 500

const load = Effect.gen(function* () {
  const phases = new Map<string, Array<Answer>>()
  let phase: Array<Answer> = []
  const client = Effect.fnUntraced(function* (first: number) {
    for (let id = first; ; id = (id + 1) % pages) {
      // What happens to a request belongs to the phase in which it began.
      const answers = phase
      const [took, exit] = yield* Effect.timed(Effect.exit(handle(id)))
      answers.push({ took: Duration.toMillis(took), failed: Exit.isFailure(exit) })
      // Clients do other things, too.
      yield* Effect.sleep("1 millis")
    }
  })
  const begin = (name: string) =>
    Effect.sync(() => {
      phase = []
      phases.set(name, phase)
    })
  yield* begin("warm-up")
  yield* Effect.forkScoped(
    Effect.all(
      Array.from({ length: clients }, (_, i) => client(Math.floor((i * pages) / clients))),
      { concurrency: "unbounded" }
    )
  )
  return { begin, phases }
})

const percentile = (answers: ReadonlyArray<Answer>, part: number): string => {
  const sorted = answers.map(({ took }) => took).toSorted((a, b) => a - b)
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN).toFixed(1)
}

const program = Effect.gen(function* () {
  const server = yield* LocalValkey.make
  const cache = CacheLive.pipe(
    Layer.provide(Breaker.layer({ failures: 5, openFor: "500 millis" })),
    Layer.provide(IgnoreExceptions.layer({ log: false })),
    Layer.provide(ValkeyStandalone.layer({ url: server.url, commandTimeout: "100 millis" }))
  )
  yield* Effect.gen(function* () {
    const { begin, phases } = yield* load
    yield* Effect.sleep("1 second")
    yield* begin("before")
    yield* Effect.sleep("2 seconds")
    yield* begin("frozen")
    yield* server.freeze
    yield* Effect.sleep("2 seconds")
    yield* begin("killed")
    yield* server.kill
    yield* Effect.sleep("2 seconds")
    yield* begin("back, cold")
    yield* server.start
    yield* Effect.sleep("2 seconds")
    yield* begin("after")
    yield* Effect.sleep("2 seconds")
    yield* begin("end")

    console.log("server       requests   errors   p50 ms   p99 ms   max ms")
    for (const [name, answers] of phases) {
      if (name === "warm-up" || name === "end") continue
      const failed = answers.filter(({ failed }) => failed).length
      const cells = [
        answers.length,
        failed,
        percentile(answers, 0.5),
        percentile(answers, 0.99),
        percentile(answers, 1)
      ]
      console.log(name.padEnd(12) + cells.map((cell) => String(cell).padStart(9)).join(""))
    }
  }).pipe(Effect.provide(cache))
})

await Effect.runPromise(Effect.scoped(program))
