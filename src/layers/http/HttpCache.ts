/** Responses of Effect's `HttpRouter` in the cache, by the rules of RFC 9111. */
import { type Cause, Context, Effect, Layer, type Scope, Stream } from "effect"
import { HttpRouter, HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import type { CommandError } from "../../schema/CacheError.ts"
import { escapeGlob } from "../../schema/key.ts"
import { CacheService } from "../../services/CacheService.ts"
import type { CacheTags } from "../../services/operations/CacheTags.ts"
import type { TypedCache } from "../../services/operations/TypedCache.ts"
import { pageOfServer } from "./caching/pageIdentity.ts"
import { respond } from "./caching/respond.ts"
import { type CachingOptions, pageCache } from "./caching/settings.ts"
import { readWhole, wholeBody } from "./caching/wholeBody.ts"
import { withScope } from "./requestScope.ts"
import { isPrivate } from "./responsePrivacy.ts"

export { client, type HttpCacheClientOptions } from "./cachedClient.ts"

/**
 * The options of `HttpCache.make` and `HttpCache.Service`. Every field has a default.
 *
 * @since 0.2.0
 * @category http
 * @see docs/http.md
 */
export interface HttpCacheOptions extends CachingOptions {
  /**
   * What tells pages of one host apart, in place of path and query: to leave out parameters that change nothing. Scheme and
   * host always tell pages apart, and are not part of it. Default: path and query.
   */
  readonly key?: ((request: HttpServerRequest.HttpServerRequest) => string) | undefined
  /**
   * Whether the header `Cache-Tag` of a response says which tags the stored response bears, `Cache-Tag: product:1, list`. The
   * header is removed from every response that goes out. `cache.invalidateTags` forgets the pages then, in all processes. A
   * response with more than 64 tags, or one that is none, goes out and is not stored. It costs two round trips for each page that
   * is made, and one for each that is read and bears tags. Default: false, and the header means nothing.
   */
  readonly tags?: boolean | undefined
}

/**
 * `HttpCache.make` returns this cache of responses: a layer for routes, and functions that forget their pages.
 *
 * @since 0.2.0
 * @category http
 * @see docs/http.md
 */
export interface HttpCache {
  /** Caches the responses of the routes that it is provided to. Settings that cannot be used are a defect. */
  readonly layer: Layer.Layer<never, never, CacheService>
  /**
   * Forgets one page in all its variants, of every scheme and proxy, by host, path and query: `"example.com/users?page=1"`.
   * Returns whether it was there. One round trip. The `CacheService` must be the one that the routes use; see `Service`.
   */
  readonly purge: (page: string) => Effect.Effect<boolean, CommandError, CacheService>
  /** Forgets all pages that begin so, by a scan of the whole key space. Returns how many entries went. */
  readonly purgePrefix: (start: string) => Effect.Effect<number, CommandError, CacheService>
}

/**
 * The operations of a `Service` of `HttpCache`: it answers requests from the cache, and forgets pages.
 *
 * @since 0.2.0
 * @category http
 * @see docs/http.md
 */
export interface Pages {
  /**
   * Forgets one page in all its variants, by host, path and query: `"example.com/users?page=1"`. Returns whether it was
   * there. One round trip.
   */
  readonly purge: (page: string) => Effect.Effect<boolean, CommandError>
  /** Forgets all pages that begin so, by a scan of the whole key space. Returns how many entries went. */
  readonly purgePrefix: (start: string) => Effect.Effect<number, CommandError>
  /** Forgets all pages that bear one of the tags, as the cache's own `invalidateTags` does. Needs the setting `tags`. */
  readonly invalidateTags: CacheTags["invalidateTags"]
  /**
   * Answers a request from the cache, else by `next`, which is given the request that it is to answer. Servers without an
   * `HttpRouter` call it.
   */
  readonly handle: <E, R>(
    request: HttpServerRequest.HttpServerRequest,
    next: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ) => Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | Scope.Scope>
  /** Does what `handle` does, for web requests. It reads bodies whole where they may be stored. */
  readonly handleWeb: <E, R>(
    request: Request,
    next: (request: Request) => Effect.Effect<Response, E, R>
  ) => Effect.Effect<Response, E, R>
}

/**
 * `HttpCache.Service` makes this class: a service of `Pages`, with its layers.
 *
 * @since 0.2.0
 * @category http
 * @see docs/http.md
 */
export interface PagesClass<Self, Id extends string> extends Context.ServiceClass<Self, Id, Pages> {
  /** Provides the pages, and stores them in `CacheService`. Settings that cannot be used are a defect. */
  readonly layer: Layer.Layer<Self, never, CacheService>
  /** Caches the responses of the routes that it is provided to. */
  readonly routes: Layer.Layer<never, never, Self>
}

const defaultPrefix = "http:"

/**
 * Stores what its `Cache-Control` or `Expires` allow a shared cache to store, and answers from it: `Vary`, `Age`, ETags, 304
 * and ranges, one call of the handler for all who ask for a page that is not there. Never stored: responses that are private,
 * set cookies, used their visitor's session, or stream, and those to a request with credentials that do not say `public` or
 * `s-maxage`. If the shared response turns out not to be storable, each waiting request runs its own handler. When the cache
 * fails the handler answers. A successful unsafe request forgets the page.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { HttpRouter, HttpServerResponse } from "effect/http"
 * import { CacheMemory } from "effect-vcache"
 * import { HttpCache } from "effect-vcache/http"
 *
 * let made = 0
 * const page = Effect.sync(() =>
 *   HttpServerResponse.text(`page ${++made}`, { headers: { "cache-control": "max-age=60" } })
 * )
 * const routes = HttpRouter.add("GET", "/", page).pipe(Layer.provide(HttpCache.make().layer), Layer.provide(CacheMemory))
 * const { dispose, handler } = HttpRouter.toWebHandler(routes, { disableLogger: true })
 * for (let i = 0; i < 2; i++) console.log(await (await handler(new Request("http://localhost/"))).text())
 * await dispose()
 * // => page 1
 * // => page 1
 * ```
 *
 * @since 0.2.0
 * @category http
 * @see docs/http.md
 */
export const make = (options: HttpCacheOptions = {}): HttpCache => ({
  layer: routed(Effect.flatMap(CacheService, (cache) => pagesOn(cache, options))),
  purge: (page) => CacheService.use((cache) => purge(cache, options, page)),
  purgePrefix: (start) => CacheService.use((cache) => purgePrefix(cache, options, start))
})

/**
 * Makes the same cache as a service, so that another handler, a worker or a command can forget pages.
 *
 * Provide one `SiteLive` to the routes and to the code that purges: one layer in one program is one cache, in memory as well.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { HttpRouter, HttpServerResponse } from "effect/http"
 * import { CacheMemory } from "effect-vcache"
 * import { HttpCache } from "effect-vcache/http"
 *
 * class Site extends HttpCache.Service<Site>()("app/Site", { staleFor: "1 hour" }) {}
 *
 * // One layer for the routes and for the code that purges.
 * export const SiteLive = Layer.provide(Site.layer, CacheMemory)
 * export const routes = HttpRouter.add("GET", "/", HttpServerResponse.text("home")).pipe(Layer.provide(Site.routes))
 * const purged = Site.use((site) => site.purge("example.com/"))
 * console.log(await Effect.runPromise(Effect.provide(purged, SiteLive)))
 * // => false
 * ```
 *
 * @since 0.2.0
 * @category http
 * @see docs/http.md
 */
export const Service =
  <Self>() =>
  <const Id extends string>(id: Id, options: HttpCacheOptions = {}): PagesClass<Self, Id> => {
    const tag = Context.Service<Self, Pages>()(id)
    return Object.assign(tag, {
      layer: Layer.effect(
        tag,
        Effect.flatMap(CacheService, (cache) => pagesOn(cache, options))
      ),
      routes: routed<Self>(tag)
    })
  }

const purge = (cache: TypedCache<unknown>, { prefix = defaultPrefix }: HttpCacheOptions, page: string) =>
  cache.delete(`${prefix}${page}`)

const purgePrefix = (cache: TypedCache<unknown>, { prefix = defaultPrefix }: HttpCacheOptions, start: string) =>
  cache.deletePattern(`${escapeGlob(`${prefix}${start}`)}*`)

const pagesOn = (cache: TypedCache<unknown>, options: HttpCacheOptions): Effect.Effect<Pages> =>
  Effect.map(pageCache(cache, options, { isShared: true, prefix: defaultPrefix, tags: options.tags }), (settings) => ({
    purge: (page) => purge(cache, options, page),
    purgePrefix: (start) => purgePrefix(cache, options, start),
    invalidateTags: cache.invalidateTags,
    handle: (request, next) => {
      const response = respond(settings, pageOfServer(request, options.key), request, {
        ask: next,
        whole: (response) => Effect.succeed(wholeBody(response, settings.maxBodyBytes)),
        isPrivate,
        statusOf
      })
      return settings.tags ? Effect.map(response, HttpServerResponse.removeHeader("cache-tag")) : response
    },
    handleWeb: (request, next) => {
      const asked = HttpServerRequest.fromWeb(request)
      const received = new WeakMap<HttpServerResponse.HttpServerResponse, Response>()
      const response = respond(settings, pageOfServer(asked, options.key), asked, {
        ask: ({ headers }) =>
          Effect.map(next(headers === asked.headers ? request : new Request(request, { headers })), (response) => {
            const seen = HttpServerResponse.fromWeb(response)
            received.set(seen, response)
            return seen
          }),
        whole: (response) =>
          response.body._tag === "Stream"
            ? readWhole(response, Stream.orDie(response.body.stream), settings.maxBodyBytes)
            : Effect.succeed(wholeBody(response, settings.maxBodyBytes)),
        isPrivate,
        statusOf
      })
      return Effect.map(withScope(response), (response) => {
        const web =
          received.get(response) ?? HttpServerResponse.toWeb(response, { withoutBody: request.method === "HEAD" })
        return settings.tags && web.headers.has("cache-tag") ? withoutTags(web) : web
      })
    }
  }))

/** Headers of a response that was received cannot be changed. */
const withoutTags = (response: Response): Response => {
  const headers = new Headers(response.headers)
  headers.delete("cache-tag")
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers })
}

const statusOf = (cause: Cause.Cause<unknown>): Effect.Effect<number> =>
  Effect.map(HttpServerError.causeResponse(cause), ([{ status }]) => status)

/** The middleware of a router. */
const routed = <R>(pages: Effect.Effect<Pages, never, R>): Layer.Layer<never, never, R> =>
  Layer.fresh(
    HttpRouter.middleware(
      Effect.map(
        pages,
        ({ handle }) =>
          (handler) =>
            Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
              handle(request, (asked) => Effect.provideService(handler, HttpServerRequest.HttpServerRequest, asked))
            )
      )
    ).layer
  )
