/** What is in flight of values of one type, by final key. */
import type { Deferred, Fiber } from "effect"

/** What a piece of work is told while it runs. */
export interface Ticket {
  /** The key was written or deleted meanwhile: the result is older than what is there. */
  readonly outdated: boolean
}

export interface Flight extends Ticket {
  readonly result: Deferred.Deferred<unknown, unknown>
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  waiting: number
  landed: boolean
  outdated: boolean
  /** Ended without a result, because the cache that began it was closed. */
  abandoned: boolean
}

export class FlightTable {
  readonly #flights = new Map<string, Flight>()
  readonly #busy: Set<FlightTable>

  /** The table is in `busy` as long as something is in flight in it. */
  constructor(busy: Set<FlightTable>) {
    this.#busy = busy
  }

  get(key: string): Flight | undefined {
    return this.#flights.get(key)
  }

  set(key: string, flight: Flight): void {
    this.#flights.set(key, flight)
    this.#busy.add(this)
  }

  forget(key: string, flight: Flight): void {
    if (this.#flights.get(key) !== flight) return
    this.#flights.delete(key)
    if (this.#flights.size === 0) this.#busy.delete(this)
  }

  outdate(key: string): void {
    const flight = this.#flights.get(key)
    if (flight === undefined) return
    flight.outdated = true
    this.forget(key, flight)
  }

  outdateAll(): void {
    for (const key of this.#flights.keys()) this.outdate(key)
  }
}
