/** All lookups over one client that are under way, for whichever cache and whatever their values are. */
import type { Scope } from "effect"
import type { InFlight } from "../kernel/context.ts"
import { FailedRefreshes } from "./FailedRefreshes.ts"
import { FlightTable } from "./FlightTable.ts"
import { PendingStores } from "./PendingStores.ts"
import { SingleFlight } from "./SingleFlight.ts"

/** Keys that were written or deleted while the watch went on. */
export interface Watch {
  readonly outdated: ReadonlySet<string>
  readonly end: () => void
}

export class Flights implements InFlight {
  readonly stores = new PendingStores()
  readonly failedRefreshes = new FailedRefreshes()
  readonly #busy = new Set<FlightTable>()
  readonly #tables = new WeakMap<object, FlightTable>()
  readonly #watches = new Set<{ readonly keys: ReadonlySet<string>; readonly outdated: Set<string> }>()

  /** The lookups of values of that type; those that a cache begins live in its scope. */
  of(type: object, scope: Scope.Scope): SingleFlight {
    const table = this.#tables.get(type) ?? new FlightTable(this.#busy)
    this.#tables.set(type, table)
    return new SingleFlight(table, scope)
  }

  /** How many keys are looked up now. */
  readonly running = (): number => [...this.#busy].reduce((sum, { size }) => sum + size, 0)

  /** For work on many keys, which others do not join. */
  watch(keys: Iterable<string>): Watch {
    const watch = { keys: new Set(keys), outdated: new Set<string>() }
    this.#watches.add(watch)
    return { outdated: watch.outdated, end: () => this.#watches.delete(watch) }
  }

  /** What is in flight for the key is not to be stored, and nobody joins it any more. */
  outdate(key: string): void {
    for (const table of this.#busy) table.outdate(key)
    for (const { keys, outdated } of this.#watches) if (keys.has(key)) outdated.add(key)
  }

  outdateAll(): void {
    for (const table of this.#busy) table.outdateAll()
    for (const { keys, outdated } of this.#watches) for (const key of keys) outdated.add(key)
  }
}
