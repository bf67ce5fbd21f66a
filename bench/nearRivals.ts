/** Rivals that keep values in the process, as their documentation says. */
import { BentoCache, bentostore } from "bentocache"
import { memoryDriver } from "bentocache/drivers/memory"
import { redisBusDriver, redisDriver } from "bentocache/drivers/redis"
import { createClient } from "redis"

const host = "127.0.0.1"
const maxEntries = 200_000

/** Its memory layer serializes, as is its default: without that it cannot read what another process has written (1.6.1). */
export const makeBento = (port: number) =>
  new BentoCache({
    default: "layered",
    stores: {
      layered: bentostore()
        .useL1Layer(memoryDriver({ maxItems: maxEntries }))
        .useL2Layer(redisDriver({ connection: { host, port } }))
        .useBus(redisBusDriver({ connection: { host, port } }))
    }
  })

export const makeNodeRedis = async (port: number) => {
  const client = createClient({
    url: `redis://${host}:${port}`,
    RESP: 3,
    clientSideCache: { ttl: 0, maxEntries, evictPolicy: "LRU" }
  })
  await client.connect()
  return client
}
