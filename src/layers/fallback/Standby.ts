/** Which of two stores commands go to. While it changes back to the first, they wait. */
import { Effect, Latch, Option } from "effect"
import type { Outage } from "../../schema/failures.ts"

/** How long the change back waits for commands that the second store executes, before it is put off. */
const drainTime = "2 seconds"

export class Standby {
  #outage: Outage | undefined
  #running = 0
  /** Nothing runs in the second store. */
  readonly #idle = Latch.makeUnsafe(true)
  /** It is decided where commands go. */
  readonly #decided = Latch.makeUnsafe(true)
  readonly #drained = Effect.timeoutOption(this.#idle.await, drainTime)

  /** Why the first store is not used; undefined while it is. */
  get outage(): Outage | undefined {
    return this.#outage
  }

  /** True where the error begins an outage. */
  begin(outage: Outage): boolean {
    if (this.#outage !== undefined) return false
    this.#outage = outage
    return true
  }

  /** Goes on as soon as it is decided where. */
  use<A, E, R>(
    onFirst: Effect.Effect<A, E, R>,
    onSecond: (outage: Outage) => Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      if (!this.#decided.isOpen()) return Effect.andThen(this.#decided.await, this.use(onFirst, onSecond))
      return this.#outage === undefined ? onFirst : onSecond(this.#outage)
    })
  }

  /** Runs in the second store. */
  inSecond<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.uninterruptibleMask((restore) => {
      this.#running++
      this.#idle.closeUnsafe()
      return Effect.ensuring(
        restore(effect),
        Effect.sync(() => {
          if (--this.#running === 0) this.#idle.openUnsafe()
        })
      )
    })
  }

  /** Ends the outage where the last steps succeed, during which no store executes commands; again, until it is over. */
  end<E, R>(lastSteps: Effect.Effect<void, E, R>, isOver = () => true): Effect.Effect<void, E, R> {
    const steps: Effect.Effect<void, E, R> = Effect.flatMap(lastSteps, () => {
      if (!isOver()) return steps
      this.#outage = undefined
      return Effect.void
    })
    return this.undecided(
      Effect.suspend(() => (this.#running === 0 ? Effect.succeedSome<void>(undefined) : this.#drained)).pipe(
        Effect.flatMap((drained) => (Option.isNone(drained) ? Effect.void : steps))
      )
    )
  }

  /** Commands wait for the end of the effect. */
  undecided<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.acquireUseRelease(
      Effect.sync(() => this.#decided.closeUnsafe()),
      () => effect,
      () => Effect.sync(() => this.#decided.openUnsafe())
    )
  }
}
