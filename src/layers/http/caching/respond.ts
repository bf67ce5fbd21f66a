/** Which requests the cache has to do with, and how. */
import { Effect, type Scope } from "effect"
import type { HttpServerRequest, HttpServerResponse } from "effect/http"
import { notCached } from "./delivery.ts"
import { parseDirectives } from "./Directives.ts"
import { Exchange, type Maker, type PageCache } from "./Exchange.ts"
import { hasBody } from "./hasBody.ts"
import type { PageIdentity } from "./pageIdentity.ts"

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

/** From the cache where that can be, else by the maker. */
export const respond = <E, R>(
  settings: PageCache,
  identity: PageIdentity,
  request: HttpServerRequest.HttpServerRequest,
  maker: Maker<E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | Scope.Scope> => {
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
  !hasBody(headers) &&
  ["if-match", "if-unmodified-since", "upgrade"].every((name) => headers[name] === undefined) &&
  !parseDirectives(headers["cache-control"]).has("no-store")
