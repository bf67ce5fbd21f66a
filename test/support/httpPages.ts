/** Applications whose pages are cached, asked as browsers and proxies ask them. */
import { Clock, Effect, Layer } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { CacheMemory, type CacheService } from "effect-vcache"
import { HttpCache } from "effect-vcache/http"

export type Headers = Readonly<Record<string, string>>

export interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: globalThis.Headers
  /** What `Cache-Status` says, without the name of the cache. */
  readonly cached: string | undefined
}

/** What a handler gives: a status, headers, a body; or it fails. */
export type Page = (
  request: HttpServerRequest.HttpServerRequest,
  count: number
) => Effect.Effect<HttpServerResponse.HttpServerResponse, unknown>

/** Says so in its headers. */
export const saying =
  (headers: Headers, status = 200): Page =>
  (_, count) =>
    Effect.succeed(HttpServerResponse.text(`v${count}`, { headers, status }))

/** One page at every path, under the test's own clock. */
export const pagesOf = (
  page: Page,
  options: HttpCache.HttpCacheOptions = {},
  cache: Layer.Layer<CacheService> = Layer.fresh(CacheMemory)
) =>
  Effect.gen(function* () {
    let calls = 0
    const requests: Array<HttpServerRequest.HttpServerRequest> = []
    const app = yield* HttpRouter.toHttpEffect(
      HttpRouter.add(
        "*",
        "/*",
        Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
          requests.push(request)
          return Effect.orDie(page(request, ++calls))
        })
      ).pipe(Layer.provide(HttpCache.make(options).layer), Layer.provide(cache))
    )
    const ask = (headers: Headers = {}, path = "/p", init: RequestInit = {}): Effect.Effect<Answer> =>
      Effect.scoped(
        Effect.gen(function* () {
          const request = new Request(path.startsWith("http") ? path : `http://shop.test${path}`, { ...init, headers })
          const response = yield* Effect.catchCause(
            Effect.provideService(app, HttpServerRequest.HttpServerRequest, HttpServerRequest.fromWeb(request)),
            () => Effect.succeed(HttpServerResponse.empty({ status: 500 }))
          )
          const web = HttpServerResponse.toWeb(response, { withoutBody: init.method === "HEAD" })
          const text = yield* Effect.promise(() => web.text())
          const said = web.headers.get("cache-status")
          return {
            status: web.status,
            text,
            headers: web.headers,
            cached: said === null ? undefined : said.replace("effect-vcache; ", "")
          }
        })
      )
    return { ask, calls: () => calls, requests }
  })

/** A date of HTTP, so many seconds from now. */
export const httpDateIn = (seconds: number) =>
  Effect.map(Clock.currentTimeMillis, (now) => new Date(now + seconds * 1000).toUTCString())
