/** Pages that look into caches, and steer them, for Effect's `HttpRouter`. */
import { ByteSize, Context, Effect, Layer, type Redacted, type Scope } from "effect"
import { HttpIncomingMessage, HttpRouter, type HttpServerRequest, type HttpServerResponse } from "effect/http"
import type { CacheInputError } from "../../schema/CacheError.ts"
import type { RegionEntries } from "../../services/operations/Region.ts"
import type { TypedCache } from "../../services/operations/TypedCache.ts"
import { type AdminVisitor, type Authorize, fromThisMachine, may } from "./access/access.ts"
import { formTokens, isSentFromHere } from "./access/forgery.ts"
import { dangerAction, dangerPage } from "./pages/dangerPage.ts"
import { keyAction } from "./pages/keyActions.ts"
import { fromParam, shortKey } from "./pages/keyAddress.ts"
import { keyPage } from "./pages/keyPage.ts"
import { keysAction, mostChosen } from "./pages/keysAction.ts"
import { keysPage } from "./pages/keysPage.ts"
import { liveAnswer } from "./charts/live.ts"
import { lockAction, locksPage } from "./pages/locksPage.ts"
import { overview } from "./pages/overview.ts"
import { onward, page, plain, script, style } from "./kernel/respond.ts"
import { SharedLooks } from "../inspection/SharedLooks.ts"
import { script as scriptText } from "./charts/script.ts"
import { serversPage } from "./pages/serversPage.ts"
import { sessionAction, sessionsPage } from "./pages/sessionsPage.ts"
import { styleSheet } from "./kernel/styleSheet.ts"
import { tagAction, tagsPage } from "./pages/tagsPage.ts"
import type { Answer, Page, Visit } from "./kernel/Visit.ts"

export type { AdminRights, AdminVisitor, Authorize } from "./access/access.ts"

/** The tags of caches. */
type Tags = ReadonlyArray<Context.Key<unknown, TypedCache<unknown>>>

/** The tags of regions. */
type RegionTags = ReadonlyArray<Context.Key<unknown, { readonly entries: RegionEntries }>>

/**
 * The options of the admin pages say which caches are shown, where, and to whom. Only `caches` is required.
 *
 * @since 0.2.0
 * @category admin
 * @see docs/admin.md
 */
export interface AdminOptions<C extends Tags, R = never, G extends RegionTags = readonly []> {
  /** The pages are mounted at this path. Default: `/cache`. */
  readonly path?: `/${string}` | undefined
  /** The pages show the caches with these tags: their keys of one prefix and version, and nothing else. */
  readonly caches: C
  /**
   * The regions with these tags have the schemas of their values: what `Serializer.binary` has stored is shown and edited as the
   * JSON of the schema. Default: none, and such values are shown in hex.
   */
  readonly regions?: G | undefined
  /**
   * Returns who a visitor is, and what the visitor may do. The pages answer 403 to undefined, and to a visitor without the right to
   * view. Default: direct visitors from this machine may view. Their peer address and Host are loopback, and no header names a
   * proxy.
   */
  readonly authorize?: Authorize<R> | undefined
  /** Says which keys have values that are neither shown nor edited, besides those of sessions. Default: none. */
  readonly hide?: ((key: string, cache: string) => boolean) | undefined
  /** The keys of sessions begin with this text, the `prefix` of their `SessionStore`. Their values are never shown. Default: `"session:"`. */
  readonly sessions?: string | undefined
  /**
   * Signs the tokens of forms, so that several processes accept each other's: 32 bytes or more. Default: random, for this
   * process.
   */
  readonly secret?: Redacted.Redacted | undefined
  /** At most this many visitors watch the charts of the overview at once; each holds a response open. Default: 32. */
  readonly maxStreams?: number | undefined
}

/** A form may hold a value of 1 MiB, in which one byte may take three or nine characters. */
const largestForm = ByteSize.mebibytes(10)

const pagesOf = (looks: SharedLooks): Readonly<Record<string, Page>> => ({
  "/keys": { show: keysPage, act: keysAction },
  "/key": { show: keyPage, act: keyAction },
  "/tags": { show: tagsPage, act: tagAction },
  "/locks": { show: locksPage, act: lockAction },
  "/sessions": { show: sessionsPage, act: sessionAction },
  "/servers": { show: serversPage(looks) },
  "/danger": { show: dangerPage, act: dangerAction }
})

/**
 * Adds the routes of the pages: an overview of caches and servers; the keys, tags, locks and sessions of a cache. Every request
 * passes `authorize` first. The responses have a content security policy by which nothing is loaded from elsewhere. GET changes
 * nothing. A form is accepted only from the visitor for whom it was made. Each change needs a right, is compared with what the
 * visitor saw, and is logged.
 *
 * The layer fails where `secret` is too short.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { HttpRouter } from "effect/http"
 * import { CacheMemory, CacheService } from "effect-vcache"
 * import { Admin } from "effect-vcache/admin"
 *
 * const admin = Admin.layer({
 *   path: "/cache",
 *   caches: [CacheService],
 *   authorize: () => Effect.succeed({ name: "Ada", rights: { view: true } })
 * })
 * const { dispose, handler } = HttpRouter.toWebHandler(Layer.provide(admin, CacheMemory), { disableLogger: true })
 * console.log((await handler(new Request("http://localhost/cache"))).status)
 * await dispose()
 * // => 200
 * ```
 *
 * @since 0.2.0
 * @category admin
 * @see docs/admin.md
 */
export const layer = <const C extends Tags, R = never, const G extends RegionTags = readonly []>({
  authorize,
  caches,
  hide = () => false,
  maxStreams = 32,
  path = "/cache",
  regions,
  secret,
  sessions = "session:"
}: AdminOptions<C, R, G>): Layer.Layer<
  never,
  CacheInputError,
  C[number]["Identifier"] | G[number]["Identifier"] | R | HttpRouter.HttpRouter
> =>
  HttpRouter.use((router) =>
    Effect.gen(function* () {
      const context = yield* Effect.context<C[number]["Identifier"] | G[number]["Identifier"] | R>()
      const base = path.replace(/\/+$/, "")
      const known = (regions ?? []).map((tag) => Context.get(context, tag).entries)
      const all = caches.map((tag) => ({ name: tag.key, cache: Context.get(context, tag), regions: known }))
      const tokens = yield* formTokens(secret, base)
      const looks = new SharedLooks(yield* Effect.scope)

      const visitorOf = (request: HttpServerRequest.HttpServerRequest) =>
        authorize === undefined ? fromThisMachine(request) : Effect.provideContext(authorize(request), context)

      const visitOf = (visitor: AdminVisitor, params: URLSearchParams): Visit => ({
        path: base,
        visitor,
        caches: all.filter(({ name }) => may(visitor, "view", name)),
        params,
        token: tokens.of(visitor.name),
        seal: tokens.seal,
        sessions,
        hide: (key, cache) => key.startsWith(sessions) || hide(key, cache)
      })

      /** Runs the checks that all addresses have in common before the answer. */
      const guarded =
        (answer: Answer, act?: NonNullable<Page["act"]>) =>
        (request: HttpServerRequest.HttpServerRequest): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
          Effect.flatMap(visitorOf(request), (visitor) => {
            const { searchParams } = new URL(request.url, "http://localhost")
            const visit = visitor === undefined ? undefined : visitOf(visitor, searchParams)
            if (visit === undefined || visit.caches.length === 0) {
              return Effect.succeed(plain("You do not have the right to view this.\n", 403))
            }
            if (request.method === "GET" || request.method === "HEAD") return answer(visit, request)
            if (request.method !== "POST" || act === undefined) {
              const allow = act === undefined ? "GET, HEAD" : "GET, HEAD, POST"
              return Effect.succeed(plain("This address accepts no changes.\n", 405, { allow }))
            }
            return Effect.flatMap(formOf(request), (form) => {
              if (form === undefined) return Effect.succeed(plain("This form does not belong to these pages.\n", 400))
              if (!isSentFromHere(request) || !tokens.isOf(visit.visitor.name, form.get("token") ?? "")) {
                return Effect.succeed(
                  plain("The form has expired or belongs to another page. Open the page again.\n", 403)
                )
              }
              return changed(visit, form, act)
            })
          })

      const changed = (visit: Visit, form: URLSearchParams, act: NonNullable<Page["act"]>) =>
        Effect.flatMap(act(visit, form), (result) => {
          const isDone = "address" in result
          const said = Effect.logInfo(`effect-vcache admin: ${actionNamed(form)}`).pipe(
            Effect.annotateLogs({
              visitor: visit.visitor.name,
              cache: visit.params.get("c") ?? visit.caches[0]?.name,
              key: keysNamed(visit.params, form),
              outcome: isDone ? "done" : result.status
            })
          )
          return Effect.as(said, isDone ? onward(result.address) : page(result.body, result.status))
        })

      const routes = {
        ...Object.fromEntries(
          Object.entries(pagesOf(looks)).map(([end, { act, show }]) => [
            end,
            guarded((visit) => Effect.map(show(visit), ({ body, status }) => page(body, status)), act)
          ])
        ),
        "/admin.js": guarded(() => Effect.succeed(script(scriptText))),
        "/events": guarded(yield* liveAnswer(all, maxStreams, looks)),
        "/admin.css": guarded(() => Effect.succeed(style(styleSheet))),
        "/*": (request: HttpServerRequest.HttpServerRequest) =>
          // The router also matches the path itself here.
          new URL(request.url, "http://localhost").pathname.replace(/\/$/, "") === base
            ? guarded((visit) => Effect.map(overview(visit, looks), (body) => page(body)))(request)
            : guarded(() => Effect.succeed(plain("There is no such page.\n", 404)))(request)
      }
      for (const [end, handler] of Object.entries(routes)) {
        yield* router.add("*", `/${`${base}${end}`.slice(1)}`, handler)
      }
    })
  )

/** Any other text is not an action, and could fill or split the log line. */
const actionNamed = (form: URLSearchParams): string => /^[a-z]{1,20}$/i.exec(form.get("action") ?? "")?.[0] ?? "?"

/** The keys that a form is about: the key of its page, or the chosen keys. */
const keysNamed = (params: URLSearchParams, form: URLSearchParams): string =>
  [...params.getAll("k"), ...form.getAll("k")]
    .slice(0, mostChosen)
    .map((param) => shortKey(fromParam(param.replace(/\..*$/, "")).toString()))
    .join(", ")

/** Undefined if the body is not a form, or is too long. */
const formOf = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<URLSearchParams | undefined> =>
  /^application\/x-www-form-urlencoded\b/i.test(request.headers["content-type"] ?? "")
    ? request.text.pipe(
        Effect.provideService(HttpIncomingMessage.MaxBodySize, largestForm),
        Effect.map((text) => new URLSearchParams(text)),
        Effect.catch(() => Effect.succeed(undefined))
      )
    : Effect.succeed(undefined)

/**
 * Returns the pages as a function of a web request, for other frameworks. It works as long as the scope is open, on the caches
 * of the context, and fails where `secret` is too short. A web request does not tell its peer, so `authorize` is needed.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 * import { Admin } from "effect-vcache/admin"
 *
 * const program = Effect.gen(function* () {
 *   const handler = yield* Admin.toWebHandler({ caches: [CacheService], authorize: () => Effect.undefined })
 *   const response = yield* Effect.promise(() => handler(new Request("http://localhost/cache")))
 *   console.log(response.status)
 * })
 * await Effect.runPromise(Effect.scoped(Effect.provide(program, CacheMemory)))
 * // => 403
 * ```
 *
 * @since 0.2.0
 * @category admin
 * @see docs/admin.md
 */
export const toWebHandler = <const C extends Tags, R = never, const G extends RegionTags = readonly []>(
  options: AdminOptions<C, R, G>
): Effect.Effect<
  (request: Request) => Promise<Response>,
  CacheInputError,
  C[number]["Identifier"] | G[number]["Identifier"] | R | Scope.Scope
> =>
  Effect.gen(function* () {
    const context = yield* Effect.context<C[number]["Identifier"] | G[number]["Identifier"] | R>()
    // A secret that is too short fails here, and not at the first visitor.
    yield* formTokens(options.secret, "")
    const pages = Layer.provide(layer(options), Layer.succeedContext(context))
    const { dispose, handler } = HttpRouter.toWebHandler(pages, { disableLogger: true })
    yield* Effect.addFinalizer(() => Effect.promise(dispose))
    return (request) => handler(request, context)
  })
