/** One piece of work for each key at a time, shared by everybody who asks meanwhile. */
import { Deferred, Effect, Exit, Fiber, type Scope } from "effect"
import type { Flight, FlightTable, Ticket } from "./FlightTable.ts"

type Work<A, E, R> = (ticket: Ticket) => Effect.Effect<A, E, R>

/** The work that one cache begins or joins. */
export class SingleFlight {
  readonly #table: FlightTable
  readonly #scope: Scope.Scope

  /** The work lives in `scope`, not in the fiber of whoever happened to ask first. */
  constructor(table: FlightTable, scope: Scope.Scope) {
    this.#table = table
    this.#scope = scope
  }

  /** The result of the work in flight for `key`, or of `work`, which is then in flight. Interrupted when the last who waits leaves. */
  share<A, E, R>(key: string, work: Work<A, E, R>, onJoin: Effect.Effect<void> = Effect.void): Effect.Effect<A, E, R> {
    // Nothing starts there any more; whoever still has the cache looks up for himself.
    if (this.#closed) return Effect.suspend(() => work({ outdated: false }))
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(this.#board(key, work, onJoin), (flight) => {
        // The flights of one key all come from one codec, so the types are those of the one who started it.
        const result = flight.result as Deferred.Deferred<A, E>
        return Effect.catchCauseIf(
          Effect.onExit(restore(Deferred.await(result)), () => this.#leave(key, flight)),
          // The cache that began it has closed, and this one has not.
          () => flight.abandoned && !this.#closed,
          () => this.share(key, work, onJoin)
        )
      })
    )
  }

  /** Puts the work in flight unless there is some; it goes on whoever waits. The inner effect waits for the result. */
  start<A, E, R>(key: string, work: Work<A, E, R>): Effect.Effect<Effect.Effect<A, E>, never, R> {
    if (this.#closed) return Effect.succeed(Effect.interrupt)
    return Effect.map(this.#board(key, work, Effect.void), ({ result }) =>
      Deferred.await(result as Deferred.Deferred<A, E>)
    )
  }

  get #closed(): boolean {
    return this.#scope.state._tag === "Closed"
  }

  #board<A, E, R>(key: string, work: Work<A, E, R>, onJoin: Effect.Effect<void>): Effect.Effect<Flight, never, R> {
    return Effect.suspend(() => {
      const known = this.#table.get(key)
      if (known !== undefined) {
        known.waiting++
        return Effect.as(onJoin, known)
      }
      const flight: Flight = {
        result: Deferred.makeUnsafe(),
        fiber: undefined,
        waiting: 1,
        landed: false,
        outdated: false,
        abandoned: false
      }
      this.#table.set(key, flight)
      // The result is for who waits; a fiber that fails would be somebody's unhandled failure besides.
      const run = Effect.exit(
        Effect.onExit(Effect.interruptible(work(flight)), (exit) => Effect.sync(() => this.#land(key, flight, exit)))
      )
      // At once, so that work without asynchronous parts runs under `runSync`, however deep it nests.
      return Effect.map(Effect.forkIn(run, this.#scope, { startImmediately: true }), (fiber) => {
        flight.fiber = fiber
        return flight
      })
    })
  }

  #land(key: string, flight: Flight, exit: Exit.Exit<unknown, unknown>): void {
    flight.landed = true
    flight.abandoned = this.#closed && Exit.hasInterrupts(exit)
    this.#table.forget(key, flight)
    Deferred.doneUnsafe(flight.result, exit)
  }

  #leave(key: string, flight: Flight): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (--flight.waiting > 0 || flight.landed || flight.fiber === undefined) return Effect.void
      this.#table.forget(key, flight)
      return Fiber.interrupt(flight.fiber)
    })
  }
}
