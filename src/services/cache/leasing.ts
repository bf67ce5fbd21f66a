/** What locks and permits have in common: waiting for them, holding them under a lease, losing them. */
import { Clock, Deferred, type Duration, Effect, Exit, Fiber, type Latch, Option, Random, Result } from "effect"
import { type CacheError, isTransient } from "../../schema/CacheError.ts"
import { refused } from "../../schema/failures.ts"
import { LockLost, LockUnavailable } from "../../schema/LockError.ts"
import { toMillis } from "../../schema/TimeToLive.ts"
import type { Held, LeaseOption } from "../CacheLock.ts"
import type { CacheCore } from "./context.ts"
import { makeToken } from "./token.ts"

export type Attempt<G> =
  | { readonly _tag: "Granted"; readonly grant: G }
  /** Something may have changed in so many milliseconds, without anybody telling. */
  | { readonly _tag: "Busy"; readonly retryIn: number }

/** The right that is leased: one command each. */
export interface Right<G> {
  readonly key: string
  /** Where those who wait are told of changes, and by which name. */
  readonly channel: string
  readonly wakeName: (token: string) => string
  /** Those who wait have a place in a row on the server, which they must leave. */
  readonly queues: boolean
  /** Waiters ask this often though nobody tells them to, in milliseconds. */
  readonly askEvery: number
  readonly attempt: (token: string, lease: number, waits: boolean) => Effect.Effect<Attempt<G>, CacheError>
  /** To so many milliseconds at least, undefined = for ever, and so many more than there are. False: not held. */
  readonly extend: (token: string, least: number | undefined, more: number) => Effect.Effect<boolean, CacheError>
  /** And the place in the row. False: not held. */
  readonly release: (token: string) => Effect.Effect<boolean, CacheError>
}

export interface Terms {
  /** Milliseconds. */
  readonly lease: number
  readonly wait: number
  readonly renew: boolean
}

/** What is held, until it is released: false where it was lost before. */
export interface Holding<G> extends Held {
  readonly grant: G
  readonly release: Effect.Effect<boolean>
}

const defaultLease = 30_000

export const termsOf = (
  operation: string,
  { lease = defaultLease, renew = true, wait = 0 }: LeaseOption
): Exit.Exit<Terms, CacheError> => {
  const leaseMillis = toMillis(lease)
  const waitMillis = toMillis(wait)
  if (leaseMillis === undefined || leaseMillis === 0) return refused(operation, "lease must be a duration above zero")
  if (waitMillis === undefined) return refused(operation, "wait is not a duration")
  return Exit.succeed({ lease: leaseMillis, wait: waitMillis, renew })
}

export const millisOf = (operation: string, by: Duration.Input) => {
  const millis = toMillis(by)
  return millis === undefined || millis === Infinity ? refused(operation, "by is not a duration") : Exit.succeed(millis)
}

/** Not moved when somebody sets the clock. */
const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1000n) / 1000)

/** Held for the scope. */
export const holdScoped = <G>(core: CacheCore, right: Right<G>, terms: Terms) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.tap(acquire(core, right, terms, restore), ({ release }) => Effect.addFinalizer(() => release))
  )

/** Held while the effect runs, which is interrupted when it is lost. */
export const holdWhile = <G, A, E, R>(
  core: CacheCore,
  right: Right<G>,
  terms: Terms,
  effect: (holding: Holding<G>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | CacheError | LockUnavailable | LockLost, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(acquire(core, right, terms, restore), (holding) =>
      Effect.flatMap(Effect.exit(restore(Effect.raceFirst(effect(holding), holding.lost))), (exit) =>
        Effect.flatMap(holding.release, (wasHeld): Exit.Exit<A, E | LockLost> =>
          wasHeld || Exit.isFailure(exit) ? exit : Exit.fail(new LockLost({ key: right.key }))
        )
      )
    )
  )

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

const acquire = Effect.fnUntraced(function* <G>(
  core: CacheCore,
  right: Right<G>,
  terms: Terms,
  restore: Restore
): Effect.fn.Return<Holding<G>, CacheError | LockUnavailable> {
  const token = yield* makeToken
  const left: Left = { isAsking: false, unknown: undefined, mayQueue: false }
  const { grant, sentAt } = yield* Effect.onExit(
    restore(terms.wait === 0 ? tryOnce(right, terms, token, left) : contend(core, right, terms, token, left)),
    (exit) =>
      Exit.isFailure(exit) && (left.isAsking || left.unknown !== undefined || left.mayQueue)
        ? abandon(core, right, token)
        : Effect.void
  )
  return yield* hold(core, right, terms, token, grant, sentAt)
})

/** What an attempt may have left on the server that nobody knows of. */
interface Left {
  isAsking: boolean
  /** Of an attempt since the last reply, which may have been granted. */
  unknown: CacheError | undefined
  mayQueue: boolean
}

/** Nobody waits for it: what it does not reach ends with its lease. */
const abandon = (core: CacheCore, right: Right<unknown>, token: string) =>
  Effect.forkIn(Effect.ignore(right.release(token)), core.scope, { startImmediately: true })

interface Granted<G> {
  readonly _tag: "Granted"
  readonly grant: G
  /** When it was asked for. */
  readonly sentAt: number
}

const attempt = Effect.fnUntraced(function* <G>(
  right: Right<G>,
  { lease, wait }: Terms,
  token: string,
  left: Left
): Effect.fn.Return<Granted<G> | Extract<Attempt<G>, { _tag: "Busy" }>, CacheError> {
  const sentAt = yield* now
  left.isAsking = true
  left.mayQueue ||= right.queues && wait > 0
  const endless = lease === Infinity
  const outcome = yield* Effect.catch(right.attempt(token, endless ? defaultLease : lease, wait > 0), (error) => {
    left.isAsking = false
    if ("mayHaveExecuted" in error && error.mayHaveExecuted) left.unknown = error
    return Effect.fail(left.unknown ?? error)
  })
  left.isAsking = outcome._tag === "Granted"
  left.unknown = undefined
  if (outcome._tag === "Busy") return outcome
  // Only now, so that one whose reply was lost ends by itself.
  if (endless && !(yield* right.extend(token, undefined, 0))) return { _tag: "Busy", retryIn: 0 }
  return { _tag: "Granted", grant: outcome.grant, sentAt }
})

const unavailable = (right: Right<unknown>, { wait }: Terms) =>
  Effect.fail(new LockUnavailable({ key: right.key, wait }))

const tryOnce = <G>(right: Right<G>, terms: Terms, token: string, left: Left) =>
  Effect.flatMap(attempt(right, terms, token, left), (outcome) =>
    outcome._tag === "Granted" ? Effect.succeed(outcome) : unavailable(right, terms)
  )

/** Milliseconds before the second attempt; then twice as long each time, until something is heard. */
const firstPause = 25

/** After a failure that may pass, at most. */
const pauseAfterFailure = 200

/** Failures that may pass are waited for, too; the last one is told when the time is over. */
const contend = <G>(
  core: CacheCore,
  right: Right<G>,
  terms: Terms,
  token: string,
  left: Left
): Effect.Effect<Granted<G>, CacheError | LockUnavailable> =>
  Effect.scoped(
    Effect.gen(function* () {
      const deadline = (yield* now) + terms.wait
      const name = right.wakeName(token)
      // Who waits in a row on the server needs none here.
      if (!right.queues && !(yield* core.turns.take(name, terms.wait))) return yield* unavailable(right, terms)
      let bell: Latch.Latch | undefined
      for (let pause = firstPause; ;) {
        const outcome = yield* Effect.result(attempt(right, terms, token, left))
        let retryIn = Infinity
        let failure: Effect.Effect<never, CacheError | LockUnavailable> = unavailable(right, terms)
        if (Result.isFailure(outcome)) {
          failure = Effect.fail(outcome.failure)
          retryIn = pauseAfterFailure
          if (!isTransient(outcome.failure)) return yield* failure
        } else if (outcome.success._tag === "Granted") return outcome.success
        else retryIn = outcome.success.retryIn
        const rest = deadline - (yield* now)
        if (rest <= 0) return yield* failure
        bell ??= yield* core.wakeUps.listen(right.channel, name)
        const spread = 1 + (yield* Random.next) / 2
        const woken = yield* Effect.timeoutOption(bell.await, Math.min(rest, retryIn, pause * spread))
        bell.closeUnsafe()
        pause = Option.isSome(woken) ? firstPause : Math.min(right.askEvery, pause * 2)
      }
    })
  )

const hold = Effect.fnUntraced(function* <G>(
  core: CacheCore,
  right: Right<G>,
  terms: Terms,
  token: string,
  grant: G,
  sentAt: number
): Effect.fn.Return<Holding<G>> {
  const { lease, renew } = terms
  const lost = Deferred.makeUnsafe<never, LockLost>()
  const lose = Effect.suspend(() => Deferred.fail(lost, new LockLost({ key: right.key })))
  // The server's count began later, when the command arrived.
  const end = { at: sentAt + lease }

  const watching = Effect.gen(function* () {
    let pause = renew ? lease / 3 : lease
    for (;;) {
      yield* Effect.sleep(Math.max(0, Math.min(pause, end.at - (yield* now))))
      const time = yield* now
      if (time >= end.at) return yield* lose
      if (!renew) continue
      const outcome = yield* Effect.result(right.extend(token, lease, 0))
      if (outcome._tag === "Failure") pause = lease / 10
      else if (!outcome.success) return yield* lose
      else {
        end.at = Math.max(end.at, time + lease)
        pause = lease / 3
      }
    }
  })
  // At once, so that it works under `runSync`: it begins with a pause.
  const watch = lease === Infinity ? undefined : yield* Effect.forkIn(watching, core.scope, { startImmediately: true })

  return {
    token,
    grant,
    lost: Deferred.await(lost),
    extend: (by) =>
      Effect.flatMap(millisOf("extend", by), (millis) =>
        Effect.flatMap(right.extend(token, 0, millis), (held): Effect.Effect<void, LockLost> => {
          if (!held) return Effect.andThen(lose, Deferred.await(lost))
          end.at += millis
          return Effect.void
        })
      ),
    release: Effect.suspend(() =>
      Effect.andThen(
        watch === undefined ? Effect.void : Fiber.interrupt(watch),
        Effect.catch(right.release(token), () =>
          // It ends with its lease; until then nobody else has it.
          Effect.map(now, (time) => time < end.at)
        )
      )
    )
  }
})

/** What a program gets to see of it. */
export const heldOf = <G>({ extend, lost, token }: Holding<G>): Held => ({ token, extend, lost })
