/** Sessions: typed data under an id that nobody can guess, and that the cache itself does not hold. */
import { Duration, Effect, Option, Redacted, Schema } from "effect"
import { SecureRandom, WebCrypto } from "effect/crypto"
import type { CacheError } from "../schema/CacheError.ts"
import { digest } from "../schema/digest.ts"
import { refused } from "../schema/failures.ts"
import { toMillis } from "../schema/timeToLive.ts"
import { CacheService } from "./CacheService.ts"
import type { TypedCache } from "./operations/TypedCache.ts"

/** Unknown, expired, or destroyed by somebody else. */
export class SessionMissing extends Schema.TaggedError<SessionMissing>("effect-vcache/SessionMissing")(
  "SessionMissing",
  {}
) {
  override get message(): string {
    return "there is no such session"
  }
}

export interface Session<A> {
  /** What the cookie carries. The cache holds its SHA-256 only. */
  readonly id: Redacted.Redacted
  readonly data: A
  readonly expiresIn: Duration.Duration
}

/**
 * - `"fixed"`: it ends so long after it was created, whatever happens
 * - `"sliding"`: so long after it was last loaded, saved or touched
 * - `"browser"`: as sliding, and its cookie ends with the browser
 */
export type SessionExpiry = "fixed" | "sliding" | "browser"

export interface SessionStoreOptions<S extends Schema.Constraint> {
  readonly data: S
  /** Of the keys, behind that of the cache. Default `"session:"`. */
  readonly prefix?: string | undefined
  /** Default 14 days. */
  readonly timeToLive?: Duration.Input | undefined
  /** Default `"sliding"`. */
  readonly expiry?: SessionExpiry | undefined
}

/**
 * Every operation fails as those of the cache do. Under `IgnoreExceptions` an outage means that there are no sessions:
 * one that is created then is not there the next time.
 */
export interface SessionStoreShape<A, RD = never, RE = never> {
  readonly create: (
    data: A,
    options?: { readonly timeToLive?: Duration.Input | undefined }
  ) => Effect.Effect<Session<A>, CacheError, RE>
  readonly load: (id: Redacted.Redacted) => Effect.Effect<Option.Option<Session<A>>, CacheError, RD>
  /** Fails with `SessionMissing` rather than bring back one that is destroyed. */
  readonly save: (id: Redacted.Redacted, data: A) => Effect.Effect<void, CacheError | SessionMissing, RE>
  /** Whether it is there. A fixed one does not live longer for it. */
  readonly touch: (id: Redacted.Redacted) => Effect.Effect<boolean, CacheError>
  /** New id, same data; the old id is dead. Call it at login. */
  readonly cycle: (id: Redacted.Redacted) => Effect.Effect<Session<A>, CacheError | SessionMissing, RD | RE>
  /** Whether it was there. */
  readonly destroy: (id: Redacted.Redacted) => Effect.Effect<boolean, CacheError>
}

const idBytes = 32

const durationOf = (input: Duration.Input): Effect.Effect<Duration.Duration, CacheError> => {
  const millis = toMillis(input)
  return millis === undefined
    ? refused("SessionStore", "timeToLive is not a duration")
    : Effect.succeed(Duration.millis(millis))
}

/** A store of sessions with that data, over `CacheService`; ids come from `WebCrypto`. A `timeToLive` that is none is a defect. */
export const make = <S extends Schema.Constraint>({
  data,
  expiry = "sliding",
  prefix = "session:",
  timeToLive = "14 days"
}: SessionStoreOptions<S>): Effect.Effect<
  SessionStoreShape<S["Type"], S["DecodingServices"], S["EncodingServices"]>,
  never,
  CacheService
> =>
  Effect.gen(function* () {
    const cache = (yield* CacheService).withSchema(data)
    const crypto = yield* WebCrypto.WebCrypto
    const random = SecureRandom.make((size) => crypto.getRandomValues(new Uint8Array(size)))
    const newId = Effect.map(random.randomBytes(idBytes), (bytes) =>
      Redacted.make(Buffer.from(bytes).toString("base64url"), { label: "session id" })
    )
    const lifetime = yield* Effect.orDie(durationOf(timeToLive))
    return makeStore(cache, { expiry, prefix, lifetime, newId })
  })

interface Settings {
  readonly expiry: SessionExpiry
  readonly prefix: string
  readonly lifetime: Duration.Duration
  readonly newId: Effect.Effect<Redacted.Redacted>
}

const makeStore = <A, RD, RE>(
  cache: TypedCache<A, RD, RE>,
  { expiry, lifetime, newId, prefix }: Settings
): SessionStoreShape<A, RD, RE> => {
  /** Who reads the cache cannot take sessions over. */
  const keyOf = (id: Redacted.Redacted) => prefix + digest(Redacted.value(id))

  const isFixed = expiry === "fixed"

  const load: SessionStoreShape<A, RD, RE>["load"] = (id) =>
    Effect.gen(function* () {
      const key = keyOf(id)
      const { found, ttl } = yield* cache.pipeline((queue) => ({
        // A fixed one is not touched: whether it is there says what it holds.
        alive: isFixed ? queue.has(key) : queue.expire(key, lifetime),
        found: queue.get(key),
        ttl: queue.ttl(key)
      }))
      return Option.map(found, (data) => ({ id, data, expiresIn: Option.getOrElse(ttl, () => Duration.zero) }))
    })

  return {
    load,
    create: (data, options) =>
      Effect.gen(function* () {
        const expiresIn = yield* durationOf(options?.timeToLive ?? lifetime)
        // Nobody has met two of the same; who would does not get somebody else's.
        for (let attempt = 0; attempt < 2; attempt++) {
          const id = yield* newId
          if (yield* cache.add(keyOf(id), data, { timeToLive: expiresIn })) return { id, data, expiresIn }
        }
        return { id: yield* newId, data, expiresIn }
      }),
    save: (id, data) =>
      Effect.gen(function* () {
        const options = isFixed ? { keepTtl: true } : { timeToLive: lifetime }
        const isSaved = yield* cache.set(keyOf(id), data, { ...options, when: "present" })
        if (!isSaved) return yield* new SessionMissing()
      }),
    touch: (id) => (isFixed ? cache.has(keyOf(id)) : cache.expire(keyOf(id), lifetime)),
    cycle: (id) =>
      Effect.gen(function* () {
        const next = yield* newId
        const isMoved = yield* Effect.catchTag(
          cache.rename(keyOf(id), keyOf(next), { overwrite: false }),
          "CacheMissError",
          () => Effect.succeed(false)
        )
        const moved = isMoved ? yield* load(next) : Option.none()
        return Option.isSome(moved) ? moved.value : yield* new SessionMissing()
      }),
    destroy: (id) => cache.delete(keyOf(id))
  }
}
