/** What lookups can say of the values that they give. */
import { FailedLookup } from "./operations/FailedLookup.ts"
import { LookedUp, type StoredOptions } from "./operations/LookedUp.ts"

export type { FailedLookup } from "./operations/FailedLookup.ts"
export type { LookedUp, StoredOptions } from "./operations/LookedUp.ts"

/**
 * A looked-up value with a lifetime and tags of its own, for lookups that learn them from their source. `timeToLive: 0` = the
 * callers have the value, and it is not stored.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheLookup, CacheMemory, CacheService } from "effect-vcache"
 *
 * const fetchPage = Effect.succeed({ html: "<html>", maxAge: 60 })
 * const program = CacheService.use((cache) =>
 *   cache.getOrSet(
 *     "page",
 *     Effect.map(fetchPage, (page) => CacheLookup.stored(page.html, { timeToLive: page.maxAge * 1000 }))
 *   )
 * )
 * console.log(Effect.runSync(Effect.provide(program, CacheMemory)))
 * // => <html>
 * ```
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/stampedes.md
 */
export const stored = <const A>(value: A, options: StoredOptions): LookedUp<A> => new LookedUp(value, options)

/**
 * The failure of one key, for lookups of many keys: in place of the pair of the key and its value. The callers who asked for the
 * key fail with the error, and the values of the other keys are stored. With `cacheFailures` the failure is stored, too.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { CacheLookup, CacheMemory, CacheService } from "effect-vcache"
 *
 * class NoUser extends Schema.TaggedError<NoUser>("NoUser")("NoUser", { id: Schema.String }) {}
 *
 * const names = new Map([["1", "Ada"]])
 * const findUsers = (ids: ReadonlyArray<string>) =>
 *   Effect.succeed(
 *     ids.map((id) => {
 *       const name = names.get(id)
 *       return name === undefined ? CacheLookup.failed(id, new NoUser({ id })) : ([id, name] as const)
 *     })
 *   )
 * const program = CacheService.use((cache) => cache.getOrSetMany(["1", "7"], findUsers))
 * console.log(Effect.runSync(Effect.flip(Effect.provide(program, CacheMemory)))._tag)
 * // => NoUser
 * ```
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/stale-values.md
 */
export const failed = <const K, E>(key: K, error: E): FailedLookup<K, E> => new FailedLookup(key, error)
