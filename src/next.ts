/** `effect-vcache/next`: what "use cache" of Next.js gave, and its tags, in the cache. */
export {
  type NextCacheEntry,
  type NextCacheHandler,
  type NextCacheOptions,
  nextCacheHandler,
  nextCacheHandler as default
} from "./layers/next/nextCacheHandler.ts"
