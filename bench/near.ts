/** The section of the near cache: what hits, fills and entries cost, and what a fleet of processes gains. */
import { type BurstRequest, cpuMicros, measureAlone, median, type Result } from "./measure.ts"
import { type FleetResult, measureFleets, type Mix } from "./nearFleet.ts"
import { unsharedMap } from "./nearFleetMembers.ts"
import { measureMemory } from "./nearMemory.ts"
import { bytesSent } from "./nearSilence.ts"
import { costs, rates, table } from "./report.ts"
import { cost, less, perEntry, ratio, reread, silence, type Target } from "./targets.ts"

const bento = "bentocache with L1, L2 and its bus"
const nodeRedis = "node-redis with its client-side cache"

/** Names in the tables: those of `nearContenders.ts` and of `nearFleetMembers.ts`. */
const without = "without near"

export interface NearSection {
  readonly targets: ReadonlyArray<Target>
  /** Markdown. */
  readonly report: string
}

interface Contest {
  readonly work: BurstRequest["work"]
  readonly concurrency: number
  readonly names: ReadonlyArray<string>
}

/** `step` says what is being measured. */
export const benchNear = async (
  url: string,
  rounds: number,
  step: <A>(what: string, work: Promise<A>) => Promise<A>
): Promise<NearSection> => {
  const contest = ({ concurrency, names, work }: Contest) =>
    step(`near cache: ${work} of ${names[0]}`, measureAlone(url, names, work, concurrency, rounds))
  const sync = await contest({ work: "nearSync", concurrency: 1, names: ["near", "Effect Cache"] })
  const hits = await contest({
    work: "get",
    concurrency: 64,
    names: ["near", "near, perKey", "Effect Cache", bento, nodeRedis, without]
  })
  const promised = await contest({
    work: "get",
    concurrency: 64,
    names: ["near by runPromise", "without near, by runPromise"]
  })
  const reads = await contest({
    work: "fill",
    concurrency: 64,
    names: ["client: GET", "client: a read that is kept", "client: a read that is kept, perKey"]
  })
  const fills = await contest({ work: "fill", concurrency: 64, names: ["near", "near, perKey", without] })
  const fleets = await step("near cache: fleets", measureFleets(url, Math.min(rounds, 5)))
  const silent = await step("near cache: writes that nobody reads", bytesSent(url, "perKey"))
  const told = await bytesSent(url, "broadcast")
  const memory = await step("near cache: a million entries", measureMemory(url))

  const targets: ReadonlyArray<Target> = [
    cost("a near hit, runSync", sync, "near", "Effect Cache", 1),
    less("near hits by fibers, 64 in flight", hits, "near", without, 8),
    less("near hits by runPromise, 64 in flight", promised, "near by runPromise", "without near, by runPromise", 5),
    cost("a read that fills, 64 in flight", reads, "client: a read that is kept", "client: GET", 1.3),
    cost("a read that fills, 64 in flight", reads, "client: a read that is kept, perKey", "client: GET", 1.6),
    ratio("four processes, 99.9 % reads", fleets["99.9 % reads"], "near", without, 5),
    ratio("four processes, 99 % reads", fleets["99 % reads"], "near", without, 1.5),
    cost("an operation of four processes, 99 % reads", fleets["99 % reads"], "near", without, 0.5),
    ratio("four processes, 99.9 % reads", fleets["99.9 % reads"], "near", bento, 3),
    ratio("four processes, 99 % reads", fleets["99 % reads"], "near", bento, 3),
    ratio("four processes, 99.9 % reads", fleets["99.9 % reads"], "near", nodeRedis, 2),
    ratio("four processes, 99 % reads", fleets["99 % reads"], "near", nodeRedis, 2),
    ...mixNames.map((mix) => reread(`four processes, ${mix}`, readsPerWrite(fleets[mix], "near"), 6)),
    perEntry("a million near entries of 100 bytes / lru-cache", memory.near, memory.lruCache, 1.3),
    silence("perKey, 100 readers, 1 000 writes/s of keys that nobody holds", silent)
  ]

  const report = `## Near cache

\`near\` keeps values in the process while the server announces every change of them ([near-cache.md](../docs/near-cache.md)). Hits read the record
of 1 KB; all keys are near. "Effect Cache" is Effect's own, which knows of no server; bentocache and node-redis keep values as text.

${table(
  ["one hit", "ns of CPU, runSync", "ns of CPU, fibers or promises, 64 in flight"],
  hits
    .filter(({ name }) => name !== without)
    .map((result) => [result.name, nanos(sync.find(({ name }) => name === result.name)), nanos(result)])
)}

${rates({ "hits by fibers or promises, 64 in flight": hits, "by runPromise": promised })}

### Fills

A read that is kept takes the lifetime with the value, and with \`perKey\` asks to be told. First the client alone; then \`get\` as a whole, whose
value is decoded and, near, deeply frozen, kept, and evicted by the next.

${costs({ "the client": reads })}

${costs({ "get that fills": fills })}

### Four processes

On one server, all on the machine's cores: 100 000 keys of about 150 bytes, drawn by Zipf's law, all of them near and warm, 16 operations in flight in
each process; each of them writes, too. \`Map\` is the same loop over what nobody keeps true: most of what it costs is to wait for memory.

${rates({ "99.9 % reads": fleets["99.9 % reads"], "99 % reads": fleets["99 % reads"] })}

${table(
  ["µs of CPU for each operation: clients, server", ...mixNames],
  fleets["99 % reads"].map(({ name }) =>
    [name].concat(mixNames.map((mix) => shares(fleets[mix].find((result) => result.name === name))))
  )
)}

What the processes read from the server for each write: a key that was written is read again by each of the four that wants it, and once more where it was
written again meanwhile.

${table(
  ["reads of the server for each write", ...mixNames],
  fleets["99 % reads"]
    .filter(({ name }) => name !== unsharedMap)
    .map(({ name }) => [name].concat(mixNames.map((mix) => readsOf(fleets[mix], name))))
)}

### Memory and messages

${table(
  ["bytes of the heap for an entry of 100 bytes, with its key", "a million of them"],
  [
    ["near", memory.near.toFixed(0)],
    ["lru-cache with lifetimes and sizes", memory.lruCache.toFixed(0)]
  ]
)}

${table(
  ["what the server sends to 100 readers at 1 000 writes/s of keys that none of them holds", "bytes/s"],
  [
    ["broadcast", Math.round(told).toLocaleString("en")],
    ["perKey", Math.round(silent).toLocaleString("en")]
  ]
)}
`
  return { targets, report }
}

const mixNames: ReadonlyArray<Mix> = ["99.9 % reads", "99 % reads"]

const nanos = (result: Result | undefined): string => {
  if (result === undefined) return ""
  return result.failed === undefined ? (1000 * cpuMicros(result)).toFixed(0) : `failed: ${result.failed}`
}

const readsOf = (results: ReadonlyArray<FleetResult>, name: string): string => {
  const measured = readsPerWrite(results, name)
  return Number.isNaN(measured) ? "not measured" : measured.toFixed(1)
}

const readsPerWrite = (results: ReadonlyArray<FleetResult>, name: string): number => {
  const { failed, reads = [] } = results.find((result) => result.name === name) ?? {}
  return failed === undefined ? median(reads) : Number.NaN
}

const shares = (result: FleetResult | undefined): string => {
  if (result === undefined || result.failed !== undefined) return "not measured"
  const clients = cpuMicros(result)
  return `${clients.toFixed(2)}, ${cpuMicros({ ...result, cpu: result.serverCpu }).toFixed(2)}`
}
