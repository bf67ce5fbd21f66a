/** What a region can do: a typed keyspace with the lookup that fills it. */
import type { Effect, Option, Schema } from "effect"
import type { CacheCodecError, CacheInputError, CommandError, ValueError } from "../../schema/CacheError.ts"
import type { ValueJson } from "../../schema/SchemaJson.ts"
import type { FailureOptions } from "./CacheFailures.ts"
import type { LookupOptions, Stale } from "./CacheLookups.ts"
import type { FailedLookup } from "./FailedLookup.ts"
import type { LookedUp } from "./LookedUp.ts"
import type { TypedCache } from "./TypedCache.ts"

/**
 * The options of a region's `invalidate`.
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/regions.md
 */
export interface InvalidateOptions {
  /** What becomes of the value: `"remove"` (default) deletes it; `"stale"` makes it stale, as `markStale` does. */
  readonly mode?: "remove" | "stale" | undefined
}

/**
 * A typed key space of a cache, with the lookup that fills it.
 *
 * @example
 * ```ts
 * import { Effect, Option, Schema } from "effect"
 * import { CacheMemory, CacheRegion, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const users = yield* CacheRegion.make(yield* CacheService, "users", {
 *     key: Schema.Int,
 *     value: Schema.String,
 *     lookup: (id) => Effect.succeed(`user ${id}`)
 *   })
 *   console.log(yield* users.getMany([1, 2]))
 *   yield* users.invalidate(1)
 *   console.log(Option.isSome(yield* users.getCached(1)), Option.isSome(yield* users.getCached(2)))
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => Map(2) { 1 => 'user 1', 2 => 'user 2' }
 * // => false true
 * ```
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/regions.md
 */
export interface Region<K, A, E = never, R = never> {
  /** Returns the cached value. Where there is none it runs the lookup, stores its result and returns it. */
  readonly get: (key: K) => Effect.Effect<A, E | CommandError, R>
  /**
   * Returns the values that are cached, and looks up the others: by one `lookupMany`, or by one lookup for each where there is no
   * `lookupMany`. A key without a value is absent from the result.
   */
  readonly getMany: (keys: Iterable<K>) => Effect.Effect<ReadonlyMap<K, A>, E | CommandError, R>
  /** Returns the cached value and runs no lookup. Returns none also where the value is stale. */
  readonly getCached: (key: K) => Effect.Effect<Option.Option<A>, ValueError, R>
  /** Stores the value as the result of a lookup would be stored. */
  readonly set: (key: K, value: A) => Effect.Effect<void, ValueError, R>
  /** Looks the value up and stores it, whatever is cached. */
  readonly refresh: (key: K) => Effect.Effect<A, E | CommandError, R>
  /**
   * Forgets the value. Later reads see nothing older: the result of a lookup that is already running is returned to its callers,
   * but not stored. That holds in this process, and with `singleFlight: "cluster"` in all that share the server. With the mode
   * `"stale"` the value stays, and `get` serves it while one lookup runs.
   */
  readonly invalidate: (key: K, options?: InvalidateOptions) => Effect.Effect<void, CommandError, R>
  /** Returns the user key of the entry in the cache: for `CacheReactivity`, and to look at the entry by other means. */
  readonly cacheKey: (key: K) => Effect.Effect<string, CacheInputError, R>
  /** Deletes all entries of the region, in the cache's version. Returns how many there were. */
  readonly clear: Effect.Effect<number, CommandError>
  /** How the admin pages read and write entries by the schema of the region. A program has no use for it. */
  readonly entries: RegionEntries
}

/**
 * The entries of a region for a tool that has keys and bytes in place of types. The admin pages show values of
 * `Serializer.binary` by it.
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/admin.md
 */
export interface RegionEntries {
  /** The cache that the region stands on. */
  readonly cache: TypedCache<unknown>
  /** The version of its keys; undefined = that of the cache. */
  readonly version: number | undefined
  /** The text that the user keys of the region begin with. */
  readonly lead: string
  /** Returns the stored value of the key as the JSON of the schema. Fails where it is no value of the schema. */
  readonly toJson: (key: string, stored: string | Buffer) => Effect.Effect<ValueJson, CacheCodecError | CacheInputError>
  /** Returns the bytes to store for that JSON, with the tags and the freshness of what they take the place of. */
  readonly fromJson: (
    key: string,
    json: unknown,
    inPlaceOf: string | Buffer
  ) => Effect.Effect<string | Buffer, CacheCodecError | CacheInputError>
}

/**
 * The options of a region: schemas of its keys and values, its lookup, and what `getOrSet` takes.
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/regions.md
 */
export interface RegionOptions<K extends Schema.Constraint, V extends Schema.Constraint, E, R, F = never>
  extends Omit<LookupOptions<V["Type"]>, "cacheFailures" | "tags">, FailureOptions<F> {
  /** The schema of the keys, whose JSON form makes the user key. */
  readonly key: K
  /** The schema of the values. */
  readonly value: V
  /** Looks up the value of a key. It is shown the value that the cache holds and may no longer serve, where there is one. */
  readonly lookup: (
    key: K["Type"],
    stale: Option.Option<Stale<V["Type"]>>
  ) => Effect.Effect<V["Type"] | LookedUp<V["Type"]>, E, R>
  /**
   * The names of what a value is made from: `invalidateTags` with one of them forgets the value. A function of the key and the
   * value returns them. `"lookup"`: the tags that the lookup gives with `CacheLookup.stored`; then `set` fails with
   * `CacheInputError`, because it has no lookup. Default: none.
   */
  readonly tags?: ((key: K["Type"], value: V["Type"]) => ReadonlyArray<string>) | "lookup" | undefined
  /**
   * The lookup for all keys that `getMany` misses. It may leave keys out, and give `CacheLookup.failed` for those that have failed. It
   * is shown the values that the cache holds of these keys and may no longer serve. Default: one lookup for each key.
   */
  readonly lookupMany?:
    | ((
        keys: ReadonlyArray<K["Type"]>,
        stale: ReadonlyMap<K["Type"], Stale<V["Type"]>>
      ) => Effect.Effect<
        Iterable<readonly [K["Type"], V["Type"] | LookedUp<V["Type"]>] | FailedLookup<K["Type"], E>>,
        E,
        R
      >)
    | undefined
  /**
   * What the keys of the region start with, under the cache's prefix and version; a colon in it is written `%3A`. Default: the id
   * of the service.
   */
  readonly name?: string | undefined
}

/**
 * What keys and values need to be coded.
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/regions.md
 */
export type RegionServices<K extends Schema.Constraint, V extends Schema.Constraint> =
  | K["DecodingServices"]
  | K["EncodingServices"]
  | V["DecodingServices"]
  | V["EncodingServices"]
