/** What a lease is while it is held: it is renewed, lost in time, released. */
import { type Duration, Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { refused } from "../../../schema/failures.ts"
import { LockLost } from "../../../schema/LockError.ts"
import type { HeldLease } from "../../operations/HeldLease.ts"
import { finiteMillis } from "../kernel/finiteMillis.ts"
import type { Renewal } from "./Renewals.ts"
import type { LeaseRequest } from "./LeaseRequest.ts"

/** A lease that was granted, until it is released. */
export class Lease<G> {
  readonly grant: G
  readonly #request: LeaseRequest<G>
  readonly #renewal: Renewal
  /** When the lease ends by the local clock. The server began to count later, when the command arrived. */
  #endsAt: number
  #isLost = false
  #isHandedOver = false
  #onLost: Set<() => void> | undefined

  constructor(request: LeaseRequest<G>, grant: G, sentAt: number) {
    this.grant = grant
    this.#request = request
    this.#endsAt = sentAt + request.terms.lease
    this.#renewal = { dueAt: this.#nextDue(request.terms.lease / 3), onDue: this.#onDue, onClosed: () => this.#lose() }
  }

  get token(): string {
    return this.#request.token
  }

  get isLost(): boolean {
    return this.#isLost
  }

  /** Begins to renew it, or to find out that it has ended. */
  get watched(): Effect.Effect<unknown> {
    const { clock, shared } = this.#request
    return shared.renewals.add(clock, this.#renewal)
  }

  /** `tell` is called once, when the lease is lost; at once where it is lost already. Returns what takes `tell` off again. */
  onLost(tell: () => void): () => void {
    if (this.#isLost) tell()
    this.#onLost ??= new Set()
    this.#onLost.add(tell)
    return () => this.#onLost?.delete(tell)
  }

  get lost(): Effect.Effect<never, LockLost> {
    return Effect.callback((resume) => {
      const stop = this.onLost(() => resume(this.#asLost))
      return Effect.sync(stop)
    })
  }

  extend(by: Duration.Input): Effect.Effect<void, CommandError | LockLost> {
    return Effect.flatMap(finiteMillis("extend", "by", by), (millis) => {
      if (millis === 0) return refused("extend", "by must be a duration above zero")
      return this.#extend(0, millis, () => {
        this.#endsAt += millis
      })
    })
  }

  /** Gives the lease a whole length for whoever resumes it by its token, and stops renewing it here. Returns the token. */
  get handOver(): Effect.Effect<string, CommandError | LockLost> {
    return Effect.suspend(() => {
      const { clock, shared, terms } = this.#request
      return this.#extend(terms.lease === Infinity ? undefined : terms.lease, 0, () => {
        this.#isHandedOver = true
        shared.renewals.remove(clock, this.#renewal)
        return this.token
      })
    })
  }

  /** Releases it. Returns false where it was lost before. */
  get release(): Effect.Effect<boolean> {
    return Effect.suspend(() => {
      if (this.#isHandedOver) return Effect.succeed(true)
      const { clock, shared, leasable } = this.#request
      shared.renewals.remove(clock, this.#renewal)
      // What does not arrive ends with its lease; until then nobody else has it.
      return Effect.catch(leasable.release(this.token), () => Effect.succeed(this.#request.now < this.#endsAt))
    })
  }

  /** As `leasable.extend`; it is lost where the server says that it is not held. */
  #extend<A>(least: number | undefined, more: number, onHeld: () => A): Effect.Effect<A, CommandError | LockLost> {
    return Effect.flatMap(
      this.#request.leasable.extend(this.token, least, more),
      (held): Effect.Effect<A, LockLost> => {
        if (held) return Effect.succeed(onHeld())
        this.#lose()
        return this.#asLost
      }
    )
  }

  get #asLost(): Effect.Effect<never, LockLost> {
    return Effect.fail(new LockLost({ key: this.#request.leasable.key }))
  }

  #nextDue(pause: number): number {
    return this.#request.terms.renew ? Math.min(this.#endsAt, this.#request.now + pause) : this.#endsAt
  }

  #lose(): undefined {
    this.#isLost = true
    for (const tell of this.#onLost ?? []) tell()
  }

  get #onDue(): Effect.Effect<number | undefined> {
    return Effect.suspend(() => {
      const { now, leasable, terms } = this.#request
      if (now >= this.#endsAt) return Effect.succeed(this.#lose())
      if (!terms.renew) return Effect.succeed(this.#endsAt)
      return Effect.match(leasable.extend(this.token, terms.lease, 0), {
        onFailure: () => this.#nextDue(terms.lease / 10),
        onSuccess: (held) => {
          if (!held) return this.#lose()
          this.#endsAt = Math.max(this.#endsAt, now + terms.lease)
          return this.#nextDue(terms.lease / 3)
        }
      })
    })
  }
}

/** The part of a lease that programs see. */
export const heldLease = (lease: Lease<unknown>): HeldLease => ({
  token: lease.token,
  extend: (by) => lease.extend(by),
  lost: lease.lost
})
