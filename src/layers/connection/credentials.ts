/** Asks a program who we are: at each connect, and before it is no longer true. */
import { Cause, Effect, Exit, Fiber, Redacted, type Scope } from "effect"
import type { ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import type { Credentials } from "../../schema/Credentials.ts"
import { redacted, reveal } from "../../schema/reveal.ts"
import { toMillis } from "../../schema/timeToLive.ts"
import { NoConnection } from "./ConnectionFailure.ts"
import { Timer } from "./Timer.ts"

/** What a server is told of us on one connection. */
export interface Identity {
  readonly username: string | undefined
  readonly password: Redacted.Redacted | undefined
  /** Milliseconds, from when it was asked for. */
  readonly validFor: number
}

/** The arguments of AUTH, where we are anybody. */
export const authArguments = ({ password, username }: Omit<Identity, "validFor">): ReadonlyArray<string> | undefined =>
  password === undefined ? undefined : [...(username === undefined ? [] : [username]), Redacted.value(password)]

/**
 * The settings of a client whose effect runs in the context and the scope of its layer, at most for `connectTimeout`, and once
 * for all connections that ask at the same time.
 */
export const withCredentials = Effect.fnUntraced(function* (
  settings: ConnectionSettings
): Effect.fn.Return<ConnectionSettings, never, Scope.Scope> {
  const { connectTimeout, credentials } = settings
  if (credentials === undefined) return settings
  const scope = yield* Effect.scope
  const context = yield* Effect.context<never>()
  let asked: Fiber.Fiber<Credentials, unknown> | undefined
  const fork = Effect.raceFirst(credentials, noneWithin(connectTimeout)).pipe(
    Effect.ensuring(Effect.sync(() => (asked = undefined))),
    Effect.forkIn(scope)
  )
  const shared = Effect.suspend(() => {
    if (asked !== undefined) return Fiber.join(asked)
    return Effect.flatMap(fork, (fiber) => Fiber.join((asked = fiber)))
  })
  return { ...settings, credentials: Effect.provideContext(shared, context) }
})

/** Who we are on a connection that is about to be made, or goes on. Rejects with a `NoConnection` of code CREDENTIALS. */
export const identify = async ({ credentials, password, username }: ConnectionSettings): Promise<Identity> => {
  if (credentials === undefined) return { username, password: password && ownCopy(password), validFor: Infinity }
  const exit = await Effect.runPromiseExit(credentials)
  if (Exit.isFailure(exit)) throw noCredentials(reasonOf(exit.cause))
  const identity = identityOf(exit.value)
  if (identity === undefined) throw noCredentials("the effect gave none that can be used")
  return identity
}

/** The program may wipe its own at any time, also before this connection has told it. */
const ownCopy = (password: Redacted.Redacted): Redacted.Redacted => {
  const text = reveal(password)
  if (text === undefined) throw noCredentials("the password was wiped")
  return Redacted.make(text)
}

const identityOf = ({ password, username, validFor }: Credentials): Identity | undefined => {
  const secret = redacted(password)
  const millis = validFor === undefined ? Infinity : toMillis(validFor)
  const isText = (text: unknown): boolean => typeof text === "string" && text !== ""
  if (!Redacted.isRedacted(secret) || !isText(reveal(secret))) return undefined
  if (millis === undefined || millis <= 0 || !(username === undefined || isText(username))) return undefined
  return { username, password: ownCopy(secret), validFor: millis }
}

const noCredentials = (reason: string) => new NoConnection("CREDENTIALS", reason)

/** On the machine's clock: the server's does not stop under a test clock. */
const noneWithin = (millis: number): Effect.Effect<never, NoConnection> =>
  Effect.callback((resume) => {
    const timer = new Timer(millis, () =>
      resume(Effect.fail(noCredentials(`the effect gave none within ${millis} ms`)))
    )
    return Effect.sync(() => timer.cancel())
  })

/** The name of the failure. What else it says may be a secret. */
const reasonOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  if (error instanceof NoConnection) return error.message
  const { _tag, name }: { readonly _tag?: unknown; readonly name?: unknown } = Object(error)
  const known = String(_tag ?? name)
  return `the effect failed${/^[\w./-]{1,64}$/.test(known) && known !== "undefined" ? ` with ${known}` : ""}`
}
