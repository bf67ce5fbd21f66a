/** Responses to an `HttpClient` in the cache, by the rules of RFC 9111 for a private cache. */
import { Cause, Effect, Result } from "effect"
import {
  Headers,
  HttpClient,
  HttpClientError,
  HttpClientRequest,
  type HttpClientResponse,
  HttpServerRequest,
  HttpServerResponse
} from "effect/http"
import { CacheService } from "../../services/CacheService.ts"
import type { Maker, PageCache } from "./caching/Exchange.ts"
import { pageOfClient } from "./caching/pageIdentity.ts"
import { respond } from "./caching/respond.ts"
import { type CachingOptions, pageCache } from "./caching/settings.ts"
import { readWhole } from "./caching/wholeBody.ts"
import { withScope } from "./requestScope.ts"

/**
 * The options of `HttpCache.client`. Every field has a default.
 *
 * @since 0.2.0
 * @category http
 * @see docs/http.md
 */
export interface HttpCacheClientOptions extends CachingOptions {}

/**
 * Returns the client with its responses in the cache, for as long as their own headers say: for APIs of others. One request serves
 * all concurrent callers. A stale response is asked for with its ETag, and is served in place of a failure with `staleIfError`.
 *
 * The cache is private: it stores responses that say `private` and ignores `s-maxage`. Requests with different credentials never
 * share a response: `Authorization`, `Cookie`, `Proxy-Authorization`, and the headers that Effect redacts, such as `X-Api-Key`
 * (`Headers.CurrentRedactedNames`; add yours to it). Never stored: responses that set a cookie,
 * responses for which a redirect was followed, and those to requests with a body.
 * Apply it before `filterStatusOk` and retries, so that it sees the responses as they are.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { HttpClient, HttpClientResponse } from "effect/http"
 * import { CacheMemory } from "effect-vcache"
 * import { HttpCache } from "effect-vcache/http"
 *
 * let asked = 0
 * const answer = () => new Response(`answer ${++asked}`, { headers: { "cache-control": "max-age=60" } })
 * const source = HttpClient.make((request) => Effect.sync(() => HttpClientResponse.fromWeb(request, answer())))
 *
 * const program = Effect.gen(function* () {
 *   const api = yield* Effect.flatMap(HttpClient.HttpClient, HttpCache.client({ staleIfError: "1 hour" }))
 *   const read = Effect.flatMap(api.get("http://api.example/rates"), ({ text }) => text)
 *   console.log(yield* read, "-", yield* read)
 * })
 * await Effect.runPromise(Effect.provide(program, [CacheMemory, Layer.succeed(HttpClient.HttpClient, source)]))
 * // => answer 1 - answer 1
 * ```
 *
 * @since 0.2.0
 * @category http
 * @see docs/http.md
 */
export const client =
  (options: HttpCacheClientOptions = {}) =>
  <E, R>(
    self: HttpClient.HttpClient.With<E, R>
  ): Effect.Effect<HttpClient.HttpClient.With<E | HttpClientError.HttpClientError, R>, never, CacheService> =>
    Effect.map(
      Effect.flatMap(CacheService, (cache) => pageCache(cache, options, { isShared: false, prefix: "http-client:" })),
      (settings) =>
        HttpClient.makeWith(
          (request: Effect.Effect<HttpClientRequest.HttpClientRequest, E, R>) =>
            Effect.flatMap(request, (request) => execute(settings, self, request)),
          self.preprocess
        )
    )

const execute = <E, R>(
  settings: PageCache,
  self: HttpClient.HttpClient.With<E, R>,
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<HttpClientResponse.HttpClientResponse, E | HttpClientError.HttpClientError, R> => {
  if (request.body._tag !== "Empty" && request.method === "GET") return self.postprocess(Effect.succeed(request))
  const asked = HttpServerRequest.fromClientRequest(request)
  const received = new WeakMap<HttpServerResponse.HttpServerResponse, HttpClientResponse.HttpClientResponse>()
  const maker: Maker<E | HttpClientError.HttpClientError, R> = {
    ask: ({ headers }) =>
      Effect.map(
        self.postprocess(Effect.succeed(HttpClientRequest.updateHeaders(request, () => headers))),
        (response) => {
          const seen = HttpServerResponse.fromClientResponse(response)
          received.set(seen, response)
          return seen
        }
      ),
    whole: (response) => {
      const original = received.get(response)
      // Where a redirect was followed, its own freshness is not known.
      return original === undefined || isElsewhere(original.url, asked.originalUrl)
        ? Effect.succeed({ response, body: undefined })
        : readWhole(response, original.stream, settings.maxBodyBytes)
    },
    isPrivate: () => false,
    statusOf: (cause) => Effect.succeed(statusOf(cause))
  }
  const answered = Effect.flatMap(Headers.CurrentRedactedNames, (redacted) =>
    respond(settings, pageOfClient(asked, redacted), asked, maker)
  )
  return Effect.map(
    withScope(answered),
    // What is not from the cache is as it came.
    (response) => received.get(response) ?? HttpServerResponse.toClientResponse(response, { request })
  )
}

const isElsewhere = (answered: string, asked: string): boolean =>
  answered !== "" && answered.replace(/#.*/, "") !== asked.replace(/#.*/, "")

/** An answer that the client takes for a failure is still an answer. */
const statusOf = (cause: Cause.Cause<unknown>): number => {
  const error = Result.getOrUndefined(Cause.findError(cause))
  return HttpClientError.isHttpClientError(error) && error.reason._tag === "StatusCodeError"
    ? error.reason.response.status
    : 503
}
