/** A request: its visitor, its parameters, and what the page may show. */
import type { Effect } from "effect"
import type { HttpServerRequest, HttpServerResponse } from "effect/http"
import type { RegionEntries } from "../../../services/operations/Region.ts"
import type { TypedCache } from "../../../services/operations/TypedCache.ts"
import { type AdminRight, type AdminVisitor, may } from "../access/access.ts"
import type { Html } from "./Html.ts"

/** A cache that is shown, and what it is called. */
export interface ShownCache {
  readonly name: string
  readonly cache: TypedCache<unknown>
  /** Regions whose schemas are known, of this cache and of others. */
  readonly regions: ReadonlyArray<RegionEntries>
}

/** What a page knows of the request that it answers. */
export interface Visit {
  /** Where the pages are mounted, without a slash at the end. */
  readonly path: string
  readonly visitor: AdminVisitor
  /** The caches that the visitor may view. */
  readonly caches: ReadonlyArray<ShownCache>
  readonly params: URLSearchParams
  /** Each form that changes something sends it back. */
  readonly token: string
  /** Turns the digest of what the visitor saw into the mark that a form holds. */
  readonly seal: (mark: string) => string
  /** Whether the value of a key is not shown. */
  readonly hide: (key: string, cache: string) => boolean
  /** The keys of sessions begin with this text. */
  readonly sessions: string
}

/** A page and the status of its response. */
export interface Shown {
  readonly body: Html
  readonly status: number
}

/** Where the visitor goes after a change, so that a reload does not repeat it. */
export interface Onward {
  readonly address: string
}

/** What is at one address. */
export interface Page {
  readonly show: (visit: Visit) => Effect.Effect<Shown>
  /** What a form of the page does. Without it the page changes nothing. */
  readonly act?: ((visit: Visit, form: URLSearchParams) => Effect.Effect<Shown | Onward>) | undefined
}

/** What answers a request that is no page. */
export type Answer = (
  visit: Visit,
  request: HttpServerRequest.HttpServerRequest
) => Effect.Effect<HttpServerResponse.HttpServerResponse>

/** The cache that the address names, else the first. */
export const chosenCache = ({ caches, params }: Visit): ShownCache | undefined => {
  const name = params.get("c")
  return name === null ? caches[0] : caches.find((cache) => cache.name === name)
}

export const visitorMay = ({ visitor }: Visit, right: AdminRight, { name }: ShownCache): boolean =>
  may(visitor, right, name)

/** Keys are any text, and so never stand in the path. */
export const addressOf = (path: string, page: string, params: Readonly<Record<string, string>> = {}): string => {
  const query = new URLSearchParams(params).toString()
  return `${path}/${page}${query === "" ? "" : `?${query}`}`
}
