/** This module refreshes Effect's queries and atoms when keys of a cache change, whichever process changed them. */
import { type Context, Effect, Layer, Stream } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import { defaultKeyFunction, keySpace } from "../../schema/key.ts"
import type { Invalidation } from "../../schema/Invalidation.ts"
import { CacheService } from "../../services/CacheService.ts"
import type { TypedCache } from "../../services/operations/TypedCache.ts"

type CacheTag<I> = Context.Service<I, TypedCache<unknown>>

/**
 * Returns the reactivity keys under which a query or an atom is refreshed when one of these user keys of `CacheService`
 * changes, or when nobody can say whether one of them did. A region's key is its name and the key: `app/Users:1`.
 *
 * @example
 * ```ts
 * import { CacheReactivity } from "effect-vcache/effect"
 *
 * console.log(CacheReactivity.keys("user:1"))
 * // => [ 'effect-vcache/CacheService', 'effect-vcache/CacheService:user:1' ]
 * ```
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/effect-stores.md
 */
export const keys = (...userKeys: ReadonlyArray<string>): ReadonlyArray<string> => keysFor(CacheService)(...userKeys)

/**
 * Returns `keys` for another cache.
 *
 * @example
 * ```ts
 * import { Context } from "effect"
 * import type { TypedCache } from "effect-vcache"
 * import { CacheReactivity } from "effect-vcache/effect"
 *
 * class Prices extends Context.Service<Prices, TypedCache<unknown>>()("app/Prices") {}
 *
 * console.log(CacheReactivity.keysFor(Prices)("tea"))
 * // => [ 'app/Prices', 'app/Prices:tea' ]
 * ```
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/effect-stores.md
 */
export const keysFor =
  <I>({ key: cache }: CacheTag<I>) =>
  (...userKeys: ReadonlyArray<string>): ReadonlyArray<string> => [cache, ...userKeys.map((key) => nameOf(cache, key))]

const nameOf = (cache: string, key: string): string => `${cache}:${key}`

/**
 * Invalidates in Effect's `Reactivity` what changes in `CacheService`: writes and deletions of values and structures by any
 * process and by any client, expiry, eviction. Only keys of the cache's own version are told. It opens a connection to each server that
 * has keys, as a near cache does. When announcements begin, and begin again after a connection was lost, everything that is
 * registered with `keys` is invalidated once, because nobody knows what has changed meanwhile.
 *
 * A query that stores what it looks up with `getOrSet` changes the key itself, and runs once more, when it finds it stored.
 *
 * @example
 * ```ts
 * import { Effect, Layer, Option, Stream } from "effect"
 * import { Reactivity } from "effect/reactivity"
 * import { CacheMemory, CacheService } from "effect-vcache"
 * import { CacheReactivity } from "effect-vcache/effect"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   const price = Effect.map(cache.get("price"), Option.getOrNull)
 *   const prices = price.pipe(Reactivity.stream(CacheReactivity.keys("price")))
 *   // Reads again after each change, whichever process makes it.
 *   yield* Stream.runForEach(Stream.take(prices, 2), (price) =>
 *     Effect.andThen(
 *       Effect.sync(() => console.log(price)),
 *       cache.set("price", 12)
 *     )
 *   )
 * })
 * const live = CacheReactivity.layer().pipe(Layer.provideMerge([CacheMemory, Reactivity.layer]))
 * await Effect.runPromise(Effect.provide(program, live))
 * // => null
 * // => 12
 * ```
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/effect-stores.md
 */
export const layer = (): Layer.Layer<never, never, CacheService | Reactivity.Reactivity> => layerFor(CacheService)

/**
 * Does what `layer` does, for another cache.
 *
 * @example
 * ```ts
 * import { Context, Layer } from "effect"
 * import { Reactivity } from "effect/reactivity"
 * import { layerFor, type TypedCache, ValkeyMemory } from "effect-vcache"
 * import { CacheReactivity } from "effect-vcache/effect"
 *
 * class Prices extends Context.Service<Prices, TypedCache<unknown>>()("app/Prices") {}
 *
 * export const Live = CacheReactivity.layerFor(Prices).pipe(
 *   Layer.provideMerge([layerFor(Prices, { prefix: "prices" }), Reactivity.layer]),
 *   Layer.provide(ValkeyMemory.layer())
 * )
 * ```
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/effect-stores.md
 */
export const layerFor = <I>(tag: CacheTag<I>): Layer.Layer<never, never, I | Reactivity.Reactivity> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const cache = yield* tag
      const reactivity = yield* Reactivity.Reactivity
      const { keyFunction, prefix, version } = cache.options
      const { userKey } = keySpace(keyFunction, { prefix, version }, "*")
      const prefixes = [keyFunction === defaultKeyFunction ? cache.makeKey("") : ""]
      const isSilent = silence(cache.client.topology === "memory")

      const invalidated = (events: ReadonlyArray<Invalidation>): ReadonlyArray<string> =>
        events.flatMap((event): ReadonlyArray<string> => {
          const silent = isSilent(event)
          if (event._tag === "Live" || event._tag === "Everything") return [tag.key]
          if (event._tag !== "Keys" || (event.own && !silent)) return []
          return event.keys.flatMap((final) => {
            const key = userKey(final)
            return key === undefined ? [] : [nameOf(tag.key, key)]
          })
        })
      const listening = Stream.runForEachArray(cache.client.changes(prefixes), (events) => {
        const changed = new Set(invalidated(events))
        return changed.size === 0 ? Effect.void : reactivity.invalidate([...changed])
      })
      yield* Effect.forkScoped(listening, { startImmediately: true })
    })
  )

/**
 * Whether no server announces changes. Then the client's own are all that is heard of; else servers announce them, too, once
 * they are done, and to count them twice would run each query twice.
 */
const silence = (always: boolean) => {
  const live = new Set<string>()
  return (event: Invalidation): boolean => {
    if (event._tag === "Live") live.add(event.server)
    if (event._tag === "Down") {
      if (event.server === undefined) live.clear()
      else live.delete(event.server)
    }
    return always || live.size === 0
  }
}
