/** In one process the callers that wait for one lock queue up, and only the first of them asks the server. */
import { type Duration, Effect, Option, type Scope, Semaphore } from "effect"

interface Row {
  readonly semaphore: Semaphore.Semaphore
  members: number
}

const takeIfFree = (semaphore: Semaphore.Semaphore): Effect.Effect<boolean, never, Scope.Scope> =>
  Effect.acquireRelease(semaphore.takeIfAvailable(1), (taken) => (taken ? semaphore.release(1) : Effect.void))

export class KeyedMutex {
  readonly #rows = new Map<string, Row>()

  /** Waits at most `wait` for all callers that came before; held until the scope closes. False: the time was over before. */
  take(name: string, wait: Duration.Input): Effect.Effect<boolean, never, Scope.Scope> {
    return Effect.flatMap(
      Effect.acquireRelease(
        Effect.sync(() => this.#join(name)),
        (row) =>
          Effect.sync(() => {
            if (--row.members === 0) this.#rows.delete(name)
          })
      ),
      ({ semaphore }) =>
        // Whoever need not wait needs no timer, which nobody has under `runSync`.
        Effect.flatMap(takeIfFree(semaphore), (taken) =>
          taken ? Effect.succeed(true) : Effect.map(Effect.timeoutOption(semaphore.takeScoped(1), wait), Option.isSome)
        )
    )
  }

  #join(name: string): Row {
    const row = this.#rows.get(name) ?? { semaphore: Semaphore.makeUnsafe(1), members: 0 }
    this.#rows.set(name, row)
    row.members++
    return row
  }
}
