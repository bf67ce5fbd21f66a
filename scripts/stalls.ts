/** How long operations over a million entries in memory keep the event loop from everybody else. */
import { Effect, Layer, Stream } from "effect"
import { type CacheError, CacheLive, CacheService, type MemoryOptions, ValkeyClient, ValkeyMemory } from "effect-vcache"

const entries = Number(process.argv[2] ?? 1_000_000)
const roomy = { maxEntries: 2 * entries, maxBytes: 2 ** 40 }

interface Turn {
  /** Milliseconds from one turn of the event loop to the next. */
  wall: number
  /** Of which this thread computed; the rest is the machine's other work. */
  computed: number
}

/** The longest turn while the effect runs. */
const longestTurn = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Turn, E, R> =>
  Effect.suspend(() => {
    const longest: Turn = { wall: 0, computed: 0 }
    let wall = performance.now()
    let computed = process.threadCpuUsage()
    let pending: NodeJS.Immediate
    const turn = () => {
      const used = process.threadCpuUsage(computed)
      longest.wall = Math.max(longest.wall, performance.now() - wall)
      longest.computed = Math.max(longest.computed, (used.user + used.system) / 1000)
      wall = performance.now()
      computed = process.threadCpuUsage()
      pending = setImmediate(turn)
    }
    pending = setImmediate(turn)
    return Effect.andThen(effect, Effect.sleep(5)).pipe(
      Effect.as(longest),
      Effect.ensuring(Effect.sync(() => clearImmediate(pending)))
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

const measured: Array<readonly [string, Turn]> = []

const run = (options: MemoryOptions, before: Case, cases: Readonly<Record<string, Case>>) =>
  Effect.gen(function* () {
    yield* before
    for (const [name, effect] of Object.entries(cases)) {
      const { computed, wall } = yield* longestTurn(effect)
      console.log(
        `${name.padEnd(44)} ${wall.toFixed(1).padStart(7)} ms, computed ${computed.toFixed(1).padStart(7)} ms`
      )
      measured.push([name, { wall, computed }])
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

await Effect.runPromise(program)
const worst = Math.max(...measured.map(([, { computed }]) => computed))
console.log(`${entries} entries; the longest turn computed ${worst.toFixed(1)} ms`)
