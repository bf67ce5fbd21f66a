/** Lookups: what is not cached is computed, once, and stored. */
import type { Duration, Effect, Option, Scope } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { EarlyRefresh } from "../../schema/LookupDefaults.ts"
import type { FailureOptions } from "./CacheFailures.ts"
import type { FailedLookup } from "./FailedLookup.ts"
import type { KeyOptions, ReadOptions } from "./KeyOptions.ts"
import type { LookedUp } from "./LookedUp.ts"

/**
 * The options of `refresh`, which those of `getOrSet` extend.
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/stampedes.md
 */
export interface RefreshOptions<A = unknown, out F = never> extends KeyOptions, FailureOptions<F> {
  /**
   * The lifetime of the looked-up value, or a function of the value: so that "not found" can live shorter. Zero or less = it is
   * not stored. Default: the cache's own.
   */
  readonly timeToLive?: Duration.Input | ((value: A) => Duration.Input) | undefined
  /**
   * How long past `timeToLive` the old value is still served while one fiber refreshes it, and when the lookup fails. A
   * duration, or a function of the old value. Default: the cache's own, which is 0 unless `CacheOptions.lookup` says otherwise.
   */
  readonly staleFor?: Duration.Input | ((value: A) => Duration.Input) | undefined
  /**
   * How long past `timeToLive` the old value is kept for the next lookup to see, where the lookup is a function. It is
   * served only as long as `staleFor` says. A duration, or a function of the value. Default: as long as `staleFor`.
   */
  readonly keepFor?: Duration.Input | ((value: A) => Duration.Input) | undefined
  /**
   * When a fresh value is refreshed in the background. `xfetch`: by chance, the likelier the nearer its end, by what the lookup
   * took × beta (default 1). `fraction`: once that part of the lifetime has passed, above 0 and below 1. False: never. Default:
   * the cache's own, which is never.
   */
  readonly earlyRefresh?: EarlyRefresh | false | undefined
  /**
   * How long this process serves the stale value and leaves its source alone after a refresh in the background has failed. 0 =
   * every call tries again. Default: the cache's own, which is 10 seconds.
   */
  readonly errorBackoff?: Duration.Input | undefined
  /**
   * The names of what the value is made from, or a function of the looked-up value and its key that returns them. `invalidateTags`
   * with one of them forgets the value, also where the lookup is under way at that moment. They cost one round trip before a
   * lookup, and for a function one after it. Where the tags cannot be read, the call fails, or under `IgnoreExceptions` looks up
   * for itself and stores nothing. `"lookup"`: the tags that the lookup gives with `CacheLookup.stored`, which cost what a
   * function does. Default: none.
   */
  readonly tags?: ReadonlyArray<string> | ((value: A, key: string) => ReadonlyArray<string>) | "lookup" | undefined
  /** The fraction, 0 to 1, by which the lifetime is spread up and down. Default: the cache's own. */
  readonly jitter?: number | undefined
}

/**
 * The value that a lookup is to replace.
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/stale-values.md
 */
export interface Stale<out A> {
  /** The value that the cache holds. */
  readonly value: A
  /** The time since it was stored; none where it is stored without times: without `staleFor`, `keepFor` and `earlyRefresh`. */
  readonly age: Option.Option<Duration.Duration>
  /** The tags that it bears. */
  readonly tags: ReadonlyArray<string>
  /**
   * Returns the lookup's answer where the source says that the value has not changed, as HTTP does with 304. The value is stored
   * anew, with its tags, and lives as long as a new value would, or for the `timeToLive` that is given here.
   */
  readonly unchanged: (options?: { readonly timeToLive?: Duration.Input | undefined }) => LookedUp<A>
}

/**
 * What computes the value: an effect, or a function of the value that the cache holds and may no longer serve; none = there is no
 * such value. Use the function for a source that can say "not modified". Either gives a value, or what `CacheLookup.stored` and
 * `unchanged` make of it.
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/stampedes.md
 */
export type Lookup<A, E = never, R = never> =
  | Effect.Effect<A | LookedUp<A>, E, R>
  | ((stale: Option.Option<Stale<A>>) => Effect.Effect<A | LookedUp<A>, E, R>)

/**
 * A value, and where it came from.
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/stampedes.md
 */
export interface LookupResult<out A> {
  /** The value, as `getOrSet` gives it. */
  readonly value: A
  /**
   * Where the value came from. `"near"`: this process; `"server"`: the server; `"lookup"`: a lookup that this call began or waited
   * for.
   */
  readonly source: "near" | "server" | "lookup"
  /** Whether the value is past its lifetime or was made stale, and is served in place of one that has to be looked up. */
  readonly isStale: boolean
  /** The time since it was stored; none where it is stored without times: without `staleFor`, `keepFor` and `earlyRefresh`. */
  readonly age: Option.Option<Duration.Duration>
  /** Whether a lookup is under way in the background, here or, with `singleFlight: "cluster"`, in another process. */
  readonly isRefreshing: boolean
}

/**
 * The options of `getOrSet`. Defaults are the cache's own, which `CacheOptions.lookup` sets.
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/stampedes.md
 */
export interface LookupOptions<A = unknown, out F = never> extends RefreshOptions<A, F>, ReadOptions {
  /**
   * Who shares a lookup. `"process"`: concurrent callers in this process. `"cluster"`: all processes, by a claim that stands in
   * the key. Default: the cache's own, which is `"process"`.
   */
  readonly singleFlight?: "process" | "cluster" | undefined
  /**
   * How long a caller with a stale value at hand waits for the lookup before it is served that value; the lookup goes on. Default:
   * the cache's own, which is 0.
   */
  readonly softTimeout?: Duration.Input | undefined
  /**
   * How long to wait for a lookup that another caller in this process has begun. Then this call fails with `CacheTimeoutError` of
   * phase `lookup`, and the lookup goes on. The caller that began it waits until it ends. Default and maximum: 5 minutes.
   */
  readonly waitFor?: Duration.Input | undefined
}

/**
 * The options of `getOrSetMany`. All keys of a batch have the same. There is no `singleFlight`, and the cache's own does not concern
 * batches: a process that has claimed some of its keys would wait for those that another has claimed, and the other for the first.
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/stampedes.md
 */
export interface BatchLookupOptions<A = unknown, out F = never> extends Omit<LookupOptions<A, F>, "singleFlight"> {}

/**
 * What computes the values of many keys: those that are missing, and those whose values are to be refreshed. It gives a pair for each
 * key that has a value, `CacheLookup.failed` for one that has failed, and nothing for one of which there is nothing to say. `stale` has
 * the values that the cache holds of some of these keys and may no longer serve: `stale.get(key)?.unchanged()` is the answer for one
 * that the source has not changed.
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/stale-values.md
 */
export type BatchLookup<A, E = never, R = never, G = never> = (
  missing: ReadonlyArray<string>,
  stale: ReadonlyMap<string, Stale<A>>
) => Effect.Effect<Iterable<readonly [string, A | LookedUp<A>] | FailedLookup<string, G>>, E, R>

/**
 * The operations of a cache that look up what is not cached.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const findUser = Effect.sync(() => (console.log("asking the database"), "Ada"))
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   const user = cache.getOrSet("user:1", findUser, { timeToLive: "5 minutes", staleFor: "1 hour" })
 *   // Three callers at once share one lookup.
 *   console.log(yield* Effect.all([user, user, user], { concurrency: "unbounded" }))
 * })
 * await Effect.runPromise(Effect.provide(program, CacheMemory))
 * // => asking the database
 * // => [ 'Ada', 'Ada', 'Ada' ]
 * ```
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/stampedes.md
 */
export interface CacheLookups<A, RD = never, RE = never> {
  /**
   * Returns the cached value. Where there is none it runs the lookup, stores its result and returns it. Concurrent callers of one
   * key in this process share one lookup, which is interrupted only when the last of them leaves. A lookup's failure is the
   * callers' own, and is not stored unless `cacheFailures` says so. A stored value that cannot be decoded counts as a miss.
   *
   * The caller has the value when the lookup has ended: its store is written by then, and nobody waits for the reply. What another
   * process has stored meanwhile is not overwritten, and a key that is written or deleted through this client meanwhile does not
   * get the older result.
   *
   * A lookup has a scope of its own, which closes when it ends. It runs with the services of the caller who began it, also where
   * others share it; a refresh in the background runs outside of the caller's SQL transaction.
   *
   * Fails with `CacheInputError` where lookups would wait for themselves or for each other, and with `CacheTimeoutError` of phase
   * `lookup` where a lookup that is shared takes longer than five minutes.
   */
  readonly getOrSet: <E, R, F = never>(
    key: string,
    lookup: Lookup<A, E, R>,
    options?: LookupOptions<A, F>
  ) => Effect.Effect<A, E | F | CommandError, Exclude<R, Scope.Scope> | RD | RE>
  /** Does what `getOrSet` does, and also returns where the value came from. */
  readonly getOrSetDetailed: <E, R, F = never>(
    key: string,
    lookup: Lookup<A, E, R>,
    options?: LookupOptions<A, F>
  ) => Effect.Effect<LookupResult<A>, E | F | CommandError, Exclude<R, Scope.Scope> | RD | RE>
  /**
   * Returns `getOrSet` as a combinator, for a lookup that is written first: `findUser(1).pipe(users.cached("user:1"))`. Give a
   * lookup that wants to see the stale value to `getOrSet`.
   */
  readonly cached: <F = never>(
    key: string,
    options?: LookupOptions<A, F>
  ) => <E, R>(
    lookup: Effect.Effect<A | LookedUp<A>, E, R>
  ) => Effect.Effect<A, E | F | CommandError, Exclude<R, Scope.Scope> | RD | RE>
  /**
   * Looks the value up and stores it, whatever is cached; what is cached stays if the lookup fails. Never joins a lookup that is
   * already running, here or in another process.
   */
  readonly refresh: <E, R, F = never>(
    key: string,
    lookup: Effect.Effect<A | LookedUp<A>, E, R>,
    options?: RefreshOptions<A, F>
  ) => Effect.Effect<A, E | F | CommandError, Exclude<R, Scope.Scope> | RE>
  /**
   * Does what `getOrSet` does for many keys: one lookup for all that are missing, and one more in the background for those that
   * are stale. Returns hits first, in request order; a key for which the lookup gives nothing is absent. What is being looked up
   * already, by another batch or for `getOrSet`, is waited for and not looked up again.
   *
   * A lookup that fails fails all its callers, and nothing is stored, because nobody knows which key it is about. For one key it
   * gives `CacheLookup.failed(key, error)`: the others are stored, and the call fails with the failure of the first key that has
   * one. `cacheFailures` stores those; a call for a key with a stored failure fails with it and looks nothing up.
   */
  readonly getOrSetMany: <E, R, F = never, G = never>(
    keys: Iterable<string>,
    lookup: BatchLookup<A, E, R, G>,
    options?: BatchLookupOptions<A, F>
  ) => Effect.Effect<ReadonlyMap<string, A>, E | F | G | CommandError, Exclude<R, Scope.Scope> | RD | RE>
}
