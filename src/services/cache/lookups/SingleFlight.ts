/** One piece of work for each key at a time, shared by everybody who asks meanwhile. */
import { Deferred, Effect, Exit, Fiber, type Scope } from "effect"

/** What a piece of work is told while it runs. */
export interface Ticket {
  /** The key was written or deleted meanwhile: the result is older than what is there. */
  readonly outdated: boolean
}

interface Flight extends Ticket {
  readonly result: Deferred.Deferred<unknown, unknown>
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  waiting: number
  landed: boolean
  outdated: boolean
}

type Work<A, E, R> = (ticket: Ticket) => Effect.Effect<A, E, R>

export class SingleFlight {
  readonly #flights = new Map<string, Flight>()
  readonly #scope: Scope.Scope
  readonly #busy: Set<SingleFlight>

  constructor(scope: Scope.Scope, busy: Set<SingleFlight>) {
    this.#scope = scope
    this.#busy = busy
  }

  /** The result of the work in flight for `key`, or of `work`, which is then in flight. Interrupted when the last who waits leaves. */
  share<A, E, R>(key: string, work: Work<A, E, R>, onJoin: Effect.Effect<void> = Effect.void): Effect.Effect<A, E, R> {
    // Nothing starts there any more; whoever still has the cache looks up for himself.
    if (this.#closed) return Effect.suspend(() => work({ outdated: false }))
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(this.#board(key, work, onJoin), (flight) => {
        // The flights of one key all come from one codec, so the types are those of the one who started it.
        const result = flight.result as Deferred.Deferred<A, E>
        return Effect.onExit(restore(Deferred.await(result)), () => this.#leave(key, flight))
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

  outdate(key: string): void {
    const flight = this.#flights.get(key)
    if (flight === undefined) return
    flight.outdated = true
    this.#forget(key, flight)
  }

  outdateAll(): void {
    for (const key of this.#flights.keys()) this.outdate(key)
  }

  #board<A, E, R>(key: string, work: Work<A, E, R>, onJoin: Effect.Effect<void>): Effect.Effect<Flight, never, R> {
    return Effect.suspend(() => {
      const known = this.#flights.get(key)
      if (known !== undefined) {
        known.waiting++
        return Effect.as(onJoin, known)
      }
      const flight: Flight = {
        result: Deferred.makeUnsafe(),
        fiber: undefined,
        waiting: 1,
        landed: false,
        outdated: false
      }
      this.#flights.set(key, flight)
      this.#busy.add(this)
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
    if (this.#flights.get(key) !== flight) return
    this.#flights.delete(key)
    if (this.#flights.size === 0) this.#busy.delete(this)
  }
}
