/** All lookups of one cache that are under way, whatever their values are. */
import type { Scope } from "effect"
import type { InFlight } from "../kernel/context.ts"
import { SingleFlight } from "./SingleFlight.ts"

/** Keys that were written or deleted while the watch went on. */
export interface Watch {
  readonly outdated: ReadonlySet<string>
  readonly end: () => void
}

export class Flights implements InFlight {
  readonly #scope: Scope.Scope
  readonly #busy = new Set<SingleFlight>()
  readonly #watches = new Set<{ readonly keys: ReadonlySet<string>; readonly outdated: Set<string> }>()

  /** The work lives in `scope`, not in the fiber of whoever happened to ask first. */
  constructor(scope: Scope.Scope) {
    this.#scope = scope
  }

  table(): SingleFlight {
    return new SingleFlight(this.#scope, this.#busy)
  }

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
