/** How one caller asks for a lease. */
import { type Clock, Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { mayHaveExecuted } from "../../../schema/failures.ts"
import { LockUnavailable } from "../../../schema/LockError.ts"
import type { Coordination } from "./Coordination.ts"
import type { Busy, Leasable } from "./Leasable.ts"
import { defaultLease, type LeaseTerms } from "./LeaseTerms.ts"
import { leaseToken } from "./leaseToken.ts"
import { monotonicMillis } from "./Renewals.ts"

export interface Granted<G> {
  readonly _tag: "Granted"
  readonly grant: G
  /** When it was asked for. */
  readonly sentAt: number
}

/** The request of one caller: its token, and what its attempts may have left on the server that nobody knows of. */
export class LeaseRequest<G> {
  readonly shared: Coordination
  readonly leasable: Leasable<G>
  readonly terms: LeaseTerms
  readonly clock: Clock.Clock
  readonly token: string
  #isAsking = false
  /** The error of an attempt since the last reply, which may have been granted. */
  #unknown: CommandError | undefined

  /** `token` is given where the lease is held already. */
  constructor(
    shared: Coordination,
    leasable: Leasable<G>,
    terms: LeaseTerms,
    clock: Clock.Clock,
    token: string = leaseToken(shared.newToken(), terms.label)
  ) {
    this.shared = shared
    this.leasable = leasable
    this.terms = terms
    this.clock = clock
    this.token = token
  }

  /** The monotonic time in milliseconds. */
  get now(): number {
    return monotonicMillis(this.clock)
  }

  get unavailable(): Effect.Effect<never, LockUnavailable> {
    return Effect.fail(new LockUnavailable({ key: this.leasable.key, wait: this.terms.wait }))
  }

  get attempt(): Effect.Effect<Granted<G> | Busy, CommandError> {
    return Effect.suspend(() => {
      const { lease, wait } = this.terms
      const sentAt = this.now
      this.#isAsking = true
      return Effect.matchEffect(
        this.leasable.attempt(this.token, lease === Infinity ? defaultLease : lease, wait > 0),
        {
          onSuccess: (outcome): Effect.Effect<Granted<G> | Busy, CommandError> => {
            this.#isAsking = outcome._tag === "Granted"
            this.#unknown = undefined
            if (outcome._tag === "Busy") return Effect.succeed(outcome)
            const granted: Granted<G> = { _tag: "Granted", grant: outcome.grant, sentAt }
            if (lease !== Infinity) return Effect.succeed(granted)
            // Only now, so that one whose reply was lost ends by itself.
            return Effect.map(this.leasable.extend(this.token, undefined, 0), (held) =>
              held ? granted : { _tag: "Busy", retryIn: 0 }
            )
          },
          onFailure: (error) => {
            this.#isAsking = false
            if (mayHaveExecuted(error)) this.#unknown = error
            return Effect.fail(this.#unknown ?? error)
          }
        }
      )
    })
  }

  /**
   * Gives up what the attempts may have acquired. The caller does not wait for it: what the release does not reach ends with its
   * lease.
   */
  get abandon(): Effect.Effect<unknown> {
    const { queues } = this.leasable
    const isClean = !this.#isAsking && this.#unknown === undefined && !(queues && this.terms.wait > 0)
    return isClean
      ? Effect.void
      : Effect.forkIn(Effect.ignore(this.leasable.release(this.token)), this.shared.scope, { startImmediately: true })
  }
}
