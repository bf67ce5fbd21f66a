/**
 * One server, a primary with sentinels and a cluster at work for a long time, while they are killed, frozen, failed over
 * and resharded: `npm run soak`, `npm run soak -- --minutes 1`. Checks what is promised of values, counters, locks and
 * streams, watches what the process holds, and exits with 1 where anything was not as promised. `--write` puts the
 * figures into docs/faults.md.
 */
import { parseArgs } from "node:util"
import { Effect, Fiber, Layer, type Scope } from "effect"
import { CacheLive, CacheService, type ConnectionOptions } from "effect-vcache"
import { pause } from "../test/support/pause.ts"
import { SoakLedger } from "../test/support/SoakLedger.ts"
import { allWork } from "../test/support/soakWork.ts"
import { type Stalls, watchStalls } from "../test/support/stalls.ts"
import { type StormyTopology, stormyTopologies } from "../test/support/stormyTopologies.ts"
import { writeSection } from "./faultsDocument.ts"

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "20" }, write: { type: "boolean", default: false } }
})
const minutes = Number(values.minutes)
/** Milliseconds between faults. */
const calm = 4000
const commandTimeout = 1000
const connection: ConnectionOptions = { commandTimeout, clientName: "soak" }

const topologies = ["standalone", "sentinel", "cluster"] as const

/** A file that is written before each reply: what was confirmed survives a killed process. */
const durable = ["--appendonly", "yes", "--appendfsync", "no"]

const open = ({ client }: StormyTopology) =>
  Effect.map(Layer.build(Layer.fresh(Layer.provide(CacheLive, client(connection)))), (context) =>
    Effect.runSync(Effect.provideContext(CacheService, context))
  )

/** Works on one topology, with one fault after the other. */
const soak = (
  topology: StormyTopology,
  ledger: SoakLedger,
  isOver: () => boolean
): Effect.Effect<void, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const [cache, other] = [yield* open(topology), yield* open(topology)]
    let isCalm = false
    const work = yield* Effect.forkChild(
      Effect.forEach(
        allWork,
        (work) => work({ cache, other, ledger, deadline: commandTimeout, isOver: () => isCalm }),
        {
          concurrency: "unbounded",
          discard: true
        }
      )
    )
    for (let i = 0; !isOver(); i++) {
      yield* pause(calm)
      const { loses, make, name } = topology.faults[i % topology.faults.length]!
      yield* ledger.during(name, loses, make)
    }
    yield* pause(calm)
    isCalm = true
    yield* Fiber.join(work)
  })

interface Sample {
  readonly heap: number
  readonly external: number
  readonly handles: number
  readonly connections: number
}

const mebibytes = (bytes: number) => Math.round(bytes / 1024 / 1024)

/** What the process holds, after a collection of garbage. */
const sample = (opened: ReadonlyArray<StormyTopology>) =>
  Effect.gen(function* () {
    const connections = yield* Effect.forEach(
      opened.flatMap(({ servers }) => servers),
      (server) =>
        Effect.map(
          Effect.timeoutOption(
            Effect.catchDefect(server.call("CLIENT", "LIST"), () => Effect.succeed("")),
            3000
          ),
          (list) => (list._tag === "None" ? 0 : String(list.value).split("name=soak").length - 1)
        ),
      { concurrency: "unbounded" }
    )
    globalThis.gc?.()
    const { external, heapUsed } = process.memoryUsage()
    return {
      heap: mebibytes(heapUsed),
      external: mebibytes(external),
      handles: process.getActiveResourcesInfo().length,
      connections: connections.reduce((sum, count) => sum + count, 0)
    } satisfies Sample
  })

const table = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<unknown>>) =>
  [header, header.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n")

const list = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts)
    .map(([name, count]) => `${count} × ${name}`)
    .join(", ") || "none"

const report = (
  ledgers: ReadonlyArray<readonly [name: string, SoakLedger]>,
  samples: ReadonlyArray<Sample>,
  stalls: Stalls,
  seconds: number,
  left: number
) => {
  const part = (from: number, to: number) =>
    samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to))
  const most = (of: ReadonlyArray<Sample>, figure: keyof Sample) => Math.max(...of.map((sample) => sample[figure]))
  const figures = ["heap", "external", "handles", "connections"] as const
  const figureNames = [...new Set(ledgers.flatMap(([, { figures }]) => Object.keys(figures)))].toSorted()
  const operationNames = [...new Set(ledgers.flatMap(([, { slowest }]) => Object.keys(slowest)))].toSorted()
  const names = ledgers.map(([name]) => name)
  const row = (title: string, cell: (ledger: SoakLedger) => unknown) => [
    title,
    ...ledgers.map(([, ledger]) => cell(ledger))
  ]
  return [
    `${Math.round(seconds / 60)} minutes, ${ledgers.reduce((sum, [, { operations }]) => sum + operations, 0)} operations, a fault in each topology ${calm / 1000} s after the last. Default timeouts.`,
    table(
      ["", ...names],
      [
        row("operations", ({ operations }) => operations),
        row("failed", ({ operations, succeeded }) => operations - succeeded),
        row("faults", ({ faults }) => list(faults)),
        row("callers saw", ({ failed }) => list(failed)),
        ...figureNames.map((name) => row(name, ({ figures }) => figures[name] ?? 0)),
        ...operationNames.map((name) => row(`longest ${name}`, ({ slowest }) => `${slowest[name] ?? 0} ms`)),
        row("**not as promised**", ({ violations }) =>
          Object.values(violations).reduce((sum, count) => sum + count, 0)
        ),
        row("", ({ violations }) =>
          Object.entries(violations)
            .map(([kind, count]) => `${count} ${kind}`)
            .join(", ")
        )
      ]
    ),
    table(
      ["the process", "first quarter, at most", "last quarter, at most"],
      figures.map((figure) => [
        `${figure}${figure === "heap" || figure === "external" ? ", MiB" : ""}`,
        most(part(0, 0.25), figure),
        most(part(0.75, 1), figure)
      ])
    ),
    `The event loop stood still for ${Math.round(stalls.since(0))} ms in all: the servers and the soak share two cores. ${left} handles were left after all clients had closed.`
  ].join("\n\n")
}

const program = Effect.gen(function* () {
  const stalls = yield* watchStalls
  const started = performance.now()
  const ledgers = topologies.map((name) => [name, new SoakLedger(stalls)] as const)
  const samples: Array<Sample> = []
  console.log(`${minutes} minutes`)
  const before = process.getActiveResourcesInfo().length
  let opened: ReadonlyArray<StormyTopology> = []
  yield* Effect.scoped(
    Effect.gen(function* () {
      opened = yield* Effect.forEach(topologies, (name) =>
        stormyTopologies[name]({ args: durable, silence: 4000, downAfter: 5000, patience: 30_000 })
      )
      const isOver = () => performance.now() - started > minutes * 60_000
      const watch = yield* Effect.forkChild(
        Effect.forever(
          Effect.gen(function* () {
            yield* pause(5000)
            samples.push(yield* sample(opened))
          })
        )
      )
      const progress = yield* Effect.forkChild(
        Effect.forever(
          Effect.gen(function* () {
            yield* pause(60_000)
            const { heap, handles, connections } = samples.at(-1)!
            console.log(
              `${Math.round((performance.now() - started) / 1000)} s, heap ${heap} MiB, ${handles} handles, ${connections} connections, ` +
                ledgers
                  .map(([name, { operations, violations }]) => `${name} ${operations} ${JSON.stringify(violations)}`)
                  .join(", ")
            )
          })
        )
      )
      yield* Effect.forEach(topologies, (_, i) => Effect.scoped(soak(opened[i]!, ledgers[i]![1], isOver)), {
        concurrency: "unbounded"
      })
      yield* Fiber.interruptAll([watch, progress])
    })
  )
  yield* pause(1000)
  const left = process.getActiveResourcesInfo().length - before
  const seconds = (performance.now() - started) / 1000
  const text = report(ledgers, samples, stalls, seconds, left)
  console.log(text)
  for (const [name, { examples }] of ledgers) for (const example of examples) console.log(`${name}: ${example}`)
  if (values.write) writeSection("Soak", text)
  if (ledgers.some(([, { violations }]) => Object.values(violations).some((count) => count > 0))) process.exitCode = 1
})

await Effect.runPromise(Effect.scoped(program))
