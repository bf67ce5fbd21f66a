/** What the cache holds under a page's key. */
import { Schema } from "effect"
import { Cookies, type HttpServerResponse } from "effect/http"
import { digest } from "../../../schema/digest.ts"
import { freshnessOf, type FreshnessRules } from "./freshness.ts"
import { cacheTagsOf, type HeaderRecord, refreshedHeaders, storedHeaders, varyOf } from "./headers.ts"

/** A response. Nothing of its request is kept but the digest of what tells pages apart. */
export const StoredResponse = Schema.Struct({
  /** Another form than this is a miss. */
  _tag: Schema.tag("Response/2"),
  status: Schema.Int,
  headers: Schema.Record(Schema.String, Schema.String),
  body: Schema.Uint8Array,
  /** The ETag is ours; its maker knows nothing of it. */
  madeEtag: Schema.Boolean,
  /** A digest of what tells the requests that may have it from others. */
  variant: Schema.String,
  /** Instants, in milliseconds since 1970. */
  bornAt: Schema.Finite,
  freshUntil: Schema.Finite,
  staleUntil: Schema.Finite,
  errorUntil: Schema.Finite,
  keptUntil: Schema.Finite,
  storedAt: Schema.Finite,
  /** It should have been replaced then, and its maker failed. */
  failedAt: Schema.NullOr(Schema.Finite)
})
export type StoredResponse = typeof StoredResponse.Type

/** The page has variants, told apart by these headers of the request. */
export const Variants = Schema.Struct({
  _tag: Schema.tag("Variants/2"),
  names: Schema.Array(Schema.String),
  /** In the keys of the variants: those of a page that was forgotten are not found again. */
  generation: Schema.String
})
export type Variants = typeof Variants.Type

export const StoredPage = Schema.Union([StoredResponse, Variants])
export type StoredPage = typeof StoredPage.Type

export const isResponse = (stored: StoredPage): stored is StoredResponse => stored._tag === "Response/2"

/** What is invalidated with it. A list of variants bears none: they do. */
export const tagsOf = (stored: StoredPage): ReadonlyArray<string> =>
  isResponse(stored) ? cacheTagsOf(stored.headers) : []

/** The list of variants outlives none of them by much, and is made anew once a day. */
const variantsLiveFor = 86_400_000

/** For how long it needs no replacement, from when it was stored. Milliseconds. */
export const lifetimeOf = (stored: StoredPage): number =>
  isResponse(stored) ? Math.max(1, stored.freshUntil - stored.storedAt) : variantsLiveFor

const pastLifetime = (stored: StoredPage, until: (response: StoredResponse) => number): number =>
  isResponse(stored) ? Math.max(0, until(stored) - stored.storedAt - lifetimeOf(stored)) : 0

/** For how long after that it is served while another is made. */
export const staleFor = (stored: StoredPage): number => pastLifetime(stored, ({ staleUntil }) => staleUntil)

/** For how long after that it is kept. */
export const keepFor = (stored: StoredPage): number => pastLifetime(stored, ({ keptUntil }) => keptUntil)

export interface Made {
  readonly requestHeaders: HeaderRecord
  /** The digest, by the headers that the response varies by. */
  readonly variantBy: (names: ReadonlyArray<string>) => string
  readonly askedAt: number
  readonly now: number
}

/** Undefined where nobody else may have it. */
export const storedResponse = (
  { variantBy, ...made }: Made,
  response: HttpServerResponse.HttpServerResponse,
  body: Uint8Array,
  rules: FreshnessRules
): StoredResponse | undefined => {
  const { cookies, headers, status } = response
  const setsCookies = !Cookies.isEmpty(cookies) || headers["set-cookie"] !== undefined
  if (setsCookies || varyOf(headers).includes("*")) return undefined
  const freshness = freshnessOf({ ...made, status, headers }, rules)
  if (freshness === undefined) return undefined
  const kept = { ...storedHeaders(headers), date: headers["date"] ?? new Date(made.now).toUTCString() }
  const madeEtag = status === 200 && headers["etag"] === undefined
  return {
    _tag: "Response/2",
    status,
    headers: madeEtag ? { ...kept, etag: etagOf(kept, body) } : kept,
    body,
    madeEtag,
    variant: variantBy(varyOf(headers)),
    ...freshness,
    storedAt: made.now,
    failedAt: null
  }
}

/** What was stored, with what a 304 says of it: that it is so now. */
export const confirmed = (stored: StoredResponse, notModified: HeaderRecord, now: number): StoredResponse => ({
  ...stored,
  headers: {
    ...refreshedHeaders(stored.headers, notModified),
    date: notModified["date"] ?? new Date(now).toUTCString()
  }
})

/** The same as it is stored. Undefined where it is not to be stored any longer. */
export const revalidated = (
  { variantBy, ...made }: Made,
  stored: StoredResponse,
  notModified: HeaderRecord,
  rules: FreshnessRules
): StoredResponse | undefined => {
  const { headers, status } = stored
  const age = notModified["age"]
  const received = { ...made, status, headers: age === undefined ? headers : { ...headers, age } }
  const freshness = freshnessOf(received, rules)
  return freshness === undefined
    ? undefined
    : { ...stored, variant: variantBy(varyOf(headers)), ...freshness, storedAt: made.now, failedAt: null }
}

/** Two responses with one tag are the same in all that a client makes of them. */
const etagOf = (headers: HeaderRecord, body: Uint8Array): string => {
  const meaning = ["content-type", "content-encoding", "content-language", "content-location", "link", "location"]
  const head = JSON.stringify(meaning.map((name) => headers[name] ?? null))
  return `"${digest(`${head} ${digest(body)}`).slice(0, 27)}"`
}
