/** Lookups for many keys at once. Each key has a flight of its own, which others join, and one piece of work lands all of them. */
import { Deferred, Effect, Exit } from "effect"
import type { CacheConnectionError, CacheInputError, CacheTimeoutError } from "../../../schema/CacheError.ts"
import { closedError, refused } from "../../../schema/failures.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import { detached } from "./detached.ts"
import { CurrentFlight, type Flight, type Ticket } from "./FlightTable.ts"
import { alone, awaited, type Joining, maxShared, type SingleFlight, waitsForItself } from "./SingleFlight.ts"

/** What became of each key, by final key; what is not there was given nothing. */
export type Outcomes<A, E> = ReadonlyMap<string, Exit.Exit<A, E>>

/** What a lookup for many keys is told while it runs, by final key, and how it answers those who wait before it has ended. */
export interface BatchTicket<A, F> {
  readonly tickets: ReadonlyMap<string, Ticket>
  readonly answer: (outcomes: Outcomes<A, F>) => void
}

/** Looks these keys up. */
export type BatchWork<A, E, F, R> = (
  entries: ReadonlyArray<EntryName>,
  ticket: BatchTicket<A, F>
) => Effect.Effect<Outcomes<A, F>, E, R>

/** A flight, and the name that it was asked for by. */
interface Boarded {
  readonly entry: EntryName
  readonly flight: Flight
}

const nobody: Outcomes<never, never> = new Map()

export class BatchFlights {
  readonly #flights: SingleFlight

  /** Shares with the callers of single keys, and lives where their work does. */
  constructor(flights: SingleFlight) {
    this.#flights = flights
  }

  /**
   * The results of what is in flight for some of the entries, and of `work` for the others, which are then in flight. The work
   * is interrupted when the last who waits for any of its keys leaves. Refused where it would wait for itself.
   */
  share<A, E, F, R>(
    entries: ReadonlyArray<EntryName>,
    work: BatchWork<A, E, F, R>,
    joining: Joining
  ): Effect.Effect<Outcomes<A, E | F | CacheTimeoutError>, CacheConnectionError | CacheInputError | E, R> {
    const [first] = entries
    if (first === undefined) return Exit.succeed(nobody)
    if (this.#flights.isClosed) {
      return Effect.suspend(() =>
        work(entries, { tickets: new Map(entries.map((entry) => [entry.final, alone(entry)])), answer: () => {} })
      )
    }
    const { basis, observe, onJoin = Effect.void, waitFor = maxShared } = joining
    return Effect.withFiber((fiber) => {
      const within = fiber.getRef(CurrentFlight)
      if (within !== undefined) {
        const tried = new Set<Flight>()
        for (const { final, operation } of entries) {
          const circle = this.#flights.circle(final, basis, within, tried)
          if (circle !== undefined) return refused(operation, waitsForItself(circle))
        }
      }
      return Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(this.#board(entries, work, within, basis), ({ joined, own }) => {
          const all = [...own, ...joined]
          for (const { flight } of all) within?.waitFor(flight)
          const joins = Effect.forEach(
            joined,
            ({ entry, flight }) => Effect.andThen(this.#flights.bound(flight, entry), onJoin),
            { discard: true }
          )
          // The flights of one key all come from one codec, so the types are those of the one who started it.
          const resultOf = ({ flight }: Boarded) => flight.result as Deferred.Deferred<A, E | F>
          const ours = allOf<A, E | F | CacheTimeoutError>(own)
          const theirs = Effect.forEach(
            joined,
            (one) => {
              const answer = awaited(resultOf(one), waitFor, one.entry)
              return Effect.exit(observe === undefined ? answer : observe("wait", one.flight.observed, answer))
            },
            // Where each has its own time, all begin now.
            { concurrency: waitFor < maxShared ? "unbounded" : 1 }
          )
          const results = Effect.flatMap(Effect.andThen(joins, ours), (ownExits) =>
            // Where some of them have failed, nobody need wait for the others.
            ownExits.some((exit, i) => Exit.isFailure(exit) && !own[i]!.flight.abandoned)
              ? Exit.succeed(ownExits)
              : Effect.map(theirs, (exits) => [...ownExits, ...exits])
          )
          return Effect.flatMap(
            Effect.onExit(restore(results), () => this.#leaveAll(all, within)),
            (exits) => restore(this.#settle(all, exits, work, joining))
          )
        })
      )
    })
  }

  /** Puts in flight those of which none is; they go on whoever waits. The inner effect waits for the results of all. */
  start<A, E, F, R>(
    entries: ReadonlyArray<EntryName>,
    work: BatchWork<A, E, F, R>,
    basis: unknown
  ): Effect.Effect<Effect.Effect<Outcomes<A, E | F>>, never, R> {
    if (this.#flights.isClosed) return Effect.succeed(Exit.succeed(nobody))
    // What is in the table has its fiber, or nobody ever ends it.
    const started = Effect.suspend(() => {
      const { idle, known } = byFlight(entries, (final) => this.#flights.table.latest(final))
      const begun = this.#begin(idle, (entries, ticket) => detached(work(entries, ticket)), undefined, basis)
      return Effect.map(begun, (own) => {
        const all = [...known, ...own]
        for (const { flight } of all) flight.waiting++
        return Effect.map(allOf<A, E | F>(all), (exits) => outcomesOf(all, exits))
      })
    })
    return Effect.uninterruptible(started)
  }

  #board<A, E, F, R>(
    entries: ReadonlyArray<EntryName>,
    work: BatchWork<A, E, F, R>,
    within: Flight | undefined,
    basis: unknown
  ) {
    return Effect.suspend(() => {
      const { idle, known: joined } = byFlight(entries, (final) => this.#flights.table.get(final, basis))
      for (const { flight } of joined) flight.waiting++
      return Effect.map(this.#begin(idle, work, within, basis), (own) => ({ own, joined }))
    })
  }

  #begin<A, E, F, R>(
    entries: ReadonlyArray<EntryName>,
    work: BatchWork<A, E, F, R>,
    parent: Flight | undefined,
    basis: unknown
  ): Effect.Effect<ReadonlyArray<Boarded>, never, R> {
    const own = entries.map((entry): Boarded => ({ entry, flight: this.#flights.table.begin(entry, parent, basis) }))
    const [first] = own
    if (first === undefined) return Exit.succeed([])
    const batch = new Map(own.map(({ flight }) => [flight.key, flight]))
    for (const { flight } of own) flight.batch = batch
    const ticket: BatchTicket<A, F> = {
      tickets: batch,
      answer: (outcomes) => this.#answer(own, Exit.succeed(outcomes))
    }
    const launched = this.#flights.launch(first.flight, work(entries, ticket), (exit) => this.#land(own, exit))
    return Effect.map(launched, (fiber) => {
      for (const { flight } of own) flight.fiber = fiber
      return own
    })
  }

  #land(own: ReadonlyArray<Boarded>, exit: Exit.Exit<Outcomes<unknown, unknown>, unknown>): void {
    for (const { flight } of own) this.#flights.table.forget(flight)
    this.#answer(own, exit)
  }

  #answer(own: ReadonlyArray<Boarded>, exit: Exit.Exit<Outcomes<unknown, unknown>, unknown>): void {
    for (const { flight } of own) {
      if (flight.answered) continue
      const given = Exit.isSuccess(exit) ? exit.value.get(flight.key) : exit
      flight.gaveNothing = given === undefined
      flight.abandoned = given === undefined || (this.#flights.isClosed && Exit.hasInterrupts(given))
      flight.answer(given ?? Exit.interrupt())
    }
  }

  #leaveAll(all: ReadonlyArray<Boarded>, within: Flight | undefined): Effect.Effect<void> {
    return Effect.suspend(() => {
      const under: Array<Flight> = []
      // The last first: whether anybody waits for one of them is seen at the first.
      for (const { flight } of all.toReversed()) {
        within?.waitNoMore(flight)
        if (flight.answered) flight.waiting--
        else under.push(flight)
      }
      return Effect.forEach(under, (flight) => this.#flights.leave(flight), { discard: true })
    })
  }

  /** What others began and left without a result is looked up once more. */
  #settle<A, E, F, R>(
    all: ReadonlyArray<Boarded>,
    exits: ReadonlyArray<Exit.Exit<A, E | F | CacheTimeoutError>>,
    work: BatchWork<A, E, F, R>,
    joining: Joining
  ): Effect.Effect<Outcomes<A, E | F | CacheTimeoutError>, CacheConnectionError | CacheInputError | E, R> {
    const outcomes = outcomesOf(all, exits)
    const left = all.filter(({ flight }) => flight.abandoned && !flight.gaveNothing).map(({ entry }) => entry)
    const [first] = left
    if (first === undefined) return Exit.succeed(outcomes)
    if (this.#flights.isClosed) return Exit.fail(closedError(first.operation))
    return Effect.map(this.share(left, work, joining), (more) => new Map([...outcomes, ...more]))
  }
}

/** Those of which something is in flight, and the others. */
const byFlight = (entries: ReadonlyArray<EntryName>, flightOf: (final: string) => Flight | undefined) => {
  const known: Array<Boarded> = []
  const idle: Array<EntryName> = []
  for (const entry of entries) {
    const flight = flightOf(entry.final)
    if (flight === undefined) idle.push(entry)
    else known.push({ entry, flight })
  }
  return { known, idle }
}

/** What they end with. Most of them end together, so that the first is waited for, and then those that have not ended with it. */
const allOf = <A, E>(all: ReadonlyArray<Boarded>): Effect.Effect<ReadonlyArray<Exit.Exit<A, E>>> =>
  Effect.suspend(() => {
    const open = all.find(({ flight }) => !flight.answered)
    if (open !== undefined) return Effect.andThen(Effect.exit(Deferred.await(open.flight.result)), allOf<A, E>(all))
    // The flights of one key all come from one codec, so the types are those of the one who started it.
    return Exit.succeed(all.map(({ flight }) => flight.exit as Exit.Exit<A, E>))
  })

/** Of those that have one: the last ones may have been left without. */
const outcomesOf = <A, E>(all: ReadonlyArray<Boarded>, exits: ReadonlyArray<Exit.Exit<A, E>>): Outcomes<A, E> =>
  new Map(
    all.flatMap(({ entry, flight }, i) => {
      const exit = exits[i]
      return exit === undefined || flight.gaveNothing ? [] : [[entry.final, exit] as const]
    })
  )
