/** Query results that are cached until one of their tables is written. */
import { Context, Effect, Layer, type Schema } from "effect"
import { SqlClient, type SqlError, type Statement } from "effect/sql"
import { CacheInputError } from "../../schema/CacheError.ts"
import { escapeName } from "../../schema/key.ts"
import { CacheService } from "../../services/CacheService.ts"
import type { LookupOptions } from "../../services/operations/CacheLookups.ts"
import type { TypedCache } from "../../services/operations/TypedCache.ts"
import { cachedQueries } from "./cachedQueries.ts"
import { Invalidations } from "./Invalidations.ts"
import type { SqlInvalidationError } from "./SqlInvalidationError.ts"
import { Declared } from "./statementText.ts"
import { StatementTables } from "./StatementTables.ts"
import { tableName, type Tables, tablesRefusal } from "./tableNames.ts"
import { TableWrites } from "./TableWrites.ts"
import { watchedClient } from "./watchedClient.ts"

/**
 * The options of `query`. Its values are lists of rows.
 *
 * @since 0.2.0
 * @category sql
 * @see docs/sql.md
 */
export interface SqlQueryOptions<S extends Schema.Constraint> extends Omit<
  LookupOptions<ReadonlyArray<S["Type"]>>,
  "tags" | "version"
> {
  /** Decodes a row as the database gives it. */
  readonly row: S
  /**
   * The tables that the statement reads, without their schemas. Default: those after FROM and JOIN in its text, which must be
   * one plain SELECT. They have to be named where it reads views, functions, or tables in another way.
   */
  readonly tables?: ReadonlyArray<string> | undefined
}

/**
 * The operations of `SqlCache`: cached queries, and writes that invalidate them.
 *
 * @since 0.2.0
 * @category sql
 * @see docs/sql.md
 */
export interface SqlCacheShape {
  /**
   * Returns the decoded rows of the statement, from the cache or the database. They are stored with the tables as tags, by the text
   * of the statement, its parameters and the schema of its rows: a result must depend on nothing else. Concurrent callers
   * share one run. Costs what `getOrSet` with tags does: one round trip more than a plain read.
   *
   * In a transaction that has not written, cached rows are given, and what the database says is not stored; in one that has
   * written, the database is asked. Where the cache fails, the database is asked, too. Fails with `SqlError` or `SchemaError`
   * as the statement does, and with `CacheInputError` where its tables cannot be found in its text, where it writes, or where
   * a parameter or the schema of its rows has no form in JSON.
   */
  readonly query: <S extends Schema.Constraint>(
    statement: Statement.Statement<unknown>,
    options: SqlQueryOptions<S>
  ) => Effect.Effect<
    ReadonlyArray<S["Type"]>,
    SqlError.SqlError | Schema.SchemaError | CacheInputError,
    S["DecodingServices"] | S["EncodingServices"]
  >
  /**
   * Runs a write and invalidates these tables besides those that are found in its statements: after it, or in a transaction
   * after the commit. `"all"` invalidates every result. Statements whose tables cannot be found count as named. Fails with
   * `SqlInvalidationError` where the write was made and its results could not be invalidated, unless it stands in a
   * transaction: there `confirmed` around the transaction says so.
   */
  readonly write: <A, E, R>(
    tables: ReadonlyArray<string> | "all",
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | SqlInvalidationError | CacheInputError, R>
  /**
   * Runs statements and transactions of the watched client, and fails with the first `SqlInvalidationError` of their writes
   * once they have succeeded. A failed invalidation is logged and tried again in any case; without `confirmed` the write
   * succeeds, as it has.
   */
  readonly confirmed: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SqlInvalidationError, R>
  /** Returns the tables whose invalidation has failed and is tried again. This process reads them from the database alone. */
  readonly owed: Effect.Effect<ReadonlyArray<string> | "all">
}

/**
 * The options of `SqlCache.layer`. Every field has a default.
 *
 * @since 0.2.0
 * @category sql
 * @see docs/sql.md
 */
export interface SqlCacheOptions {
  /** The keys and tags of this database start with this text. Caches of different databases over one cache need different names. Default: `sql`. */
  readonly name?: string | undefined
}

/**
 * Caches results of a `SqlClient`. The layer also gives a `SqlClient` in place of the one it is built over: the same, whose
 * writes invalidate the tables that they touch, after the statement, or in a transaction after the commit. Statements whose
 * tables cannot be found in their text invalidate everything. A program must write through that client. The database is
 * what is true: a failing cache fails no statement.
 *
 * @example
 * ```ts
 * import { Effect, Layer, Schema } from "effect"
 * import { SqlClient } from "effect/sql"
 * import { CacheMemory } from "effect-vcache"
 * import { SqlCache } from "effect-vcache/sql"
 *
 * const User = Schema.Struct({ name: Schema.String })
 *
 * // After the write the query asks the database again.
 * export const program = Effect.gen(function* () {
 *   const sql = yield* SqlClient.SqlClient
 *   const cache = yield* SqlCache
 *   yield* sql`INSERT INTO users ${sql.insert({ name: "Ada" })}`
 *   return yield* cache.query(sql`SELECT name FROM users`, { row: User, timeToLive: "1 hour" })
 * })
 * export const Live = Layer.provide(SqlCache.layer(), CacheMemory)
 * ```
 *
 * @since 0.2.0
 * @category sql
 * @see docs/sql.md
 */
export class SqlCache extends Context.Service<SqlCache, SqlCacheShape>()("effect-vcache/SqlCache") {
  /** Stores the results in `CacheService`. Fails with `CacheInputError` where `name` cannot be used. */
  static readonly layer = (
    options?: SqlCacheOptions
  ): Layer.Layer<SqlCache | SqlClient.SqlClient, CacheInputError, CacheService | SqlClient.SqlClient> =>
    SqlCache.layerFor(CacheService, options)

  /** Does what `layer` does, for another cache. */
  static readonly layerFor = <I>(
    cache: Context.Service<I, TypedCache<unknown>>,
    { name = "sql" }: SqlCacheOptions = {}
  ): Layer.Layer<SqlCache | SqlClient.SqlClient, CacheInputError, I | SqlClient.SqlClient> =>
    // Not shared by reference: which cache and which client it is over is not part of a layer's identity.
    Layer.fresh(
      Layer.effectContext(
        Effect.gen(function* () {
          if (typeof name !== "string" || name === "" || name.length > 256 || !name.isWellFormed()) {
            return yield* new CacheInputError({
              operation: "layer",
              reason: "name must be text of 1 to 256 characters"
            })
          }
          return yield* make(yield* cache, yield* SqlClient.SqlClient, escapeName(name))
        })
      )
    )
}

const make = Effect.fnUntraced(function* (cache: TypedCache<unknown>, client: SqlClient.SqlClient, head: string) {
  const invalidations = new Invalidations(cache, head, yield* Effect.scope)
  const writes = new TableWrites(client, invalidations.invalidate)
  const texts = new StatementTables()
  const checked = (tables: Tables): Effect.Effect<Tables, CacheInputError> => {
    const reason = tablesRefusal(tables)
    if (reason !== undefined) return Effect.fail(new CacheInputError({ operation: "write", reason }))
    return Effect.succeed(tables === "all" ? tables : tables.map(tableName))
  }
  // In a transaction nothing is invalidated yet: the `confirmed` around the transaction hears of a failure.
  const confirmed: SqlCacheShape["confirmed"] = (effect) =>
    Effect.flatMap(writes.place, (place) => (place === "outside" ? invalidations.confirmed(effect) : effect))
  const service: SqlCacheShape = {
    query: cachedQueries({ cache, client, head, texts, writes, invalidations }),
    write: (tables, effect) =>
      Effect.flatMap(checked(tables), (tables) =>
        confirmed(writes.during(tables, Effect.provideService(effect, Declared, "named")))
      ),
    confirmed,
    owed: Effect.sync(() => invalidations.owed.tables)
  }
  const watched = watchedClient({ client, writes, tablesWritten: texts.written })
  return Context.make(SqlCache, service).pipe(Context.add(SqlClient.SqlClient, watched))
})
