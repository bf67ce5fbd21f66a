/** A stored response as it is given to one request. */
import { type HttpServerRequest, HttpBody, HttpServerResponse } from "effect/http"
import { isUnchanged, rangeOf } from "./conditions.ts"
import { type HeaderRecord, unchangedHeaders } from "./headers.ts"
import type { StoredResponse } from "./StoredPage.ts"

export const cacheName = "effect-vcache"

/** `how` is what `Cache-Status` says of it. */
export const delivered = (
  { headers: asked, method }: HttpServerRequest.HttpServerRequest,
  stored: StoredResponse,
  now: number,
  how: string
): HttpServerResponse.HttpServerResponse => {
  const { body, status } = stored
  const headers = {
    ...stored.headers,
    age: String(Math.max(0, Math.floor((now - stored.bornAt) / 1000))),
    "cache-status": `${cacheName}; ${how}`
  }
  if (isUnchanged(asked, stored)) {
    return HttpServerResponse.empty({ status: 304, headers: unchangedHeaders(headers) })
  }
  if (method === "HEAD") {
    return HttpServerResponse.empty({ status, headers: { ...headers, "content-length": String(body.length) } })
  }
  const range = rangeOf(asked, stored, body.length)
  if (range === "unsatisfiable") {
    return HttpServerResponse.empty({ status: 416, headers: { "content-range": `bytes */${body.length}` } })
  }
  if (range === undefined) return withBody(status, headers, body)
  const { end, start } = range
  return withBody(
    206,
    { ...headers, "content-range": `bytes ${start}-${end - 1}/${body.length}` },
    body.subarray(start, end)
  )
}

/** To a client that wants nothing else. */
export const notCached = HttpServerResponse.empty({
  status: 504,
  headers: { "cache-status": `${cacheName}; fwd=miss; detail=only-if-cached` }
})

const withBody = (status: number, headers: HeaderRecord, body: Uint8Array): HttpServerResponse.HttpServerResponse => {
  const response = HttpServerResponse.empty({ status, headers })
  if (body.length === 0) return response
  const type = headers["content-type"]
  const whole = HttpServerResponse.setBody(response, HttpBody.uint8Array(body, type))
  return type === undefined ? HttpServerResponse.removeHeader(whole, "content-type") : whole
}
