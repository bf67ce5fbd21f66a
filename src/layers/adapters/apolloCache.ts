/** Apollo's interface of caches over ours. */
import { Effect, type Layer, Option, Schema } from "effect"
import { CacheService } from "../../services/CacheService.ts"
import { forgivingClient } from "./forgivingClient.ts"

/**
 * The options of `apolloCache`. Every field has a default.
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/frameworks.md
 */
export interface ApolloCacheOptions {
  /** Values that Apollo gives no `ttl` live for this many milliseconds. Default: they never expire, as in Apollo's other caches. */
  readonly timeToLive?: number | undefined
}

/**
 * `apolloCache` returns this: the `KeyValueCache` of `@apollo/utils.keyvaluecache` 4, and what closes it.
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/frameworks.md
 */
export interface ApolloCache extends AsyncDisposable {
  /** Resolves with the value, or with undefined where there is none or the cache fails. One round trip. */
  readonly get: (key: string) => Promise<string | undefined>
  /** Stores the value for `ttl` seconds; null is for ever. Resolves, too, where the cache fails. One round trip. */
  readonly set: (key: string, value: string, options?: { ttl?: number | null }) => Promise<void>
  /** Deletes the value. Resolves with whether there was one. Rejects with the cache's tagged errors: it may be there still. */
  readonly delete: (key: string) => Promise<boolean>
  /** Closes the layer. From then on nothing is found and nothing stored, and `delete` rejects. */
  readonly close: () => Promise<void>
}

/**
 * Returns a cache for Apollo Server and its plugins. An outage is a miss, so that `ErrorsAreMissesCache` around it has nothing to do. The
 * layer is opened at the first call, which rejects where it cannot be built. Prefix, version, compression and encryption are the cache's.
 *
 * @example
 * ```ts
 * import { CacheMemory } from "effect-vcache"
 * import { apolloCache } from "effect-vcache/apollo"
 *
 * // With Apollo Server: new ApolloServer({ typeDefs, resolvers, cache })
 * const cache = apolloCache(CacheMemory)
 * await cache.set("query", "{ \"data\": 1 }", { ttl: 60 })
 * console.log(await cache.get("query"))
 * await cache.close()
 * // => { "data": 1 }
 * ```
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/frameworks.md
 */
export const apolloCache = <E>(
  layer: Layer.Layer<CacheService, E>,
  { timeToLive = Infinity }: ApolloCacheOptions = {}
): ApolloCache => {
  const { attempt, close, run } = forgivingClient(layer)
  const values = Effect.map(CacheService, (cache) => cache.withSchema(Schema.String))
  const lifetime = (ttl: number | null | undefined) =>
    ttl === undefined ? timeToLive : ttl === null ? Infinity : ttl * 1000
  return {
    get: (key) => attempt(Effect.flatMap(values, (cache) => Effect.map(cache.get(key), Option.getOrUndefined))),
    set: async (key, value, { ttl } = {}) =>
      void (await attempt(Effect.flatMap(values, (cache) => cache.set(key, value, { timeToLive: lifetime(ttl) })))),
    delete: (key) => run(CacheService.use((cache) => cache.delete(key))),
    close,
    [Symbol.asyncDispose]: close
  }
}
