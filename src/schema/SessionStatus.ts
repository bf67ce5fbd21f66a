/** What can be known of a session. */
import { Data, type Duration } from "effect"

/**
 * - `Found`: it lives, with its data and what is left of its lifetime
 * - `Missing`: there is none. It never was, has expired, or was destroyed
 * - `Ended`: it got another id by `cycle`, which this request cannot know
 * - `Unknown`: the cache could not be asked, and a policy such as `IgnoreExceptions` keeps the error back
 *
 * @since 0.2.0
 * @category sessions
 * @see docs/sessions.md
 */
export type SessionStatus<A> = Data.TaggedEnum<{
  /** It lives, with its data and what is left of its lifetime. */
  readonly Found: { readonly data: A; readonly expiresIn: Duration.Duration }
  /** There is none. */
  readonly Missing: {}
  /** It got another id. */
  readonly Ended: {}
  /** The cache could not be asked. */
  readonly Unknown: {}
}>

interface SessionStatusDefinition extends Data.TaggedEnum.WithGenerics<1> {
  readonly taggedEnum: SessionStatus<this["A"]>
}

/**
 * Constructors, and `SessionStatus.$match`.
 *
 * @example
 * ```ts
 * import { Effect, Redacted, Schema } from "effect"
 * import { CacheMemory, SessionStatus, SessionStore } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const sessions = yield* SessionStore.make({ data: Schema.String })
 *   const status = yield* sessions.find(Redacted.make("nobody has this id"))
 *   return SessionStatus.$match(status, {
 *     Found: ({ data }) => `hello ${data}`,
 *     Missing: () => "sign in",
 *     Ended: () => "sign in again",
 *     Unknown: () => "try again later"
 *   })
 * })
 * console.log(Effect.runSync(Effect.provide(program, CacheMemory)))
 * // => sign in
 * ```
 *
 * @since 0.2.0
 * @category sessions
 * @see docs/sessions.md
 */
export const SessionStatus = Data.taggedEnum<SessionStatusDefinition>()
