/** Sessions of HTTP requests: a signed cookie for Effect's `HttpRouter`, the data in a `SessionStore`. */
import { Config, Context, type Duration, Effect, Layer, Option, type Redacted, type Schema } from "effect"
import { HttpEffect, HttpRouter, HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import type { CacheInputError } from "../../schema/CacheError.ts"
import type { CacheService } from "../../services/CacheService.ts"
import * as SessionStore from "../../services/SessionStore.ts"
import { varyOf } from "./caching/headers.ts"
import { type CookieChange, requestSession, type RequestSession } from "./requestSession.ts"
import { markPrivate } from "./responsePrivacy.ts"
import { type CookieOptions, type CookieSettings, cookieSettings, maxAgeOf } from "./sessionCookie.ts"
import { type SessionSignature, signatureBy } from "./sessionSignature.ts"

export type { RequestSession } from "./requestSession.ts"
export { SessionEnded } from "./SessionEnded.ts"
export type { CookieOptions } from "./sessionCookie.ts"

/** Data that needs no services to be stored. */
type DataSchema = Schema.Constraint & { readonly DecodingServices: never; readonly EncodingServices: never }

/** A value, or a `Config` of it, which is read when the layer is built. */
type Setting<A> = A | Config.Config<A>

/** One secret or more. The first one signs. */
type Secrets = readonly [Redacted.Redacted, ...ReadonlyArray<Redacted.Redacted>]

/**
 * The options of `HttpSessions.Service`. The data's schema and the secrets are required.
 *
 * @since 0.2.0
 * @category sessions
 * @see docs/sessions.md
 */
export interface HttpSessionsOptions<S extends DataSchema> extends Omit<
  SessionStore.SessionStoreOptions<S>,
  "timeToLive"
> {
  /**
   * Each secret has 32 bytes or more. The first signs cookies, all are good for reading them; a cookie that an older one signed is
   * signed anew. One secret, a list, or a `Config` of either: `Config.Redacted("SESSION_SECRET")`.
   */
  readonly secrets: Setting<Redacted.Redacted | Secrets>
  /** The lifetime of sessions. Default: 14 days. */
  readonly timeToLive?: Setting<Duration.Input> | undefined
  /** The attributes of the cookie. Default: those of `CookieOptions`. */
  readonly cookie?:
    | (Omit<CookieOptions, "secure"> & {
        /** Whether browsers send it over HTTPS only. Default: true. */
        readonly secure?: Setting<boolean> | undefined
      })
    | undefined
}

/**
 * `HttpSessions.Service` makes this class: a service of the request's session, with its layer.
 *
 * @since 0.2.0
 * @category sessions
 * @see docs/sessions.md
 */
export interface SessionsClass<Self, Id extends string, A> extends Context.ServiceClass<Self, Id, RequestSession<A>> {
  /**
   * Gives each request of the routes that it is provided to its session. Settings that cannot be used, and cookies that no browser would accept, fail the
   * layer with `CacheInputError`; a `Config` that cannot be read fails it with `ConfigError`.
   */
  readonly layer: Layer.Layer<
    HttpRouter.Request.From<"Requires", Self>,
    CacheInputError | Config.ConfigError,
    CacheService
  >
}

/**
 * The session of a request, as a service that routes ask for.
 *
 * The cookie holds the id and its HMAC-SHA256; one that was not signed here is no session. The cookie of a sliding session
 * is kept by the browser for 400 days, and the store decides when the session ends. Responses of requests that asked for
 * their session vary by cookie, and are private where they say nothing else.
 *
 * @example
 * ```ts
 * import { Effect, Layer, Option, Redacted, Schema } from "effect"
 * import { HttpRouter, HttpServerResponse } from "effect/http"
 * import { CacheMemory } from "effect-vcache"
 * import { HttpSessions } from "effect-vcache/http"
 *
 * class Visit extends HttpSessions.Service<Visit>()("app/Visit", {
 *   data: Schema.Struct({ user: Schema.String }),
 *   secrets: Redacted.make("at least 32 bytes of a real secret")
 * }) {}
 *
 * const who = Visit.use((visit) => visit.get).pipe(
 *   Effect.map((data) =>
 *     HttpServerResponse.text(Option.match(data, { onNone: () => "nobody", onSome: ({ user }) => user }))
 *   )
 * )
 * const routes = HttpRouter.add("GET", "/", who).pipe(Layer.provide(Visit.layer), Layer.provide(CacheMemory))
 * const { dispose, handler } = HttpRouter.toWebHandler(routes, { disableLogger: true })
 * console.log(await (await handler(new Request("http://localhost/"))).text())
 * await dispose()
 * // => nobody
 * ```
 *
 * @since 0.2.0
 * @category sessions
 * @see docs/sessions.md
 */
export const Service =
  <Self>() =>
  <const Id extends string, S extends DataSchema>(
    id: Id,
    options: HttpSessionsOptions<S>
  ): SessionsClass<Self, Id, S["Type"]> => {
    const tag = Context.Service<Self, RequestSession<S["Type"]>>()(id)
    const middleware = HttpRouter.middleware<{ provides: Self }>()(
      Effect.gen(function* () {
        const begin = yield* sessionsBy(options)
        return (handler) =>
          Effect.gen(function* () {
            const request = yield* HttpServerRequest.HttpServerRequest
            const { finish, session } = begin(request)
            return yield* HttpEffect.withPreResponseHandler(Effect.provideService(handler, tag, session), finish)
          })
      })
    )
    return Object.assign(tag, { layer: Layer.fresh(middleware.layer) })
  }

const settingOf = <A>(setting: Setting<A>): Effect.Effect<A, Config.ConfigError> =>
  Config.isConfig(setting) ? setting : Effect.succeed(setting)

const isList = (secrets: Redacted.Redacted | Secrets): secrets is Secrets => Array.isArray(secrets)

/** Of each request the session that its handler sees, and what is done to the response. */
const sessionsBy = <S extends DataSchema>({ cookie = {}, secrets, timeToLive, ...options }: HttpSessionsOptions<S>) =>
  Effect.gen(function* () {
    const given = yield* settingOf(secrets)
    const signature = yield* signatureBy(isList(given) ? given : [given])
    const settings = yield* cookieSettings({ ...cookie, secure: yield* settingOf(cookie.secure) })
    const store = yield* SessionStore.make({ ...options, timeToLive: yield* settingOf(timeToLive) })
    return (request: HttpServerRequest.HttpServerRequest) =>
      begin(store, signature, settings, options.expiry ?? "sliding", request)
  })

/** One request's. */
const begin = <A>(
  store: SessionStore.SessionStoreShape<A>,
  signature: SessionSignature,
  { attributes, name }: CookieSettings,
  expiry: SessionStore.SessionExpiry,
  request: HttpServerRequest.HttpServerRequest
) => {
  const given = request.cookies[name]
  const { change, session } = requestSession(
    store,
    given === undefined ? Option.none() : signature.read(given),
    given !== undefined
  )
  let wasAsked = false

  /** From its first question on the response is one visitor's. */
  const asking = <B, E>(effect: Effect.Effect<B, E>): Effect.Effect<B, E> =>
    Effect.suspend(() => {
      wasAsked = true
      markPrivate(request)
      return effect
    })

  const withCookie = (
    response: HttpServerResponse.HttpServerResponse,
    change: CookieChange<A>
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, unknown> => {
    if (change._tag === "Expire") return HttpServerResponse.expireCookie(response, name, attributes)
    const { expiresIn, id } = change.session
    const write = Effect.suspend(() => {
      const maxAge = maxAgeOf(expiry, expiresIn)
      const lifetime = maxAge === undefined ? {} : { maxAge }
      return HttpServerResponse.setCookie(response, name, signature.sign(id), { ...attributes, ...lifetime })
    })
    if (change._tag === "Write") return write
    // The request may have taken long. A session that has ended since must not take the place of the visitor's new one.
    return Effect.flatMap(
      Effect.orElseSucceed(store.touch(id), () => false),
      (lives) => (lives ? write : Effect.succeed(response))
    )
  }

  const finish: HttpEffect.PreResponseHandler = (request, response) =>
    Effect.suspend(() => {
      if (!wasAsked) return Effect.succeed(response)
      const marked = marksPrivate(response)
      const changed = change()
      if (changed === undefined) return Effect.succeed(marked)
      return Effect.mapError(
        withCookie(marked, changed),
        (cause) =>
          new HttpServerError.HttpServerError({
            reason: new HttpServerError.ResponseError({ request, response, cause })
          })
      )
    })

  return {
    finish,
    session: {
      get: asking(session.get),
      find: asking(session.find),
      set: (data: A) => asking(session.set(data)),
      cycle: asking(session.cycle),
      destroy: asking(session.destroy)
    }
  }
}

/** It is one visitor's: no cache gives it to another. */
const marksPrivate = (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse => {
  const names = varyOf(response.headers)
  const already = names.length === 0 ? [] : [response.headers["vary"]]
  return HttpServerResponse.setHeaders(response, {
    vary: (names.includes("*") || names.includes("cookie") ? already : [...already, "Cookie"]).join(", "),
    "cache-control": response.headers["cache-control"] ?? "private, no-cache"
  })
}
