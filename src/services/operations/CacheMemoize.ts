/** Functions whose results are cached. */
import type { Effect, Option, Schema } from "effect"
import type { CacheInputError, CommandError } from "../../schema/CacheError.ts"
import type { FailureOptions } from "./CacheFailures.ts"
import type { Stale } from "./CacheLookups.ts"
import type { LookedUp } from "./LookedUp.ts"
import type { Region, RegionOptions, RegionServices } from "./Region.ts"

/**
 * A function whose results are cached, with the operations of the region that they are in.
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/stampedes.md
 */
export interface Memoized<K, A, E = never, R = never> extends Omit<Region<K, A, E, R>, "get"> {
  /**
   * Returns the cached result. Where there is none it calls the function, stores its result and returns it. Concurrent calls with
   * one key share one call of the function.
   */
  (key: K): Effect.Effect<A, E | CommandError, R>
}

/**
 * The options of `memoize`: those of a region, with a name and without a lookup, which is the function itself.
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/stampedes.md
 */
export interface MemoizeOptions<K extends Schema.Constraint, V extends Schema.Constraint, E, R, F = never>
  extends Omit<RegionOptions<K, V, E, R>, "cacheFailures" | "lookup" | "name">, FailureOptions<F> {
  /** What the keys start with, under the cache's prefix and version. Two functions of one name share their results. */
  readonly name: string
}

/**
 * The operation of a cache that memoizes a function.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   const square = yield* cache.memoize({ name: "square", key: Schema.Int, value: Schema.Int }, (n) =>
 *     Effect.sync(() => (console.log("computing", n), n * n))
 *   )
 *   console.log(yield* square(12), yield* square(12))
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => computing 12
 * // => 144 144
 * ```
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/stampedes.md
 */
export interface CacheMemoize {
  /**
   * Returns the function with its results cached: `getOrSet` with the options that are given once, under keys that the schema
   * `key` makes of the argument. What the function needs is taken from the context now, as a `CacheRegion`'s lookup takes it. Use
   * a `CacheRegion` where the cached function is a service of its own. Fails with `CacheInputError` where the cache could store no
   * value of the schema, or take no key of it.
   */
  readonly memoize: <K extends Schema.Constraint, V extends Schema.Constraint, E = never, R = never, F = never>(
    options: MemoizeOptions<K, V, E, R, F>,
    lookup: (
      key: K["Type"],
      stale: Option.Option<Stale<V["Type"]>>
    ) => Effect.Effect<V["Type"] | LookedUp<V["Type"]>, E, R>
  ) => Effect.Effect<Memoized<K["Type"], V["Type"], E | F>, CacheInputError, R | RegionServices<K, V>>
}
