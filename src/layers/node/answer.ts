/** Handlers of Node behind a cache of web responses. */
import type { IncomingMessage, ServerResponse } from "node:http"
import { hasBody } from "../http/caching/hasBody.ts"
import type { WebCache } from "../http/webCache.ts"
import { captured, type NodeHandler } from "./captured.ts"
import { detachedRequest } from "./detachedRequest.ts"
import { sendResponse } from "./sendResponse.ts"
import { type Asked, webRequest } from "./webRequest.ts"

/**
 * Returns a function that answers a request from the cache, else by the handler. It rejects with what the handler fails with, and
 * resolves with false, having done nothing, where the cache does not handle the request. A handler is given a response of its own,
 * and a request of its own where that has no body, so that it goes on for other clients when its own client has gone.
 */
export const answerBy = <Req extends IncomingMessage>(cache: WebCache) => {
  const cached = cache.wrap((asked: Request, request: Req, handler: NodeHandler<Req>) =>
    captured(hasBody(request.headers) ? request : detachedRequest(request, asked.headers), handler)
  )
  return async (request: Req, response: ServerResponse, asked: Asked, handler: NodeHandler<Req>): Promise<boolean> => {
    const web = webRequest(request, asked)
    if (web === undefined) return false
    await sendResponse(await cached(web, request, handler), response)
    return true
  }
}
