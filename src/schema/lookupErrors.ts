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
 *     cache.getOrSet("k", other.get("k")).pipe(Effect.catchIf((error) => !isLookupError(error), () => fallback))
 *
 * @since 0.2.0
 * @category errors
 * @see docs/errors.md
 */
export const isLookupError = (error: unknown): boolean => !isCacheError(error) || fromLookups.has(error)
