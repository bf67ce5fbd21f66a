/** Rivals that keep values in the process, as their documentation says. */
import { BentoCache, bentostore } from "bentocache"
import { memoryDriver } from "bentocache/drivers/memory"
import { redisBusDriver, redisDriver } from "bentocache/drivers/redis"
import { createClient } from "redis"

const host = "127.0.0.1"
const maxEntries = 200_000

const portOf = (url: string): number => Number(new URL(url).port)

/** Its memory layer serializes, as is its default: without that it cannot read what another process has written (1.6.1). */
export const makeBento = (url: string) => {
  const connection = { host, port: portOf(url) }
  return new BentoCache({
    default: "layered",
    stores: {
      layered: bentostore()
        .useL1Layer(memoryDriver({ maxItems: maxEntries }))
        .useL2Layer(redisDriver({ connection }))
        .useBus(redisBusDriver({ connection }))
    }
  })
}

export const makeNodeRedis = async (url: string) => {
  const client = createClient({
    url: `redis://${host}:${portOf(url)}`,
    RESP: 3,
    clientSideCache: { ttl: 0, maxEntries, evictPolicy: "LRU" }
  })
  await client.connect()
  return client
}
