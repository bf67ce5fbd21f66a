/** Responses of Effect's `HttpRouter` in the cache, by the rules of RFC 9111. */
import { Clock, type Duration, Effect, Exit, Layer, Schema, Scope } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import type { CacheError } from "../../schema/CacheError.ts"
import { digest } from "../../schema/digest.ts"
import { escapeGlob } from "../../schema/key.ts"
import { makeToken } from "../../services/cache/kernel/token.ts"
import { CacheService } from "../../services/CacheService.ts"
import type { LookupOptions } from "../../services/operations/CacheLookups.ts"
import type { TypedCache } from "../../services/operations/TypedCache.ts"
import { CurrentResponsePrivacy, type ResponsePrivacy } from "./responsePrivacy.ts"
import { type Answer, answerOf, isUnchanged, namesIn, says, StoredResponse, toStored } from "./storedResponse.ts"

export interface HttpCacheOptions extends Pick<LookupOptions, "singleFlight"> {
  /** Of the keys, behind that of the cache. Default `"http:"`. */
  readonly prefix?: string | undefined
  /** How long past its freshness a response is still served, while one request has it made anew. Default 0. */
  readonly staleFor?: Duration.Input | undefined
  /** Larger bodies are not stored. Default 1 MiB. */
  readonly maxBodyBytes?: number | undefined
  /** What tells pages apart. Default: host, path and query. */
  readonly key?: ((request: HttpServerRequest.HttpServerRequest) => string) | undefined
}

export interface HttpCache {
  /** For the routes that it is provided to. */
  readonly layer: Layer.Layer<never, never, CacheService>
  /** Forgets one page in all its variants; by the key, `"example.com/users?page=1"`. Whether it was there. One round trip. */
  readonly purge: (key: string) => Effect.Effect<boolean, CacheError, CacheService>
  /** Forgets all pages whose keys begin so, by a scan of the whole key space. How many entries went. */
  readonly purgePrefix: (prefix: string) => Effect.Effect<number, CacheError, CacheService>
}

/** The page has variants, told apart by these headers of the request. */
const Variants = Schema.Struct({
  _tag: Schema.tag("Variants"),
  names: Schema.Array(Schema.String),
  /** In the keys of the variants: those of a page that was forgotten are not found again. */
  generation: Schema.String
})
type Variants = typeof Variants.Type

const Stored = Schema.Union([StoredResponse, Variants])
type Stored = typeof Stored.Type

/** What the handler answered, or failed with, is for whoever asked, and for nobody else. */
const unshared = { _tag: "Unshared" } as const

const lifetimeOf = (stored: Stored): Duration.Input => (stored._tag === "Variants" ? maxVariantAge : stored.freshFor)

const defaultPrefix = "http:"
const maxKeyLength = 2048
const maxVariantAge = "1 day"

/**
 * Stores what its `Cache-Control` or `Expires` allow a shared cache to store, and answers from it: `Vary`, `Age`, ETags and
 * 304, one call of the handler for all who ask for a page that is not there. Never stored: responses that are private, set
 * cookies, used their visitor's session, or stream; whoever waited for one of them, or for a failure, has his own made.
 * When the cache fails the handler answers. A successful POST, PUT, PATCH or DELETE forgets the page.
 */
export const make = (options: HttpCacheOptions = {}): HttpCache => {
  const { prefix = defaultPrefix } = options
  return {
    layer: Layer.fresh(
      HttpRouter.middleware(
        Effect.map(
          CacheService,
          (cache) => (handler) =>
            Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
              respond(cache.withSchema(Stored), options, request, handler)
            )
        )
      ).layer
    ),
    purge: (key) => CacheService.use((cache) => cache.delete(`${prefix}${key}`)),
    purgePrefix: (start) => CacheService.use((cache) => cache.deletePattern(`${escapeGlob(`${prefix}${start}`)}*`))
  }
}

/** A 304 has no others. */
const keptWhenUnchanged: ReadonlySet<string> = new Set([
  "age",
  "cache-control",
  "cache-status",
  "content-location",
  "date",
  "etag",
  "expires",
  "vary"
])

type Handler<E, R> = Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>

const changing: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH", "DELETE"])

const respond = <E, R>(
  pages: TypedCache<Stored>,
  options: HttpCacheOptions,
  request: HttpServerRequest.HttpServerRequest,
  handler: Handler<E, R>
): Handler<E, R | Scope.Scope> => {
  const { prefix = defaultPrefix } = options
  const page = (options.key ?? pageOf)(request)
  const key = `${prefix}${page}`
  if (changing.has(request.method)) {
    return Effect.tap(handler, ({ status }) => (status < 400 ? Effect.ignore(pages.delete(key)) : Effect.void))
  }
  const isCached = request.method === "GET" && page.length <= maxKeyLength && !says(request.headers, "no-store")
  return isCached ? new Exchange(pages, options, request, handler, key).response : handler
}

/** Servers give the path, handlers of web requests the whole URL. */
const pageOf = ({ headers, originalUrl }: HttpServerRequest.HttpServerRequest): string =>
  originalUrl.startsWith("/") ? `${headers["host"] ?? ""}${originalUrl}` : originalUrl.replace(/^https?:\/\//, "")

/** How old a response may be: as old as `staleFor` lets it, fresh, or made for this request. */
type Age = "any" | "fresh" | "new"

/** One request, and the response from the cache or for it. */
class Exchange<E, R> {
  readonly #pages: TypedCache<Stored>
  readonly #options: HttpCacheOptions
  readonly #request: HttpServerRequest.HttpServerRequest
  readonly #handler: Handler<E, R>
  readonly #key: string
  /** What its own handler has answered, for now or for later. */
  #made: StoredResponse | undefined
  #unshared: Exit.Exit<HttpServerResponse.HttpServerResponse, E> | undefined

  constructor(
    pages: TypedCache<Stored>,
    options: HttpCacheOptions,
    request: HttpServerRequest.HttpServerRequest,
    handler: Handler<E, R>,
    key: string
  ) {
    this.#pages = pages
    this.#options = options
    this.#request = request
    this.#handler = handler
    this.#key = key
  }

  get response(): Handler<E, R | Scope.Scope> {
    const cached: Effect.Effect<Handler<E, R>, unknown, R | Scope.Scope> = Effect.gen({ self: this }, function* () {
      const scope = yield* Effect.scope
      const found = yield* this.#find(scope, "any")
      if (found === undefined) return this.#handler
      const now = yield* Clock.currentTimeMillis
      const answer = answerOf(found, this.#request, now)
      const { isExpired, mustBeNew } = answer
      if (this.#isOwn(found) || !(isExpired || mustBeNew)) return Effect.succeed(this.#deliver(found, answer))
      const renewed = yield* this.#find(scope, mustBeNew ? "new" : "fresh")
      if (renewed === undefined) return this.#handler
      return Effect.succeed(this.#deliver(renewed, answerOf(renewed, this.#request, now)))
    })
    // What is not shared by another is not ours; and a cache that fails is none.
    return Effect.flatten(Effect.catch(cached, () => Effect.succeed(this.#unshared ?? this.#handler)))
  }

  /** The page, or the variant of it that is asked for; undefined where the variants are changing. */
  #find(scope: Scope.Scope, age: Age) {
    return Effect.gen({ self: this }, function* () {
      const known = yield* this.#lookup(scope, this.#key, undefined, age === "new" ? "any" : age)
      const isOld = age === "new" && known._tag === "Response"
      const page = isOld ? yield* this.#lookup(scope, this.#key, undefined, age) : known
      if (page._tag === "Response") return page
      const variant = yield* this.#lookup(scope, this.#variantKey(page), page, age)
      return variant._tag === "Response" ? variant : undefined
    })
  }

  #lookup(scope: Scope.Scope, key: string, variants: Variants | undefined, age: Age) {
    const { singleFlight, staleFor } = this.#options
    const options: LookupOptions<Stored> = {
      timeToLive: lifetimeOf,
      staleFor: age === "fresh" ? 0 : staleFor,
      jitter: 0
    }
    const fetched = this.#fetched(scope, variants)
    return age === "new"
      ? this.#pages.refresh(key, fetched, options)
      : this.#pages.getOrSet(key, fetched, { ...options, singleFlight })
  }

  #variantKey({ generation, names }: Variants): string {
    const values = names.map((name) => [name, this.#request.headers[name] ?? null])
    return `${this.#key} ${digest(JSON.stringify([generation, values]))}`
  }

  #set(key: string, stored: Stored, when?: "present") {
    const { staleFor } = this.#options
    return Effect.ignore(this.#pages.set(key, stored, { timeToLive: lifetimeOf(stored), staleFor, when }))
  }

  /** What the handler answers, where others may have it, too: as one of these variants, or as the page. */
  #fetched(requestScope: Scope.Scope, variants: Variants | undefined) {
    return Effect.gen({ self: this }, function* () {
      // The request may be over before its handler is, where others wait for it.
      const scope = yield* Scope.make()
      const privacy: ResponsePrivacy = { isPrivate: false }
      const answered = yield* this.#handler.pipe(
        Effect.provideService(CurrentResponsePrivacy, privacy),
        Effect.provideService(Scope.Scope, scope),
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
        Effect.exit
      )
      const now = yield* Clock.currentTimeMillis
      const stored =
        Exit.isSuccess(answered) && !privacy.isPrivate
          ? toStored(this.#request, answered.value, this.#options.maxBodyBytes ?? 2 ** 20, now)
          : undefined
      if (stored === undefined || Exit.isFailure(answered)) {
        // It may still stream.
        yield* Scope.addFinalizerExit(requestScope, (exit) => Scope.close(scope, exit))
        this.#unshared = answered
        return yield* Effect.fail(unshared)
      }
      this.#made = stored
      yield* Scope.close(scope, Exit.void)
      const names = namesIn(answered.value)
      if (names.join() === (variants?.names ?? []).join()) return stored
      let page: Stored = stored
      if (names.length > 0) {
        page = { _tag: "Variants", names, generation: yield* makeToken }
        yield* this.#set(this.#variantKey(page), stored)
      }
      if (variants === undefined) return page
      // Not where it was forgotten meanwhile.
      yield* this.#set(this.#key, page, "present")
      this.#unshared = answered
      return yield* Effect.fail(unshared)
    })
  }

  #isOwn({ policy }: StoredResponse): boolean {
    return policy === this.#made?.policy
  }

  #deliver(stored: StoredResponse, { age, etag, headers, isStale }: Answer) {
    const how = this.#isOwn(stored) ? "fwd=uri-miss; stored" : isStale ? "hit; detail=stale" : "hit"
    const all = { ...headers, age: String(age), "cache-status": `effect-vcache; ${how}` }
    if (isUnchanged(this.#request, etag, headers["last-modified"])) {
      return HttpServerResponse.empty({
        status: 304,
        headers: Object.fromEntries(Object.entries(all).filter(([name]) => keptWhenUnchanged.has(name)))
      })
    }
    return HttpServerResponse.uint8Array(stored.body, {
      status: stored.status,
      headers: all,
      contentType: headers["content-type"]
    })
  }
}
