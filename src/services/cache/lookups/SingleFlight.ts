/** One piece of work for each key at a time, shared by everybody who asks meanwhile. */
import { Deferred, Effect, Exit, Fiber, type Scope } from "effect"
import { type CacheConnectionError, type CacheInputError, CacheTimeoutError } from "../../../schema/CacheError.ts"
import { closedError, refused } from "../../../schema/failures.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { Observe } from "../../CachePolicy.ts"
import { CurrentFlight, type Flight, type FlightTable, type Ticket } from "./FlightTable.ts"
import { detached } from "./detached.ts"

type Work<A, E, R> = (ticket: Ticket) => Effect.Effect<A, E, R>

/** What concerns a caller who joins the work of another. */
export interface Joining {
  readonly onJoin?: Effect.Effect<void> | undefined
  /** Milliseconds. */
  readonly waitFor?: number | undefined
  readonly observe?: Observe | undefined
  /** What the caller knows that decides on the work: only a flight that began with the same is joined. */
  readonly basis?: unknown
}

/**
 * Work that is shared answers within this time, in milliseconds, or all who wait fail. Callers that wait for each other
 * through runtimes of their own, or through other processes, cannot be seen here.
 */
export const maxShared = 300_000

/** The work that one cache begins or joins. */
export class SingleFlight {
  readonly table: FlightTable
  readonly scope: Scope.Scope

  /** The work lives in `scope`, not in the fiber of whoever happened to ask first. */
  constructor(table: FlightTable, scope: Scope.Scope) {
    this.table = table
    this.scope = scope
  }

  /**
   * The result of the work in flight for the entry, or of `work`, which is then in flight. Interrupted when the last who
   * waits leaves. Refused where the work would wait for itself. Who joins waits no longer than `waitFor`, in milliseconds.
   * When the cache closes, those who wait fail, as all do who wait for it.
   */
  share<A, E, R>(
    entry: EntryName,
    work: Work<A, E, R>,
    joining: Joining = {}
  ): Effect.Effect<A, E | CacheConnectionError | CacheInputError | CacheTimeoutError, R> {
    // Nothing starts there any more; whoever still has the cache looks up for himself.
    if (this.isClosed) return Effect.suspend(() => work(alone(entry)))
    const { basis, observe, waitFor = maxShared } = joining
    return Effect.withFiber((fiber) => {
      const within = fiber.getRef(CurrentFlight)
      const circle = within === undefined ? undefined : this.circle(entry.final, basis, within)
      if (circle !== undefined) return refused(entry.operation, waitsForItself(circle))
      const joins = this.table.get(entry.final, basis) !== undefined
      return Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(this.#board(entry, work, within, joining), (flight) => {
          // The flights of one key all come from one codec, so the types are those of the one who started it.
          const result = flight.result as Deferred.Deferred<A, E>
          within?.waitFor(flight)
          const answer = joins ? awaited(result, waitFor, entry) : Deferred.await(result)
          const observed = joins && observe !== undefined ? observe("wait", flight.observed, answer) : answer
          return Effect.catchCauseIf(
            Effect.onExit(restore(observed), () => {
              within?.waitNoMore(flight)
              return this.leave(flight)
            }),
            // The cache that began it has closed.
            () => flight.abandoned,
            () => (this.isClosed ? Exit.fail(closedError(entry.operation)) : this.share(entry, work, joining))
          )
        })
      )
    })
  }

  /** Puts the work in flight unless there is some; it goes on whoever waits. The inner effect waits for the result. */
  start<A, E, R>(entry: EntryName, work: Work<A, E, R>, basis: unknown): Effect.Effect<Effect.Effect<A, E>, never, R> {
    if (this.isClosed) return Effect.succeed(Effect.interrupt)
    // What is in the table has its fiber, or nobody ever ends it.
    const started = Effect.suspend(() => {
      const known = this.table.latest(entry.final)
      const flight =
        known === undefined
          ? this.#begin(entry, (ticket) => detached(work(ticket)), undefined, basis)
          : Effect.succeed(known)
      return Effect.map(flight, (flight) => {
        // Whoever waits does not keep it going, and nobody ends it.
        flight.waiting++
        return Deferred.await(flight.result as Deferred.Deferred<A, E>)
      })
    })
    return Effect.uninterruptible(started)
  }

  /** Whether somebody looks the key up. */
  isRunning(final: string): boolean {
    return this.table.latest(final) !== undefined
  }

  /** Nothing is begun any more. */
  get isClosed(): boolean {
    return this.scope.state._tag === "Closed"
  }

  /** The flights that would wait for each other. `tried` are known not to wait for `within`. */
  circle(final: string, basis: unknown, within: Flight, tried?: Set<Flight>): ReadonlyArray<Flight> | undefined {
    const known = this.table.get(final, basis)
    return known?.wayTo(within, tried) ?? within.wayFrom(final, this.table)
  }

  #board<A, E, R>(
    entry: EntryName,
    work: Work<A, E, R>,
    within: Flight | undefined,
    { basis, onJoin = Effect.void }: Joining
  ): Effect.Effect<Flight, never, R> {
    return Effect.suspend(() => {
      const known = this.table.get(entry.final, basis)
      if (known === undefined) return this.#begin(entry, work, within, basis)
      known.waiting++
      return Effect.as(Effect.andThen(this.bound(known, entry), onJoin), known)
    })
  }

  #begin<A, E, R>(
    entry: EntryName,
    work: Work<A, E, R>,
    parent: Flight | undefined,
    basis: unknown
  ): Effect.Effect<Flight, never, R> {
    const flight = this.table.begin(entry, parent, basis)
    return Effect.map(
      this.launch(flight, work(flight), (exit) => this.#land(flight, exit)),
      (fiber) => {
        flight.fiber = fiber
        return flight
      }
    )
  }

  /** The work of a flight, in a fiber of its own; `land` is told what it ends with. */
  launch<A, E, R>(
    flight: Flight,
    work: Effect.Effect<A, E, R>,
    land: (exit: Exit.Exit<A, E>) => void
  ): Effect.Effect<Fiber.Fiber<unknown, unknown>, never, R> {
    const exclusive = Effect.provideService(Effect.interruptible(work), CurrentFlight, flight)
    // The result is for who waits; a fiber that fails would be somebody's unhandled failure besides.
    const run = Effect.exit(Effect.onExit(exclusive, (exit) => Effect.sync(() => land(exit))))
    // At once, so that work without asynchronous parts runs under `runSync`, however deep it nests.
    return Effect.forkIn(run, this.scope, { startImmediately: true })
  }

  /** The first who joins sees to it that nobody waits for ever. */
  bound(flight: Flight, { operation }: EntryName): Effect.Effect<unknown> {
    if (flight.bounded || flight.answered) return Effect.void
    flight.bounded = true
    const tooLate = Effect.sync(() => {
      this.table.forget(flight)
      flight.answer(Exit.fail(lookupTimeout(operation, maxShared)))
    })
    const bounded = Effect.raceFirst(Effect.exit(Deferred.await(flight.result)), Effect.delay(tooLate, maxShared))
    return Effect.forkIn(bounded, this.scope, { startImmediately: true })
  }

  #land(flight: Flight, exit: Exit.Exit<unknown, unknown>): void {
    this.table.forget(flight)
    flight.abandoned = this.isClosed && Exit.hasInterrupts(exit)
    flight.answer(exit)
  }

  /** One who waited for it waits no more. */
  leave(flight: Flight): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (--flight.waiting > 0 || flight.answered || flight.fiber === undefined) return Effect.void
      const together = flight.batch ?? new Map([[flight.key, flight]])
      for (const { waiting } of together.values()) if (waiting > 0) return Effect.void
      for (const one of together.values()) this.table.forget(one)
      return Fiber.interrupt(flight.fiber)
    })
  }
}

/** Of work that nobody shares. */
export const alone = ({ key, operation }: EntryName): Ticket => ({
  observed: { operation, key },
  basis: undefined,
  outdated: false,
  answer: () => {}
})

const lookupTimeout = (operation: string, timeout: number): CacheTimeoutError =>
  new CacheTimeoutError({ operation, phase: "lookup", timeout, node: undefined, mayHaveExecuted: false })

/** What somebody else has begun, for a while. */
export const awaited = <A, E>(
  result: Deferred.Deferred<A, E>,
  waitFor: number,
  { operation }: EntryName
): Effect.Effect<A, E | CacheTimeoutError> =>
  waitFor >= maxShared
    ? Deferred.await(result)
    : Effect.timeoutOrElse(Deferred.await(result), {
        duration: waitFor,
        orElse: () => Effect.fail(lookupTimeout(operation, waitFor))
      })

export const waitsForItself = (circle: ReadonlyArray<Flight>): string => {
  const keys = circle.map(({ key }) => JSON.stringify(key))
  return `the lookup would wait for itself: ${[...keys, keys[0]].join(" → ")}`
}
