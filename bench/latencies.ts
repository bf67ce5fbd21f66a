/** What single operations of a burst took. */
import { Effect } from "effect"

/** In milliseconds. */
export class Latencies {
  #millis: Array<number> = []

  /** An operation of Promise code, timed. */
  promise(operation: () => Promise<unknown>): () => Promise<void> {
    return async () => {
      const started = performance.now()
      await operation()
      this.#millis.push(performance.now() - started)
    }
  }

  /** An operation of Effect code, timed. */
  effect<E>(operation: () => Effect.Effect<unknown, E>): () => Effect.Effect<void, E> {
    return () => {
      const started = performance.now()
      return Effect.map(operation(), () => void this.#millis.push(performance.now() - started))
    }
  }

  /** That of which a thousandth was slower, since it was asked for last. */
  take(): number {
    const sorted = Float64Array.from(this.#millis).toSorted()
    this.#millis = []
    return sorted[Math.floor(sorted.length * 0.999)] ?? Number.NaN
  }
}
