/** A handler for the `cacheHandlers` of Next.js, which store the results of functions and components with "use cache". */
import { type Duration, Effect, type Layer, Option } from "effect"
import { CacheInputError } from "../../schema/CacheError.ts"
import { digest } from "../../schema/digest.ts"
import { toMillis } from "../../schema/timeToLive.ts"
import { CacheService } from "../../services/CacheService.ts"
import { forgivingClient } from "../adapters/forgivingClient.ts"
import { Invalidations } from "./Invalidations.ts"
import { leave, readAtMost } from "./readAtMost.ts"
import { judge, StoredEntry } from "./StoredEntry.ts"

/**
 * An entry as Next.js hands it over: its `CacheEntry`.
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/frameworks.md
 */
export interface NextCacheEntry {
  /** The serialized value, which can be read once. */
  readonly value: ReadableStream<Uint8Array>
  /** The tags that `cacheTag` gave it. */
  readonly tags: Array<string>
  /** For how many seconds a browser may use it without asking. */
  readonly stale: number
  /** When its making began, in milliseconds since 1970. */
  readonly timestamp: number
  /** For how many seconds it may be used at all. */
  readonly expire: number
  /** After how many seconds it is made anew while it is served; a negative number: at the next read. */
  readonly revalidate: number
}

/**
 * `nextCacheHandler` returns this handler: the `CacheHandler` of Next.js, and what closes it.
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/frameworks.md
 */
export interface NextCacheHandler extends AsyncDisposable {
  /**
   * Resolves with the entry, or with undefined where there is none, one of its tags or of `softTags` was invalidated since it
   * was made, or the cache fails. One round trip, and another one where the entry has tags. Rejects only where the layer cannot
   * be built.
   */
  readonly get: (cacheKey: string, softTags: Array<string>) => Promise<NextCacheEntry | undefined>
  /**
   * Reads the entry whole and stores it, for as long as its `expire` says. Two round trips. What cannot be read or stored is not
   * stored, and the Promise resolves. It rejects only where the layer cannot be built.
   */
  readonly set: (cacheKey: string, pendingEntry: Promise<NextCacheEntry>) => Promise<void>
  /** Does nothing: each `get` asks what was invalidated. */
  readonly refreshTags: () => Promise<void>
  /** Resolves with `Infinity`, which says that `get` looks at the soft tags. */
  readonly getExpiration: (tags: Array<string>) => Promise<number>
  /**
   * Invalidates the tags, for all processes. Without `durations` the entries that bear them are gone. With `durations` they are
   * served while they are made anew, for `expire` seconds at most. One round trip. Rejects with the cache's tagged errors where the
   * server cannot be asked. The next `get` of this process repeats the invalidation, and finds nothing until it has succeeded; other
   * processes may serve the entries until then. Next.js writes the error to its log, and answers as if nothing had happened.
   */
  readonly updateTags: (tags: Array<string>, durations?: { readonly expire?: number }) => Promise<void>
  /** Closes the layer. From then on nothing is found and nothing stored, and `updateTags` rejects. */
  readonly close: () => Promise<void>
}

/**
 * The options of `nextCacheHandler`. Every field has a default.
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/frameworks.md
 */
export interface NextCacheOptions {
  /** This text stands before each key, behind the prefix and version of the cache. Default: `"next:"`. */
  readonly prefix?: string | undefined
  /** Larger entries are not stored, and not read to their end. In bytes. Default: 4 MiB. */
  readonly maxEntryBytes?: number | undefined
  /** How long `get` waits for an entry of the same key that this process is storing. Then it reads what there is. Default: 10 seconds. */
  readonly waitFor?: Duration.Input | undefined
}

/**
 * Returns a handler for `cacheHandlers` in the configuration of Next.js 16: `"use cache"` and `revalidateTag` reach all processes
 * over one server. When that server is away every entry is a miss, after the client's `commandTimeout` at most. Give it a
 * `Breaker`, and no request waits for a server that has failed.
 *
 * Clocks need not agree: entries are compared with invalidations by the server's time. When the record of invalidations is lost,
 * and after a failover, all entries are misses. The record has 10 000 tags; then it lets go of the older half, and the entries
 * that are older than these are forgotten. A program that is not Next.js may call `updateTags` of a handler with the same cache
 * and prefix. Throws `CacheInputError` where an option makes no sense.
 *
 * @example
 * ```ts
 * import { CacheFromConfig } from "effect-vcache"
 * import { nextCacheHandler } from "effect-vcache/next"
 *
 * // The default export of cache-handler.mjs, which next.config.mjs names: cacheHandlers: { default: "/app/cache-handler.mjs" }
 * const handler = nextCacheHandler(CacheFromConfig)
 *
 * // A worker may invalidate, too.
 * await handler.updateTags(["posts"])
 * await handler.close()
 * ```
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/frameworks.md
 */
export const nextCacheHandler = <E>(
  layer: Layer.Layer<CacheService, E>,
  options: NextCacheOptions = {}
): NextCacheHandler => {
  const { maxEntryBytes = 4 * 2 ** 20, prefix = "next:" } = options
  const waitFor = toMillis(options.waitFor ?? "10 seconds")
  if (waitFor === undefined) {
    throw new CacheInputError({ operation: "nextCacheHandler", reason: "waitFor is not a duration" })
  }
  if (!(maxEntryBytes > 0)) {
    throw new CacheInputError({ operation: "nextCacheHandler", reason: "maxEntryBytes must be above zero" })
  }
  const { attempt, close, run } = forgivingClient(layer)
  const pending = new Map<string, Promise<void>>()
  const invalidations = new Invalidations(`${prefix}invalidations`)

  const entryKey = (cacheKey: string) => `${prefix}${digest(cacheKey)}`
  const entries = Effect.map(CacheService, (cache) => cache.withSchema(StoredEntry))

  const find = (cacheKey: string, softTags: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const cache = yield* entries
      const [found, bySoftTags] = yield* Effect.all([cache.get(entryKey(cacheKey)), invalidations.of(softTags)], {
        concurrency: "unbounded"
      })
      if (Option.isNone(found) || judge(found.value, bySoftTags) === "gone") return undefined
      const entry = found.value
      const byTags = entry.tags.length === 0 ? bySoftTags : yield* invalidations.of(entry.tags)
      const verdict = judge(entry, bySoftTags, byTags)
      if (verdict === "gone") return undefined
      return {
        value: streamOf(entry.value),
        tags: [...entry.tags],
        stale: entry.stale,
        timestamp: invalidations.clock.toNext(entry.bornAt),
        expire: entry.expire,
        revalidate: verdict === "stale" ? -1 : entry.revalidate
      }
    })

  const store = async (cacheKey: string, pendingEntry: Promise<NextCacheEntry>): Promise<void> => {
    const whole = await wholeEntry(pendingEntry, maxEntryBytes)
    if (whole === undefined) return
    const { expire, revalidate, stale, tags, timestamp, value } = whole
    await attempt(
      Effect.gen(function* () {
        const [era, now] = yield* invalidations.of([])
        const bornAt = invalidations.clock.fromNext(timestamp)
        const cache = yield* entries
        const timeToLive = Math.min(expire * 1000, maxLifetime) + bornAt - now
        const entry = { _tag: "NextEntry/1", era, bornAt, tags, stale, expire, revalidate, value } as const
        yield* cache.set(entryKey(cacheKey), entry, { timeToLive })
      })
    )
  }

  return {
    get: async (cacheKey, softTags) => {
      const storing = pending.get(cacheKey)
      if (storing !== undefined) await settled(storing, waitFor)
      return attempt(find(cacheKey, softTags))
    },
    set: async (cacheKey, pendingEntry) => {
      const storing = store(cacheKey, pendingEntry)
      pending.set(cacheKey, storing)
      try {
        await storing
      } finally {
        if (pending.get(cacheKey) === storing) pending.delete(cacheKey)
      }
    },
    refreshTags: async () => {},
    getExpiration: async () => Infinity,
    updateTags: async (tags, durations) => {
      await run(invalidations.invalidate(tags, durations === undefined ? null : servedFor(durations)))
    },
    close,
    [Symbol.asyncDispose]: close
  }
}

/** Returns milliseconds; -1 is for ever. An `expire` that is no number counts as 0. */
const servedFor = ({ expire = Infinity }: { readonly expire?: number }): number => {
  if (expire === Infinity) return -1
  return expire > 0 ? Math.min(expire * 1000, maxLifetime) : 0
}

/** A hundred years: entries without an end have a number here, too. */
const maxLifetime = 100 * 365 * 86_400_000

/** Undefined where the entry cannot be read whole, or expires at once: Next.js makes such an entry for each request. */
const wholeEntry = async (pendingEntry: Promise<NextCacheEntry>, maxBytes: number) => {
  try {
    const entry = await pendingEntry
    if (entry.expire > 0) {
      const value = await readAtMost(entry.value, maxBytes)
      return value && { ...entry, value }
    }
    leave(entry.value)
    return undefined
  } catch {
    return undefined
  }
}

/** Its failure is ignored here, because the `set` that began it reports it. */
const settled = (storing: Promise<void>, atMost: number): Promise<unknown> =>
  Effect.runPromise(
    Effect.timeoutOption(
      Effect.promise(() => storing.catch(() => {})),
      atMost
    )
  )

const streamOf = (bytes: Uint8Array): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start: (controller) => {
      if (bytes.length > 0) controller.enqueue(bytes)
      controller.close()
    }
  })
