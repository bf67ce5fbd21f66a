/** Which failures came out of lookups, for programs whose lookups fail as caches do. */
import { isCacheError } from "./CacheError.ts"

const fromLookups = new WeakSet<object>()

/** What a lookup has failed with. */
export const noteLookupError = (error: unknown): void => {
  if (typeof error === "object" && error !== null) fromLookups.add(error)
}

/**
 * Whether a failure of `getOrSet`, `getOrSetMany`, `refresh` or a region is the lookup's own, and not the cache's. It needs
 * asking where the lookup can fail with a `CacheError`, because it reads another cache: an error of that cache says nothing
 * about this one.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService, isLookupError } from "effect-vcache"
 *
 * const program = CacheService.use((cache) => {
 *   // The lookup reads another cache, and fails as that one does.
 *   const stock = cache.getOrSet("stock", cache.withOptions({ prefix: "warehouse" }).incr("stock"))
 *   return Effect.catchIf(
 *     stock,
 *     (error) => !isLookupError(error),
 *     () => Effect.succeed(0)
 *   )
 * })
 * console.log(Effect.runSync(Effect.flip(Effect.provide(program, CacheMemory)))._tag)
 * // => CacheMissError
 * ```
 *
 * @since 0.2.0
 * @category errors
 * @see docs/errors.md
 */
export const isLookupError = (error: unknown): boolean => !isCacheError(error) || fromLookups.has(error)
