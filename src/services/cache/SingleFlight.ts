/** One piece of work for each key at a time, shared by everybody who asks meanwhile. */
import { Effect, Exit, Fiber, type Scope } from "effect"

interface Flight {
  readonly fiber: Fiber.Fiber<unknown, unknown>
  waiting: number
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
      Effect.flatMap(this.#join(key, work), (flight) =>
        // The flights of one key all come from one codec, so the types are those of the one who started it.
        Effect.onExit(restore(Fiber.join(flight.fiber as Fiber.Fiber<A, E>)), (exit) => this.#leave(key, flight, exit))
      )
    )
  }

  #join<A, E, R>(key: string, work: Effect.Effect<A, E, R>): Effect.Effect<Flight, never, R> {
    return Effect.suspend(() => {
      const flight = this.#flights.get(key)
      if (flight !== undefined) {
        flight.waiting++
        return Effect.succeed(flight)
      }
      const started = Effect.forkIn(Effect.interruptible(work), this.#scope)
      return Effect.map(started, (fiber) => {
        const flight: Flight = { fiber, waiting: 1 }
        this.#flights.set(key, flight)
        return flight
      })
    })
  }

  #leave(key: string, flight: Flight, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    return Effect.suspend(() => {
      flight.waiting--
      const landed = flight.fiber.pollUnsafe() !== undefined
      if (!landed && flight.waiting > 0) return Effect.void
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
      return !landed && Exit.hasInterrupts(exit) ? Fiber.interrupt(flight.fiber) : Effect.void
    })
  }
}
