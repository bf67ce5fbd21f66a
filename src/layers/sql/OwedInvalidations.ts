/** Invalidations that failed: what they concern is not read from the cache until one of them succeeds. */
import { Effect, type Scope } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { Tables } from "./tableNames.ts"

/** Milliseconds between attempts: the first pause, doubled up to the longest. */
const firstPause = 500
const longestPause = 30_000

/** Stands for all tables among the names. No table is called so. */
const everything = ""

export class OwedInvalidations {
  /** By table: which failure was its last. An attempt that began before it does not pay for it. */
  readonly #owed = new Map<string, number>()
  readonly #invalidate: (tables: Tables) => Effect.Effect<void, CommandError>
  readonly #scope: Scope.Scope
  #failures = 0
  #isTrying = false

  /** Attempts run in the scope, and end with it. */
  constructor(invalidate: (tables: Tables) => Effect.Effect<void, CommandError>, scope: Scope.Scope) {
    this.#invalidate = invalidate
    this.#scope = scope
  }

  get tables(): Tables {
    return this.#owed.has(everything) ? "all" : [...this.#owed.keys()]
  }

  concerns(tables: ReadonlyArray<string>): boolean {
    return this.#owed.size > 0 && (this.#owed.has(everything) || tables.some((table) => this.#owed.has(table)))
  }

  /** Owes them from now on, and tries in the background until nothing is owed. */
  readonly add = (tables: Tables): Effect.Effect<void> =>
    Effect.suspend(() => {
      this.#failures++
      for (const table of tables === "all" ? [everything] : tables) this.#owed.set(table, this.#failures)
      if (this.#isTrying) return Effect.void
      this.#isTrying = true
      return Effect.asVoid(Effect.forkIn(this.#tryFrom(firstPause), this.#scope))
    })

  #tryFrom(pause: number): Effect.Effect<void> {
    const attempt = Effect.suspend(() => {
      const began = this.#failures
      const { tables } = this
      return Effect.map(this.#invalidate(tables), () => this.#paid(tables, began))
    })
    return Effect.sleep(pause).pipe(
      Effect.andThen(Effect.isSuccess(attempt)),
      Effect.flatMap((succeeded) => {
        if (this.#owed.size > 0) return this.#tryFrom(succeeded ? firstPause : Math.min(pause * 2, longestPause))
        this.#isTrying = false
        return Effect.void
      })
    )
  }

  #paid(tables: Tables, began: number): void {
    for (const [table, failure] of this.#owed) {
      const isMeant = tables === "all" || tables.includes(table)
      if (isMeant && failure <= began) this.#owed.delete(table)
    }
  }
}
