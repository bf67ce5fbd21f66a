/** A driver for unstorage over a cache. */
import type { Layer } from "effect"
import type { Driver, TransactionOptions } from "unstorage"
import { escapeGlob } from "../../schema/key.ts"
import { CacheService } from "../../services/CacheService.ts"
import { makeClient, type PromiseCache } from "./PromiseCache.ts"

/**
 * The options of `unstorageDriver`. Every field has a default.
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/promises.md
 */
export interface UnstorageDriverOptions {
  /** Items that unstorage gives no `ttl` live for this many milliseconds. Default: they never expire, as in unstorage's other drivers. */
  readonly timeToLive?: number | undefined
}

/**
 * Returns a driver for unstorage: `createStorage({ driver: unstorageDriver(CacheFromConfig) })`. Prefix, version, compression and encryption
 * are the cache's. An item's `ttl` is in seconds, and `getMeta` returns the seconds that are left. Methods reject with the
 * cache's tagged errors. `getInstance` gives the `PromiseCache`, and `dispose` closes the layer.
 *
 * @example
 * ```ts
 * import { createStorage } from "unstorage"
 * import { CacheMemory } from "effect-vcache"
 * import { unstorageDriver } from "effect-vcache/unstorage"
 *
 * const storage = createStorage({ driver: unstorageDriver(CacheMemory) })
 * await storage.setItem("user:1", { name: "Ada" }, { ttl: 60 })
 * console.log(await storage.getItem("user:1"))
 * await storage.dispose()
 * // => { name: 'Ada' }
 * ```
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/promises.md
 */
export const unstorageDriver = <E>(
  layer: Layer.Layer<CacheService, E>,
  options: UnstorageDriverOptions = {}
): Driver<UnstorageDriverOptions, PromiseCache> => {
  const cache = makeClient(layer)
  const { timeToLive = Infinity } = options
  const lifetime = (given: TransactionOptions = {}) => ({
    timeToLive: given["ttl"] === undefined ? timeToLive : Number(given["ttl"]) * 1000
  })
  const startingWith = (base = "") => `${escapeGlob(base)}*`
  return {
    name: "effect-vcache",
    options,
    getInstance: () => cache,
    hasItem: (key) => cache.has(key),
    getItem: async (key) => stored(await cache.get(key)),
    getItems: async (items) => {
      const found = await cache.getMany(items.map(({ key }) => key))
      return items.map(({ key }) => ({ key, value: stored(found.get(key)) }))
    },
    setItem: async (key, value, given) => void (await cache.set(key, value, lifetime(given))),
    setItems: async (items, common) => {
      await cache.run(
        CacheService.use((cache) =>
          cache.pipeline((queue) =>
            items.map(({ key, options, value }) => queue.set(key, value, lifetime({ ...common, ...options })))
          )
        )
      )
    },
    removeItem: async (key) => void (await cache.delete(key)),
    getMeta: async (key) => {
      const left = await cache.ttl(key)
      if (left === undefined) return null
      return left === Infinity ? {} : { ttl: left / 1000 }
    },
    getKeys: async (base) => [...(await cache.run(CacheService.use((cache) => cache.keys(startingWith(base)))))],
    clear: async (base) => void (await cache.run(CacheService.use((cache) => cache.deletePattern(startingWith(base))))),
    dispose: () => cache.close()
  }
}

/** unstorage hands over text, and takes null for what is not there. */
const stored = (value: unknown): string | null => (typeof value === "string" ? value : null)
