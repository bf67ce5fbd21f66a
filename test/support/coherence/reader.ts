/** A process that reads through a near cache and writes keys of its own, and remembers all of it. */
import { Effect, Exit, Layer, Metric, Option } from "effect"
import {
  type CacheError,
  CacheLive,
  CacheService,
  type TypedCache,
  ValkeyClient,
  ValkeyStandalone
} from "effect-vcache"
import { Dice } from "../Dice.ts"
import { pause } from "../pause.ts"
import { Columns, nothing, now, type ProcessHistory, readWidth, writeWidth } from "./History.ts"

export interface ReaderOptions {
  readonly name: string
  /** Of its proxy. */
  readonly url: string
  /** Of a server without delays, for a look at it after all is quiet. */
  readonly directUrl: string
  readonly prefix: string
  /** Keys that others write. */
  readonly keys: ReadonlyArray<number>
  /** Keys that this process writes, and all read. */
  readonly ownKeys: ReadonlyArray<number>
  /** Milliseconds. */
  readonly maxStaleness: number
  /** Reads at a time. */
  readonly fibers: number
  readonly seed: string
  /** Whether who reads past the near cache leaves what is near. */
  readonly leavesOldEntries: boolean
}

/** What tells a reader to go on, to compare, and to end. */
export interface ReaderSteering {
  readonly isOver: () => boolean
  /** Nothing has been written for long, and nothing will be. */
  readonly isQuiet: () => boolean
}

const connection = {
  commandTimeout: "20 seconds",
  socketTimeout: "30 seconds",
  reconnect: { base: 20, max: 50 },
  clientName: "reader"
} as const

export const keyName = (key: number): string => `k${key}`

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

export const runReader = (options: ReaderOptions, steering: ReaderSteering): Effect.Effect<ProcessHistory> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { fibers, keys, leavesOldEntries, maxStaleness, name, ownKeys, prefix, url } = options
      const cacheAt = (url: string, near: boolean) =>
        Effect.flatMap(
          Layer.build(
            Layer.provideMerge(
              CacheLive.layer({
                prefix,
                timeToLive: "1 hour",
                ...(near ? { near: { maxStaleness, maxEntries: Math.ceil((keys.length + ownKeys.length) * 0.9) } } : {})
              }),
              ValkeyStandalone.layer({ ...connection, url })
            )
          ),
          (context) => Effect.provideContext(Effect.all([CacheService, ValkeyClient]), context)
        )
      const [cache] = yield* cacheAt(url, true)
      const [past] = leavesOldEntries ? yield* cacheAt(url, false) : [cache.withOptions({ near: false })]
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
            for (let i = 0; i < 40; i++) {
              const roll = dice.next()
              const key = pick()
              // Whatever is read past the near cache is right afterwards, and hides what was not.
              if (roll < 0.9 || (roll < 0.93 && key % 4 !== 0)) yield* readOne(key, cache)
              else if (roll < 0.93) {
                const isView = dice.chance(0.5) || leavesOldEntries
                yield* readOne(key, isView ? past : cache, isView ? undefined : false)
              } else if (roll < 0.97) yield* readMany([...new Set([pick(), pick(), pick(), pick()])])
              else if (roll < 0.98 && fiber === 0 && ownKeys.length > 0 && !steering.isQuiet()) {
                yield* writeOne(dice.pick(ownKeys), dice)
              }
            }
            yield* pause(1 + dice.below(4))
          }
        })
      yield* Effect.forEach(
        Array.from({ length: fibers }, (_, i) => i),
        work,
        { concurrency: "unbounded" }
      )

      // What is near now has to be what the server has.
      const [direct] = yield* cacheAt(options.directUrl, false)
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
