/**
 * What tags cost: batches of values with ten tags against values with a plain header, and the invalidation of one tag that very many
 * values bear. `npm run tag-costs`, `npm run tag-costs -- --entries 100000`. Batches are measured in the CPU that this process and the
 * server spend, in turns, so that a busy machine changes little; invalidations in milliseconds, which it does change.
 */
import { parseArgs } from "node:util"
import { Effect } from "effect"
import { type TypedCache, ValkeyStandalone } from "effect-vcache"
import { cacheOverLayer } from "../test/support/cacheOver.ts"
import { startServer, type ValkeyServer } from "../test/support/ValkeyServer.ts"

const { values } = parseArgs({
  options: {
    entries: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "15" },
    calls: { type: "string", default: "100" },
    only: { type: "string" }
  }
})
const entries = Number(values.entries)
const rounds = Number(values.rounds)
const calls = Number(values.calls)

const keys = Array.from({ length: 100 }, (_, i) => `product:${1000 + i}`)
const record = (key: string) => ({ key, name: `Name of ${key}`, price: 12.5, text: "x".repeat(400), stock: [1, 2, 3] })
const list = (of: string) => Array.from({ length: 10 }, (_, i) => `${of}:${i}`)

const open = (url: string, settings: Parameters<typeof cacheOverLayer>[1]) =>
  cacheOverLayer(ValkeyStandalone.layer({ url }), { timeToLive: "1 day", ...settings })

/** Microseconds of CPU. */
interface Spent {
  readonly here: number
  readonly server: number
}

const spentBy = Effect.fnUntraced(function* <E>(server: ValkeyServer, work: Effect.Effect<unknown, E>) {
  const used = Effect.map(server.call("INFO", "cpu"), (info) => {
    const seconds = (name: string) => Number(new RegExp(`used_cpu_${name}:([\\d.]+)`).exec(String(info))?.[1])
    return (seconds("user_main_thread") + seconds("sys_main_thread")) * 1e6
  })
  const before = yield* used
  const start = process.cpuUsage()
  for (let i = 0; i < calls; i++) yield* work
  const { system, user } = process.cpuUsage(start)
  const spent: Spent = { here: (user + system) / calls, server: ((yield* used) - before) / calls }
  return spent
})

const median = (numbers: ReadonlyArray<number>): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? NaN

const batches = Effect.gen(function* () {
  const server = yield* startServer("--save", "", "--appendonly", "no")
  const far = yield* open(server.url, { prefix: "far" })
  // With "trust" tokens are not remembered: all records are read, as they are after each invalidation.
  const forgetful = yield* open(server.url, { prefix: "far", tags: { afterFailover: "trust" } })
  const near = yield* open(server.url, { prefix: "near", near: {} })
  const kinds = {
    plain: (cache: TypedCache<unknown>) => cache.setMany(keys.map((key) => [`plain:${key}`, record(key)] as const)),
    header: (cache: TypedCache<unknown>) =>
      Effect.forEach(keys, (key) => cache.set(`header:${key}`, record(key), { staleFor: "1 day" })),
    "equal tags": (cache: TypedCache<unknown>) =>
      cache.setMany(
        keys.map((key) => [`equal tags:${key}`, record(key)] as const),
        { tags: list("category") }
      ),
    "own tags": (cache: TypedCache<unknown>) =>
      cache.setMany(
        keys.map((key) => [`own tags:${key}`, record(key)] as const),
        { tags: list }
      ),
    "some shared": (cache: TypedCache<unknown>) =>
      cache.setMany(
        keys.map((key) => [`some shared:${key}`, record(key)] as const),
        { tags: (key) => [...list("category").slice(1), key] }
      )
  }
  for (const cache of [far, near]) for (const store of Object.values(kinds)) yield* store(cache)
  const read = (cache: TypedCache<unknown>, kind: string) =>
    Effect.map(cache.getMany(keys.map((key) => `${kind}:${key}`)), ({ size }) => {
      if (size !== keys.length) throw new Error(`${kind}: ${size} values`)
    })
  /** Drops the values, and leaves the records of tags near. */
  const readPastValues = (kind: string) => {
    const drop = near.client.send(
      "TOUCH",
      keys.map((key) => near.makeKey(`${kind}:${key}`))
    )
    return Effect.andThen(drop, read(near, kind))
  }
  const ways: Record<string, Effect.Effect<unknown, unknown>> = {}
  for (const kind of Object.keys(kinds)) {
    ways[`${kind}, from the server`] = read(far, kind)
    ways[`${kind}, all records read`] = read(forgetful, kind)
    ways[`${kind}, records near`] = readPastValues(kind)
    ways[`${kind}, near`] = read(near, kind)
  }
  const spent = new Map<string, Array<Spent>>(Object.keys(ways).map((name) => [name, []]))
  const chosen = Object.entries(ways).filter(([name]) => values.only === undefined || name.includes(values.only))
  for (let round = 0; round <= rounds; round++) {
    for (const [name, work] of chosen) {
      const one = yield* spentBy(server, work)
      if (round > 0) spent.get(name)!.push(one)
    }
  }
  const of = (name: string) => {
    const all = spent.get(name) ?? []
    return { here: median(all.map(({ here }) => here)), server: median(all.map(({ server }) => server)) }
  }
  for (const way of ["from the server", "all records read", "records near", "near"]) {
    console.log(`getMany of 100, ${way}: µs of CPU here, of the server, and both against a plain header`)
    const base = of(`header, ${way}`)
    for (const kind of Object.keys(kinds)) {
      const { here, server } = of(`${kind}, ${way}`)
      const ratios = [here / base.here, (here + server) / (base.here + base.server)].map((ratio) => ratio.toFixed(2))
      console.log(
        `  ${kind.padEnd(12)} ${here.toFixed(0).padStart(6)} ${server.toFixed(0).padStart(6)}   ${ratios.join("  ")}`
      )
    }
  }
})

const invalidations = Effect.gen(function* () {
  const server = yield* startServer("--save", "", "--appendonly", "no")
  const cache = yield* open(server.url, { prefix: "p" })
  const batch = 5000
  const tags = ["all"]
  const since = yield* cache.tagSnapshot(tags)
  for (let from = 0; from < entries; from += batch) {
    const part = Array.from({ length: Math.min(batch, entries - from) }, (_, i) => [`k${from + i}`, i] as const)
    yield* cache.setMany(part, { tags, since })
  }
  const times: Array<number> = []
  for (let i = 0; i < 3000; i++) {
    const start = performance.now()
    yield* cache.invalidateTags(tags, { mode: i % 2 === 0 ? "remove" : "stale" })
    times.push(performance.now() - start)
  }
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(sorted.length * share)]!.toFixed(3)
  const gone = yield* cache.getMany(["k0", `k${entries - 1}`])
  console.log(
    `invalidating one tag of ${entries} entries: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ${gone.size} are left`
  )
})

await Effect.runPromise(Effect.scoped(Effect.andThen(batches, entries === 0 ? Effect.void : invalidations)))
