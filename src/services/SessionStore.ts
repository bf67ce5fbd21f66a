/** Sessions: typed data under an id that nobody can guess, and that the cache itself does not hold. */
import { Duration, Effect, Option, Redacted, Schema } from "effect"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as WebCrypto from "effect/crypto/WebCrypto"
import type { CacheInputError, CommandError, ValueError } from "../schema/CacheError.ts"
import { digest } from "../schema/digest.ts"
import { refused } from "../schema/failures.ts"
import { reveal } from "../schema/reveal.ts"
import { SessionStatus } from "../schema/SessionStatus.ts"
import { toMillis } from "../schema/timeToLive.ts"
import { CacheService } from "./CacheService.ts"
import type { CacheSession, SessionLifetime } from "./operations/CacheSession.ts"
import type { TypedCache } from "./operations/TypedCache.ts"

/**
 * There is no session to save or to cycle: it expired, was destroyed, got another id, or never was.
 *
 * @example
 * ```ts
 * import { Effect, Redacted, Schema } from "effect"
 * import { CacheMemory, SessionStore } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const sessions = yield* SessionStore.make({ data: Schema.String })
 *   const saved = sessions.save(Redacted.make("gone"), "ada").pipe(Effect.as("saved"))
 *   return yield* Effect.catchTag(saved, "SessionMissing", () => Effect.succeed("sign in again"))
 * })
 * console.log(Effect.runSync(Effect.provide(program, CacheMemory)))
 * // => sign in again
 * ```
 *
 * @since 0.2.0
 * @category errors
 * @see docs/sessions.md
 */
export class SessionMissing extends Schema.TaggedError<SessionMissing>("effect-vcache/SessionMissing")(
  "SessionMissing",
  {}
) {
  /** The failure in one sentence. */
  override get message(): string {
    return "there is no such session"
  }
}

/**
 * A policy such as `IgnoreExceptions` kept an outage back, and whether there is a session is not known.
 *
 * @example
 * ```ts
 * import { Effect, Redacted, Schema } from "effect"
 * import { CacheMemory, SessionStore } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const sessions = yield* SessionStore.make({ data: Schema.String })
 *   return yield* Effect.flip(sessions.load(Redacted.make("an id")))
 * })
 * // A cache that is switched off knows of no session, and says so.
 * console.log(Effect.runSync(Effect.provide(program, CacheMemory.layer({ enabled: false }))).message)
 * // => the session could not be looked up
 * ```
 *
 * @since 0.2.0
 * @category errors
 * @see docs/sessions.md
 */
export class SessionUnknown extends Schema.TaggedError<SessionUnknown>("effect-vcache/SessionUnknown")(
  "SessionUnknown",
  {},
  { httpApiStatus: 503 }
) {
  /** The failure in one sentence. */
  override get message(): string {
    return "the session could not be looked up"
  }
}

/**
 * A session that the store has found or made.
 *
 * @since 0.2.0
 * @category sessions
 * @see docs/sessions.md
 */
export interface Session<A> {
  /** What the cookie carries. The cache holds its SHA-256 only. */
  readonly id: Redacted.Redacted
  /** The data, decoded by the store's schema. */
  readonly data: A
  /** What is left of its lifetime. */
  readonly expiresIn: Duration.Duration
}

/**
 * - `"fixed"`: the session ends when its lifetime has passed since it was created
 * - `"sliding"`: when its lifetime has passed since it was last loaded, saved, touched or cycled
 * - `"browser"`: as sliding, and the cookie of `HttpSessions` ends with the browser
 *
 * @since 0.2.0
 * @category sessions
 * @see docs/sessions.md
 */
export type SessionExpiry = "fixed" | "sliding" | "browser"

/**
 * The options of a session store. The schema of the data is required.
 *
 * @since 0.2.0
 * @category sessions
 * @see docs/sessions.md
 */
export interface SessionStoreOptions<S extends Schema.Constraint> {
  /** The schema of the data that a session holds. */
  readonly data: S
  /** The first part of the keys, behind prefix and version of the cache. Default: `"session:"`. */
  readonly prefix?: string | undefined
  /** The lifetime of sessions that are created without one of their own. Default: 14 days. */
  readonly timeToLive?: Duration.Input | undefined
  /** Default: `"sliding"`. */
  readonly expiry?: SessionExpiry | undefined
  /**
   * How long the store remembers of an id that `cycle` replaced that its session has ended. Choose it no shorter than the
   * longest request. Default: 5 minutes.
   */
  readonly handover?: Duration.Input | undefined
  /**
   * Whether `find` and `load` may be answered by the near cache of `CacheService`, without its server. A session that another
   * process saves, cycles or destroys is then seen as it was for `near.maxStaleness` at most, and usually for less than a millisecond;
   * what this process does is seen at once. It needs the expiry `"fixed"`, because others are written at each load. Default: false.
   */
  readonly near?: boolean | undefined
  /**
   * The tags of a session with that data, such as its user's: `({ user }) => [user]`. `destroyTagged` ends all sessions that bear one. For
   * sessions of `expiry: "fixed"` alone. They take one to three round trips more for each operation. Default: none.
   */
  readonly tags?: ((data: S["Type"]) => ReadonlyArray<string>) | undefined
}

/**
 * Every operation fails as those of the cache do. Under `IgnoreExceptions` an outage makes `find` answer `Unknown` and
 * `load` fail with `SessionUnknown`, never "no session"; all others fail with the cache's error.
 *
 * @since 0.2.0
 * @category sessions
 * @see docs/sessions.md
 */
export interface SessionStoreShape<A, RD = never, RE = never> {
  /**
   * A session with a new id. `timeToLive` is the lifetime of this session alone, and stays its own: a sliding session is
   * extended by it, and `cycle` hands it on. Default: that of the store. One round trip.
   */
  readonly create: (
    data: A,
    options?: { readonly timeToLive?: Duration.Input | undefined }
  ) => Effect.Effect<Session<A>, ValueError, RE>
  /**
   * What is known of the session of that id. One that is found and not fixed lives longer from now on. One round trip, or none with
   * the option `near`.
   */
  readonly find: (id: Redacted.Redacted) => Effect.Effect<SessionStatus<A>, ValueError, RD>
  /** The session of that id, as by `find`, where it does not matter why there is none. */
  readonly load: (id: Redacted.Redacted) => Effect.Effect<Option.Option<Session<A>>, ValueError | SessionUnknown, RD>
  /** Replaces the data. Fails with `SessionMissing` rather than bring back a session that is gone. One round trip. */
  readonly save: (id: Redacted.Redacted, data: A) => Effect.Effect<void, ValueError | SessionMissing, RE>
  /** Whether there is such a session. One that is not fixed lives longer from now on. One round trip. */
  readonly touch: (id: Redacted.Redacted) => Effect.Effect<boolean, CommandError>
  /**
   * Gives the session a new id, and ends the old one in the same step for whoever holds it. Call it at login, so that an id
   * that was foisted on a visitor is worth nothing. For the time of `handover` the old id is known to have ended, and tells
   * nobody the new one. Fails with `SessionMissing` where there is no session, and with `CacheCodecError` where its data
   * cannot be decoded; nothing has changed then. Three round trips.
   */
  readonly cycle: (id: Redacted.Redacted) => Effect.Effect<Session<A>, ValueError | SessionMissing, RD | RE>
  /** Deletes the session. Whether there was one. One round trip. */
  readonly destroy: (id: Redacted.Redacted) => Effect.Effect<boolean, CommandError>
  /**
   * Ends all sessions that bear one of the tags, in all processes: signs a user out everywhere. Whoever had found such a session
   * before cannot save it afterwards. Fails with `CacheInputError` where the store has no `tags`. One round trip, however many they are.
   */
  readonly destroyTagged: (tags: ReadonlyArray<string>) => Effect.Effect<void, CommandError>
}

const idBytes = 32

/** Ids that may be taken. */
const maxAttempts = 3

const durationOf = (input: Duration.Input, name: string): Effect.Effect<Duration.Duration, CacheInputError> => {
  const millis = toMillis(input)
  if (millis === undefined) return refused("SessionStore", `${name} is not a duration`)
  return Effect.succeed(Duration.millis(millis))
}

const lifetimeOf = (input: Duration.Input): Effect.Effect<Duration.Duration, CacheInputError> =>
  Effect.flatMap(durationOf(input, "timeToLive"), (duration) =>
    Duration.isZero(duration) ? refused("SessionStore", "timeToLive must be above zero") : Effect.succeed(duration)
  )

const handoverOf = (input: Duration.Input): Effect.Effect<Duration.Duration, CacheInputError> =>
  Effect.flatMap(durationOf(input, "handover"), (duration) =>
    Duration.isFinite(duration)
      ? Effect.succeed(duration)
      : refused("SessionStore", "handover must be a finite duration")
  )

/**
 * A store of sessions with that data, over `CacheService`. Its ids come from `WebCrypto`.
 *
 * @example
 * ```ts
 * import { Effect, Option, Schema } from "effect"
 * import { CacheMemory, SessionStore } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const sessions = yield* SessionStore.make({ data: Schema.Struct({ user: Schema.String }), timeToLive: "1 hour" })
 *   const { id } = yield* sessions.create({ user: "ada" })
 *   const found = yield* sessions.load(id)
 *   console.log(Option.map(found, ({ data }) => data.user).pipe(Option.getOrNull))
 *   console.log("destroyed", yield* sessions.destroy(id))
 * })
 * await Effect.runPromise(Effect.provide(program, CacheMemory))
 * // => ada
 * // => destroyed true
 * ```
 *
 * @since 0.2.0
 * @category sessions
 * @see docs/sessions.md
 */
export const make = <S extends Schema.Constraint>({
  data,
  expiry = "sliding",
  handover = "5 minutes",
  near = false,
  prefix = "session:",
  tags,
  timeToLive = "14 days"
}: SessionStoreOptions<S>): Effect.Effect<
  SessionStoreShape<S["Type"], S["DecodingServices"], S["EncodingServices"]>,
  CacheInputError,
  CacheService
> =>
  Effect.gen(function* () {
    if (tags !== undefined && expiry !== "fixed") {
      return yield* refused("SessionStore", "the option tags needs the expiry fixed")
    }
    const cache = (yield* CacheService).withSchema(data)
    if (near && expiry !== "fixed") return yield* refused("SessionStore", "the option near needs the expiry fixed")
    const crypto = yield* WebCrypto.WebCrypto
    const random = SecureRandom.make((size) => crypto.getRandomValues(new Uint8Array(size)))
    const newId = Effect.map(random.randomBytes(idBytes), (bytes) => Buffer.from(bytes).toString("base64url"))
    return makeStore(cache, {
      prefix,
      tags,
      newId,
      near,
      slides: expiry !== "fixed",
      lifetime: yield* lifetimeOf(timeToLive),
      handover: yield* handoverOf(handover)
    })
  })

interface Settings<A> {
  readonly tags: ((data: A) => ReadonlyArray<string>) | undefined
  readonly prefix: string
  readonly near: boolean
  readonly slides: boolean
  readonly lifetime: Duration.Duration
  readonly handover: Duration.Duration
  /** Unguessable text. */
  readonly newId: Effect.Effect<string>
}

/**
 * The lifetime of a session's own stands behind its id, `~` and milliseconds in base 36, nothing for ever. Whoever loads
 * it knows by how much it slides. Nobody can change it: an id with another end is another id.
 */
const ownLifetime = (id: string): Duration.Duration | undefined => {
  const own = /~([0-9a-z]{0,11})$/.exec(id)?.[1]
  if (own === undefined) return undefined
  const millis = own === "" ? Infinity : toMillis(Number.parseInt(own, 36))
  // An id that is none of ours may end in anything.
  return millis === undefined || millis === 0 ? undefined : Duration.millis(millis)
}

const suffixOf = (lifetime: Duration.Duration): string =>
  Duration.isFinite(lifetime) ? `~${Duration.toMillis(lifetime).toString(36)}` : "~"

const asId = (text: string): Redacted.Redacted => Redacted.make(text, { label: "session id" })

const makeStore = <A, RD, RE>(
  cache: TypedCache<A, RD, RE>,
  { handover, lifetime, near, newId, prefix, slides, tags }: Settings<A>
): SessionStoreShape<A, RD, RE> => {
  /** Whoever reads the cache cannot take sessions over. */
  const keyOf = (id: string) => prefix + digest(id)
  /** Those of values in the cache are others. */
  const tagOf = (tag: string) => prefix + tag
  /** A lifetime of its own is known by its id, where it matters later. */
  const isOwnKnown = slides || tags !== undefined
  const sessionOf = (id: string, own: Duration.Duration | undefined) =>
    cache.session(
      keyOf(id),
      tags === undefined ? {} : { tags: (data) => tags(data).map(tagOf), tagsFor: own ?? lifetime }
    )

  /** The entry of that id, and what its session gets whenever it is used. */
  const on = <B, E, R>(
    id: Redacted.Redacted,
    use: (
      entry: CacheSession<A, RD, RE>,
      extension: SessionLifetime,
      own: Duration.Duration | undefined
    ) => Effect.Effect<B, E, R>
  ): Effect.Effect<B, E | CacheInputError, R> =>
    Effect.suspend((): Effect.Effect<B, E | CacheInputError, R> => {
      const text = reveal(id)
      if (text === undefined) return refused("SessionStore", "the id of the session was wiped, and cannot be used")
      const own = isOwnKnown ? ownLifetime(text) : undefined
      return use(sessionOf(text, own), slides ? (own ?? lifetime) : "keep", own)
    })

  const find: SessionStoreShape<A, RD, RE>["find"] = (id) =>
    on(id, (entry, extension) => entry.find(extension, { near }))

  return {
    find,
    load: (id) =>
      Effect.flatMap(
        find(id),
        SessionStatus.$match({
          Found: ({ data, expiresIn }) => Effect.succeedSome({ id, data, expiresIn }),
          Missing: () => Effect.succeedNone,
          Ended: () => Effect.succeedNone,
          Unknown: () => Effect.fail(new SessionUnknown())
        })
      ),
    create: (data, options) =>
      Effect.gen(function* () {
        const own = options?.timeToLive === undefined ? undefined : yield* lifetimeOf(options.timeToLive)
        const expiresIn = own ?? lifetime
        const suffix = own === undefined || !isOwnKnown ? "" : suffixOf(own)
        for (let attempt = 0; attempt < maxAttempts; attempt++) {
          const id = (yield* newId) + suffix
          // Nobody has met two equal ids of 256 bits. Whoever does must not get another visitor's session.
          if (yield* sessionOf(id, own).create(data, expiresIn)) return { id: asId(id), data, expiresIn }
        }
        return yield* refused(
          "SessionStore",
          "WebCrypto returned the same random bytes several times, so no new id can be made"
        )
      }),
    save: (id, data) =>
      on(id, (entry, extension) =>
        Effect.flatMap(entry.save(data, extension), (isSaved) =>
          isSaved ? Effect.void : Effect.fail(new SessionMissing())
        )
      ),
    touch: (id) => on(id, (entry, extension) => entry.touch(extension)),
    cycle: (id) =>
      on(id, (entry, extension, own) =>
        Effect.gen(function* () {
          const next = (yield* newId) + (own === undefined ? "" : suffixOf(own))
          const moved = yield* entry.move(keyOf(next), extension, handover)
          if (moved._tag !== "Found") return yield* new SessionMissing()
          return { id: asId(next), data: moved.data, expiresIn: moved.expiresIn }
        })
      ),
    destroy: (id) => on(id, ({ destroy }) => destroy),
    destroyTagged: (names) =>
      tags === undefined
        ? refused("SessionStore", "the store was made without the option tags")
        : cache.invalidateTags(names.map(tagOf))
  }
}
