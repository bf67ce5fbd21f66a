/** What the writes of one client do to cached results: at once outside of transactions, after the commit in them. */
import { Context, Effect, Exit } from "effect"
import { type SqlClient, type SqlError } from "effect/sql"
import type { Tables } from "./tableNames.ts"

/** A transaction, with all of its savepoints. */
interface Transaction {
  hasWritten: boolean
}

/** What one level of a transaction, itself or a savepoint, has written and not yet told. */
class LevelWrites {
  readonly #tables = new Set<string>()
  #isAll = false

  add(tables: Tables): void {
    if (tables === "all") this.#isAll = true
    else for (const table of tables) this.#tables.add(table)
  }

  /** All of it at once, for the first callback of the level; the others find nothing. */
  take(): Tables {
    const tables = this.#isAll ? "all" : [...this.#tables]
    this.#isAll = false
    this.#tables.clear()
    return tables
  }
}

export class TableWrites {
  readonly #client: SqlClient.SqlClient
  readonly #invalidate: (tables: Tables) => Effect.Effect<void>
  readonly #current: Context.Reference<Transaction | undefined>
  /** By the service value of each level, which is another one for every transaction and savepoint. */
  readonly #levels = new WeakMap<object, LevelWrites>()

  constructor(client: SqlClient.SqlClient, invalidate: (tables: Tables) => Effect.Effect<void>) {
    this.#client = client
    this.#invalidate = invalidate
    // Transactions of several clients may stand in one context.
    this.#current = Context.Reference<Transaction | undefined>(`effect-vcache/sql/${client.transactionService.key}`, {
      defaultValue: () => undefined
    })
  }

  /** The client's own transaction, of which it is known whether it has written. */
  readonly transaction = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError.SqlError, R> =>
    Effect.withFiber(({ context }) =>
      this.#client.withTransaction(
        this.#level(context) === undefined
          ? Effect.provideService(effect, this.#current, { hasWritten: false })
          : effect
      )
    )

  /** Where a read stands. A transaction that was begun behind our back counts as one that has written. */
  readonly place: Effect.Effect<"outside" | "unwritten" | "written"> = Effect.withFiber((fiber) => {
    if (this.#level(fiber.context) === undefined) return Effect.succeed("outside")
    return Effect.succeed(fiber.getRef(this.#current)?.hasWritten === false ? "unwritten" : "written")
  })

  /** Runs what writes the tables. However it ends, they count as written: nobody knows what was executed. */
  readonly during = <A, E, R>(tables: Tables, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    tables.length === 0 ? effect : Effect.onExit(Effect.andThen(this.begins, effect), () => this.ended(tables))

  /** Runs a write on a connection of its own, which is no part of the transaction around it. */
  readonly apart = <A, E, R>(tables: Tables, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    tables.length === 0 ? effect : Effect.onExit(effect, () => this.#invalidate(tables))

  /** From now on the transaction reads from the database alone. */
  readonly begins: Effect.Effect<void> = Effect.withFiber((fiber) => {
    const transaction = fiber.getRef(this.#current)
    if (transaction !== undefined) transaction.hasWritten = true
    return Exit.void
  })

  readonly ended = (tables: Tables): Effect.Effect<void> =>
    Effect.withFiber(({ context }) => {
      const level = this.#level(context)
      if (level === undefined) return this.#invalidate(tables)
      const writes = this.#levels.get(level) ?? new LevelWrites()
      this.#levels.set(level, writes)
      writes.add(tables)
      const told = Effect.suspend(() => this.#invalidate(writes.take()))
      // A fiber that has outlived its transaction has written without one, and is told so by a defect.
      return Effect.onError(this.#client.afterCommit(told), () => told)
    })

  #level(context: Context.Context<never>): object | undefined {
    return Context.getOrUndefined(context, this.#client.transactionService)
  }
}
