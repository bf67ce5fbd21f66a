/** The session of one request: what it has seen of it, and what becomes of the cookie. */
import { Effect, Exit, Option, type Redacted, Semaphore } from "effect"
import type { ValueError } from "../../schema/CacheError.ts"
import { SessionStatus } from "../../schema/SessionStatus.ts"
import { type Session, SessionUnknown, type SessionStoreShape } from "../../services/SessionStore.ts"
import { SessionEnded } from "./SessionEnded.ts"
import type { SignedId } from "./sessionSignature.ts"

/**
 * The session of a request, as its handler sees it. Nothing is loaded before the handler asks, and nothing is stored before it sets something.
 * Operations of one request run one after the other. Only `set` in a new session, `cycle` and `destroy` write the cookie.
 *
 * @since 0.2.0
 * @category sessions
 * @see docs/sessions.md
 */
export interface RequestSession<A> {
  /** Returns the data; none where there is no session, and where none is known (`find` tells them apart). It is loaded once a request. */
  readonly get: Effect.Effect<Option.Option<A>, ValueError>
  /** Returns what is known of the session. `Unknown` is answered under `IgnoreExceptions` in an outage, and asked again the next time. */
  readonly find: Effect.Effect<SessionStatus<A>, ValueError>
  /**
   * Stores the data in the session that there is, else in a new one. Fails with `SessionEnded` where another request ended the
   * session, and with `SessionUnknown` where `get` or `find` could not say whether there is one. Nothing is stored then.
   */
  readonly set: (data: A) => Effect.Effect<void, ValueError | SessionEnded | SessionUnknown>
  /** Gives the same data a new id, at login. Returns false where there is no session. */
  readonly cycle: Effect.Effect<boolean, ValueError | SessionUnknown>
  /** Deletes the session and the cookie, at logout. What is set afterwards begins a new session. */
  readonly destroy: Effect.Effect<void, ValueError>
  /** Ends all sessions that bear one of the tags, this one among them if it does: signs a user out everywhere. Needs the setting `tags`. */
  readonly destroyTagged: (tags: ReadonlyArray<string>) => Effect.Effect<void, ValueError>
}

type State<A> =
  | { readonly _tag: "Unasked" }
  /** There is none, and one may begin. */
  | { readonly _tag: "None" }
  | { readonly _tag: "Live"; readonly session: Session<A> }
  /** There was one, and none may begin: the visitor may have another by now. */
  | { readonly _tag: "Ended" }
  /** The handler was told that it is not known. */
  | { readonly _tag: "Unknown" }

/** What the response says of the cookie: this session from now on, the same signed anew, or none any more. */
export type CookieChange<A> =
  | { readonly _tag: "Write"; readonly session: Session<A> }
  | { readonly _tag: "SignAnew"; readonly session: Session<A> }
  | { readonly _tag: "Expire" }

export interface RequestSessionState<A> {
  readonly session: RequestSession<A>
  readonly change: () => CookieChange<A> | undefined
}

/** `hasCookie`: the request brought a cookie of that name, whether it is one of ours or not. */
export const requestSession = <A>(
  store: SessionStoreShape<A>,
  given: Option.Option<SignedId>,
  hasCookie: boolean
): RequestSessionState<A> => {
  const turn = Semaphore.makeUnsafe(1)
  let state: State<A> = Option.isSome(given) ? { _tag: "Unasked" } : { _tag: "None" }
  let change: CookieChange<A> | undefined

  const live = (session: Session<A>) => {
    state = { _tag: "Live", session }
  }
  const written = (session: Session<A>) => {
    live(session)
    change = { _tag: "Write", session }
  }
  const ended = () => {
    state = { _tag: "Ended" }
  }

  const ask = ({ id, isCurrent }: SignedId) =>
    Effect.map(store.find(id), (status) => {
      switch (status._tag) {
        case "Found": {
          const session = { id, data: status.data, expiresIn: status.expiresIn }
          live(session)
          if (!isCurrent) change = { _tag: "SignAnew", session }
          break
        }
        case "Missing":
          state = { _tag: "None" }
          break
        default:
          state = { _tag: status._tag }
      }
    })

  /** What is known of the session; asked for where it is not. */
  const known = Effect.suspend(() =>
    Option.isSome(given) && state._tag === "Unasked" ? Effect.map(ask(given.value), () => state) : Effect.succeed(state)
  )

  const find = Effect.suspend(() => {
    if (state._tag === "Unknown") state = { _tag: "Unasked" }
    return known.pipe(
      // A handler that goes on without an answer goes on as if there were no session, and must not replace one.
      Effect.onExit((exit) =>
        Effect.sync(() => {
          if (Exit.isFailure(exit)) state = { _tag: "Unknown" }
        })
      ),
      Effect.map(statusOf)
    )
  })

  /** The id under which a session may stand. */
  const id = (): Redacted.Redacted | undefined => {
    if (state._tag === "Live") return state.session.id
    const isOpen = state._tag === "Unasked" || state._tag === "Unknown"
    return isOpen ? Option.getOrUndefined(given)?.id : undefined
  }

  const session: RequestSession<A> = {
    find: turn.withPermit(find),
    get: turn.withPermit(Effect.map(find, dataOf)),
    set: (data) =>
      turn.withPermit(
        Effect.flatMap(known, (state): Effect.Effect<void, ValueError | SessionEnded | SessionUnknown> => {
          switch (state._tag) {
            case "Live":
              return store.save(state.session.id, data).pipe(
                Effect.tapError((error) => Effect.sync(() => error._tag === "SessionMissing" && ended())),
                Effect.catchTag("SessionMissing", () => Effect.fail(new SessionEnded())),
                Effect.map(() => live({ ...state.session, data }))
              )
            case "Ended":
              return Effect.fail(new SessionEnded())
            case "Unknown":
              return Effect.fail(new SessionUnknown())
            default:
              return Effect.map(store.create(data), written)
          }
        })
      ),
    cycle: turn.withPermit(
      Effect.flatMap(known, (state): Effect.Effect<boolean, ValueError | SessionUnknown> => {
        if (state._tag === "Unknown") return Effect.fail(new SessionUnknown())
        if (state._tag !== "Live") return Effect.succeed(false)
        return Effect.matchEffect(store.cycle(state.session.id), {
          onSuccess: (next) =>
            Effect.as(
              Effect.sync(() => written(next)),
              true
            ),
          onFailure: (error) =>
            error._tag === "SessionMissing" ? Effect.as(Effect.sync(ended), false) : Effect.fail(error)
        })
      })
    ),
    destroyTagged: (tags) => turn.withPermit(store.destroyTagged(tags)),
    destroy: turn.withPermit(
      Effect.suspend(() => {
        const known = id()
        return Effect.map(known === undefined ? Effect.void : store.destroy(known), () => {
          state = { _tag: "None" }
          change = hasCookie ? { _tag: "Expire" } : undefined
        })
      })
    )
  }

  return { session, change: () => change }
}

const statusOf = <A>(state: State<A>): SessionStatus<A> => {
  if (state._tag === "Live") {
    const { data, expiresIn } = state.session
    return SessionStatus.Found({ data, expiresIn })
  }
  if (state._tag === "Ended") return SessionStatus.Ended()
  return state._tag === "Unknown" ? SessionStatus.Unknown() : SessionStatus.Missing()
}

const dataOf = <A>(status: SessionStatus<A>): Option.Option<A> =>
  status._tag === "Found" ? Option.some(status.data) : Option.none()
