/** The near cache, and what else answers reads in the process, as contenders. */
import { setImmediate } from "node:timers/promises"
import { Cache, Context, Duration, Effect, Layer, Option, Scope } from "effect"
import {
  type CommandError,
  type Invalidation,
  type NearOptions,
  type TypedCache,
  ValkeyClient,
  type ValkeyClientShape,
  ValkeyUrl
} from "../src/index.ts"
import type { Contender } from "./Contender.ts"
import { type Burst, fibers, loops } from "./measure.ts"
import { open, promises } from "./ours.ts"
import { article, inTurn, keys, lifetime, text } from "./value.ts"

/** Of this contender alone: what another one stores would be announced to it. */
const prefix = `near-${process.pid}`

/** Reads of many keys that all come from the process, in an order that ends where it began. */
const warm = async (read: (key: string) => Promise<unknown>): Promise<void> => {
  for (const key of keys) await read(key)
}

/** Until the server has proven that it announces changes. */
export const proven = (cache: TypedCache<unknown>): Promise<unknown> => {
  const isProven = Effect.map(cache.near, (state) => state._tag === "Live" && Duration.toMillis(state.proofAge) < 1000)
  return Effect.runPromise(Effect.repeat(Effect.delay(isProven, "5 millis"), { until: (yes) => yes }))
}

/** Bursts of synchronous reads. Now and then the event loop has a turn, in which proofs arrive. */
const synchronous =
  (read: () => unknown): Burst =>
  async (_, count) => {
    for (let i = 0; i < count; i++) {
      read()
      if (i % 10_000 === 0) await setImmediate()
    }
  }

const store = async (cache: TypedCache<unknown>): Promise<void> => {
  for (const key of keys) await Effect.runPromise(cache.set(key, article, { timeToLive: Duration.seconds(lifetime) }))
}

const readOf = (cache: TypedCache<unknown>) => (key: string) =>
  Effect.runPromise(Effect.map(cache.get(key), Option.getOrUndefined))

const withoutNear =
  (drive: typeof fibers) =>
  async (url: string): Promise<Contender> => {
    const cache = await open(url, { options: { prefix } })
    await store(cache)
    const key = inTurn()
    const get = drive(() => cache.get(key()))
    return { read: readOf(cache), work: { get, fill: get } }
  }

/** Long enough for a busy machine, on which hits would become misses now and then. */
const maxStaleness = "1 minute"

const near =
  (options: NearOptions, drive: typeof fibers = fibers) =>
  async (url: string): Promise<Contender> => {
    const cache = await open(url, { options: { prefix, near: { ...options, maxStaleness } } })
    // As many as fit hardly: each key is read when it has just made room for another.
    const small = await open(url, {
      options: { prefix, near: { ...options, maxStaleness, maxEntries: keys.length / 2 } }
    })
    const read = readOf(cache)
    await store(cache)
    await proven(cache)
    await proven(small)
    await warm(read)
    const key = inTurn()
    return {
      read,
      work: {
        get: drive(() => cache.get(key())),
        fill: drive(() => small.get(key())),
        // One that went to the server would throw.
        nearSync: synchronous(() => Effect.runSync(cache.get(key())))
      }
    }
  }

/** Reads of the client, without a cache and a codec, beside a channel that announces. */
const readsOf =
  (
    read: (terms: { readonly client: ValkeyClientShape; readonly key: string }) => Effect.Effect<unknown, CommandError>
  ) =>
  async (url: string): Promise<Contender> => {
    const scope = Scope.makeUnsafe()
    const context = await Effect.runPromise(Layer.buildWithScope(ValkeyUrl.layer(url), scope))
    const client = Context.get(context, ValkeyClient)
    for (const key of keys) await Effect.runPromise(client.send("SET", [`client:${key}`, text, "EX", String(lifetime)]))
    await new Promise<void>((resolve) => {
      const onEvent = ({ _tag }: Invalidation) => _tag === "Proof" && resolve()
      const listening = client.invalidations({ prefixes: ["client:"], tracking: "perKey", heartbeat: 500 }, onEvent)
      Effect.runFork(Effect.scoped(Effect.andThen(listening, Effect.never)))
    })
    const key = inTurn()
    return {
      read: async (key) => JSON.parse(String(await Effect.runPromise(client.send("GET", [`client:${key}`])))),
      work: { fill: fibers(() => read({ client, key: `client:${key()}` })) }
    }
  }

export const nearContenders: Readonly<Record<string, (url: string) => Promise<Contender>>> = {
  near: near({}),
  "near by runPromise": near({}, promises),
  "near, perKey": near({ tracking: "perKey" }),
  "without near": withoutNear(fibers),
  "without near, by runPromise": withoutNear(promises),
  "client: GET": readsOf(({ client, key }) => client.send("GET", [key])),
  "client: a read that is kept": readsOf(({ client, key }) => client.tracked([key])),
  "client: a read that is kept, perKey": readsOf(({ client, key }) => client.tracked([key], { tracking: "perKey" })),
  "Effect Cache": async () => {
    const cache = Effect.runSync(
      Cache.make<string, typeof article>({ capacity: 10_000, lookup: () => Effect.succeed(article) })
    )
    const read = (key: string) => Effect.runPromise(Cache.get(cache, key))
    await warm(read)
    const key = inTurn()
    return {
      read,
      work: {
        get: fibers(() => Cache.get(cache, key())),
        nearSync: synchronous(() => Effect.runSync(Cache.get(cache, key())))
      }
    }
  },
  "bentocache with L1, L2 and its bus": async (url) => {
    const { makeBento } = await import("./nearRivals.ts")
    const cache = makeBento(url)
    for (const key of keys) await cache.set({ key, value: article, ttl: lifetime * 1000 })
    const read = (key: string) => cache.get({ key })
    await warm(read)
    const key = inTurn()
    return { read, work: { get: loops(() => read(key())) } }
  },
  "node-redis with its client-side cache": async (url) => {
    const { makeNodeRedis } = await import("./nearRivals.ts")
    const client = await makeNodeRedis(url)
    const read = async (key: string) => JSON.parse((await client.get(key)) ?? "")
    for (const key of keys) await client.set(key, text, { expiration: { type: "EX", value: lifetime } })
    await warm(read)
    const key = inTurn()
    return { read, work: { get: loops(() => read(key())) } }
  }
}
