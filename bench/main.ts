/**
 * What the cache costs, against what people use otherwise, in one run. Writes results.md and fails where a target
 * is missed. `npm run bench`; `npm run bench -- --rounds 3` is a look that writes nothing, and
 * `npm run bench -- near` measures the near cache alone, which writes nothing either.
 */
import { writeFileSync } from "node:fs"
import { cpus, loadavg, totalmem } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Cause, Effect } from "effect"
import { Redis } from "iovalkey"
import { startCluster } from "../test/support/ClusterFleet.ts"
import { startSentinelFleet } from "../test/support/SentinelFleet.ts"
import { startServer, type ValkeyServer } from "../test/support/ValkeyServer.ts"
import { barChart } from "./charts.ts"
import { codecRows } from "./codecs.ts"
import { prepare, rivalsAndUs } from "./contenders.ts"
import { formats, lookups, ours as variations, policies } from "./ours.ts"
import { inProcess, readOfNumber } from "./inProcess.ts"
import {
  type BurstRequest,
  cpuMicros,
  defaultRounds,
  measure,
  measureAlone,
  nanoseconds,
  perSecond,
  type Result
} from "./measure.ts"
import { benchNear, type NearSection } from "./near.ts"
import { pinServer } from "./pin.ts"
import { costs, rates, table, tails, versions } from "./report.ts"
import { Runner } from "./Runner.ts"
import { added, cost, ratio, tail, type Target } from "./targets.ts"
import { messageOf } from "./told.ts"
import { text } from "./value.ts"

const { positionals, values } = parseArgs({ options: { rounds: { type: "string" } }, allowPositionals: true })
const { rounds: asked } = values
const rounds = asked === undefined ? defaultRounds : Number(asked)

const typed = "effect-vcache withSchema"
const ours = "effect-vcache"
const promised = "effect-vcache by runPromise"
const rival = "iovalkey + JSON"

/** Says what is being measured, and how long it has taken. */
const step = async <A>(what: string, work: Promise<A>): Promise<A> => {
  const started = performance.now()
  const result = await work
  console.error(`${what}: ${((performance.now() - started) / 1000).toFixed(0)} s`)
  return result
}

const tableOf = (targets: ReadonlyArray<Target>): string =>
  table(
    ["work", "wanted", "measured", ""],
    targets.map(({ met, measured, wanted, work }) => [work, wanted, measured, met ? "met" : "**missed**"])
  )

/** Some contenders alone, doing one kind of work with 64 in flight. */
const benchSome = (url: string, names: ReadonlyArray<string>, work: BurstRequest["work"]) =>
  step(work, measureAlone(url, names, work, 64, rounds))

/** Reads on a topology of several servers: ours with and without a schema against iovalkey doing the same. */
const benchTopology = async (url: string): Promise<ReadonlyArray<Result>> => {
  await prepare(url)
  return benchSome(url, [typed, ours, "iovalkey + JSON"], "get")
}

const manager = "cache-manager (keyv + valkey)"
const bento = "bentocache (L2 only)"

const bench = async (
  { port, url }: ValkeyServer,
  onSentinel: ReadonlyArray<Result>,
  onCluster: ReadonlyArray<Result>,
  near: NearSection
): Promise<ReadonlyArray<Target>> => {
  await prepare(url)
  const observer = new Redis(port, "127.0.0.1")
  const info = await observer.info("server")
  const isServerPinned = pinServer(Number(/^process_id:(\d+)/m.exec(info)?.[1]))
  const runners: Array<Runner> = []
  for (const name of rivalsAndUs) runners.push(await Runner.start(name, url))
  const isPinned = isServerPinned && runners.every(({ isPinned }) => isPinned)
  const [minute = 0] = loadavg()

  const together = (work: BurstRequest["work"], concurrency: number) =>
    step(
      `${work}, ${concurrency} in flight`,
      measure(runners, work, concurrency, concurrency === 1 ? 2 * rounds : rounds)
    )

  // One command at a time is at the mercy of the scheduler, which puts client and server on one core or on two.
  const get1 = await together("get", 1)
  const get64 = await together("get", 64)
  const get512 = await together("get", 512)
  const set64 = await together("set", 64)
  const timed64 = await together("getTimed", 64)
  const large8 = await together("setLarge", 8)
  const many = await together("getMany", 1)
  const pipelines = await together("pipeline", 64)

  // Each of ours is a layer.
  const layers = Object.keys(variations).length
  const connections = (String(await observer.client("LIST")).split("name=bench-ours").length - 1) / layers
  const server = /^valkey_version:(\S+)/m.exec(info)?.[1]
  observer.disconnect()
  for (const runner of runners) runner.stop()

  const getOrSet = await benchSome(url, [ours, ...Object.keys(lookups), bento, manager], "getOrSet")
  const byFormat = await benchSome(url, Object.keys(formats), "get")
  const byPolicy = await benchSome(url, Object.keys(policies), "get")
  const both = ["effect-vcache structures", "iovalkey by hand"]
  const structures = {
    "hash get": await benchSome(url, both, "hashGet"),
    "hash set": await benchSome(url, both, "hashSet"),
    "list at": await benchSome(url, both, "listAt"),
    "list push, pop": await benchSome(url, both, "listPushPop"),
    "sorted set incr": await benchSome(url, both, "sortedSet"),
    "lock, unlock": await benchSome(url, both, "lock")
  }
  const codecs = codecRows()

  const inMemory = nanoseconds(inProcess())
  const nanos = inMemory.get(readOfNumber) ?? Number.NaN

  const targets: ReadonlyArray<Target> = [
    ratio("get, 64 in flight", get64, typed, rival, 1.8),
    ratio("get, 512 in flight", get512, typed, rival, 1.8),
    ratio("get, 64 in flight", get64, typed, "node-redis + JSON", 1.3),
    ratio("get, 512 in flight", get512, typed, "node-redis + JSON", 1.3),
    ratio("get, one in flight", get1, ours, "iovalkey + JSON", 0.97),
    ratio("set with ttl, 64 in flight", set64, ours, rival, 1.8),
    ratio("get, 64 in flight, sentinel", onSentinel, typed, rival, 1.8),
    ratio("get, 64 in flight, cluster", onCluster, typed, rival, 1.8),
    ratio("getMany of 100", many, ours, "iovalkey + JSON", 0.9),
    // They know no schema: the same work is a get without one.
    ratio("getOrSet that hits, 64 in flight", getOrSet, ours, bento, 2.5),
    ratio("getOrSet that hits, 64 in flight", getOrSet, ours, manager, 2.5),
    ratio("get, 64 in flight", byFormat, "orders in Serializer.binary", "orders in JSON", 1),
    ratio("get, 64 in flight", get64, ours, bento, 2.5),
    ratio("get, 64 in flight", get64, ours, "keyv + valkey", 2.5),
    ratio("get, 64 in flight", get64, ours, manager, 2.5),
    ratio("get, 64 in flight", get64, ours, "unstorage (ioredis)", 2.5),
    ...Object.entries(structures)
      // Two commands, one after the other.
      .filter(([name]) => name !== "list push, pop")
      .map(([name, results]) =>
        ratio(
          `${name}, 64 in flight`,
          results,
          "effect-vcache structures",
          "iovalkey by hand",
          name.startsWith("lock") ? 0.9 : 1.5
        )
      ),
    cost("get, 64 in flight", get64, ours, rival, 0.36),
    cost("set with ttl, 64 in flight", set64, ours, rival, 0.45),
    cost("hash get, 64 in flight", structures["hash get"], "effect-vcache structures", "iovalkey by hand", 0.34),
    cost("getMany of 100, one in flight", many, ours, rival, 1.05),
    cost("a pipeline of 10 gets, 64 in flight", pipelines, ours, rival, 0.5),
    cost("set of 100 kB, 8 in flight", large8, ours, rival, 1),
    tail("get, 64 in flight", timed64, ours, rival, 1),
    added(byPolicy, "Metrics", 0.7),
    added(byPolicy, "Tracing, spans collected by nobody", 6),
    { work: readOfNumber, wanted: "≤ 0.65 µs", measured: `${(nanos / 1000).toFixed(2)} µs`, met: nanos <= 650 },
    { work: "connections of one cache layer", wanted: "1", measured: String(connections), met: connections === 1 },
    ...near.targets
  ]

  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB`
  const report = `# Bench results

Written by \`npm run bench\`; do not edit. Medians of interleaved rounds of one run, each contender in a process of its own;
ratios are taken round by round. They hold, the absolute numbers move from run to run. The value is a record of ${text.length} bytes of JSON; 1 000 keys
are read in turn.

Machine: ${machine}; Node ${process.version}; Valkey ${server} on loopback. ${
    isPinned
      ? "The server has a core of its own, and the clients, of which one works at a time, another."
      : "Processes could not be pinned to cores: the server and the client share them."
  } Load average as it began: ${minute.toFixed(1)}.

Rivals: ${versions()}; unstorage and bentocache on the ioredis 5 that they ask for.

## Targets

${tableOf(targets)}

## get

${rates({ "1 in flight": get1, "64 in flight": get64, "512 in flight": get512 })}

![Reads of a 1 KB record, 64 in flight](../docs/bench-rates.svg)

## The slowest of a thousand, 64 in flight

${tails({ get: timed64 })}

## get with 64 in flight, on several servers

A primary with two replicas and three sentinels; a cluster of three primaries. All servers and clients share the machine's cores.

${rates({ sentinel: onSentinel, cluster: onCluster })}

## set with a lifetime, 64 in flight

${rates({ set: set64 })}

## getMany of 100, one in flight

${rates({ batches: many })}

## Pipelines of 10 gets, 64 in flight

${rates({ pipelines })}

## The processor's time

Of the client's process alone, whatever the server takes beside it. Ours is driven by fibers, as in a program of Effect's, and
by \`Effect.runPromise\` for each operation, as by others; everybody else by promises.

![What one operation costs the client's process](../docs/bench-cpu.svg)

${costs({ "get, 64 in flight": get64, "get, 512 in flight": get512, "set, 64 in flight": set64, "getMany of 100": many, "pipeline of 10 gets, 64 in flight": pipelines, "set of 100 kB, 8 in flight": large8 })}

${costs({ "hash get, 64 in flight": structures["hash get"], "hash set, 64 in flight": structures["hash set"] })}

${costs({ "get, 64 in flight, by policy": byPolicy })}

## getOrSet that hits, 64 in flight

cache-manager's \`wrap\`, bentocache's \`getOrSet\`; ours also with values that can become stale and with lookups shared by processes.

${rates({ hits: getOrSet })}

## get with 64 in flight, by format and by policy

Formats on an order of 900 bytes of JSON, most of it fields; policies on the article.

${rates({ gets: byFormat })}

${rates({ gets: byPolicy })}

## Structures and locks, 64 in flight

By hand: HGET and JSON.parse and so on; a lock is SET NX PX and a script that compares and deletes. Ours has a fence, and renews its lease.

${rates(structures)}

## Formats

${[...codecs]
  .map(([shape, rows]) => `### ${shape}\n\n${table(["format", "bytes", "µs to encode", "µs to decode"], rows)}`)
  .join("\n\n")}

${near.report}
## In this process

${table(
  ["one read", "ns"],
  [...inMemory].map(([name, nanos]) => [name, nanos.toFixed(0)])
)}
`
  console.log(report)
  if (asked !== undefined) return targets
  const docs = join(import.meta.dirname, "../docs")
  const bars = (results: ReadonlyArray<Result>, value: (result: Result) => number) =>
    results
      .filter(({ failed }) => failed === undefined)
      .map((result) => ({
        label: result.name,
        value: value(result),
        isOurs: result.name.startsWith(ours)
      }))
  const compared = (results: ReadonlyArray<Result>) =>
    bars(
      results.filter(({ name }) => [ours, promised, rival, "node-redis + JSON"].includes(name)),
      cpuMicros
    )
  writeFileSync(
    join(docs, "bench-rates.svg"),
    barChart(
      "Reads of a 1 KB record, 64 in flight: operations per second",
      [{ title: "more is better", bars: bars(get64, perSecond).toSorted((a, b) => b.value - a.value) }],
      (value) => Math.round(value).toLocaleString("en")
    )
  )
  writeFileSync(
    join(docs, "bench-cpu.svg"),
    barChart(
      "Microseconds of the client's CPU for one operation: less is better",
      [
        { title: "get, 64 in flight", bars: compared(get64) },
        { title: "set, 64 in flight", bars: compared(set64) },
        { title: "getMany of 100", bars: compared(many) },
        { title: "pipeline of 10 gets, 64 in flight", bars: compared(pipelines) },
        { title: "set of 100 kB", bars: compared(large8) }
      ],
      (value) => value.toFixed(value < 10 ? 2 : 0)
    )
  )
  writeFileSync(join(import.meta.dirname, "results.md"), report)
  return targets
}

/** On a server of its own, which the other measurements do not fill. */
const measuredNear = Effect.scoped(
  Effect.flatMap(startServer(), ({ url }) => Effect.promise(() => benchNear(url, rounds, step)))
)

const measuredAll = Effect.gen(function* () {
  // Servers that are not measured are not there.
  const onTopology = <R>(start: Effect.Effect<{ readonly url: string }, never, R>) =>
    Effect.scoped(Effect.flatMap(start, ({ url }) => Effect.promise(() => benchTopology(url)))).pipe(
      // The rows of a topology that does not start are empty, and its targets are missed.
      Effect.catchCause((cause) => {
        console.error(messageOf(Cause.squash(cause)))
        return Effect.succeed<ReadonlyArray<Result>>([])
      })
    )
  console.error("measuring; about twenty minutes …")
  const onSentinel = yield* onTopology(startSentinelFleet())
  const onCluster = yield* onTopology(startCluster({ replicas: 0 }))
  const near = yield* measuredNear
  const server = yield* startServer()
  return yield* Effect.promise(() => bench(server, onSentinel, onCluster, near))
})

const measuredNearAlone = Effect.map(measuredNear, ({ report, targets }) => {
  console.log(`${report}\n${tableOf(targets)}\n`)
  return targets
})

const targets = await Effect.runPromise(Effect.scoped(positionals.includes("near") ? measuredNearAlone : measuredAll))
const missed = targets.filter(({ met }) => !met)
console.log(missed.length === 0 ? "Every target is met." : `Missed: ${missed.map(({ work }) => work).join("; ")}`)
process.exitCode = missed.length === 0 ? 0 : 1
