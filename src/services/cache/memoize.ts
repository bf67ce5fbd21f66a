/** Functions whose results are cached. */
import { Effect } from "effect"
import { make as makeRegion } from "../CacheRegion.ts"
import type { CacheMemoize } from "../operations/CacheMemoize.ts"
import type { TypedCache } from "../operations/TypedCache.ts"

/** Over regions of the cache, which is asked for when a function is memoised. */
export const memoizeOver =
  (cache: () => TypedCache<unknown>): CacheMemoize["memoize"] =>
  (options, lookup) =>
    Effect.map(makeRegion(cache(), options.name, { ...options, lookup }), ({ get, ...region }) => {
      const call: typeof get = (key) => get(key)
      return Object.assign(call, region)
    })
