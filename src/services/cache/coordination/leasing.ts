/** What locks and permits have in common: asking for them, waiting for them, working while they are held. */
import { Cause, Clock, Effect, Exit, Fiber, type Latch, Option, Random, Result } from "effect"
import { type CacheError, isTransient } from "../../../schema/CacheError.ts"
import { refused } from "../../../schema/failures.ts"
import { LockLost, LockUnavailable } from "../../../schema/LockError.ts"
import { toMillis } from "../../../schema/TimeToLive.ts"
import type { LeaseOptions } from "../../operations/Lease.ts"
import type { CacheCore } from "../kernel/context.ts"
import { Holding } from "./Holding.ts"
import { monotonicMillis } from "./Renewals.ts"
import type { Busy, Claimant, Right, Terms } from "./Right.ts"

const defaultLease = 30_000

export const termsOf = (
  operation: string,
  { lease = defaultLease, renew = true, wait = 0 }: LeaseOptions
): Exit.Exit<Terms, CacheError> => {
  const leaseMillis = toMillis(lease)
  const waitMillis = toMillis(wait)
  if (leaseMillis === undefined || leaseMillis === 0) return refused(operation, "lease must be a duration above zero")
  if (waitMillis === undefined) return refused(operation, "wait is not a duration")
  return Exit.succeed({ lease: leaseMillis, wait: waitMillis, renew })
}

/** Held for the scope. */
export const holdScoped = <G>(core: CacheCore, right: Right<G>, terms: Terms) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.tap(acquire(core, right, terms, restore), (holding) => Effect.addFinalizer(() => holding.release))
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
      Effect.flatMap(runWhileHeld(holding, effect, restore), (exit) =>
        Effect.flatMap(holding.release, (wasHeld): Exit.Exit<A, E | LockLost> => {
          const isLost = Exit.isSuccess(exit) ? !wasHeld : holding.isLost && Cause.hasInterrupts(exit.cause)
          return isLost ? Exit.fail(new LockLost({ key: right.key })) : exit
        })
      )
    )
  )

/** In a fiber of its own, which can be interrupted without its caller. */
const runWhileHeld = <G, A, E, R>(
  holding: Holding<G>,
  effect: (holding: Holding<G>) => Effect.Effect<A, E, R>,
  restore: Restore
): Effect.Effect<Exit.Exit<A, E>, never, R> =>
  Effect.flatMap(
    Effect.forkChild(restore(Effect.suspend(() => effect(holding))), { startImmediately: true }),
    (work) => {
      const exit = work.pollUnsafe()
      if (exit !== undefined) return Effect.succeed(exit)
      holding.onLost(() => work.interruptUnsafe())
      return Effect.exit(Effect.flatten(Effect.onInterrupt(restore(Fiber.await(work)), () => Fiber.interrupt(work))))
    }
  )

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

const acquire = <G>(
  core: CacheCore,
  right: Right<G>,
  terms: Terms,
  restore: Restore
): Effect.Effect<Holding<G>, CacheError | LockUnavailable> =>
  Effect.withFiber((fiber) => {
    const asker = new Asker(core, right, terms, fiber.getRef(Clock.Clock))
    const granted = Effect.onExit(restore(terms.wait === 0 ? tryOnce(asker) : contend(asker)), (exit) =>
      Exit.isFailure(exit) ? asker.abandon : Effect.void
    )
    return Effect.flatMap(granted, ({ grant, sentAt }) => {
      const holding = new Holding(asker, grant, sentAt)
      return Effect.as(holding.watched, holding)
    })
  })

interface Granted<G> {
  readonly _tag: "Granted"
  readonly grant: G
  /** When it was asked for. */
  readonly sentAt: number
}

/** Who asks, and what his attempts may have left on the server that nobody knows of. */
class Asker<G> implements Claimant<G> {
  readonly core: CacheCore
  readonly right: Right<G>
  readonly terms: Terms
  readonly clock: Clock.Clock
  readonly token: string
  #isAsking = false
  /** Of an attempt since the last reply, which may have been granted. */
  #unknown: CacheError | undefined

  constructor(core: CacheCore, right: Right<G>, terms: Terms, clock: Clock.Clock) {
    this.core = core
    this.right = right
    this.terms = terms
    this.clock = clock
    this.token = core.newToken()
  }

  get now(): number {
    return monotonicMillis(this.clock)
  }

  get unavailable(): Effect.Effect<never, LockUnavailable> {
    return Effect.fail(new LockUnavailable({ key: this.right.key, wait: this.terms.wait }))
  }

  get attempt(): Effect.Effect<Granted<G> | Busy, CacheError> {
    return Effect.suspend(() => {
      const { lease, wait } = this.terms
      const sentAt = this.now
      this.#isAsking = true
      return Effect.matchEffect(this.right.attempt(this.token, lease === Infinity ? defaultLease : lease, wait > 0), {
        onSuccess: (outcome): Effect.Effect<Granted<G> | Busy, CacheError> => {
          this.#isAsking = outcome._tag === "Granted"
          this.#unknown = undefined
          if (outcome._tag === "Busy") return Effect.succeed(outcome)
          const granted: Granted<G> = { _tag: "Granted", grant: outcome.grant, sentAt }
          if (lease !== Infinity) return Effect.succeed(granted)
          // Only now, so that one whose reply was lost ends by itself.
          return Effect.map(this.right.extend(this.token, undefined, 0), (held) =>
            held ? granted : { _tag: "Busy", retryIn: 0 }
          )
        },
        onFailure: (error) => {
          this.#isAsking = false
          if ("mayHaveExecuted" in error && error.mayHaveExecuted) this.#unknown = error
          return Effect.fail(this.#unknown ?? error)
        }
      })
    })
  }

  /** Nobody waits for it: what it does not reach ends with its lease. */
  get abandon(): Effect.Effect<unknown> {
    const { queues } = this.right
    const isClean = !this.#isAsking && this.#unknown === undefined && !(queues && this.terms.wait > 0)
    return isClean
      ? Effect.void
      : Effect.forkIn(Effect.ignore(this.right.release(this.token)), this.core.scope, { startImmediately: true })
  }
}

const tryOnce = <G>(asker: Asker<G>): Effect.Effect<Granted<G>, CacheError | LockUnavailable> =>
  Effect.flatMap(asker.attempt, (outcome) => (outcome._tag === "Granted" ? Effect.succeed(outcome) : asker.unavailable))

/** Milliseconds before the second attempt; then twice as long each time, until something is heard. */
const firstPause = 25

/** After a failure that may pass, at most. */
const pauseAfterFailure = 200

/** Failures that may pass are waited for, too; the last one is told when the time is over. */
const contend = <G>(asker: Asker<G>): Effect.Effect<Granted<G>, CacheError | LockUnavailable> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { core, right, terms, token } = asker
      const deadline = asker.now + terms.wait
      const name = right.wakeName(token)
      // Who waits in a row on the server needs none here.
      if (!right.queues && !(yield* core.turns.take(name, terms.wait))) return yield* asker.unavailable
      let bell: Latch.Latch | undefined
      for (let pause = firstPause; ;) {
        const outcome = yield* Effect.result(asker.attempt)
        let retryIn = Infinity
        let failure: Effect.Effect<never, CacheError | LockUnavailable> = asker.unavailable
        if (Result.isFailure(outcome)) {
          failure = Effect.fail(outcome.failure)
          retryIn = pauseAfterFailure
          if (!isTransient(outcome.failure)) return yield* failure
        } else if (outcome.success._tag === "Granted") return outcome.success
        else retryIn = outcome.success.retryIn
        const rest = deadline - asker.now
        if (rest <= 0) return yield* failure
        bell ??= yield* core.wakeUps.listen(right.channel, name)
        const spread = 1 + (yield* Random.next) / 2
        const woken = yield* Effect.timeoutOption(bell.await, Math.ceil(Math.min(rest, retryIn, pause * spread)))
        bell.closeUnsafe()
        pause = Option.isSome(woken) ? firstPause : Math.min(right.askEvery, pause * 2)
      }
    })
  )
