/** Cached responses for Express. */
import type { ServerResponse } from "node:http"
import type { Layer } from "effect"
import type { Request, RequestHandler, Response } from "express"
import type { CacheService } from "../../services/CacheService.ts"
import type { HttpCacheOptions } from "../http/HttpCache.ts"
import { type WebCache, webCache } from "../http/webCache.ts"
import { answerBy } from "./answer.ts"

/**
 * `expressCache` returns this cache of responses.
 *
 * @since 0.2.0
 * @category http
 * @see docs/frameworks.md
 */
export interface ExpressCache extends Omit<WebCache, "wrap"> {
  /**
   * Returns the handler with the cache before it: that of a route, a router, or a whole application. What it throws, rejects with
   * or gives to `next` goes to the `next` of Express.
   */
  readonly wrap: (handler: RequestHandler) => RequestHandler
}

/** The handler called `next`. */
class PassedOn {
  readonly to: unknown

  constructor(to: unknown) {
    this.to = to
  }
}

/**
 * Caches responses of Express 5 by the rules of RFC 9111; `HttpCache.make` says which responses are stored. One run of the handler
 * answers all concurrent requests for a page that is missing, and goes on when its client has gone. The layer is opened at the
 * first request; where it cannot be built, `next` is given the error. When the server of the cache fails later, the handler answers.
 *
 * The handler has a request and a response of its own, because it may run for others, and after a stale page has gone out. They have
 * the properties that middleware before the cache has put on the request, and its `res.locals`. Headers that such middleware has set are sent with
 * every page, and are not stored.
 *
 * @example
 * ```ts
 * import express from "express"
 * import { CacheMemory } from "effect-vcache"
 * import { expressCache } from "effect-vcache/express"
 *
 * const articles = express.Router()
 * articles.get("/:id", (request, response) => {
 *   response.set("cache-control", "public, max-age=60").send(`article ${request.params.id}`)
 * })
 *
 * const pages = expressCache(CacheMemory, { staleFor: "1 minute" })
 * const app = express().use("/articles", pages.wrap(articles))
 * const server = app.listen(0)
 *
 * server.close()
 * await pages.close()
 * ```
 *
 * @since 0.2.0
 * @category http
 * @see docs/frameworks.md
 */
export const expressCache = <E>(layer: Layer.Layer<CacheService, E>, options: HttpCacheOptions = {}): ExpressCache => {
  const cache = webCache(layer, options)
  const answer = answerBy<Request>(cache)
  return {
    ...cache,
    wrap: (handler) => async (request, response, next) => {
      const prototype: object = Object.getPrototypeOf(request)
      try {
        const asked = { target: request.originalUrl, protocol: request.protocol }
        const isAnswered = await answer(request, response, asked, (request, own, fail) =>
          handler(request, alike(own, response, request), (to?: unknown) => fail(new PassedOn(to)))
        )
        if (!isAnswered) await handler(request, response, next)
      } catch (error) {
        // A request with a body is not copied, so it is put back as it was before the handler.
        Object.setPrototypeOf(request, prototype)
        request.res = response
        next(error instanceof PassedOn ? error.to : error)
      }
    }
  }
}

/** Gives a handler's own response the methods and the locals of the response that the client waits for. */
const alike = (own: ServerResponse, response: Response, request: Request): Response => {
  const given: Response = Object.setPrototypeOf(own, Object.getPrototypeOf(response))
  Object.assign(given, { locals: response.locals, req: request })
  request.res = given
  return given
}
