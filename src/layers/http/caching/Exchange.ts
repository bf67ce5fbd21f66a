/** One request, and the response from the cache or for it. */
import { Cause, Clock, Effect, Exit, Option, Scope } from "effect"
import { Headers, type HttpServerRequest, type HttpServerResponse } from "effect/http"
import { kindOf } from "../../../schema/codecFailures.ts"
import { tagsRefusal } from "../../../schema/TagStamp.ts"
import { makeToken } from "../../../services/cache/kernel/token.ts"
import type { LookupOptions, Stale } from "../../../services/operations/CacheLookups.ts"
import type { TypedCache } from "../../../services/operations/TypedCache.ts"
import { type Directives, parseDirectives } from "./Directives.ts"
import { validatorsOf } from "./conditions.ts"
import { delivered } from "./delivery.ts"
import { type FreshnessRules, showsCredentials } from "./freshness.ts"
import { cacheTagsOf, varyOf } from "./headers.ts"
import { type PageIdentity, variantOf } from "./pageIdentity.ts"
import {
  confirmed,
  isResponse,
  keepFor,
  lifetimeOf,
  revalidated,
  staleFor,
  type StoredPage,
  type StoredResponse,
  storedResponse,
  tagsOf,
  type Variants
} from "./StoredPage.ts"

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse

export interface PageCache {
  readonly pages: TypedCache<StoredPage>
  readonly prefix: string
  /** Whether responses say by `Cache-Tag` which tags they bear. */
  readonly tags: boolean
  readonly rules: FreshnessRules
  readonly singleFlight: "process" | "cluster"
  readonly maxBodyBytes: number
  /** Milliseconds. */
  readonly waitFor: number
}

/** The source of the responses: a handler, or a server that a client asks. */
export interface Maker<E, R> {
  readonly ask: (request: Request) => Effect.Effect<Response, E, R>
  /** The response with its body, where that can be had whole and may be stored. */
  readonly whole: (response: Response) => Effect.Effect<Whole, E, R | Scope.Scope>
  /** The status of the response that a failure leads to. */
  readonly statusOf: (cause: Cause.Cause<E>) => Effect.Effect<number>
  /** Whether the response is for this request alone, whatever its headers say. */
  readonly isPrivate: (request: Request) => boolean
}

export interface Whole {
  readonly response: Response
  readonly body: Uint8Array | undefined
}

/** The maker's answer, or its failure, is for the request that asked, and for no other. */
const unshared = { _tag: "Unshared" } as const

/** Responses that lookups gave, and not the store: a request that has one has waited for it. */
const madeHere = new WeakSet<StoredResponse>()

/** Statuses that say that a source has failed (RFC 5861, section 4). */
const failedStatuses: ReadonlySet<number> = new Set([500, 502, 503, 504])

/** Where a page was found, so that it can be replaced there. */
interface Place {
  readonly key: string
  readonly variants: Variants | undefined
}

export class Exchange<E, R> {
  readonly #cache: PageCache
  readonly #request: Request
  readonly #maker: Maker<E, R>
  readonly #key: string
  readonly #audience: string
  readonly #directives: Directives
  #askedAt = 0
  /** What its own maker has answered, for others as well, or for itself. */
  #made: StoredResponse | undefined
  #unshared: Exit.Exit<Response, E> | undefined
  /** A 304 of its own maker has confirmed what was stored. */
  #isConfirmed = false
  /** Why its own maker was asked, in the words of RFC 9211. */
  #why: "uri-miss" | "vary-miss" | "stale" | "request" = "uri-miss"

  constructor(cache: PageCache, request: Request, maker: Maker<E, R>, { audience, page }: PageIdentity) {
    this.#cache = cache
    this.#request = request
    this.#maker = maker
    this.#key = `${cache.prefix}${page}`
    this.#audience = audience
    this.#directives = parseDirectives(request.headers["cache-control"])
  }

  /** From the cache, else from the maker, for all who ask meanwhile. */
  get response(): Effect.Effect<Response, E, R | Scope.Scope> {
    const shared = Effect.gen({ self: this }, function* () {
      const scope = yield* Effect.scope
      this.#askedAt = yield* Clock.currentTimeMillis
      const page = yield* this.#lookup(scope, { key: this.#key, variants: undefined })
      const place = yield* this.#place(page)
      if (place === undefined) return undefined
      const found = place.key === this.#key ? page : (this.#made ?? (yield* this.#lookup(scope, place)))
      if (!isResponse(found)) return undefined
      if (this.#serves(found, yield* Clock.currentTimeMillis)) return found
      const renewed = yield* this.#renew(scope, place, found)
      return isResponse(renewed) ? renewed : this.#made
    })
    // What is not shared by another is not ours; and a cache that fails is none.
    return Effect.flatMap(
      Effect.catch(shared, () => Effect.succeed(this.#made)),
      (found) => (found === undefined ? (this.#unshared ?? this.#maker.ask(this.#request)) : this.#deliver(found))
    )
  }

  /** From the cache as it is, without a lookup. */
  get known(): Effect.Effect<Response | undefined> {
    const { pages } = this.#cache
    return Effect.gen({ self: this }, function* () {
      this.#askedAt = yield* Clock.currentTimeMillis
      const page = yield* pages.get(this.#key)
      if (Option.isNone(page)) return undefined
      const key = isResponse(page.value) ? this.#key : this.#variantKey(page.value)
      const found = key === this.#key ? page : yield* pages.get(key)
      if (Option.isNone(found) || !isResponse(found.value)) return undefined
      const isOurs = found.value.variant === this.#variantBy(varyOf(found.value.headers))
      return isOurs && this.#serves(found.value, yield* Clock.currentTimeMillis)
        ? yield* this.#deliver(found.value)
        : undefined
    }).pipe(Effect.catch(() => Effect.succeed(undefined)))
  }

  /** Nothing that was stored of the page is found again. */
  get forget(): Effect.Effect<void> {
    return Effect.ignore(this.#cache.pages.delete(this.#key))
  }

  readonly #variantBy = (names: ReadonlyArray<string>): string =>
    variantOf(names, this.#audience, this.#request.headers)

  #variantKey({ generation, names }: Variants): string {
    return `${this.#key} ${generation} ${this.#variantBy(names)}`
  }

  /** The client says how old it may be. */
  get #isLimited(): boolean {
    return ["no-cache", "max-age", "min-fresh"].some((name) => this.#directives.has(name))
  }

  #serves(found: StoredResponse, now: number): boolean {
    if (found === this.#made) return true
    const maxAge = this.#directives.seconds("max-age") ?? Infinity
    const minFresh = this.#directives.seconds("min-fresh")
    if (this.#directives.has("no-cache") || now - found.bornAt > maxAge * 1000) return false
    if (minFresh !== undefined && found.freshUntil - now < minFresh * 1000) return false
    if (now < found.freshUntil) return true
    if (found.failedAt !== null) return this.#waitedFor(found) && now < found.errorUntil
    return this.#waitedFor(found) || (!this.#isLimited && now < found.staleUntil)
  }

  /** It was made for all who asked meanwhile, in this process or in another one. */
  #waitedFor(found: StoredResponse): boolean {
    return madeHere.has(found) || found.storedAt > this.#askedAt
  }

  /** Where the response for this request is, or would be; undefined where the page is changing. */
  #place(page: StoredPage): Effect.Effect<Place | undefined, unknown> {
    if (!isResponse(page)) return Effect.succeed({ key: this.#variantKey(page), variants: page })
    if (page.variant === this.#variantBy([])) return Effect.succeed({ key: this.#key, variants: undefined })
    // Others have it, too: from now on the page has variants, and those that are asked for are made.
    const { pages } = this.#cache
    return Effect.gen({ self: this }, function* () {
      const split: Variants = { _tag: "Variants/2", names: [], generation: yield* makeToken }
      yield* this.#set(this.#key, split, "present")
      const now = yield* pages.get(this.#key)
      return Option.isSome(now) && !isResponse(now.value)
        ? { key: this.#variantKey(now.value), variants: now.value }
        : undefined
    })
  }

  #options(): LookupOptions<StoredPage> {
    const { singleFlight, tags, waitFor } = this.#cache
    return {
      tags: tags ? tagsOf : undefined,
      timeToLive: lifetimeOf,
      staleFor: this.#isLimited ? 0 : staleFor,
      keepFor,
      // What may be served is said by the response, and by nothing that the cache has for other lookups.
      earlyRefresh: false,
      softTimeout: 0,
      jitter: 0,
      errorBackoff: 0,
      singleFlight,
      waitFor
    }
  }

  #lookup(scope: Scope.Scope, place: Place) {
    const replace = (stale: Option.Option<Stale<StoredPage>>) =>
      this.#replace(
        scope,
        place,
        Option.map(stale, ({ value }) => value)
      )
    return this.#cache.pages.getOrSet(place.key, replace, this.#options())
  }

  #renew(scope: Scope.Scope, place: Place, found: StoredResponse) {
    return this.#cache.pages.refresh(place.key, this.#replace(scope, place, Option.some(found), true), this.#options())
  }

  #isTagged(stored: StoredPage): boolean {
    return this.#cache.tags && tagsOf(stored).length > 0
  }

  /** What bears tags is stored by a lookup alone, which knows what was invalidated since it began. */
  #set(key: string, stored: StoredPage, when?: "present") {
    if (this.#isTagged(stored)) return Effect.void
    const options = { timeToLive: lifetimeOf(stored), staleFor: keepFor(stored), when }
    return Effect.ignore(this.#cache.pages.set(key, stored, options))
  }

  /** What the maker answers now, where others may have it, too: as what is stored in that place. */
  #replace(requestScope: Scope.Scope, place: Place, stale: Option.Option<StoredPage>, isRenewal = false) {
    return Effect.gen({ self: this }, function* () {
      const old = Option.getOrUndefined(Option.filter(stale, (page) => this.#isOld(page, place)))
      const askedAt = yield* Clock.currentTimeMillis
      if (old === undefined) this.#why = place.variants === undefined ? "uri-miss" : "vary-miss"
      // A fresh response is renewed where the request does not take it.
      else this.#why = isRenewal && askedAt < old.freshUntil ? "request" : "stale"
      // The request may be over before its maker is, where others wait for it.
      const scope = yield* Scope.make()
      const answered = yield* this.#ask(old).pipe(
        Effect.provideService(Scope.Scope, scope),
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
        Effect.exit
      )
      const now = yield* Clock.currentTimeMillis
      if (old !== undefined && now < old.errorUntil && (yield* this.#hasFailed(answered))) {
        yield* Scope.close(scope, Exit.void)
        if (Exit.isFailure(answered)) yield* tell(answered.cause)
        const kept = this.#keep({ ...old, storedAt: now, failedAt: now })
        // Its tags may have been invalidated since it was read, and before the renewal began.
        return isRenewal && this.#isTagged(kept) ? yield* Effect.fail(unshared) : kept
      }
      const { response, stored } = Exit.isSuccess(answered)
        ? yield* Effect.provideService(this.#stored(answered.value, old, askedAt), Scope.Scope, scope)
        : { response: undefined, stored: undefined }
      if (stored === undefined) {
        // It may still stream.
        yield* Scope.addFinalizerExit(requestScope, (exit) => Scope.close(scope, exit))
        this.#unshared = response === undefined ? answered : Exit.succeed(response)
        if (old !== undefined && response !== undefined && this.#isOver(response.status)) {
          yield* Effect.ignore(this.#cache.pages.delete(place.key))
        }
        return yield* Effect.fail(unshared)
      }
      yield* Scope.close(scope, Exit.void)
      return yield* this.#filed(this.#keep(stored), place)
    })
  }

  /** Whether the source is to blame. */
  #hasFailed(answered: Exit.Exit<Response, E>): Effect.Effect<boolean> {
    if (Exit.isSuccess(answered)) return Effect.succeed(failedStatuses.has(answered.value.status))
    if (Exit.hasInterrupts(answered)) return Effect.succeed(false)
    return Effect.map(this.#maker.statusOf(answered.cause), (status) => status >= 500)
  }

  #keep(made: StoredResponse): StoredResponse {
    madeHere.add(made)
    this.#made = made
    return made
  }

  /** What is stored for all is over when an answer with this status may not be stored: not by what one visitor is told. */
  #isOver(status: number): boolean {
    return isAnswer(status) && !(this.#cache.rules.isShared && showsCredentials(this.#request.headers))
  }

  /** It may be confirmed by the maker, or be served when that fails. */
  #isOld(page: StoredPage, { variants }: Place): page is StoredResponse {
    return isResponse(page) && page.variant === this.#variantBy(variants?.names ?? [])
  }

  /** Whether that what is stored has changed, where the maker knows it. */
  #ask(old: StoredResponse | undefined): Effect.Effect<Response, E, R> {
    const { ask } = this.#maker
    if (old === undefined) return ask(this.#request)
    const {
      "if-modified-since": _,
      "if-none-match": __,
      ...plain
    }: Record<string, string> = { ...this.#request.headers }
    const asking = (headers: Record<string, string>) =>
      ask(this.#request.modify({ headers: Headers.fromInput(headers) }))
    const { etag, headers } = validatorsOf(old)
    if (headers === undefined) return asking(plain)
    return Effect.flatMap(asking({ ...plain, ...headers }), (response) => {
      const named = response.headers["etag"] ?? etag
      // It speaks of another than we have.
      return response.status === 304 && named !== etag ? asking(plain) : Effect.succeed(response)
    })
  }

  /** What of the answer is stored; undefined where nobody else may have it. */
  #stored(answer: Response, old: StoredResponse | undefined, askedAt: number) {
    return Effect.gen({ self: this }, function* () {
      const { rules } = this.#cache
      const isPrivate = this.#maker.isPrivate(this.#request) || (yield* this.#hasBadTags(answer))
      const made = { requestHeaders: this.#request.headers, variantBy: this.#variantBy, askedAt }
      if (old !== undefined && answer.status === 304) {
        const now = yield* Clock.currentTimeMillis
        const page = confirmed(old, answer.headers, now)
        this.#isConfirmed = true
        const stored = isPrivate ? undefined : revalidated({ ...made, now }, page, answer.headers, rules)
        return { response: delivered(this.#request, page, now, this.#forwarded), stored }
      }
      const isStorable = (at: number, body: Uint8Array, response: Response) =>
        isPrivate ? undefined : storedResponse({ ...made, now: at }, response, body, rules)
      if (isStorable(yield* Clock.currentTimeMillis, new Uint8Array(), answer) === undefined) {
        return { response: answer, stored: undefined }
      }
      const { body, response } = yield* this.#maker.whole(answer)
      const now = yield* Clock.currentTimeMillis
      return { response, stored: body === undefined ? undefined : isStorable(now, body, response) }
    })
  }

  /** A response without its tags would not be forgotten with them. */
  #hasBadTags({ headers }: Response): Effect.Effect<boolean> {
    const reason = this.#cache.tags ? tagsRefusal(cacheTagsOf(headers)) : undefined
    return reason === undefined
      ? Effect.succeed(false)
      : Effect.as(Effect.logDebug(`HttpCache: a response is not stored because of its Cache-Tag: ${reason}`), true)
  }

  /** Stored where requests for it look: in its place, or elsewhere if the page varies by something else than was known. */
  #filed(stored: StoredResponse, { variants }: Place) {
    return Effect.gen({ self: this }, function* () {
      const names = varyOf(stored.headers)
      if (names.join() === (variants?.names ?? []).join()) return stored
      const page: Variants = { _tag: "Variants/2", names, generation: yield* makeToken }
      if (variants === undefined) {
        yield* this.#set(this.#variantKey(page), stored)
        return page
      }
      // Not where the page was forgotten meanwhile.
      const known = yield* this.#cache.pages.get(this.#key)
      if (Option.isSome(known) && !isResponse(known.value) && known.value.generation === variants.generation) {
        if (names.length > 0) yield* this.#set(this.#variantKey(page), stored)
        if (names.length === 0 && this.#isTagged(stored)) yield* this.forget
        else yield* this.#set(this.#key, names.length > 0 ? page : stored, "present")
      }
      return yield* Effect.fail(unshared)
    })
  }

  #deliver(stored: StoredResponse): Effect.Effect<Response> {
    return Effect.map(Clock.currentTimeMillis, (now) =>
      delivered(this.#request, stored, now, this.#status(stored, now))
    )
  }

  get #forwarded(): string {
    return `fwd=${this.#why}${this.#isConfirmed ? "; fwd-status=304" : ""}`
  }

  /** For `Cache-Status` (RFC 9211). */
  #status(stored: StoredResponse, now: number): string {
    const isOwn = stored === this.#made && stored.failedAt === null
    if (isOwn) return `${this.#forwarded}; stored`
    const isNew = now < stored.freshUntil || (stored.failedAt === null && this.#waitedFor(stored))
    return isNew ? "hit" : "hit; detail=stale"
  }
}

/** Logs a failure that no client sees. Its details, which tell of the program, go to the debug log only. */
const tell = (cause: Cause.Cause<unknown>): Effect.Effect<void> =>
  Effect.andThen(
    Effect.logWarning(`HttpCache: a stale page is served, because the handler failed (${kindOf(Cause.squash(cause))})`),
    Effect.logDebug("HttpCache: the failure", cause)
  )

/** Answers that speak for the page, and not of who asks or of a fault. */
const isAnswer = (status: number): boolean => status < 400 || status === 404 || status === 410
