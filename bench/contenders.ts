/** The rivals and we, each doing the same work on the same server. A process loads only what it measures. */
import { Effect } from "effect"
import type { Contender } from "./Contender.ts"
import { openIovalkey } from "./iovalkey.ts"
import { Latencies } from "./latencies.ts"
import { type Burst, fibers, loops } from "./measure.ts"
import { nearContenders } from "./nearContenders.ts"
import { formats, lookups, ours, policies } from "./ours.ts"
import { structures } from "./structures.ts"
import { article, articles, inBatches, inTurn, keys, lifetime, text } from "./value.ts"

const host = "127.0.0.1"
const millis = lifetime * 1000

const reading = (read: (key: string) => Promise<unknown>): Burst => {
  const key = inTurn()
  return loops(() => read(key()))
}

const iovalkey = async (
  url: string,
  enableAutoPipelining: boolean,
  parse: (text: string) => unknown
): Promise<Contender> => {
  const client = await openIovalkey(url, enableAutoPipelining)
  const read = async (key: string) => parse((await client.get(key)) ?? "")
  const readMany = client.isCluster
    ? (keys: ReadonlyArray<string>) => Promise.all(keys.map((key) => client.get(key)))
    : (keys: Array<string>) => client.mget(keys)
  const key = inTurn()
  const batch = inBatches()
  const ten = inBatches(10)
  const latencies = new Latencies()
  const readTen = async () => {
    const pipeline = client.pipeline()
    for (const key of ten()) pipeline.get(key)
    return (await pipeline.exec())?.map(([, text]) => parse(String(text)))
  }
  return {
    read: async (key) => JSON.parse((await client.get(key)) ?? ""),
    latencies,
    work: {
      ...(client.isCluster ? {} : { pipeline: loops(readTen) }),
      get: reading(read),
      getTimed: loops(latencies.promise(() => read(key()))),
      set: loops(() => client.set(key(), JSON.stringify(article), "EX", lifetime)),
      setLarge: loops(() => client.set("large", JSON.stringify(articles), "EX", lifetime)),
      getMany: loops(async () => (await readMany(batch())).map((text) => parse(text ?? "")))
    }
  }
}

const asText = (text: string): unknown => text

/** Clients that are measured on one server only. */
const onPort = (make: (port: number) => Promise<Contender>) => (url: string) => make(Number(new URL(url).port))

/** Each stores what it reads under names of its own, so that it finds its own format. */
const rivals: Readonly<Record<string, (url: string) => Promise<Contender>>> = {
  "iovalkey, text only": (url) => iovalkey(url, false, asText),
  "iovalkey + JSON": (url) => iovalkey(url, false, JSON.parse),
  "iovalkey auto-pipelined + JSON": (url) => iovalkey(url, true, JSON.parse),
  "ioredis + JSON": onPort(async (port) => {
    const { Redis } = await import("ioredis6")
    const client = new Redis(port, host)
    const read = async (key: string) => JSON.parse((await client.get(key)) ?? "")
    const key = inTurn()
    return {
      read,
      work: { get: reading(read), set: loops(() => client.set(key(), JSON.stringify(article), "EX", lifetime)) }
    }
  }),
  "node-redis + JSON": onPort(async (port) => {
    const { createClient } = await import("redis")
    const client = createClient({ url: `redis://${host}:${port}` })
    await client.connect()
    const read = async (key: string) => JSON.parse((await client.get(key)) ?? "")
    const key = inTurn()
    const batch = inBatches()
    const expiration = { type: "EX", value: lifetime } as const
    return {
      read,
      work: {
        get: reading(read),
        set: loops(() => client.set(key(), JSON.stringify(article), { expiration })),
        getMany: loops(async () => (await client.mGet(batch())).map((text) => JSON.parse(text ?? "")))
      }
    }
  }),
  "keyv + valkey": onPort(async (port) => {
    const { default: Keyv } = await import("keyv")
    const { default: KeyvValkey } = await import("@keyv/valkey")
    const cache = new Keyv({ store: new KeyvValkey(`valkey://${host}:${port}`), namespace: "keyv" })
    for (const key of keys) await cache.set(key, article, millis)
    const key = inTurn()
    const read = (key: string) => cache.get(key)
    return { read, work: { get: reading(read), set: loops(() => cache.set(key(), article, millis)) } }
  }),
  "cache-manager (keyv + valkey)": onPort(async (port) => {
    const { default: Keyv } = await import("keyv")
    const { default: KeyvValkey } = await import("@keyv/valkey")
    const { createCache } = await import("cache-manager")
    const store = new Keyv({ store: new KeyvValkey(`valkey://${host}:${port}`), namespace: "manager" })
    const cache = createCache({ stores: [store] })
    for (const key of keys) await cache.set(key, article, millis)
    const key = inTurn()
    const read = (key: string) => cache.get(key)
    const getOrSet = reading((key) => cache.wrap(key, () => article, millis))
    return { read, work: { get: reading(read), getOrSet, set: loops(() => cache.set(key(), article, millis)) } }
  }),
  "bentocache (L2 only)": onPort(async (port) => {
    const { BentoCache, bentostore } = await import("bentocache")
    const { redisDriver } = await import("bentocache/drivers/redis")
    const cache = new BentoCache({
      default: "redis",
      stores: { redis: bentostore().useL2Layer(redisDriver({ connection: { host, port } })) }
    })
    const ttl = `${lifetime}s`
    for (const key of keys) await cache.set({ key, value: article, ttl })
    const key = inTurn()
    const read = (key: string) => cache.get({ key })
    const getOrSet = reading((key) => cache.getOrSet({ key, ttl, factory: () => article }))
    return {
      read,
      work: { get: reading(read), getOrSet, set: loops(() => cache.set({ key: key(), value: article, ttl })) }
    }
  }),
  "unstorage (ioredis)": onPort(async (port) => {
    const { createStorage } = await import("unstorage")
    const { default: driver } = await import("unstorage/drivers/redis")
    const storage = createStorage({
      driver: driver({ url: `redis://${host}:${port}`, base: "unstorage", ttl: lifetime })
    })
    for (const key of keys) await storage.setItem(key, article)
    const key = inTurn()
    const read = (key: string) => storage.getItem(key)
    return { read, work: { get: reading(read), set: loops(() => storage.setItem(key(), article)) } }
  }),
  "Effect PersistedCache over NodeRedis": onPort(async (port) => {
    const { get } = await (await import("./persisted.ts")).makePersisted(`redis://${host}:${port}`)
    const key = inTurn()
    return { read: (key) => Effect.runPromise(get(key)), work: { get: fibers(() => get(key())) } }
  })
}

/** What is measured beside each other in most rows. */
export const rivalsAndUs: ReadonlyArray<string> = [...Object.keys(ours), ...Object.keys(rivals)]

export const contenders: typeof rivals = {
  ...ours,
  ...rivals,
  ...formats,
  ...policies,
  ...lookups,
  ...structures,
  ...nearContenders
}

/** What every raw client reads. */
export const prepare = async (url: string): Promise<void> => {
  const client = await openIovalkey(url, false)
  for (const key of keys) await Promise.all([client.set(key, text), client.set(`:1:${key}`, text)])
  client.disconnect()
}
