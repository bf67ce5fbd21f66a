/** A store for `express-session` over a cache. */
import { Array as Arrays, Clock, Effect, type Layer, Option, Schema } from "effect"
import { type SessionData, Store } from "express-session"
import type { CacheError } from "../../schema/CacheError.ts"
import { digest } from "../../schema/digest.ts"
import { escapeGlob } from "../../schema/key.ts"
import { SessionStatus } from "../../schema/SessionStatus.ts"
import { CacheService } from "../../services/CacheService.ts"
import type { TypedCache } from "../../services/operations/TypedCache.ts"
import { SessionUnknown } from "../../services/SessionStore.ts"
import { makeClient, type PromiseCache } from "./PromiseCache.ts"

/**
 * The options of `ExpressSessionStore`. Every field has a default.
 *
 * @since 0.2.0
 * @category sessions
 * @see docs/sessions.md
 */
export interface ExpressSessionStoreOptions {
  /** The store puts this text before each key, behind the prefix and version of the cache. Default: `"session:"`. */
  readonly prefix?: string | undefined
  /** Sessions whose cookie has no end live for this many milliseconds after they were last stored or touched. Default: one day. */
  readonly timeToLive?: number | undefined
}

/** `express-session` passes callbacks of this type, and sometimes none, whatever its own types say. */
type Done = ((error?: unknown) => void) | undefined

const Data = Schema.Record(Schema.String, Schema.Json)
type Data = typeof Data.Type

/** `all` reads this many sessions in one write. */
const sessionsPerWrite = 1000

/** This stands before the digest of an id that is not known. */
const handleLead = "sha256:"

/**
 * Stores the sessions of `express-session` in a cache: `session({ store: new ExpressSessionStore(CacheFromConfig), … })`. A session
 * lives as long as its cookie. Its key holds the SHA-256 of its id, so that a reader of the cache cannot take the session over. A
 * slower request does not store a session again that another request has destroyed. An entry that cannot be decoded counts as no
 * session. In an outage operations fail, under `IgnoreExceptions` too, because the store cannot tell whether the session exists.
 * `close` closes the layer.
 *
 * @example
 * ```ts
 * import express from "express"
 * import session from "express-session"
 * import { CacheMemory } from "effect-vcache"
 * import { ExpressSessionStore } from "effect-vcache/express-session"
 *
 * const store = new ExpressSessionStore(CacheMemory)
 * export const app = express().use(
 *   session({ store, secret: "32 bytes or more of a real secret", resave: false, saveUninitialized: false })
 * )
 * await store.close()
 * ```
 *
 * @since 0.2.0
 * @category sessions
 * @see docs/sessions.md
 */
export class ExpressSessionStore<E = never> extends Store {
  readonly #client: PromiseCache
  readonly #prefix: string
  readonly #timeToLive: number
  /** The sessions that were in the store when their request began. */
  readonly #loaded = new WeakSet<object>()

  constructor(
    layer: Layer.Layer<CacheService, E>,
    { prefix = "session:", timeToLive = 86_400_000 }: ExpressSessionStoreOptions = {}
  ) {
    super()
    this.#client = makeClient(layer)
    this.#prefix = prefix
    this.#timeToLive = timeToLive
  }

  /**
   * Gives the session with this id; null where there is none. An outage that a policy keeps back is the error
   * `SessionUnknown`, never "no session".
   */
  get(id: string, done: (error: unknown, session?: SessionData | null) => void): void {
    const found = this.#run((cache) =>
      Effect.flatMap(
        Effect.all([
          orElseIfDamaged(cache.session(this.#keyOf(id)).find("keep"), SessionStatus.Missing()),
          Clock.currentTimeMillis
        ]),
        ([status, now]) => {
          if (status._tag === "Unknown") return Effect.fail(new SessionUnknown())
          return Effect.succeed(status._tag === "Found" ? asSession(status.data, now) : null)
        }
      )
    )
    answer(found, done)
  }

  /** Stores the session, unless it was in the store when its request began and another request has destroyed it since. */
  set(id: string, session: SessionData, done?: (error?: unknown) => void): void {
    settle(
      this.#run((cache) =>
        Effect.gen({ self: this }, function* () {
          const data = yield* asJson(session)
          const entry = cache.session(this.#keyOf(id))
          const lifetime = yield* this.#lifetimeOf(session)
          if (lifetime <= 0) return yield* entry.destroy
          const isNew = !this.#loaded.has(session) && (yield* entry.create(data, lifetime))
          return isNew || (yield* entry.save(data, lifetime))
        })
      ),
      done
    )
  }

  /** Deletes the session with this id, or with the name that `all` gave it. */
  destroy(id: string, done?: (error?: unknown) => void): void {
    const key = id.startsWith(handleLead) ? this.#prefix + id.slice(handleLead.length) : this.#keyOf(id)
    settle(
      this.#run((cache) => cache.session(key).destroy),
      done
    )
  }

  /** The session lives on, and has the cookie that it has now. */
  override touch(id: string, session: SessionData, done?: () => void): void {
    // `get` gives no record for a session that is gone.
    if (!isRecord(session)) return settle(Promise.resolve(), done)
    settle(
      this.#run((cache) =>
        Effect.gen({ self: this }, function* () {
          const entry = cache.session(this.#keyOf(id))
          const { cookie } = yield* asJson({ cookie: cookieOf(session) })
          const lifetime = yield* this.#lifetimeOf(session)
          if (lifetime <= 0) return yield* entry.destroy
          const touched = entry.update(
            (data) => Effect.succeed(cookie === undefined ? data : { ...data, cookie }),
            lifetime
          )
          return yield* orElseIfDamaged(touched, false)
        })
      ),
      done
    )
  }

  /** Gives all sessions, in no order, under names that `destroy` takes. The store does not know their ids. */
  override all(done: (error: unknown, sessions?: Record<string, SessionData> | null) => void): void {
    const found = this.#run((cache) =>
      Effect.gen({ self: this }, function* () {
        const sessions: Record<string, SessionData> = {}
        for (const keys of Arrays.chunksOf(yield* cache.keys(this.#pattern), sessionsPerWrite)) {
          const entries = yield* cache.pipeline((queue) => keys.map((key) => queue.get(key)), { mode: "result" })
          const now = yield* Clock.currentTimeMillis
          for (const [i, entry] of entries.entries()) {
            const data = yield* orElseIfDamaged(Effect.fromResult(entry), Option.none())
            const session = Option.isSome(data) ? asSession(data.value, now) : null
            if (session !== null) sessions[handleLead + keys[i]!.slice(this.#prefix.length)] = session
          }
        }
        return sessions
      })
    )
    answer(found, done)
  }

  override length(done: (error: unknown, length?: number) => void): void {
    answer(
      this.#run((cache) => Effect.map(cache.keys(this.#pattern), (keys) => keys.length)),
      done
    )
  }

  override clear(done?: (error?: unknown) => void): void {
    settle(
      this.#run((cache) => cache.deletePattern(this.#pattern)),
      done
    )
  }

  /** The stored data may lack a valid cookie. Such a session goes on with a new one. */
  override createSession(
    ...[request, session]: Parameters<Store["createSession"]>
  ): ReturnType<Store["createSession"]> {
    const created = super.createSession(request, cookieOf(session) === undefined ? withoutCookie(session) : session)
    this.#loaded.add(created)
    return created
  }

  /**
   * Closes the layer and its connections. Operations that are under way or come later fail with a `CacheConnectionError` of
   * phase `closed`.
   */
  close(): Promise<void> {
    return this.#client.close()
  }

  #run<A>(use: (cache: TypedCache<Data>) => Effect.Effect<A, unknown>): Promise<A> {
    return this.#client.run(CacheService.use((cache) => use(cache.withSchema(Data))))
  }

  get #pattern(): string {
    return `${escapeGlob(this.#prefix)}*`
  }

  #keyOf(id: string): string {
    return this.#prefix + digest(id)
  }

  /** Returns the milliseconds until the session's cookie ends. */
  #lifetimeOf(session: SessionData): Effect.Effect<number> {
    return Effect.map(Clock.currentTimeMillis, (now) => {
      const cookie = cookieOf(session)
      const end = endOf(cookie)
      if (end !== undefined) return end - now
      return typeof cookie?.["maxAge"] === "number" ? cookie["maxAge"] : this.#timeToLive
    })
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Callers pass sessions, what `get` gave them, and null. */
const cookieOf = (session: unknown): Readonly<Record<string, unknown>> | undefined => {
  const cookie = isRecord(session) ? session["cookie"] : undefined
  return isRecord(cookie) ? cookie : undefined
}

/** A `Cookie` has a date, what is stored has its text; a cookie of the browser's session has neither. */
const endOf = (cookie: Readonly<Record<string, unknown>> | undefined): number | undefined => {
  const expires = cookie?.["expires"]
  const end = expires instanceof Date || typeof expires === "string" ? new Date(expires).getTime() : Number.NaN
  return Number.isNaN(end) ? undefined : end
}

const withoutCookie = (session: SessionData): SessionData => ({ ...session, cookie: { originalMaxAge: null } })

/** The session as it was set, of which express-session itself checks what it needs; null where its cookie has ended. */
const asSession = (data: Data, now: number): SessionData | null => {
  const session: SessionData = JSON.parse(JSON.stringify(data))
  const cookie = cookieOf(session)
  const end = endOf(cookie)
  if (end !== undefined) return end > now ? session : null
  return isPassable(cookie) ? session : withoutCookie(session)
}

/** Tells whether express-session can make a cookie of this one without a date. It throws at what is no age. */
const isPassable = (cookie: Readonly<Record<string, unknown>> | undefined): boolean =>
  isNoEnd(cookie?.["expires"]) && (isNoEnd(cookie?.["maxAge"]) || typeof cookie?.["maxAge"] === "number")

const isNoEnd = (value: unknown): boolean => value === undefined || value === null || value === false

/** Fails where the value is no JSON, so that the error reaches the callback and is not thrown at a request. */
const asJson = (value: object): Effect.Effect<Data, unknown> =>
  Effect.try({ try: (): Data => JSON.parse(JSON.stringify(value)), catch: (error) => error })

/** An entry that cannot be decoded counts as no session. */
const orElseIfDamaged = <A, B>(effect: Effect.Effect<A, CacheError>, instead: B): Effect.Effect<A | B, CacheError> =>
  Effect.catchIf(
    effect,
    (error) => error._tag === "CacheCodecError" && error.direction === "decode",
    () => Effect.succeed(instead)
  )

const answer = <A>(operation: Promise<A>, done: (error: unknown, found?: A) => void): void => {
  operation.then(
    (found) => done(null, found),
    (error: unknown) => done(error)
  )
}

const settle = (operation: Promise<unknown>, done: Done): void => {
  operation.then(
    () => done?.(),
    (error: unknown) => done?.(error)
  )
}
