/** Sessions of HTTP requests: a signed cookie for Effect's `HttpRouter`, the data in a `SessionStore`. */
import { createHmac, timingSafeEqual } from "node:crypto"
import { Context, type Duration, Effect, Layer, Option, Redacted, type Schema } from "effect"
import { HttpEffect, HttpRouter, HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import { type CacheError, CacheInputError } from "../../schema/CacheError.ts"
import type { CacheService } from "../../services/CacheService.ts"
import * as SessionStore from "../../services/SessionStore.ts"
import { varyOf } from "./caching/headers.ts"
import { markPrivate } from "./responsePrivacy.ts"

/** What a handler sees. Nothing is loaded before it asks, and nothing stored before it sets something. */
export interface RequestSession<A> {
  /** None where there is none. Loaded once a request. */
  readonly get: Effect.Effect<Option.Option<A>, CacheError>
  /** In the session that there is, else in a new one. One that was destroyed meanwhile is not brought back: a new one begins. */
  readonly set: (data: A) => Effect.Effect<void, CacheError>
  /** A new id for the same data, at login; false where there is no session. */
  readonly cycle: Effect.Effect<boolean, CacheError>
  readonly destroy: Effect.Effect<void, CacheError>
}

export interface CookieOptions {
  /** Default `"session"`. */
  readonly name?: string | undefined
  /** Default `"/"`. */
  readonly path?: string | undefined
  /** Default: the host that was asked, and no other. */
  readonly domain?: string | undefined
  /** Default true. */
  readonly secure?: boolean | undefined
  /** Default true. */
  readonly httpOnly?: boolean | undefined
  /** Default `"lax"`. */
  readonly sameSite?: "lax" | "strict" | "none" | undefined
}

/** Data that needs no services to be stored. */
type DataSchema = Schema.Constraint & { readonly DecodingServices: never; readonly EncodingServices: never }

export interface HttpSessionsOptions<S extends DataSchema> extends SessionStore.SessionStoreOptions<S> {
  /** The first signs cookies, all are good for reading them. 32 bytes or more each. */
  readonly secrets: readonly [Redacted.Redacted, ...ReadonlyArray<Redacted.Redacted>]
  readonly cookie?: CookieOptions | undefined
}

export interface SessionsClass<Self, Id extends string, A> extends Context.ServiceClass<Self, Id, RequestSession<A>> {
  /** For the routes that it is provided to. Secrets that are too short are a defect. */
  readonly layer: Layer.Layer<HttpRouter.Request.From<"Requires", Self>, never, CacheService>
}

/**
 * The session of a request, as a service that routes ask for.
 *
 *     class Visit extends HttpSessions.Service<Visit>()("app/Visit", {
 *       data: Schema.Struct({ user: Schema.String }), secrets: [secret]
 *     }) {}
 *     const routes = HttpRouter.add("GET", "/", Visit.use((visit) => …)).pipe(Layer.provide(Visit.layer))
 *
 * The cookie holds the id and its HMAC-SHA256; one that was not signed here is no session. Responses of requests that
 * asked for their session vary by cookie, and are private where they say nothing else.
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
        const store = yield* SessionStore.make(options)
        const signature = yield* Effect.orDie(signing(options.secrets))
        return (handler) =>
          Effect.gen(function* () {
            const request = yield* HttpServerRequest.HttpServerRequest
            const { finish, session } = begin(store, signature, options, request)
            return yield* HttpEffect.withPreResponseHandler(
              Effect.provideService(handler, tag, session),
              (request, response) => finish(request, response)
            )
          })
      })
    )
    return Object.assign(tag, { layer: Layer.fresh(middleware.layer) })
  }

interface Signature {
  readonly sign: (id: Redacted.Redacted) => string
  readonly read: (cookie: string) => Option.Option<Redacted.Redacted>
}

const signing = (secrets: ReadonlyArray<Redacted.Redacted>): Effect.Effect<Signature, CacheInputError> =>
  Effect.suspend(() => {
    if (secrets.some((secret) => Buffer.byteLength(Redacted.value(secret)) < 32)) {
      return Effect.fail(new CacheInputError({ operation: "HttpSessions", reason: "a secret has 32 bytes or more" }))
    }
    const mac = (secret: Redacted.Redacted, id: string) =>
      createHmac("sha256", Redacted.value(secret)).update(`session ${id}`).digest()
    return Effect.succeed({
      sign: (id) => `${Redacted.value(id)}.${mac(secrets[0]!, Redacted.value(id)).toString("base64url")}`,
      read: (cookie) => {
        const [id = "", given = ""] = cookie.split(".")
        const bytes = Buffer.from(given, "base64url")
        const isOurs = secrets.some((secret) => {
          const expected = mac(secret, id)
          return bytes.length === expected.length && timingSafeEqual(bytes, expected)
        })
        return isOurs ? Option.some(Redacted.make(id, { label: "session id" })) : Option.none()
      }
    })
  })

/** One request's. */
const begin = <A>(
  store: SessionStore.SessionStoreShape<A>,
  signature: Signature,
  { cookie = {}, expiry }: Pick<HttpSessionsOptions<DataSchema>, "cookie" | "expiry">,
  request: HttpServerRequest.HttpServerRequest
) => {
  const { domain, httpOnly = true, name = "session", path = "/", sameSite = "lax", secure = true } = cookie
  const cookieOptions = { domain, httpOnly, path, sameSite, secure }
  const given = request.cookies[name]
  let current = given === undefined ? Option.none<Redacted.Redacted>() : signature.read(given)
  let loaded: Option.Option<SessionStore.Session<A>> | undefined
  let wasAsked = false
  /** What becomes of the cookie. */
  let change: { readonly id: Redacted.Redacted; readonly expiresIn: Duration.Duration } | "expire" | undefined

  /** From now on the response is one visitor's. */
  const ask = Effect.sync(() => {
    wasAsked = true
    markPrivate(request)
  })

  const load = Effect.flatMap(ask, () => {
    if (loaded !== undefined) return Effect.succeed(loaded)
    return Effect.map(Option.isSome(current) ? store.load(current.value) : Effect.succeedNone, (found) => {
      loaded = found
      // A sliding one lives longer from now on, and so does its cookie.
      if (Option.isSome(found) && expiry !== "fixed") change = found.value
      if (Option.isNone(found) && given !== undefined) change = "expire"
      return found
    })
  })

  const keep = (session: SessionStore.Session<A>) => {
    current = Option.some(session.id)
    loaded = Option.some(session)
    change = session
  }

  const create = (data: A) => Effect.map(store.create(data), keep)

  const session: RequestSession<A> = {
    get: Effect.map(
      load,
      Option.map(({ data }) => data)
    ),
    set: (data) =>
      Effect.flatMap(load, (found) => {
        if (Option.isNone(found)) return create(data)
        const { value } = found
        return ifMissing(
          Effect.map(store.save(value.id, data), () => keep({ ...value, data })),
          create(data)
        )
      }),
    cycle: Effect.flatMap(load, (found) => {
      if (Option.isNone(found)) return Effect.succeed(false)
      return ifMissing(
        Effect.map(store.cycle(found.value.id), (next) => {
          keep(next)
          return true
        }),
        Effect.succeed(false)
      )
    }),
    destroy: Effect.flatMap(ask, () => {
      const destroyed = Option.isSome(current) ? store.destroy(current.value) : Effect.succeed(false)
      return Effect.map(destroyed, () => {
        current = Option.none()
        loaded = Option.none()
        change = given === undefined ? undefined : "expire"
      })
    })
  }

  const finish: HttpEffect.PreResponseHandler = (request, response) => {
    if (!wasAsked) return Effect.succeed(response)
    const marked = marksPrivate(response)
    if (change === undefined) return Effect.succeed(marked)
    const withCookie =
      change === "expire"
        ? HttpServerResponse.expireCookie(marked, name, cookieOptions)
        : HttpServerResponse.setCookie(marked, name, signature.sign(change.id), {
            ...cookieOptions,
            ...(expiry === "browser" ? {} : { maxAge: change.expiresIn })
          })
    return Effect.mapError(
      withCookie,
      (cause) =>
        new HttpServerError.HttpServerError({ reason: new HttpServerError.ResponseError({ request, response, cause }) })
    )
  }

  return { session, finish }
}

const ifMissing = <A>(
  effect: Effect.Effect<A, CacheError | SessionStore.SessionMissing>,
  instead: Effect.Effect<A, CacheError>
): Effect.Effect<A, CacheError> => Effect.catchTag(effect, "SessionMissing", () => instead)

/** It is one visitor's: no cache gives it to another. */
const marksPrivate = (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse => {
  const names = varyOf(response.headers)
  const already = names.length === 0 ? [] : [response.headers["vary"]]
  return HttpServerResponse.setHeaders(response, {
    vary: (names.includes("*") || names.includes("cookie") ? already : [...already, "Cookie"]).join(", "),
    "cache-control": response.headers["cache-control"] ?? "private, no-cache"
  })
}
