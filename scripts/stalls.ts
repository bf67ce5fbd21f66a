/**
 * How long operations over a million entries in memory keep the event loop from everybody else. `npm run stalls`, alone on
 * the machine: threads of the garbage collector that wait for a core make its pauses many times longer.
 */
import { PerformanceObserver } from "node:perf_hooks"
import { parseArgs } from "node:util"
import { Effect, Layer, Stream } from "effect"
import { type CacheError, CacheLive, CacheService, type MemoryOptions, ValkeyClient, ValkeyMemory } from "effect-vcache"

const { values } = parseArgs({
  options: { entries: { type: "string", default: "1000000" }, rounds: { type: "string", default: "5" } }
})
const entries = Number(values.entries)
const rounds = Number(values.rounds)
const roomy = { maxEntries: 2 * entries, maxBytes: 2 ** 40 }

/** Milliseconds. */
interface Turn {
  /** From one turn of the event loop to the next. */
  readonly wall: number
  /** Of which this thread computed, the collection of garbage included; the rest is the machine's other work. */
  readonly computed: number
  /** Of which this thread computed without collecting garbage, at most. */
  readonly own: number
}

const none: Turn = { wall: 0, computed: 0, own: 0 }

const longer = (a: Turn, b: Turn): Turn => ({
  wall: Math.max(a.wall, b.wall),
  computed: Math.max(a.computed, b.computed),
  own: Math.max(a.own, b.own)
})

/** Pauses of the garbage collector, told a little later than they were. */
const pauses: Array<PerformanceEntry> = []
new PerformanceObserver((list) => pauses.push(...list.getEntries())).observe({ entryTypes: ["gc"] })

/** The longest turn while the effect runs. */
const longestTurn = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Turn, E, R> =>
  Effect.suspend(() => {
    const turns: Array<{ readonly start: number; readonly wall: number; readonly computed: number }> = []
    let start = performance.now()
    let before = process.threadCpuUsage()
    let pending: NodeJS.Immediate
    const turn = () => {
      const used = process.threadCpuUsage(before)
      const wall = performance.now() - start
      if (wall > 1) turns.push({ start, wall, computed: (used.user + used.system) / 1000 })
      start = performance.now()
      before = process.threadCpuUsage()
      pending = setImmediate(turn)
    }
    pending = setImmediate(turn)
    const collecting = (from: number, to: number) =>
      pauses
        .filter(({ startTime }) => startTime >= from && startTime < to)
        .reduce((sum, { duration }) => sum + duration, 0)
    return Effect.andThen(effect, Effect.sleep(20)).pipe(
      Effect.map(() =>
        turns
          .map(({ computed, start, wall }) => {
            const own = Math.max(0, Math.min(computed, wall - collecting(start, start + wall)))
            return { wall, computed, own }
          })
          .reduce(longer, none)
      ),
      Effect.ensuring(
        Effect.sync(() => {
          clearImmediate(pending)
          pauses.length = 0
        })
      )
    )
  })

const manyTimes = <E, R>(times: number, one: (i: number) => Effect.Effect<unknown, E, R>): Effect.Effect<void, E, R> =>
  Effect.gen(function* () {
    for (let i = 0; i < times; i++) {
      yield* one(i)
      if (i % 16 === 0) yield* Effect.yieldNow
    }
  })

type Case = Effect.Effect<unknown, CacheError, CacheService | ValkeyClient>

const cache = <A, E>(use: (cache: CacheService["Service"]) => Effect.Effect<A, E>) => CacheService.use(use)

const fill = (timeToLive: "1 hour" | "Infinity" | "5 seconds") =>
  manyTimes(entries, (i) => cache((cache) => cache.set(`key:${i}`, i, { timeToLive })))

/** Of each case, the longest turn of each round. */
const measured = new Map<string, ReadonlyArray<Turn>>()

const median = (all: ReadonlyArray<number>): number =>
  all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN

const tell = (name: string, { computed, own, wall }: Turn) =>
  console.log([name.padEnd(36), ...[own, computed, wall].map((millis) => millis.toFixed(1).padStart(10))].join(""))

const run = (options: MemoryOptions, before: Case, cases: Readonly<Record<string, Case>>) =>
  Effect.gen(function* () {
    yield* before
    for (const [name, effect] of Object.entries(cases)) {
      const turn = yield* longestTurn(effect)
      measured.set(name, [...(measured.get(name) ?? []), turn])
    }
  }).pipe(Effect.provide(Layer.fresh(Layer.provideMerge(CacheLive, ValkeyMemory.layer(options)))), Effect.scoped)

const client = (name: string, ...args: ReadonlyArray<string>) =>
  ValkeyClient.use((client): Effect.Effect<unknown, CacheError> => client.send(name, args))

const program = Effect.gen(function* () {
  yield* run(roomy, Effect.void, { "set, of a million new keys": fill("1 hour") })
  yield* run(roomy, fill("1 hour"), {
    "nothing at all": Effect.sleep(200),
    DBSIZE: client("DBSIZE"),
    info: ValkeyClient.use((client) => client.info()),
    scan: Stream.runDrain(Stream.unwrap(cache((cache) => Effect.succeed(cache.scan())))),
    keys: cache((cache) => cache.keys()),
    "deletePattern of a tenth": cache((cache) => cache.deletePattern("*7")),
    clear: cache((cache) => cache.clear)
  })
  yield* run(roomy, fill("Infinity"), { flushAll: cache((cache) => cache.flushAll) })
  yield* run({ ...roomy, maxEntries: entries }, fill("1 hour"), {
    "set, where each evicts another": manyTimes(entries, (i) => cache((cache) => cache.set(`new:${i}`, i)))
  })
  yield* run({ ...roomy, maxEntries: entries, eviction: "none" }, fill("Infinity"), {
    "set, where each is refused": manyTimes(1000, (i) => Effect.exit(cache((cache) => cache.set(`new:${i}`, i))))
  })
  yield* run({ ...roomy, maxEntries: entries }, Effect.andThen(fill("5 seconds"), Effect.sleep("6 seconds")), {
    "DBSIZE, once all have expired": client("DBSIZE"),
    "set, in the place of expired ones": manyTimes(1000, (i) => cache((cache) => cache.set(`new:${i}`, i))),
    "scan, while they are removed": Stream.runDrain(Stream.unwrap(cache((cache) => Effect.succeed(cache.scan())))),
    "their removal by and by": Effect.sleep("5 seconds")
  })
})

for (let round = 0; round < rounds; round++) await Effect.runPromise(program)

console.log(`The longest turn of the event loop over ${entries} entries: milliseconds, medians of ${rounds} rounds`)
console.log(["".padEnd(36), ...["own work", "with GC", "wall"].map((name) => name.padStart(10))].join(""))
for (const [name, turns] of measured) {
  const of = (part: keyof Turn) => median(turns.map((turn) => turn[part]))
  tell(name, { own: of("own"), computed: of("computed"), wall: of("wall") })
}
