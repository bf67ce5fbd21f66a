/** A process that reads through a near cache and writes keys of its own, and remembers all of it. */
import { Effect, Exit, Layer, Metric, Option } from "effect"
import { type CacheError, type CommandError, type NearOptions, type TypedCache, type ValkeyClient } from "effect-vcache"
import { cacheOverLayer } from "../cacheOver.ts"
import { Dice } from "../Dice.ts"
import { pause } from "../pause.ts"
import { until } from "../until.ts"
import { keyName } from "./keys.ts"
import { Columns, nothing, now, type ProcessHistory, readWidth, writeWidth } from "./History.ts"

export interface ReaderOptions {
  readonly name: string
  readonly prefix: string
  /** Keys that others write. */
  readonly keys: ReadonlyArray<number>
  /** Keys that this process writes, and all read. */
  readonly ownKeys: ReadonlyArray<number>
  readonly near: NearOptions
  /** Reads at a time. */
  readonly fibers: number
  readonly seed: string
  /** Whether who reads past the near cache leaves what is near. */
  readonly leavesOldEntries: boolean
}

/** The client that a reader reads through, or one that goes past all that is in its way. */
export type Connect = (direct: boolean) => Layer.Layer<ValkeyClient, CommandError>

/** What tells a reader to go on, to write nothing of its own for a while, and to compare and end. */
export interface ReaderSteering {
  readonly isOver: () => boolean
  readonly isQuiet: () => boolean
  /** Values can be near now. */
  readonly onReady: () => void
}

/** Ways to write a value. */
const ways: ReadonlyArray<
  (cache: TypedCache<unknown>, key: string, value: number) => Effect.Effect<unknown, CacheError>
> = [
  (cache, key, value) => cache.set(key, value),
  (cache, key, value) => cache.setMany({ [key]: value }),
  (cache, key, value) => cache.getAndSet(key, value),
  (cache, key, value) => cache.pipeline((queue) => [queue.set(key, value)]),
  (cache, key, value) => cache.transaction((queue) => [queue.set(key, value), queue.get(key)]),
  (cache, key, value) => cache.client.send("SET", [cache.makeKey(key), value]),
  (cache, key, value) =>
    cache.client.eval({ name: "put", lua: "return redis.call('SET', KEYS[1], ARGV[1])" }, [cache.makeKey(key)], [value])
]

/** Reads between two pauses. */
const atOnce = 10

export const runReader = (
  options: ReaderOptions,
  connect: Connect,
  steering: ReaderSteering
): Effect.Effect<ProcessHistory> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { fibers, keys, leavesOldEntries, name, near, ownKeys, prefix } = options
      const open = (client: Layer.Layer<ValkeyClient, CommandError>, near: NearOptions | false) =>
        cacheOverLayer(client, { prefix, timeToLive: "1 hour", near })
      const client = Layer.succeedContext(yield* Layer.build(connect(false)))
      const cache = yield* open(client, near)
      // One that this process's near cache hears nothing of.
      const past = leavesOldEntries ? yield* open(connect(false), false) : cache.withOptions({ near: false })
      yield* until("what announces changes", Effect.andThen(cache.get("k"), cache.near), ({ _tag }) => _tag === "Live")
      steering.onReady()
      const reads = new Columns(readWidth)
      const writes = new Columns(writeWidth)
      const all = [...keys, ...ownKeys]
      let failed = 0
      let version = 0

      const note = (key: number, start: number, value: Option.Option<unknown>) =>
        reads.add(key, Option.match(value, { onNone: () => nothing, onSome: Number }), start, now())

      const readOne = (key: number, from: TypedCache<unknown>, near?: false) =>
        Effect.suspend(() => {
          const start = now()
          return Effect.match(from.get(keyName(key), { near }), {
            onSuccess: (value) => note(key, start, value),
            onFailure: () => void failed++
          })
        })

      const readMany = (some: ReadonlyArray<number>) =>
        Effect.suspend(() => {
          const start = now()
          return Effect.match(cache.getMany(some.map(keyName)), {
            onSuccess: (found) => {
              for (const key of some) note(key, start, Option.fromUndefinedOr(found.get(keyName(key))))
            },
            onFailure: () => void failed++
          })
        })

      const busy = new Set<number>()
      const writeOne = (key: number, dice: Dice) =>
        Effect.suspend(() => {
          if (busy.has(key)) return Effect.void
          busy.add(key)
          const isDeletion = dice.chance(0.1)
          const value = isDeletion ? nothing : ++version
          const start = now()
          const write: Effect.Effect<unknown, CacheError> = isDeletion
            ? cache.delete(keyName(key))
            : dice.pick(ways)(cache, keyName(key), value)
          return Effect.map(Effect.exit(write), (exit) => {
            busy.delete(key)
            // Of one that failed nobody knows when it was executed, or whether.
            writes.add(key, value, start, Exit.isSuccess(exit) ? now() : Infinity, 0)
          })
        })

      const work = (fiber: number) =>
        Effect.gen(function* () {
          const dice = new Dice(`${options.seed} ${name} ${fiber}`)
          const pick = () => all[Math.floor(all.length * dice.next() ** 2)]!
          while (!steering.isOver()) {
            for (let i = 0; i < atOnce; i++) {
              const roll = dice.next()
              const key = pick()
              // Whatever is read past the near cache is right afterwards, and hides what was not.
              if (roll < 0.9 || (roll < 0.93 && key % 4 !== 0)) yield* readOne(key, cache)
              else if (roll < 0.93) {
                const isView = dice.chance(0.5) || leavesOldEntries
                yield* readOne(key, isView ? past : cache, isView ? undefined : false)
                // What was seen is not older than what is near now.
                yield* readOne(key, cache)
              } else if (roll < 0.97) yield* readMany([...new Set([pick(), pick(), pick(), pick()])])
              else if (roll < 0.98 && fiber === 0 && ownKeys.length > 0 && !steering.isQuiet()) {
                yield* writeOne(dice.pick(ownKeys), dice)
              }
            }
            yield* pause(1 + dice.below(5))
          }
        })
      yield* Effect.forEach(
        Array.from({ length: fibers }, (_, i) => i),
        work,
        { concurrency: "unbounded" }
      )

      // What is near now has to be what the server has.
      const direct = yield* open(connect(true), false)
      const different: Array<string> = []
      for (const key of all) {
        const read = Effect.exit(Effect.all([cache.get(keyName(key)), direct.get(keyName(key))]))
        const exit = yield* read
        if (!Exit.isSuccess(exit)) {
          different.push(`key ${key} could not be read`)
          continue
        }
        const [near, there] = exit.value.map(Option.getOrUndefined)
        if (near !== there) different.push(`key ${key} is ${String(near)} here and ${String(there)} there`)
      }
      // Whoever asks for the state has the metrics told.
      yield* cache.near
      const hits = (yield* Metric.snapshot).flatMap(({ id, state }) =>
        id === "effect_vcache_near_hits_total" && "count" in state ? [Number(state.count)] : []
      )
      return {
        name,
        reads: reads.take(),
        writes: writes.take(),
        near: hits.reduce((sum, count) => sum + count, 0),
        failed,
        different
      }
    })
  ).pipe(Effect.provideService(Metric.MetricRegistry, new Map()), Effect.orDie)
