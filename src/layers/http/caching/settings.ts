/** The options of a cache of responses, checked, in numbers. */
import type { Duration } from "effect"
import { Effect } from "effect"
import { CacheInputError } from "../../../schema/CacheError.ts"
import { toMillis } from "../../../schema/timeToLive.ts"
import type { TypedCache } from "../../../services/operations/TypedCache.ts"
import type { PageCache } from "./Exchange.ts"
import { StoredPage } from "./StoredPage.ts"

/**
 * The options that `HttpCache` and its client share. Every field has a default.
 *
 * @since 0.2.0
 * @category http
 * @see docs/http.md
 */
export interface CachingOptions {
  /** This text stands before each key, behind the prefix and version of the cache. Default: `"http:"`, of a client `"http-client:"`. */
  readonly prefix?: string | undefined
  /**
   * How long past its freshness a response is still served while one request has it made anew, where it says no
   * `stale-while-revalidate`. Default: 0. Never for responses with `must-revalidate`, `no-cache`, and in a shared cache
   * `proxy-revalidate` and `s-maxage`.
   */
  readonly staleFor?: Duration.Input | undefined
  /**
   * How long past its freshness a response is served when no other can be made, because that fails or is answered with 500,
   * 502, 503 or 504, and it says no `stale-if-error`. Default: as long as `staleFor`, with the same exceptions.
   */
  readonly staleIfError?: Duration.Input | undefined
  /** How long responses are fresh that say nothing of it, with statuses such as 200, 301, 404 or 410. Default: they are not stored. */
  readonly timeToLive?: Duration.Input | undefined
  /**
   * Whether a response that says nothing of its freshness but when it was last modified is fresh for a tenth of the time
   * since then, one day at most. Default: false.
   */
  readonly heuristics?: boolean | undefined
  /** How long past its freshness a response with an ETag or `Last-Modified` of its own is kept, to be validated. Default: 1 hour. */
  readonly validateFor?: Duration.Input | undefined
  /** Larger bodies are not stored. Default: 1 MiB. */
  readonly maxBodyBytes?: number | undefined
  /** Whose requests for a page that is not there share one call: those of this process (the default), or of all. */
  readonly singleFlight?: "process" | "cluster" | undefined
  /** How long a request waits for a call that another one has begun, before it makes its own. Default: 10 seconds. */
  readonly waitFor?: Duration.Input | undefined
}

interface Defaults {
  readonly isShared: boolean
  readonly prefix: string
  /** Whether responses say by `Cache-Tag` which tags they bear. */
  readonly tags?: boolean | undefined
}

/** What cannot be used is a defect: the options are part of the program. */
export const pageCache = (
  cache: TypedCache<unknown>,
  options: CachingOptions,
  { isShared, prefix, tags = false }: Defaults
): Effect.Effect<PageCache> => {
  const { heuristics = false, maxBodyBytes = 2 ** 20, singleFlight = "process", waitFor = "10 seconds" } = options
  const millis = (name: string, input: Duration.Input): number => {
    const found = toMillis(input)
    if (found === undefined) {
      throw new CacheInputError({ operation: "HttpCache", reason: `${name} is not a duration` })
    }
    return found
  }
  return Effect.sync(() => {
    const staleFor = millis("staleFor", options.staleFor ?? 0)
    return {
      pages: cache.withSchema(StoredPage),
      prefix: options.prefix ?? prefix,
      tags,
      rules: {
        isShared,
        heuristics,
        timeToLive: options.timeToLive === undefined ? undefined : millis("timeToLive", options.timeToLive),
        staleFor,
        staleIfError: options.staleIfError === undefined ? staleFor : millis("staleIfError", options.staleIfError),
        validateFor: millis("validateFor", options.validateFor ?? "1 hour")
      },
      maxBodyBytes,
      singleFlight,
      waitFor: millis("waitFor", waitFor)
    }
  })
}
