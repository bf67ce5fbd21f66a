/**
 * What the cache costs, against what people use otherwise, in one run. Writes results.md and fails where a target
 * is missed. `npm run bench`
 */
import { writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { cpus, totalmem } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { Redis } from "iovalkey"
import { startCluster } from "../test/support/ClusterFleet.ts"
import { startSentinelFleet } from "../test/support/SentinelFleet.ts"
import { startServer, type ValkeyServer } from "../test/support/ValkeyServer.ts"
import { codecRows } from "./codecs.ts"
import { prepare, rivalsAndUs } from "./contenders.ts"
import { formats, lookups, policies } from "./ours.ts"
import { inProcess, readOfNumber } from "./inProcess.ts"
import {
  type BurstRequest,
  cpuMicros,
  cpuMore,
  cpuTimes,
  measure,
  nanoseconds,
  perSecond,
  type Result,
  Runner,
  times
} from "./measure.ts"
import { text } from "./value.ts"

interface Target {
  readonly work: string
  readonly wanted: string
  readonly measured: string
  readonly met: boolean
}

const typed = "effect-vcache withSchema"
const ours = "effect-vcache"

const find = (results: ReadonlyArray<Result>, name: string): Result | undefined =>
  results.find((result) => result.name === name)

/** Ours against a rival's, from the same rounds. */
const ratio = (work: string, results: ReadonlyArray<Result>, mine: string, rival: string, least: number): Target => {
  const [ours, theirs] = [find(results, mine), find(results, rival)]
  const measured = ours === undefined || theirs === undefined ? Number.NaN : times(ours, theirs)
  return {
    work: `${work}: ${mine} / ${rival}`,
    wanted: `≥ ${least} ×`,
    measured: `${measured.toFixed(2)} ×`,
    met: measured >= least
  }
}

/** Our CPU time against a rival's. */
const cost = (work: string, results: ReadonlyArray<Result>, mine: string, rival: string, most: number): Target => {
  const [ours, theirs] = [find(results, mine), find(results, rival)]
  const measured = ours === undefined || theirs === undefined ? Number.NaN : cpuTimes(ours, theirs)
  return {
    work: `CPU of ${work}: ${mine} / ${rival}`,
    wanted: `≤ ${most} ×`,
    measured: `${measured.toFixed(2)} ×`,
    met: measured <= most
  }
}

/** What a policy adds, in microseconds of CPU time. */
const added = (results: ReadonlyArray<Result>, policy: string, most: number): Target => {
  const [mine, none] = [find(results, policy), find(results, "no policy")]
  const measured = mine === undefined || none === undefined ? Number.NaN : cpuMore(mine, none)
  return {
    work: `CPU that is added to a get: ${policy}`,
    wanted: `≤ ${most} µs`,
    measured: `${measured.toFixed(2)} µs`,
    met: measured <= most
  }
}

const table = (headers: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [headers, headers.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n")

type Columns = Readonly<Record<string, ReadonlyArray<Result>>>

const perContender = (what: string, columns: Columns, show: (result: Result) => string): string => {
  const names = new Set(Object.values(columns).flatMap((results) => results.map(({ name }) => name)))
  const cell = (results: ReadonlyArray<Result>, name: string) => {
    const result = find(results, name)
    return result === undefined ? "" : show(result)
  }
  return table(
    [what, ...Object.keys(columns)],
    [...names].map((name) => [name].concat(Object.values(columns).map((results) => cell(results, name))))
  )
}

const rates = (columns: Columns): string =>
  perContender("operations per second", columns, (result) => Math.round(perSecond(result)).toLocaleString("en"))

const costs = (columns: Columns): string =>
  perContender("µs of CPU each", columns, (result) => cpuMicros(result).toFixed(2))

const require = createRequire(import.meta.url)

const version = (name: string): string => {
  const entry = require.resolve(name)
  const folder = `node_modules/${name}/`
  const { version }: { readonly version: string } = require(
    `${entry.slice(0, entry.lastIndexOf(folder) + folder.length)}package.json`
  )
  return `${name.replace("ioredis6", "ioredis")} ${version}`
}

const rivals = [
  "iovalkey",
  "ioredis6",
  "redis",
  "keyv",
  "@keyv/valkey",
  "cache-manager",
  "bentocache",
  "unstorage",
  "effect"
]

/** Some contenders alone, doing one kind of work with 64 in flight. */
const benchSome = async (
  url: string,
  names: ReadonlyArray<string>,
  work: BurstRequest["work"]
): Promise<ReadonlyArray<Result>> => {
  const runners: Array<Runner> = []
  for (const name of names) runners.push(await Runner.start(name, url))
  const results = await measure(runners, work, 64)
  for (const runner of runners) runner.stop()
  return results
}

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
  onCluster: ReadonlyArray<Result>
): Promise<ReadonlyArray<Target>> => {
  await prepare(url)
  const runners: Array<Runner> = []
  for (const name of rivalsAndUs) runners.push(await Runner.start(name, url))

  // One command at a time is at the mercy of the scheduler, which puts client and server on one core or on two.
  const get1 = await measure(runners, "get", 1, 25)
  const get64 = await measure(runners, "get", 64)
  const get512 = await measure(runners, "get", 512)
  const set64 = await measure(runners, "set", 64)
  const many = await measure(runners, "getMany", 1)
  const pipelines = await measure(runners, "pipeline", 16)

  const observer = new Redis(port, "127.0.0.1")
  // Two layers are measured, with and without a schema.
  const connections = (String(await observer.client("LIST")).split("name=bench-ours").length - 1) / 2
  const server = /^valkey_version:(\S+)/m.exec(await observer.info("server"))?.[1]
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
    ratio("get, 64 in flight", get64, typed, "iovalkey + JSON", 1.7),
    ratio("get, 512 in flight", get512, typed, "iovalkey + JSON", 1.7),
    ratio("get, 64 in flight", get64, typed, "node-redis + JSON", 1.15),
    ratio("get, 512 in flight", get512, typed, "node-redis + JSON", 1.15),
    ratio("get, one in flight", get1, ours, "iovalkey + JSON", 0.95),
    ratio("set with ttl, 64 in flight", set64, ours, "iovalkey + JSON", 1.7),
    ratio("get, 64 in flight, sentinel", onSentinel, typed, "iovalkey + JSON", 1.7),
    ratio("get, 64 in flight, cluster", onCluster, typed, "iovalkey + JSON", 1.7),
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
    cost("a pipeline of 10 gets, 16 in flight", pipelines, ours, "iovalkey + JSON", 0.5),
    added(byPolicy, "Metrics", 0.7),
    added(byPolicy, "Tracing, spans collected by nobody", 6),
    { work: readOfNumber, wanted: "≤ 1 µs", measured: `${(nanos / 1000).toFixed(2)} µs`, met: nanos <= 1000 },
    { work: "connections of one cache layer", wanted: "1", measured: String(connections), met: connections === 1 }
  ]

  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB`
  const report = `# Bench results

Written by \`npm run bench\`; do not edit. Medians of interleaved rounds of one run, each contender in a process of its own;
ratios are taken round by round. They hold, the absolute numbers move from run to run. The value is a record of ${text.length} bytes of JSON; 1 000 keys
are read in turn.

Machine: ${machine}; Node ${process.version}; Valkey ${server} on loopback, on the same cores.

Rivals: ${rivals.map(version).join(", ")}; unstorage and bentocache on the ioredis 5 that they ask for.

## Targets

${table(
  ["work", "wanted", "measured", ""],
  targets.map(({ met, measured, wanted, work }) => [work, wanted, measured, met ? "met" : "**missed**"])
)}

## get

${rates({ "1 in flight": get1, "64 in flight": get64, "512 in flight": get512 })}

## get with 64 in flight, on several servers

A primary with two replicas and three sentinels; a cluster of three primaries. All servers and clients share the machine's cores.

${rates({ sentinel: onSentinel, cluster: onCluster })}

## set with a lifetime, 64 in flight

${rates({ set: set64 })}

## getMany of 100, one in flight

${rates({ batches: many })}

## Pipelines of 10 gets, 16 in flight

${rates({ pipelines })}

## The processor's time

Of the client's process alone, whatever the server takes beside it.

${costs({ "get, 64 in flight": get64, "set, 64 in flight": set64, "pipeline of 10 gets, 16 in flight": pipelines })}

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

## In this process

${table(
  ["one read", "ns"],
  [...inMemory].map(([name, nanos]) => [name, nanos.toFixed(0)])
)}
`
  writeFileSync(join(import.meta.dirname, "results.md"), report)
  console.log(report)
  return targets
}

const targets = await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      // Servers that are not measured are not there.
      const onTopology = <R>(start: Effect.Effect<{ readonly url: string }, never, R>) =>
        Effect.scoped(Effect.flatMap(start, ({ url }) => Effect.promise(() => benchTopology(url))))
      console.error("measuring; about seven minutes …")
      const onSentinel = yield* onTopology(startSentinelFleet())
      const onCluster = yield* onTopology(startCluster({ replicas: 0 }))
      const server = yield* startServer()
      return yield* Effect.promise(() => bench(server, onSentinel, onCluster))
    })
  )
)
const missed = targets.filter(({ met }) => !met)
console.log(missed.length === 0 ? "Every target is met." : `Missed: ${missed.map(({ work }) => work).join("; ")}`)
process.exitCode = missed.length === 0 ? 0 : 1
