/** Sources that are left alone for a while, because a refresh from them has failed. */
import { Clock, Effect, Exit } from "effect"

/** Keys that are remembered; the oldest is forgotten first, and its source asked again. */
const most = 10_000

/** After the server did not say what it has, a refresh does not ask it again for so many milliseconds. */
export const serverRest = 1000

/** Interruption says nothing of the source. */
const hasFailed = (exit: Exit.Exit<unknown, unknown>): boolean => Exit.isFailure(exit) && !Exit.hasInterrupts(exit)

export class FailedRefreshes {
  readonly #until = new Map<string, number>()

  /** Milliseconds since 1970. */
  failed(final: string, until: number): void {
    this.#until.delete(final)
    this.#until.set(final, until)
    if (this.#until.size <= most) return
    for (const oldest of this.#until.keys()) {
      this.#until.delete(oldest)
      return
    }
  }

  /** Their sources are left alone for so many milliseconds where it fails. */
  rest<A, E, R>(
    refresh: Effect.Effect<A, E, R>,
    finals: ReadonlyArray<string>,
    millis: number
  ): Effect.Effect<A, E, R> {
    return Effect.onExit(refresh, (exit) =>
      hasFailed(exit)
        ? Effect.map(Clock.currentTimeMillis, (now) => {
            for (const final of finals) this.failed(final, now + millis)
          })
        : Effect.void
    )
  }

  /** Those of the refreshed keys whose lookups failed, while the others did not, are left alone for so many milliseconds. */
  restFailed<A extends ReadonlyMap<string, Exit.Exit<unknown, unknown>>, E, R>(
    refresh: Effect.Effect<A, E, R>,
    millis: number
  ): Effect.Effect<A, E, R> {
    return Effect.flatMap(refresh, (outcomes) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        for (const [final, exit] of outcomes) if (hasFailed(exit)) this.failed(final, now + millis)
        return outcomes
      })
    )
  }

  /** Its source has answered: whoever asked. */
  succeeded(final: string): void {
    if (this.#until.size > 0) this.#until.delete(final)
  }

  isResting(final: string, now: number): boolean {
    const until = this.#until.get(final)
    return until !== undefined && now < until
  }
}
