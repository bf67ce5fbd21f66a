/** One of several processes that fight for a lock or for permits. Run as a child by `torture.ts`; tells each step in a line. */
import { writeSync } from "node:fs"
import { Effect, Layer, Random } from "effect"
import { CacheLive, CacheService, type HeldLock, ValkeyUrl } from "effect-vcache"
import { readFenced, writeFenced } from "./tortureScripts.ts"

export interface WorkerOptions {
  /** Of the lock; on its way replies may be lost. */
  readonly url: string
  /** Of what the lock protects. */
  readonly directUrl: string
  readonly permits: number | undefined
  readonly lease: number
  /** How many of them there are. */
  readonly locks: number
  /** For each of them. */
  readonly fibers: number
  /** Of this worker, so that its sections can be told from others'. */
  readonly name: string
}

const options: WorkerOptions = JSON.parse(process.argv[2] ?? "{}")

let sections = 0

/** At once, so that nothing is lost when the process is killed. */
const tell = (...words: ReadonlyArray<unknown>) => Effect.sync(() => writeSync(1, `${words.join(" ")}\n`))

/** The same for all processes of the machine, whatever becomes of their clocks. */
const clock = Effect.sync(() => process.hrtime.bigint())

// The machine's clock is set now and then, by up to an hour.
const realNow = Date.now
let shift = 0
Date.now = () => realNow() + shift
setInterval(() => {
  shift = Math.round((Math.random() - 0.5) * 7_200_000)
}, 40).unref()

const program = Effect.gen(function* () {
  const cacheOf = (url: string) =>
    Effect.map(
      Layer.build(Layer.provide(CacheLive, ValkeyUrl.layer(url, { commandTimeout: "300 millis" }))),
      (context) => Effect.runSync(Effect.provideContext(CacheService, context))
    )
  const cache = yield* cacheOf(options.url)
  const { client } = yield* cacheOf(options.directUrl)

  /** Reads, thinks, writes what it makes of it. */
  const section = (id: string, resource: string, held: HeldLock | undefined) =>
    Effect.gen(function* () {
      const start = yield* clock
      yield* tell("begin", id, held?.fence ?? 0)
      const value = held === undefined ? null : yield* client.eval(readFenced, [resource], [held.fence])
      // Now and then longer than a lease lasts by itself.
      const chance = yield* Random.next
      if (chance < 0.1) yield* Effect.sleep(chance < 0.002 ? options.lease * 1.3 : 2)
      if (held !== undefined) {
        const accepted =
          value === null ? 0 : yield* client.eval(writeFenced, [resource], [held.fence, Number(value) + 1])
        if (accepted !== 1) yield* tell("refused", id)
      }
      return [start, yield* clock] as const
    })

  const terms = { lease: options.lease, wait: "Infinity" } as const
  const work = (index: number) =>
    Effect.suspend(() => {
      const id = `${options.name}.${index}.${++sections}`
      const { permits } = options
      const weight = permits === undefined ? 1 : 1 + (sections % 2)
      const held =
        permits === undefined
          ? cache.lock(`lock ${index}`, terms).withLock((held) => section(id, `resource ${index}`, held))
          : cache.semaphore(`semaphore ${index}`, { ...terms, permits }).withPermits(weight)(
              section(id, `resource ${index}`, undefined)
            )
      return Effect.matchEffect(held, {
        onSuccess: ([start, end]) => tell("done", id, start, end, weight),
        onFailure: ({ _tag }) => tell("failed", id, _tag)
      })
    })
  yield* Effect.forEach(
    Array.from({ length: options.fibers * options.locks }),
    (_, i) => Effect.forever(work(i % options.locks)),
    { concurrency: "unbounded", discard: true }
  )
})

await Effect.runPromise(Effect.scoped(program))
