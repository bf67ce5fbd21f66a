/** The entry of one session: what `SessionStore` is made of. */
import type { Duration, Effect } from "effect"
import type { CommandError, ValueError } from "../../schema/CacheError.ts"
import type { SessionStatus } from "../../schema/SessionStatus.ts"
import type { KeyOptions } from "./KeyOptions.ts"

/**
 * A lifetime. With `"keep"` the entry keeps the one that it has.
 *
 * @since 0.2.0
 * @category sessions
 * @see docs/sessions.md
 */
export type SessionLifetime = Duration.Input | "keep"

/**
 * The options of `find`.
 *
 * @since 0.2.0
 * @category sessions
 * @see docs/sessions.md
 */
export interface SessionReadOptions {
  /**
   * Whether the cache's near cache may answer, where the lifetime is `"keep"`. What other processes have saved or destroyed is then
   * seen no later than `near.maxStaleness`. Without a near cache, or with one that has a `timeToLive` of its own, the server
   * answers. Default: false.
   */
  readonly near?: boolean | undefined
}

/**
 * The entry of one session. Once it is gone, a request that still knows it cannot bring it back. Each operation is one script on
 * one key, executed by the primary, and passes the cache's policies as one operation. Lifetimes are exact: the cache's jitter does
 * not concern them. Only `find` has a neutral result, `Unknown`; all others fail in an outage, because to pretend that a session
 * was stored or destroyed would be a lie. For the same reason `ValkeyFallback` runs none of them on its second client.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const session = (yield* CacheService).withSchema(Schema.String).session("session:1")
 *   console.log(yield* session.create("ada", "1 hour"), yield* session.destroy)
 *   // A request that still knows the session cannot bring it back.
 *   console.log(yield* session.save("ada", "1 hour"))
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => true true
 * // => false
 * ```
 *
 * @since 0.2.0
 * @category sessions
 * @see docs/sessions.md
 */
export interface CacheSession<A, RD = never, RE = never> {
  /** Stores the session unless the key is taken. Returns whether it was stored. */
  readonly create: (data: A, timeToLive: Duration.Input) => Effect.Effect<boolean, ValueError, RE>
  /** Reads the session, which lives for `timeToLive` from now on. */
  readonly find: (
    timeToLive: SessionLifetime,
    options?: SessionReadOptions
  ) => Effect.Effect<SessionStatus<A>, ValueError, RD>
  /** Replaces the data of a session that lives. Returns false where there is none. */
  readonly save: (data: A, timeToLive: SessionLifetime) => Effect.Effect<boolean, ValueError, RE>
  /**
   * Replaces the data by what the function makes of it. The function runs again where somebody else replaced the data meanwhile.
   * Returns false where there is no session.
   */
  readonly update: <R>(
    change: (data: A) => Effect.Effect<A, CommandError, R>,
    timeToLive: SessionLifetime
  ) => Effect.Effect<boolean, ValueError, RD | RE | R>
  /** Gives the session a lifetime. Returns false where there is none. */
  readonly touch: (timeToLive: SessionLifetime) => Effect.Effect<boolean, CommandError>
  /** Deletes the session. Returns whether there was one. */
  readonly destroy: Effect.Effect<boolean, CommandError>
  /**
   * Moves the session to another key, and leaves the note that it has ended under this one for `handover`. Returns `Found` with
   * what stands under the other key then. Where the data cannot be decoded it fails, and nothing has changed. Three round trips.
   */
  readonly move: (
    to: string,
    timeToLive: SessionLifetime,
    handover: Duration.Input
  ) => Effect.Effect<SessionStatus<A>, ValueError, RD>
}

/**
 * The options of `session`.
 *
 * @since 0.2.0
 * @category sessions
 * @see docs/sessions.md
 */
export interface SessionOptions<A> extends KeyOptions {
  /**
   * The tags of a session with that data: when one of them is invalidated, the session has ended. They cost the operations one to
   * three round trips more. The session must not be given longer lifetimes than `tagsFor`, or it ends when the records of its tags
   * do. Default: none.
   */
  readonly tags?: ((data: A) => ReadonlyArray<string>) | undefined
  /** The longest lifetime that the session may have. Default: that of the cache. */
  readonly tagsFor?: Duration.Input | undefined
}

/**
 * The operation of a cache that gives access to its sessions.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const sessions = (yield* CacheService).withSchema(Schema.String)
 *   yield* sessions.session("session:1").create("ada", "1 hour")
 *   const status = yield* sessions.session("session:1").find("keep")
 *   if (status._tag === "Found") console.log(status.data)
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => ada
 * ```
 *
 * @since 0.2.0
 * @category sessions
 * @see docs/sessions.md
 */
export interface CacheSessions<A, RD = never, RE = never> {
  /**
   * Returns the entry of a session under this key. Programs use `SessionStore`, which makes the keys of ids that nobody can guess.
   */
  readonly session: (key: string, options?: SessionOptions<A>) => CacheSession<A, RD, RE>
}
