/** The cache for code without Effect. */
import { Cause, type Context, Duration, Effect, Exit, Layer, ManagedRuntime, Option, type Schema } from "effect"
import type { CacheError } from "../../schema/CacheError.ts"
import { closedError } from "../../schema/failures.ts"
import { Thrown } from "../../schema/Thrown.ts"
import { CacheService } from "../../services/CacheService.ts"
import type { BatchSetOptions } from "../../services/operations/CacheBatches.ts"
import type { CounterOptions } from "../../services/operations/CacheCounters.ts"
import type { LookupOptions } from "../../services/operations/CacheLookups.ts"
import type { InvalidateTagsOptions } from "../../services/operations/CacheTags.ts"
import type { SetOptions } from "../../services/operations/CacheValues.ts"
import type { KeyOptions, TtlOptions } from "../../services/operations/KeyOptions.ts"
import type { TagOptions } from "../../services/operations/TagOptions.ts"
import type { TypedCache } from "../../services/operations/TypedCache.ts"

/**
 * The operations of a cache, which return Promises here. They reject with the cache's tagged errors, which are classes: tell them apart by `_tag`
 * or `instanceof`, and from others by `isCacheError`. Misses are `undefined`, and a lookup's own error comes as it was
 * thrown. Closing waits for nobody: what is under way then, or called later, rejects with a `CacheConnectionError`
 * whose `phase` is `"closed"`.
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/promises.md
 */
export interface PromiseCache<A = unknown> extends AsyncDisposable {
  /** Returns the value, or undefined on a miss. */
  readonly get: (key: string, options?: KeyOptions) => Promise<A | undefined>
  /** Returns hits only, in request order. One round trip. */
  readonly getMany: (keys: Iterable<string>, options?: KeyOptions) => Promise<ReadonlyMap<string, A>>
  /** Stores the value. Returns false only when `when` held it back. */
  readonly set: (key: string, value: A, options?: SetOptions) => Promise<boolean>
  /** Stores the values, 1 000 or 1 MB of them in each round trip. Returns the keys that could not be stored. */
  readonly setMany: (
    entries: Readonly<Record<string, A>>,
    options?: BatchSetOptions<A>
  ) => Promise<ReadonlyArray<string>>
  /** Stores only where `get` would give undefined. Returns whether it did. */
  readonly add: (key: string, value: A, options?: TtlOptions & TagOptions) => Promise<boolean>
  /** Returns whether `get` would find a value, or the key holds a structure. */
  readonly has: (key: string, options?: KeyOptions) => Promise<boolean>
  /** Deletes the key. Returns whether there was something to delete. */
  readonly delete: (key: string, options?: KeyOptions) => Promise<boolean>
  /** Deletes the keys. Returns how many of them existed. */
  readonly deleteMany: (keys: Iterable<string>, options?: KeyOptions) => Promise<number>
  /** Gives the key a new lifetime. Returns whether the key exists. */
  readonly touch: (key: string, options?: TtlOptions) => Promise<boolean>
  /** Returns for how many milliseconds the key still lives: `Infinity` = it never expires, undefined = there is no such key. */
  readonly ttl: (key: string, options?: KeyOptions) => Promise<number | undefined>
  /** Returns the cached value, else the lookup's, and stores that. Concurrent callers of one key in this process share one lookup. */
  readonly getOrSet: <B extends A>(
    key: string,
    /** The lookup is given what the cache holds and may no longer serve, if there is something. */
    lookup: (stale: A | undefined) => B | PromiseLike<B>,
    options?: LookupOptions<A>
  ) => Promise<B>
  /**
   * Adds `delta` to a counter, atomically, and returns the new number. Default of `delta`: 1. Rejects with `CacheMissError`
   * where the key is missing and `initial` is not given.
   */
  readonly incr: (key: string, delta?: number, options?: CounterOptions) => Promise<number>
  /** Makes the value stale: `get` gives undefined, and `getOrSet` serves it while one lookup runs. Returns whether there was a value. */
  readonly markStale: (key: string, options?: KeyOptions) => Promise<boolean>
  /** Forgets every value that bears one of the tags, for all processes, or makes it stale. Rejects where the server cannot be asked. */
  readonly invalidateTags: (tags: ReadonlyArray<string>, options?: InvalidateTagsOptions) => Promise<void>
  /** Deletes all keys of this prefix and version. Returns how many went. */
  readonly clear: () => Promise<number>
  /** Returns the same cache for values of a schema. Closing either closes both. */
  readonly withSchema: <
    S extends Schema.Constraint & { readonly DecodingServices: never; readonly EncodingServices: never }
  >(
    schema: S
  ) => PromiseCache<S["Type"]>
  /**
   * A layer of the opened cache, for what takes a layer: `webCache(cache.layer)`, `expressCache`, `KeyvStore`, the admin pages. All
   * of them share one connection and, in memory, one store with its tags. The layer that `makeClient` was given would open another
   * cache for each of them. This one fails where the cache cannot be opened, and after `close` with a `CacheConnectionError` whose
   * `phase` is `"closed"`. Closing what was built with it leaves the cache open.
   */
  readonly layer: Layer.Layer<CacheService, unknown>
  /** Closes the layer and its connections. */
  readonly close: () => Promise<void>
  /** Runs any program against the cache. Rejects with its error, or with what it died of. */
  readonly run: <B, E>(effect: Effect.Effect<B, E, CacheService>) => Promise<B>
}

/**
 * Returns the cache of a layer for code without Effect. The layer is opened at the first call, which rejects where it cannot be
 * built; `close` closes it, and so does the end of the block where the cache is declared with `await using`.
 *
 * @example
 * ```ts
 * import { CacheMemory, makeClient } from "effect-vcache"
 *
 * const cache = makeClient(CacheMemory)
 * const findUser = async (id: number) => ({ id, name: "Ada" })
 * console.log(await cache.getOrSet("user:1", () => findUser(1), { timeToLive: "5 minutes" }))
 * await cache.close()
 * // => { id: 1, name: 'Ada' }
 * ```
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/promises.md
 */
export const makeClient = <E>(layer: Layer.Layer<CacheService, E>): PromiseCache => {
  const runtime = ManagedRuntime.make(layer)
  let isClosed = false

  const runAs = async <A, E1>(operation: string, effect: Effect.Effect<A, E1, CacheService>): Promise<A> => {
    if (isClosed) throw closedError(operation)
    const exit = await runtime.runPromiseExit(effect)
    if (Exit.isSuccess(exit)) return exit.value
    // The operation was under way, and may have been executed.
    if (isClosed && Cause.hasInterruptsOnly(exit.cause)) throw closedError(operation, undefined, true)
    throw Thrown.rejectionOf(exit.cause)
  }

  const close = (): Promise<void> => {
    isClosed = true
    return runtime.dispose()
  }

  const opened = Layer.effectContext(
    Effect.suspend((): Effect.Effect<Context.Context<CacheService>, E | CacheError> =>
      isClosed ? Effect.fail(closedError("layer")) : runtime.contextEffect
    )
  )

  const over = <A>(view: (cache: TypedCache<unknown>) => TypedCache<A>): PromiseCache<A> => {
    const use = <B, E1>(name: string, operation: (cache: TypedCache<A>) => Effect.Effect<B, E1 | CacheError>) =>
      runAs(
        name,
        CacheService.use((cache) => operation(view(cache)))
      )
    return {
      get: (key, options) => use("get", (cache) => Effect.map(cache.get(key, options), Option.getOrUndefined)),
      getMany: (keys, options) => use("getMany", (cache) => cache.getMany(keys, options)),
      set: (key, value, options) => use("set", (cache) => cache.set(key, value, options)),
      setMany: (entries, options) => use("setMany", (cache) => cache.setMany(entries, options)),
      add: (key, value, options) => use("add", (cache) => cache.add(key, value, options)),
      has: (key, options) => use("has", (cache) => cache.has(key, options)),
      delete: (key, options) => use("delete", (cache) => cache.delete(key, options)),
      deleteMany: (keys, options) => use("deleteMany", (cache) => cache.deleteMany(keys, options)),
      touch: (key, options) => use("touch", (cache) => cache.touch(key, options)),
      ttl: (key, options) =>
        use("ttl", (cache) =>
          Effect.map(cache.ttl(key, options), (ttl) =>
            Option.getOrUndefined(Option.map(ttl, (duration) => Duration.toMillis(duration)))
          )
        ),
      getOrSet: <B extends A>(
        key: string,
        lookup: (stale: A | undefined) => B | PromiseLike<B>,
        options?: LookupOptions<A>
      ) =>
        // The cached value is one that such a lookup gave once; `withSchema` has it checked.
        use("getOrSet", (cache) =>
          cache.getOrSet(
            key,
            (stale) => Thrown.by(() => lookup(Option.getOrUndefined(Option.map(stale, ({ value }) => value)))),
            options
          )
        ) as Promise<B>,
      incr: (key, delta, options) => use("incr", (cache) => cache.incr(key, delta, options)),
      markStale: (key, options) => use("markStale", (cache) => cache.markStale(key, options)),
      invalidateTags: (tags, options) => use("invalidateTags", (cache) => cache.invalidateTags(tags, options)),
      clear: () => use("clear", (cache) => cache.clear),
      withSchema: (schema) => over((cache) => view(cache).withSchema(schema)),
      layer: opened,
      close,
      run: (effect) => runAs("run", effect),
      [Symbol.asyncDispose]: close
    }
  }
  return over((cache) => cache)
}
