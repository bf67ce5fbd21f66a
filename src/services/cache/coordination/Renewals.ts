/** Renews all leases that are held here: one fiber for each clock, as long as anything is held. */
import { type Clock, Effect, Latch, type Scope } from "effect"

/** The monotonic time in milliseconds, which setting the clock does not move. */
export const monotonicMillis = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

export interface Renewal {
  /** The monotonic time at which it is due. */
  dueAt: number
  /** Does what is due, and returns when it is due again; undefined = never. */
  readonly onDue: Effect.Effect<number | undefined>
  /** Called where the renewals close before the lease is released. */
  readonly onClosed: () => void
}

interface Rota {
  readonly clock: Clock.Clock
  readonly renewals: Set<Renewal>
  readonly changed: Latch.Latch
  wakesAt: number
}

export class Renewals {
  readonly #scope: Scope.Scope
  readonly #rotas = new WeakMap<Clock.Clock, Rota>()
  /** All that is held here, including what is never due. */
  readonly #held = new Set<Renewal>()
  #isClosed = false

  constructor(scope: Scope.Scope) {
    this.#scope = scope
  }

  /** How many locks and permits are held here. */
  get size(): number {
    return this.#held.size
  }

  /** Renews it until it is removed. */
  add(clock: Clock.Clock, renewal: Renewal): Effect.Effect<unknown> {
    return Effect.suspend(() => {
      if (this.#isClosed) return Effect.sync(renewal.onClosed)
      this.#held.add(renewal)
      return renewal.dueAt === Infinity ? Effect.void : this.#schedule(clock, renewal)
    })
  }

  /** Ends all renewals, when the scope of the cache closes. */
  close(): void {
    this.#isClosed = true
    for (const { onClosed } of this.#held) onClosed()
    this.#held.clear()
  }

  #schedule(clock: Clock.Clock, renewal: Renewal): Effect.Effect<unknown> {
    const known = this.#rotas.get(clock)
    const rota = known ?? { clock, renewals: new Set(), changed: Latch.makeUnsafe(false), wakesAt: Infinity }
    rota.renewals.add(renewal)
    if (known !== undefined) {
      this.#wake(rota, renewal.dueAt)
      return Effect.void
    }
    this.#rotas.set(clock, rota)
    // At once, so that it works under `runSync`: it begins with a pause.
    return Effect.forkIn(this.#run(rota), this.#scope, { startImmediately: true })
  }

  remove(clock: Clock.Clock, renewal: Renewal): void {
    // When nothing is left the fiber ends with its pause: it would be begun and ended all the time where work is short.
    this.#rotas.get(clock)?.renewals.delete(renewal)
    this.#held.delete(renewal)
  }

  #wake(rota: Rota, at: number): void {
    if (at < rota.wakesAt) rota.changed.openUnsafe()
  }

  #run(rota: Rota): Effect.Effect<void> {
    const { changed, clock, renewals } = rota
    return Effect.suspend(() => {
      if (renewals.size === 0) {
        this.#rotas.delete(clock)
        return Effect.void
      }
      rota.wakesAt = Infinity
      for (const { dueAt } of renewals) rota.wakesAt = Math.min(rota.wakesAt, dueAt)
      changed.closeUnsafe()
      // Whole milliseconds, so that it is never too early by less than a clock can tell.
      const pause = Math.max(0, Math.ceil(rota.wakesAt - monotonicMillis(clock)))
      return Effect.flatMap(Effect.timeoutOption(changed.await, pause), () => {
        rota.wakesAt = Infinity
        const now = monotonicMillis(clock)
        const due = [...renewals].filter(({ dueAt }) => dueAt <= now)
        return Effect.andThen(
          Effect.forEach(due, (renewal) => this.#begin(rota, renewal), { discard: true }),
          this.#run(rota)
        )
      })
    })
  }

  /** Runs in a fiber of its own, because another renewal may be due meanwhile. */
  #begin(rota: Rota, renewal: Renewal): Effect.Effect<unknown> {
    renewal.dueAt = Infinity
    const onDue = Effect.map(renewal.onDue, (next) => {
      if (next === undefined) {
        this.#held.delete(renewal)
        return void rota.renewals.delete(renewal)
      }
      renewal.dueAt = next
      this.#wake(rota, next)
    })
    return Effect.forkIn(onDue, this.#scope, { startImmediately: true })
  }
}
