/** What lookups can say of the values that they give. */
import { LookedUp, type StoredOptions } from "./operations/LookedUp.ts"

export type { LookedUp, StoredOptions } from "./operations/LookedUp.ts"

/**
 * A looked-up value with a lifetime and tags of its own, for lookups that learn them from their source. `timeToLive: 0` = the
 * callers have the value, and it is not stored.
 *
 *     cache.getOrSet("page", Effect.map(fetchPage, (page) => CacheLookup.stored(page, { timeToLive: page.maxAge * 1000 })))
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/stampedes.md
 */
export const stored = <const A>(value: A, options: StoredOptions): LookedUp<A> => new LookedUp(value, options)
