/** One piece of work for each key at a time, shared by everybody who asks meanwhile. */
import { Deferred, Effect, Exit, Fiber, type Scope } from "effect"

interface Flight {
  readonly result: Deferred.Deferred<unknown, unknown>
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  waiting: number
  landed: boolean
}

export class SingleFlight {
  readonly #flights = new Map<string, Flight>()
  readonly #scope: Scope.Scope

  /** The work lives in `scope`, not in the fiber of whoever happened to ask first. */
  constructor(scope: Scope.Scope) {
    this.#scope = scope
  }

  /** The result of the work in flight for `key`, or of `work`, which is then in flight. Interrupted when the last who waits leaves. */
  share<A, E, R>(key: string, work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(this.#board(key, work), (flight) => {
        // The flights of one key all come from one codec, so the types are those of the one who started it.
        const result = flight.result as Deferred.Deferred<A, E>
        return Effect.onExit(restore(Deferred.await(result)), () => this.#leave(key, flight))
      })
    )
  }

  #board<A, E, R>(key: string, work: Effect.Effect<A, E, R>): Effect.Effect<Flight, never, R> {
    return Effect.suspend(() => {
      const known = this.#flights.get(key)
      if (known !== undefined) {
        known.waiting++
        return Effect.succeed(known)
      }
      const flight: Flight = { result: Deferred.makeUnsafe(), fiber: undefined, waiting: 1, landed: false }
      this.#flights.set(key, flight)
      const run = Effect.onExit(Effect.interruptible(work), (exit) => Effect.sync(() => this.#land(key, flight, exit)))
      // At once, so that work without asynchronous parts runs under `runSync`, however deep it nests.
      return Effect.map(Effect.forkIn(run, this.#scope, { startImmediately: true }), (fiber) => {
        flight.fiber = fiber
        return flight
      })
    })
  }

  #land(key: string, flight: Flight, exit: Exit.Exit<unknown, unknown>): void {
    flight.landed = true
    this.#forget(key, flight)
    Deferred.doneUnsafe(flight.result, exit)
  }

  #leave(key: string, flight: Flight): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (--flight.waiting > 0 || flight.landed || flight.fiber === undefined) return Effect.void
      this.#forget(key, flight)
      return Fiber.interrupt(flight.fiber)
    })
  }

  #forget(key: string, flight: Flight): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
  }
}
