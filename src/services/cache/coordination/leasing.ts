/** What locks and permits have in common: asking for them, waiting for them, working while they are held. */
import { Cause, Clock, Effect, Exit, Fiber, type Latch, Option, Random, Result, type Scope } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { isTransient } from "../../../schema/isTransient.ts"
import { closedError } from "../../../schema/failures.ts"
import { LockLost, type LockUnavailable } from "../../../schema/LockError.ts"
import type { Coordination } from "./Coordination.ts"
import type { Leasable } from "./Leasable.ts"
import { Lease } from "./Lease.ts"
import { type Granted, LeaseRequest } from "./LeaseRequest.ts"
import type { LeaseTerms } from "./LeaseTerms.ts"

/** Acquires a lease and holds it until the scope closes. */
export const holdScoped = <G>(shared: Coordination, leasable: Leasable<G>, terms: LeaseTerms) =>
  Effect.uninterruptibleMask((restore) => releasedWithScope(acquire(shared, leasable, terms, restore)))

/**
 * Holds until the scope closes what is already held by that token. `resume` returns what was granted then; undefined = it is not
 * held.
 */
export const resumeScoped = <G>(
  shared: Coordination,
  leasable: Leasable<G>,
  terms: LeaseTerms,
  token: string,
  resume: Effect.Effect<G | undefined, CommandError>
) =>
  Effect.uninterruptibleMask((restore) =>
    releasedWithScope(
      Effect.withFiber((fiber): Effect.Effect<Lease<G>, CommandError | LockLost> => {
        if (isClosed(shared)) return closed
        const request = new LeaseRequest(shared, leasable, terms, fiber.getRef(Clock.Clock), token)
        const sentAt = request.now
        // Where that fails somebody else may still hold it, so that nothing is given back.
        return Effect.flatMap(restore(resume), (grant) =>
          grant === undefined ? Effect.fail(new LockLost({ key: leasable.key })) : begin(request, grant, sentAt)
        )
      })
    )
  )

const releasedWithScope = <G, E>(held: Effect.Effect<Lease<G>, E>): Effect.Effect<Lease<G>, E, Scope.Scope> =>
  Effect.tap(held, (lease) => Effect.addFinalizer(() => lease.release))

/** Begins to hold what was granted. */
const begin = <G>(request: LeaseRequest<G>, grant: G, sentAt: number): Effect.Effect<Lease<G>> => {
  const lease = new Lease(request, grant, sentAt)
  return Effect.as(lease.watched, lease)
}

/** Holds a lease while the effect runs, and interrupts the effect when the lease is lost. */
export const holdWhile = <G, A, E, R>(
  shared: Coordination,
  leasable: Leasable<G>,
  terms: LeaseTerms,
  effect: (lease: Lease<G>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | CommandError | LockUnavailable | LockLost, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(acquire(shared, leasable, terms, restore), (lease) =>
      Effect.flatMap(runWhileHeld(lease, effect, restore), (exit) =>
        Effect.flatMap(lease.release, (wasHeld): Exit.Exit<A, E | LockLost> => {
          const isLost = Exit.isSuccess(exit) ? !wasHeld : lease.isLost && Cause.hasInterrupts(exit.cause)
          return isLost ? Exit.fail(new LockLost({ key: leasable.key })) : exit
        })
      )
    )
  )

/** Runs the effect in a fiber of its own, which can be interrupted without its caller. */
const runWhileHeld = <G, A, E, R>(
  lease: Lease<G>,
  effect: (lease: Lease<G>) => Effect.Effect<A, E, R>,
  restore: Restore
): Effect.Effect<Exit.Exit<A, E>, never, R> =>
  Effect.flatMap(Effect.forkChild(restore(Effect.suspend(() => effect(lease))), { startImmediately: true }), (work) => {
    const exit = work.pollUnsafe()
    if (exit !== undefined) return Effect.succeed(exit)
    lease.onLost(() => work.interruptUnsafe())
    return Effect.exit(Effect.flatten(Effect.onInterrupt(restore(Fiber.await(work)), () => Fiber.interrupt(work))))
  })

/** Whether leases are no longer renewed, so that none may be acquired. */
const isClosed = ({ scope }: Coordination): boolean => scope.state._tag === "Closed"
const closed = Exit.fail(closedError("acquire"))

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

const acquire = <G>(
  shared: Coordination,
  leasable: Leasable<G>,
  terms: LeaseTerms,
  restore: Restore
): Effect.Effect<Lease<G>, CommandError | LockUnavailable> =>
  Effect.withFiber((fiber) => {
    if (isClosed(shared)) return closed
    const request = new LeaseRequest(shared, leasable, terms, fiber.getRef(Clock.Clock))
    const granted = Effect.onExit(restore(terms.wait === 0 ? tryOnce(request) : contend(request)), (exit) =>
      Exit.isFailure(exit) ? request.abandon : Effect.void
    )
    return Effect.flatMap(granted, ({ grant, sentAt }) => begin(request, grant, sentAt))
  })

const tryOnce = <G>(request: LeaseRequest<G>): Effect.Effect<Granted<G>, CommandError | LockUnavailable> =>
  Effect.flatMap(request.attempt, (outcome) =>
    outcome._tag === "Granted" ? Effect.succeed(outcome) : request.unavailable
  )

/** The pause before the second attempt in milliseconds. It doubles each time, until something is heard. */
const firstPause = 25

/** The longest pause after a failure that may pass, in milliseconds. */
const pauseAfterFailure = 200

/** Failures that may pass are waited for, too; the last one is told when the time is over. */
const contend = <G>(request: LeaseRequest<G>): Effect.Effect<Granted<G>, CommandError | LockUnavailable> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { shared, leasable, terms, token } = request
      const deadline = request.now + terms.wait
      const name = leasable.wakeName(token)
      // Who waits in a row on the server needs none here.
      if (!leasable.queues && !(yield* shared.localMutex.take(name, terms.wait))) return yield* request.unavailable
      let bell: Latch.Latch | undefined
      for (let pause = firstPause; ;) {
        if (isClosed(shared)) return yield* closed
        const outcome = yield* Effect.result(request.attempt)
        let retryIn = Infinity
        let failure: Effect.Effect<never, CommandError | LockUnavailable> = request.unavailable
        if (Result.isFailure(outcome)) {
          failure = Effect.fail(outcome.failure)
          retryIn = pauseAfterFailure
          if (!isTransient(outcome.failure)) return yield* failure
        } else if (outcome.success._tag === "Granted") return outcome.success
        else retryIn = outcome.success.retryIn
        const rest = deadline - request.now
        if (rest <= 0) return yield* failure
        bell ??= yield* shared.wakeUps.listen(leasable, name)
        const spread = 1 + (yield* Random.next) / 2
        const woken = yield* Effect.timeoutOption(bell.await, Math.ceil(Math.min(rest, retryIn, pause * spread)))
        bell.closeUnsafe()
        pause = Option.isSome(woken) ? firstPause : Math.min(leasable.askEvery, pause * 2)
      }
    })
  )
