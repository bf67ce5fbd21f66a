/** Cached responses for Fastify. */
import type { IncomingMessage } from "node:http"
import type { Layer } from "effect"
import type { FastifyPluginCallback } from "fastify"
import type { CacheService } from "../../services/CacheService.ts"
import type { HttpCacheOptions } from "../http/HttpCache.ts"
import { type WebCache, webCache } from "../http/webCache.ts"
import { answerBy } from "./answer.ts"

/**
 * `fastifyCache` returns this cache of responses.
 *
 * @since 0.2.0
 * @category http
 * @see docs/frameworks.md
 */
export interface FastifyCache extends Omit<WebCache, "wrap"> {
  /**
   * Caches the routes of the scope that it is registered in, from then on. Closes the cache when the application is closed. Register
   * it in one application.
   */
  readonly plugin: FastifyPluginCallback
}

/**
 * Caches responses of Fastify 5 by the rules of RFC 9111; `HttpCache.make` says which responses are stored. One run of the route
 * answers all concurrent requests for a page that is missing, and goes on when its client has gone. The layer is opened at the first
 * request, which fails where it cannot be built. When the server of the cache fails later, the route answers.
 *
 * A page is made by handing a request and a response of its own to the router of the application, because it may be made for others,
 * and after a stale one has gone out. Hooks that were registered before the plugin therefore run for each request, and once more
 * where a page is made; hooks that come later, and what they add to the page, belong to the page.
 *
 * @example
 * ```ts
 * import fastify from "fastify"
 * import { CacheMemory } from "effect-vcache"
 * import { fastifyCache } from "effect-vcache/fastify"
 *
 * const pages = fastifyCache(CacheMemory, { staleFor: "1 minute" })
 * const app = fastify()
 * await app.register(pages.plugin)
 *
 * let made = 0
 * app.get("/articles/:id", (_request, reply) => reply.header("cache-control", "public, max-age=60").send(`made ${++made}`))
 *
 * for (let i = 0; i < 2; i++) console.log((await app.inject("/articles/7")).body)
 * await app.close()
 * // => made 1
 * // => made 1
 * ```
 *
 * @since 0.2.0
 * @category http
 * @see docs/frameworks.md
 */
export const fastifyCache = <E>(layer: Layer.Layer<CacheService, E>, options: HttpCacheOptions = {}): FastifyCache => {
  const cache = webCache(layer, options)
  const answer = answerBy<IncomingMessage>(cache)
  /** The requests with which the cache has a page made. */
  const asking = new WeakSet<IncomingMessage>()

  const plugin: FastifyPluginCallback = (app, _options, done) => {
    app.addHook("onRequest", async (request, reply) => {
      if (asking.has(request.raw)) return undefined
      const target = request.originalUrl
      const isAnswered = await answer(
        request.raw,
        reply.raw,
        { target, protocol: request.protocol },
        (raw, response) => {
          asking.add(raw)
          // The router rewrites it once more.
          raw.url = target
          app.routing(raw, response)
        }
      )
      return isAnswered ? reply.hijack() : undefined
    })
    app.addHook("onClose", () => cache.close())
    done()
  }

  const { wrap: _, ...rest } = cache
  // Fastify adds its hooks to the scope that it is registered in, and not to one of its own.
  return { ...rest, plugin: Object.assign(plugin, { [Symbol.for("skip-override")]: true }) }
}
