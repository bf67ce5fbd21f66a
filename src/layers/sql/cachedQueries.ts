/** Queries, whose rows the cache has or gets. */
import { Effect, Exit, Option, type Schema } from "effect"
import type { SqlClient, SqlError, Statement } from "effect/sql"
import { type CacheInputError, isCacheError } from "../../schema/CacheError.ts"
import { refused } from "../../schema/failures.ts"
import type { TypedCache } from "../../services/operations/TypedCache.ts"
import type { Invalidations } from "./Invalidations.ts"
import { queryKey } from "./queryKey.ts"
import { rowsOfSchemas } from "./rows.ts"
import type { SqlCacheShape, SqlQueryOptions } from "./SqlCache.ts"
import { compiled, Declared } from "./statementText.ts"
import type { StatementTables } from "./StatementTables.ts"
import { tableName, tablesRefusal } from "./tableNames.ts"
import type { TableWrites } from "./TableWrites.ts"

interface Parts {
  readonly cache: TypedCache<unknown>
  readonly client: SqlClient.SqlClient
  readonly head: string
  readonly texts: StatementTables
  readonly writes: TableWrites
  readonly invalidations: Invalidations
}

export const cachedQueries = ({ cache, client, head, invalidations, texts, writes }: Parts): SqlCacheShape["query"] => {
  const rowsOf = rowsOfSchemas()

  const tablesOf = (
    sql: string,
    named: ReadonlyArray<string> | undefined
  ): Exit.Exit<ReadonlyArray<string>, CacheInputError> => {
    const written = texts.written(sql)
    // What cannot be read is a query if its caller says so by naming its tables.
    if (written !== "all" && written.length > 0)
      return refused("query", "the statement writes, so its result cannot be cached: run it without the cache")
    const reason = named && tablesRefusal(named)
    if (reason !== undefined) return refused("query", reason)
    const tables = named?.map(tableName) ?? texts.read(sql)
    return tables === undefined || (named === undefined && tables.length === 0)
      ? refused("query", "the tables cannot be found in the text of the statement: name them in the option tables")
      : Exit.succeed(tables)
  }

  return <S extends Schema.Constraint>(
    statement: Statement.Statement<unknown>,
    { row, tables: named, ...options }: SqlQueryOptions<S>
  ) => {
    type Needs = S["DecodingServices"] | S["EncodingServices"]
    type Queried = Effect.Effect<
      ReadonlyArray<S["Type"]>,
      SqlError.SqlError | Schema.SchemaError | CacheInputError,
      Needs
    >
    return Effect.flatMap(compiled(client, statement), (text): Queried => {
      const tables = tablesOf(text[0], named)
      if (!Exit.isSuccess(tables)) return Exit.failCause(tables.cause)
      const { decode, schema, shape } = rowsOf(row)
      if (shape === undefined) return refused("query", "the schema of the rows cannot be encoded as JSON")
      const key = queryKey(head, shape, text)
      if (!Exit.isSuccess(key)) return Exit.failCause(key.cause)
      const values = cache.withSchema(schema)
      const fromDatabase = Effect.flatMap(Effect.provideService(statement, Declared, "query"), decode)

      const fromCache = Effect.suspend(() => {
        let found: ReadonlyArray<S["Type"]> | undefined
        const lookup = Effect.tap(fromDatabase, (rows) => Effect.sync(() => (found = rows)))
        const cached = values.getOrSet(key.value, lookup, { ...options, tags: invalidations.tagsOf(tables.value) })
        return Effect.catch(cached, (error): Queried => {
          if (!isCacheError(error)) return Effect.fail(error)
          if (found !== undefined) return Effect.succeed(found)
          return error._tag === "CacheInputError" ? Effect.fail(error) : fromDatabase
        })
      })
      // A transaction may see the database as it was before an invalidation, and a shared lookup may wait for its connection.
      const besideTransaction = Effect.flatMap(Effect.option(values.get(key.value)), (found): Queried =>
        Option.match(Option.flatten(found), { onNone: () => fromDatabase, onSome: Effect.succeed })
      )
      return Effect.flatMap(writes.place, (place) => {
        if (place === "written" || invalidations.owed.concerns(tables.value)) return fromDatabase
        return place === "outside" ? fromCache : besideTransaction
      })
    })
  }
}
