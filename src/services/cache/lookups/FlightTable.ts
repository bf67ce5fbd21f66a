/** What is in flight of values of one type, by final key. */
import { Context, Deferred, type Exit, type Fiber } from "effect"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { ObservedLookup } from "../../CachePolicy.ts"

/** What a piece of work is told while it runs, and how it answers those who wait before it has ended. */
export interface Ticket {
  /** For those who observe it. */
  readonly observed: ObservedLookup
  /** The key was written or deleted meanwhile: the result is older than what is there. */
  readonly outdated: boolean
  /** Gives the result to those who wait; the work goes on. */
  readonly answer: (exit: Exit.Exit<unknown, unknown>) => void
}

/** The flight in whose work a fiber is; undefined outside of any. */
export const CurrentFlight = Context.Reference<Flight | undefined>("effect-vcache/CurrentFlight", {
  defaultValue: () => undefined
})

export class Flight implements Ticket {
  readonly key: string
  readonly observed: ObservedLookup
  readonly table: FlightTable
  /** The flight in whose work it was begun, and which waits for it. */
  readonly parent: Flight | undefined
  readonly result = Deferred.makeUnsafe<unknown, unknown>()
  fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  waiting = 1
  answered = false
  /** Those who wait do not wait for ever. */
  bounded = false
  outdated = false
  /** Ended without a result, because the cache that began it was closed. */
  abandoned = false
  readonly #waitsFor = new Map<Flight, number>()

  constructor({ final, key, operation }: EntryName, table: FlightTable, parent: Flight | undefined) {
    this.key = final
    this.observed = { operation, key }
    this.table = table
    this.parent = parent
  }

  answer(exit: Exit.Exit<unknown, unknown>): void {
    this.answered = true
    Deferred.doneUnsafe(this.result, exit)
  }

  waitFor(other: Flight): void {
    this.#waitsFor.set(other, (this.#waitsFor.get(other) ?? 0) + 1)
  }

  waitNoMore(other: Flight): void {
    const times = this.#waitsFor.get(other) ?? 0
    if (times > 1) this.#waitsFor.set(other, times - 1)
    else this.#waitsFor.delete(other)
  }

  /** How it comes to wait for the other, itself first; undefined where it does not. */
  wayTo(other: Flight): ReadonlyArray<Flight> | undefined {
    if (this === other) return [this]
    for (const next of this.#waitsFor.keys()) {
      const way = next.wayTo(other)
      if (way !== undefined) return [this, ...way]
    }
    return undefined
  }

  /** The flights of whose work this one is a part, itself first, as far as the one of that key. */
  wayFrom(key: string, table: FlightTable): ReadonlyArray<Flight> | undefined {
    if (this.key === key && this.table === table) return [this]
    const way = this.parent?.wayFrom(key, table)
    return way && [...way, this]
  }
}

export class FlightTable {
  readonly #flights = new Map<string, Flight>()
  readonly #busy: Set<FlightTable>

  /** The table is in `busy` as long as something is in flight in it. */
  constructor(busy: Set<FlightTable>) {
    this.#busy = busy
  }

  get size(): number {
    return this.#flights.size
  }

  get(key: string): Flight | undefined {
    return this.#flights.get(key)
  }

  begin(entry: EntryName, parent: Flight | undefined): Flight {
    const flight = new Flight(entry, this, parent)
    this.#flights.set(flight.key, flight)
    this.#busy.add(this)
    return flight
  }

  forget(flight: Flight): void {
    if (this.#flights.get(flight.key) !== flight) return
    this.#flights.delete(flight.key)
    if (this.#flights.size === 0) this.#busy.delete(this)
  }

  outdate(key: string): void {
    const flight = this.#flights.get(key)
    if (flight === undefined) return
    flight.outdated = true
    this.forget(flight)
  }

  outdateAll(): void {
    for (const key of this.#flights.keys()) this.outdate(key)
  }
}
