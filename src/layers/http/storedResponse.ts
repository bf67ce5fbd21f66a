/** A response as it is stored, and what RFC 9111 says of it. */
import { Schema } from "effect"
import { Cookies, type HttpServerRequest, type HttpServerResponse } from "effect/http"
import CachePolicy from "http-cache-semantics"
import { digest } from "../../schema/digest.ts"

export const StoredResponse = Schema.Struct({
  _tag: Schema.tag("Response"),
  status: Schema.Int,
  headers: Schema.Record(Schema.String, Schema.String),
  body: Schema.Uint8Array,
  /** Milliseconds. */
  freshFor: Schema.Number,
  /** Of http-cache-semantics, in JSON. */
  policy: Schema.String
})
export type StoredResponse = typeof StoredResponse.Type

type Headers = Readonly<Record<string, string>>

/** A copy, for one who does not know that directives are the same in capitals. */
const inLowerCase = (headers: Headers): Record<string, string> => {
  const { "cache-control": control } = headers
  return control === undefined ? { ...headers } : { ...headers, "cache-control": control.toLowerCase() }
}

/** Whether a request or a response says so in `Cache-Control`. */
export const says = (headers: Headers, directive: string): boolean =>
  (headers["cache-control"] ?? "").toLowerCase().split(/[ ,]+/).includes(directive)

const limitsAge = ({ headers }: HttpServerRequest.HttpServerRequest): boolean =>
  /\b(?:max-age|min-fresh)=/i.test(headers["cache-control"] ?? "")

const sharedCache = { shared: true, cacheHeuristic: 0 }

const asKnown = ({ headers, method, originalUrl }: HttpServerRequest.HttpServerRequest) => ({
  url: originalUrl,
  method,
  headers: inLowerCase(headers)
})

/** By our clock in place of its own. */
const policyAt = (policy: CachePolicy.CachePolicyObject, now: number): CachePolicy =>
  Object.assign(CachePolicy.fromObject(policy), { now: () => now })

/** Undefined where nobody else may have it. */
export const toStored = (
  request: HttpServerRequest.HttpServerRequest,
  response: HttpServerResponse.HttpServerResponse,
  maxBodyBytes: number,
  now: number
): StoredResponse | undefined => {
  const { body, status } = response
  const bytes = body._tag === "Uint8Array" ? body.body : body._tag === "Empty" ? new Uint8Array() : undefined
  if (bytes === undefined || bytes.length > maxBodyBytes) return undefined
  const setsCookies = !Cookies.isEmpty(response.cookies) || response.headers["set-cookie"] !== undefined
  if (setsCookies || namesIn(response).includes("*")) return undefined
  const headers = {
    ...response.headers,
    date: response.headers["date"] ?? new Date(now).toUTCString(),
    etag: response.headers["etag"] ?? `"${digest(bytes).slice(0, 27)}"`
  }
  const answered = { status, headers: inLowerCase(headers) }
  const received = { ...new CachePolicy(asKnown(request), answered, sharedCache).toObject(), t: now }
  const policy = policyAt(received, now)
  const freshFor = policy.timeToLive()
  if (!policy.storable() || freshFor <= 0) return undefined
  // What is told of stale ones it takes for fresh ones, too.
  const { "must-revalidate": _, ...rescc } = received.rescc
  return { _tag: "Response", status, headers, body: bytes, freshFor, policy: JSON.stringify({ ...received, rescc }) }
}

export interface Answer {
  readonly headers: Readonly<Record<string, string>>
  readonly etag: string | undefined
  /** Seconds. */
  readonly age: number
  readonly isStale: boolean
  /** It is stale, and it or the client says that none such is to be served. */
  readonly isExpired: boolean
  /** The client wants none that old. */
  readonly mustBeNew: boolean
}

export const answerOf = (
  { headers, policy: stored }: StoredResponse,
  request: HttpServerRequest.HttpServerRequest,
  now: number
): Answer => {
  const policy = policyAt(JSON.parse(stored), now)
  const isStale = policy.stale()
  return {
    headers,
    etag: headers["etag"],
    age: Math.floor(policy.age()),
    isStale,
    isExpired: isStale && (says(headers, "must-revalidate") || limitsAge(request)),
    mustBeNew: says(request.headers, "no-cache") || (!isStale && !policy.satisfiesWithoutRevalidation(asKnown(request)))
  }
}

/** Whether what the client has is what there is. */
export const isUnchanged = (
  request: HttpServerRequest.HttpServerRequest,
  etag: string | undefined,
  lastModified: string | undefined
): boolean => {
  const tags = request.headers["if-none-match"]
  if (tags !== undefined) {
    const weak = (tag: string) => tag.trim().replace(/^W\//, "")
    return tags.trim() === "*" || (etag !== undefined && tags.split(",").map(weak).includes(weak(etag)))
  }
  const since = Date.parse(request.headers["if-modified-since"] ?? "")
  return lastModified !== undefined && Date.parse(lastModified) <= since
}

/** The headers that its request is told apart by. */
export const namesIn = (response: HttpServerResponse.HttpServerResponse): ReadonlyArray<string> =>
  (response.headers["vary"] ?? "")
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "")
    .toSorted()
