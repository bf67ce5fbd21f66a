/** Responses of Effect's `HttpRouter` in the cache, by the rules of RFC 9111. */
import { Context, Effect, Layer, type Scope } from "effect"
import { HttpRouter, HttpServerRequest, type HttpServerResponse } from "effect/http"
import type { CacheError } from "../../schema/CacheError.ts"
import { escapeGlob } from "../../schema/key.ts"
import { CacheService } from "../../services/CacheService.ts"
import type { TypedCache } from "../../services/operations/TypedCache.ts"
import { parseDirectives } from "./caching/Directives.ts"
import { notCached } from "./caching/delivery.ts"
import { Exchange, type Maker, type PageCache } from "./caching/Exchange.ts"
import { pageOfServer } from "./caching/pageIdentity.ts"
import { type CachingOptions, pageCache } from "./caching/settings.ts"
import { wholeBody } from "./caching/wholeBody.ts"
import { isPrivate } from "./responsePrivacy.ts"

export interface HttpCacheOptions extends CachingOptions {
  /**
   * What tells pages of one host apart, in place of path and query: to leave out parameters that change nothing. Scheme and
   * host always tell pages apart, and are not part of it. Default: path and query.
   */
  readonly key?: ((request: HttpServerRequest.HttpServerRequest) => string) | undefined
}

export interface HttpCache {
  /** For the routes that it is provided to. Settings that cannot be used are a defect. */
  readonly layer: Layer.Layer<never, never, CacheService>
  /**
   * Forgets one page in all its variants, of every scheme and proxy, by host, path and query: `"example.com/users?page=1"`.
   * Whether it was there. One round trip. The `CacheService` must be the one that the routes use; see `Service`.
   */
  readonly purge: (page: string) => Effect.Effect<boolean, CacheError, CacheService>
  /** Forgets all pages that begin so, by a scan of the whole key space. How many entries went. */
  readonly purgePrefix: (start: string) => Effect.Effect<number, CacheError, CacheService>
}

/** The pages of a `Service`. */
export interface Pages {
  readonly purge: (page: string) => Effect.Effect<boolean, CacheError>
  readonly purgePrefix: (start: string) => Effect.Effect<number, CacheError>
  /** Answers a request from the cache, else by `next`, which is given the request that it is to answer. For servers without an `HttpRouter`. */
  readonly handle: <E, R>(
    request: HttpServerRequest.HttpServerRequest,
    next: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ) => Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | Scope.Scope>
}

export interface PagesClass<Self, Id extends string> extends Context.ServiceClass<Self, Id, Pages> {
  readonly layer: Layer.Layer<Self, never, CacheService>
  /** For the routes that it is provided to. */
  readonly routes: Layer.Layer<never, never, Self>
}

const defaultPrefix = "http:"

/**
 * Stores what its `Cache-Control` or `Expires` allow a shared cache to store, and answers from it: `Vary`, `Age`, ETags, 304
 * and ranges, one call of the handler for all who ask for a page that is not there. Never stored: responses that are private,
 * set cookies, used their visitor's session, or stream, and those to a request with credentials that do not say `public` or
 * `s-maxage`. If the shared response turns out not to be storable, each waiting request runs its own handler. When the cache
 * fails the handler answers. A successful unsafe request forgets the page.
 */
export const make = (options: HttpCacheOptions = {}): HttpCache => ({
  layer: routed(Effect.flatMap(CacheService, (cache) => pagesOn(cache, options))),
  purge: (page) => CacheService.use((cache) => purge(cache, options, page)),
  purgePrefix: (start) => CacheService.use((cache) => purgePrefix(cache, options, start))
})

/**
 * The same as a service, to forget pages from wherever it is known: another handler, a worker, a command.
 *
 *     class Site extends HttpCache.Service<Site>()("app/Site", { staleFor: "1 hour" }) {}
 *     const routes = HttpRouter.add("GET", "/", …).pipe(Layer.provide(Site.routes))
 *     const SiteLive = Site.layer.pipe(Layer.provide(CacheFromConfig))
 *     Site.use((site) => site.purge("example.com/"))
 *
 * Provide one `SiteLive` to the routes and to whoever purges: one layer in one program is one cache, in memory as well.
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
  Effect.map(pageCache(cache, options, { isShared: true, prefix: defaultPrefix }), (settings) => ({
    purge: (page) => purge(cache, options, page),
    purgePrefix: (start) => purgePrefix(cache, options, start),
    handle: (request, next) =>
      respond(settings, options, request, {
        ask: next,
        whole: (response) => Effect.succeed(wholeBody(response, settings.maxBodyBytes)),
        isPrivate
      })
  }))

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

/** Keys are kept from growing with what visitors send. */
const maxPageLength = 2048

/** Methods that change nothing (RFC 9110, section 9.2.1, and WebDAV's). All others forget the page. */
const safeMethods: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "TRACE",
  "QUERY",
  "PROPFIND",
  "REPORT",
  "SEARCH"
])

const respond = <E, R>(
  settings: PageCache,
  { key }: HttpCacheOptions,
  request: HttpServerRequest.HttpServerRequest,
  maker: Maker<E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | Scope.Scope> => {
  const identity = pageOfServer(request, key)
  const exchange = new Exchange(settings, request, maker, identity)
  if (!safeMethods.has(request.method)) {
    return Effect.tap(maker.ask(request), ({ status }) => (status < 400 ? exchange.forget : Effect.void))
  }
  if (!isCached(request) || identity.page.length > maxPageLength) return maker.ask(request)
  const onlyIfCached = parseDirectives(request.headers["cache-control"]).has("only-if-cached")
  if (!onlyIfCached && request.method === "GET" && request.headers["range"] === undefined) return exchange.response
  return Effect.flatMap(exchange.known, (known) => {
    if (known !== undefined) return Effect.succeed(known)
    return onlyIfCached ? Effect.succeed(notCached) : maker.ask(request)
  })
}

/** A body may change what is answered; so may conditions that are for changes, and an upgrade is no response. */
const isCached = ({ headers, method }: HttpServerRequest.HttpServerRequest): boolean =>
  (method === "GET" || method === "HEAD") &&
  (headers["content-length"] ?? "0") === "0" &&
  ["transfer-encoding", "if-match", "if-unmodified-since", "upgrade"].every((name) => headers[name] === undefined) &&
  !parseDirectives(headers["cache-control"]).has("no-store")
