/** All lookups over one client that are under way, for whichever cache and whatever their values are. */
import type { Scope } from "effect"
import type { InFlight } from "../kernel/context.ts"
import { FailedRefreshes } from "./FailedRefreshes.ts"
import { FlightTable } from "./FlightTable.ts"
import { PendingStores } from "./PendingStores.ts"
import { SingleFlight } from "./SingleFlight.ts"

export class Flights implements InFlight {
  readonly stores = new PendingStores()
  readonly failedRefreshes = new FailedRefreshes()
  readonly #busy = new Set<FlightTable>()
  readonly #tables = new WeakMap<object, FlightTable>()

  /** The lookups of values of that type; those that a cache begins live in its scope. */
  of(type: object, scope: Scope.Scope): SingleFlight {
    const table = this.#tables.get(type) ?? new FlightTable(this.#busy)
    this.#tables.set(type, table)
    return new SingleFlight(table, scope)
  }

  /** How many keys are looked up now. */
  readonly running = (): number => [...this.#busy].reduce((sum, { size }) => sum + size, 0)

  /** What is in flight for the key is not to be stored, and nobody joins it any more. */
  outdate(key: string): void {
    for (const table of this.#busy) table.outdate(key)
  }

  outdateAll(): void {
    for (const table of this.#busy) table.outdateAll()
  }
}
