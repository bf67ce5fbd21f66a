/** A reserved connection, whose statements are seen, too. What begins there by hand is known only by its COMMIT. */
import { Effect, Stream } from "effect"
import type { SqlConnection, SqlError } from "effect/sql"
import { undeclared } from "./statementText.ts"
import type { Watch } from "./WatchedStatement.ts"

export const watchedConnection = (
  connection: SqlConnection.Connection,
  { tablesWritten, writes }: Watch
): SqlConnection.Connection => {
  const tablesOf = (sql: string) => undeclared(Effect.sync(() => tablesWritten(sql)))
  const watched = <A>(sql: string, run: Effect.Effect<A, SqlError.SqlError>) =>
    Effect.flatMap(tablesOf(sql), (tables) => writes.apart(tables, run))
  return {
    execute: (sql, parameters, transform) => watched(sql, connection.execute(sql, parameters, transform)),
    executeRaw: (sql, parameters) => watched(sql, connection.executeRaw(sql, parameters)),
    executeValues: (sql, parameters) => watched(sql, connection.executeValues(sql, parameters)),
    executeValuesUnprepared: (sql, parameters) => watched(sql, connection.executeValuesUnprepared(sql, parameters)),
    executeUnprepared: (sql, parameters, transform) =>
      watched(sql, connection.executeUnprepared(sql, parameters, transform)),
    executeStream: (sql, parameters, transform) =>
      Stream.unwrap(
        Effect.map(tablesOf(sql), (tables) =>
          Stream.ensuring(connection.executeStream(sql, parameters, transform), writes.apart(tables, Effect.void))
        )
      )
  }
}
