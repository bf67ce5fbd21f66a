/** Cached responses for frameworks whose handlers take a web `Request` and return a `Response`. */
import { type Effect, Exit, Layer, ManagedRuntime } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import { Thrown } from "../../schema/Thrown.ts"
import type { CacheService } from "../../services/CacheService.ts"
import type { InvalidateTagsOptions } from "../../services/operations/CacheTags.ts"
import { type HttpCacheOptions, type Pages, Service } from "./HttpCache.ts"

/**
 * A handler takes what `fetch` of Hono, `Bun.serve`, `Deno.serve` and Workers takes: the request, then whatever the runtime adds.
 *
 * @since 0.2.0
 * @category http
 * @see docs/http.md
 */
export type WebHandler<Rest extends ReadonlyArray<unknown>> = (
  request: Request,
  ...rest: Rest
) => Response | PromiseLike<Response>

/**
 * `webCache` returns this cache of responses for web handlers.
 *
 * @since 0.2.0
 * @category http
 * @see docs/http.md
 */
export interface WebCache extends AsyncDisposable {
  /** Returns the handler with the cache before it. The returned one rejects with what the handler itself throws. */
  readonly wrap: <Rest extends ReadonlyArray<unknown>>(
    handler: WebHandler<Rest>
  ) => (request: Request, ...rest: Rest) => Promise<Response>
  /** Forgets one page in all its variants, by host, path and query: `"example.com/users?page=1"`. Returns whether it was there. */
  readonly purge: (page: string) => Promise<boolean>
  /** Forgets all pages that begin so, by a scan of the whole key space. Returns how many entries went. */
  readonly purgePrefix: (start: string) => Promise<number>
  /**
   * Forgets all pages whose `Cache-Tag` named one of the tags, or makes them stale, as the cache's own `invalidateTags` does. Needs
   * the setting `tags`. Rejects where the server cannot be asked; repeat it then.
   */
  readonly invalidateTags: (tags: ReadonlyArray<string>, options?: InvalidateTagsOptions) => Promise<void>
  /** Closes the layer. From then on the handlers answer, and `purge`, `purgePrefix` and `invalidateTags` reject. */
  readonly close: () => Promise<void>
}

/**
 * Caches the responses of a framework without Effect by the rules of RFC 9111; `HttpCache.make` says which responses are stored.
 * The layer is opened at the first request, which rejects where it cannot be built. When the server of the
 * cache fails later, the handler answers. The functions that forget pages reject with the cache's tagged errors.
 *
 * A stale page is renewed after its response has gone out: a runtime that ends a function with its response must keep it alive.
 *
 * @example
 * ```ts
 * import { CacheMemory } from "effect-vcache"
 * import { webCache } from "effect-vcache/http"
 *
 * let made = 0
 * const app = () => new Response(`page ${++made}`, { headers: { "cache-control": "max-age=60" } })
 *
 * const pages = webCache(CacheMemory, { staleFor: "1 minute" })
 * const fetch = pages.wrap(app)
 * for (let i = 0; i < 2; i++) console.log(await (await fetch(new Request("http://localhost/"))).text())
 * await pages.close()
 * // => page 1
 * // => page 1
 * ```
 *
 * @since 0.2.0
 * @category http
 * @see docs/http.md
 */
export const webCache = <E>(layer: Layer.Layer<CacheService, E>, options: HttpCacheOptions = {}): WebCache => {
  class Cached extends Service<Cached>()("effect-vcache/webCache", options) {}
  const runtime = ManagedRuntime.make(Layer.provide(Cached.layer, layer))
  let isClosed = false

  const use = <A>(operation: (pages: Pages) => Effect.Effect<A, CommandError>): Promise<A> =>
    runtime.runPromise(Cached.use(operation))

  const close = async () => {
    isClosed = true
    await runtime.dispose()
  }

  return {
    wrap:
      (handler) =>
      async (request, ...rest) => {
        if (isClosed) return handler(request, ...rest)
        const answer = (asked: Request) => Thrown.by(() => handler(asked, ...rest))
        const exit = await runtime.runPromiseExit(Cached.use((pages) => pages.handleWeb(request, answer)))
        if (Exit.isSuccess(exit)) return exit.value
        throw Thrown.rejectionOf(exit.cause)
      },
    purge: (page) => use((pages) => pages.purge(page)),
    purgePrefix: (start) => use((pages) => pages.purgePrefix(start)),
    invalidateTags: (tags, options) => use((pages) => pages.invalidateTags(tags, options)),
    close,
    [Symbol.asyncDispose]: close
  }
}
