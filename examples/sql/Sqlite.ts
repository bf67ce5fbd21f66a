/** A `SqlClient` over SQLite in Node itself, for the examples: programs take a driver of Effect's, such as `@effect/sql-pg`. */
import { DatabaseSync, type SQLInputValue } from "node:sqlite"
import { Effect, Layer, Semaphore, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, type SqlConnection, SqlError, Statement } from "effect/sql"

const make = Effect.fnUntraced(function* (file: string) {
  const database = new DatabaseSync(file)
  yield* Effect.addFinalizer(() => Effect.sync(() => database.close()))
  database.exec("PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL")

  const run = <A>(operation: () => A) =>
    Effect.try({
      try: operation,
      catch: (cause) => new SqlError.SqlError({ reason: SqlError.classifySqliteError(cause, { operation: "execute" }) })
    })
  const isInput = (parameter: unknown): parameter is SQLInputValue =>
    parameter === null || ["string", "number", "bigint"].includes(typeof parameter) || parameter instanceof Uint8Array
  const rows = (sql: string, parameters: ReadonlyArray<unknown>) =>
    run(() => {
      if (!parameters.every(isInput)) throw new TypeError("SQLite takes text, numbers, bytes and null")
      return database.prepare(sql).all(...parameters)
    })
  const values = (sql: string, parameters: ReadonlyArray<unknown>) =>
    Effect.map(rows(sql, parameters), (rows) => rows.map((row) => Object.values(row)))
  const connection: SqlConnection.Connection = {
    execute: rows,
    executeRaw: rows,
    executeUnprepared: rows,
    executeValues: values,
    executeValuesUnprepared: values,
    executeStream: (sql, parameters) => Stream.unwrap(Effect.map(rows(sql, parameters), Stream.fromIterable))
  }
  return yield* SqlClient.make({
    ...SqlClient.makeSqliteAcquirers({
      connection: Effect.succeed(connection),
      semaphore: yield* Semaphore.make(1),
      isTransaction: () => database.isTransaction
    }),
    compiler: Statement.makeCompilerSqlite(),
    driver: "node-sqlite",
    spanAttributes: []
  })
})

/** One connection to a database in a file. Default: in memory. */
export const layer = (file = ":memory:"): Layer.Layer<SqlClient.SqlClient> =>
  Layer.provide(Layer.effect(SqlClient.SqlClient, make(file)), Reactivity.layer)
