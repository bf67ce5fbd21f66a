/** Sources that are left alone for a while, because a refresh from them has failed. */

import { Exit } from "effect"

/** Keys that are remembered; the oldest is forgotten first, and its source asked again. */
const most = 10_000

/** Interruption says nothing of the source. */
export const hasFailed = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) && !Exit.hasInterrupts(exit)

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

  /** Its source has answered: whoever asked. */
  succeeded(final: string): void {
    if (this.#until.size > 0) this.#until.delete(final)
  }

  isResting(final: string, now: number): boolean {
    const until = this.#until.get(final)
    return until !== undefined && now < until
  }
}
