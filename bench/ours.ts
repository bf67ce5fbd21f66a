/** The cache in its variations, as contenders. */
import { Context, Effect, Exit, Layer, Option, Scope } from "effect"
import {
  Breaker,
  CacheLive,
  CacheService,
  Compressor,
  IgnoreExceptions,
  type LookupOptions,
  Metrics,
  Serializer,
  Tracing,
  type TypedCache,
  ValkeyUrl
} from "../src/index.ts"
import type { CacheLayerOptions } from "../src/layers/cache/CacheLive.ts"
import type { Contender } from "./Contender.ts"
import { Latencies } from "./latencies.ts"
import { type Burst, fibers, loops } from "./measure.ts"
import { Article, article, articles, inBatches, inTurn, keys, lifetime, Order, order } from "./value.ts"

export interface Variation {
  readonly typed?: boolean
  /** Each operation is run as a promise, as by a program that is none of Effect's. */
  readonly promised?: boolean
  /** Reads and writes the record of many fields. */
  readonly order?: boolean
  readonly options?: CacheLayerOptions
  readonly policies?: ReadonlyArray<Layer.Layer<never>>
  readonly lookup?: LookupOptions
}

const millis = lifetime * 1000

/** A cache, and how to end it with its connections. */
export interface OpenCache {
  readonly cache: TypedCache<unknown>
  readonly close: () => Promise<void>
}

export const openUntil = async (url: string, { options = {}, policies = [] }: Variation): Promise<OpenCache> => {
  const client = ValkeyUrl.layer(url, { clientName: "bench-ours" })
  const layer = policies.reduce((cache, policy) => Layer.provide(cache, policy), CacheLive.layer(options))
  const scope = Scope.makeUnsafe()
  const context = await Effect.runPromise(Layer.buildWithScope(Layer.provide(layer, client), scope))
  return {
    cache: Context.get(context, CacheService),
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

/** A cache until the process ends. */
export const open = async (url: string, variation: Variation): Promise<TypedCache<unknown>> =>
  (await openUntil(url, variation)).cache

const contender =
  (variation: Variation = {}) =>
  async (url: string): Promise<Contender> => {
    const cache = await open(url, variation)
    if (variation.order === true) return orders(cache)
    const view = variation.typed === true ? cache.withSchema(Article) : cache
    const lookup = Effect.succeed(article)
    const lookupOptions = { timeToLive: millis, ...variation.lookup }
    if (variation.options !== undefined || variation.lookup !== undefined) {
      // In a format of its own, under names of its own.
      for (const key of keys) await Effect.runPromise(view.refresh(key, lookup, { ...lookupOptions, jitter: 0 }))
    }
    const key = inTurn()
    const batch = inBatches()
    const ten = inBatches(10)
    const latencies = new Latencies()
    const driven = variation.promised === true ? promises : fibers
    return {
      read: (key) => Effect.runPromise(Effect.map(view.get(key), Option.getOrUndefined)),
      latencies,
      work: {
        get: driven(() => view.get(key())),
        getTimed: driven(latencies.effect(() => view.get(key()))),
        set: driven(() => view.set(key(), article, { timeToLive: millis })),
        ...(variation.typed === true
          ? {}
          : { setLarge: driven(() => cache.set("large", articles, { timeToLive: millis })) }),
        getMany: driven(() => view.getMany(batch())),
        pipeline: driven(() => {
          const keys = ten()
          return view.pipeline((queue) => keys.map((key) => queue.get(key)))
        }),
        getOrSet: driven(() => view.getOrSet(key(), lookup, lookupOptions))
      }
    }
  }

/** Bursts of Effect code in a program of promises. */
export const promises = <E>(operation: () => Effect.Effect<unknown, E>): Burst =>
  loops(() => Effect.runPromise(operation()))

const orders = async (cache: TypedCache<unknown>): Promise<Contender> => {
  const view = cache.withSchema(Order)
  for (const key of keys) await Effect.runPromise(view.set(key, order, { timeToLive: millis }))
  const key = inTurn()
  return {
    value: order,
    read: (key) => Effect.runPromise(Effect.map(view.get(key), Option.getOrUndefined)),
    work: {
      get: fibers(() => view.get(key())),
      set: fibers(() => view.set(key(), order, { timeToLive: millis }))
    }
  }
}

const ignore = IgnoreExceptions.layer()
const breaker = Breaker.layer()
const tracing = Tracing.layer()

/** Measured beside the others. */
export const ours: Readonly<Record<string, (url: string) => Promise<Contender>>> = {
  "effect-vcache withSchema": contender({ typed: true }),
  "effect-vcache": contender(),
  "effect-vcache by runPromise": contender({ promised: true })
}

/** Measured beside each other, on the record of many fields. */
export const formats: typeof ours = {
  "orders in JSON": contender({ order: true, options: { prefix: "orders-json" } }),
  "orders in Serializer.binary": contender({
    order: true,
    options: { prefix: "orders-binary", serializer: Serializer.binary }
  }),
  "orders in Serializer.msgpack": contender({
    order: true,
    options: { prefix: "orders-msgpack", serializer: Serializer.msgpack }
  }),
  "orders in JSON, zstd": contender({
    order: true,
    options: { prefix: "orders-zstd", compressor: Compressor.zstd({ threshold: 500 }) }
  })
}

/** Measured beside each other. */
export const policies: typeof ours = {
  "no policy": contender(),
  IgnoreExceptions: contender({ policies: [ignore] }),
  Breaker: contender({ policies: [breaker] }),
  Metrics: contender({ policies: [Metrics.layer()] }),
  "Tracing, spans collected by nobody": contender({ policies: [tracing] }),
  "all four": contender({ policies: [breaker, tracing, Metrics.layer(), ignore] })
}

export const lookups: typeof ours = {
  "with staleFor and xfetch": contender({
    options: { prefix: "timed" },
    lookup: { staleFor: millis, earlyRefresh: { _tag: "xfetch" } }
  }),
  "shared in the fleet": contender({ lookup: { singleFlight: "cluster" } })
}
