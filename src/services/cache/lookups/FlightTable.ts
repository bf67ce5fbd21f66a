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
  /** What is known as it begins, where it was put in flight before that was known. */
  basis: unknown
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
  /** What was known when it began: only those join it who know the same. */
  basis: unknown
  /** Another flight of the same key, which began before. */
  next: Flight | undefined = undefined
  /** The flight in whose work it was begun, and which waits for it. */
  readonly parent: Flight | undefined
  /** What it ended with. */
  exit: Exit.Exit<unknown, unknown> | undefined = undefined
  fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  waiting = 1
  /** Those who wait do not wait for ever. */
  bounded = false
  outdated = false
  /** Ended without a result: the cache that began it was closed, or a lookup for many keys gave nothing for this one. */
  abandoned = false
  /** The lookup for many keys has given nothing for this one. */
  gaveNothing = false
  /** Those that one lookup for many keys gives results to, by key, with this one among them; the first stands for all. */
  batch: ReadonlyMap<string, Flight> | undefined = undefined
  /** Made where somebody waits for it alone. */
  #result: Deferred.Deferred<unknown, unknown> | undefined
  #waitsFor: Map<Flight, number> | undefined

  constructor({ final, key, operation }: EntryName, table: FlightTable, parent: Flight | undefined, basis: unknown) {
    this.basis = basis
    this.key = final
    this.observed = { operation, key }
    this.table = table
    this.parent = parent
  }

  get answered(): boolean {
    return this.exit !== undefined
  }

  get result(): Deferred.Deferred<unknown, unknown> {
    if (this.#result === undefined) {
      this.#result = Deferred.makeUnsafe()
      if (this.exit !== undefined) Deferred.doneUnsafe(this.#result, this.exit)
    }
    return this.#result
  }

  /** The first answer is the one. */
  answer(exit: Exit.Exit<unknown, unknown>): void {
    if (this.exit !== undefined) return
    this.exit = exit
    if (this.#result !== undefined) Deferred.doneUnsafe(this.#result, exit)
  }

  waitFor(other: Flight): void {
    this.#waitsFor ??= new Map()
    this.#waitsFor.set(other, (this.#waitsFor.get(other) ?? 0) + 1)
  }

  waitNoMore(other: Flight): void {
    const times = this.#waitsFor?.get(other) ?? 0
    if (times > 1) this.#waitsFor?.set(other, times - 1)
    else this.#waitsFor?.delete(other)
  }

  /** How it comes to wait for the other, itself first; undefined where it does not. `tried` do not, and are not asked again. */
  wayTo(other: Flight, tried = new Set<Flight>()): ReadonlyArray<Flight> | undefined {
    if (this === other) return [this]
    if (tried.has(this)) return undefined
    tried.add(this)
    for (const next of this.#next()) {
      const way = next.wayTo(other, tried)
      if (way !== undefined) return [this, ...way]
    }
    return undefined
  }

  /** Those that it waits for: of a batch all wait for the work of the first. */
  *#next(): Iterable<Flight> {
    const [first] = this.batch?.values() ?? []
    if (first !== undefined && first !== this) yield first
    if (this.#waitsFor !== undefined) yield* this.#waitsFor.keys()
  }

  /** The flights of whose work this one is a part, itself first, as far as the one of that key. */
  wayFrom(key: string, table: FlightTable): ReadonlyArray<Flight> | undefined {
    if (this.table === table && (this.key === key || this.batch?.has(key) === true)) return [this]
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

  /** Any flight of the key, the latest. */
  latest(key: string): Flight | undefined {
    return this.#flights.get(key)
  }

  /** The flight of the key that began with the same knowledge. */
  get(key: string, basis: unknown): Flight | undefined {
    for (let flight = this.#flights.get(key); flight !== undefined; flight = flight.next) {
      if (flight.basis === basis) return flight
    }
    return undefined
  }

  begin(entry: EntryName, parent: Flight | undefined, basis: unknown): Flight {
    const flight = new Flight(entry, this, parent, basis)
    flight.next = this.#flights.get(flight.key)
    this.#flights.set(flight.key, flight)
    this.#busy.add(this)
    return flight
  }

  forget(flight: Flight): void {
    const first = this.#flights.get(flight.key)
    if (first === flight) {
      if (flight.next === undefined) this.#flights.delete(flight.key)
      else this.#flights.set(flight.key, flight.next)
    }
    for (let before = first; before !== undefined; before = before.next) {
      if (before.next === flight) before.next = flight.next
    }
    if (this.#flights.size === 0) this.#busy.delete(this)
  }

  outdate(key: string): void {
    for (let flight = this.#flights.get(key); flight !== undefined; flight = this.#flights.get(key)) {
      flight.outdated = true
      this.forget(flight)
    }
  }

  outdateAll(): void {
    for (const key of this.#flights.keys()) this.outdate(key)
  }
}
