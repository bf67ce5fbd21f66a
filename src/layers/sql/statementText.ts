/** The text that the database will be sent. */
import { Context, Effect } from "effect"
import { type SqlClient, Statement } from "effect/sql"
import type { Tables } from "./tableNames.ts"

export type CompiledSql = readonly [sql: string, parameters: ReadonlyArray<unknown>]

/**
 * What the caller says of statements: `"query"` = they write nothing, `"named"` = the tables of those that cannot be read are
 * named. Undefined = nothing.
 */
export const Declared = Context.Reference<"query" | "named" | undefined>("effect-vcache/sql/Declared", {
  defaultValue: () => undefined
})

/** What counts of the tables that the text names. */
export const undeclared = (tables: Effect.Effect<Tables>): Effect.Effect<Tables> =>
  Effect.flatMap(Declared, (declared) => {
    if (declared === undefined) return tables
    if (declared === "query") return Effect.succeed([])
    return Effect.map(tables, (tables) => (tables === "all" ? [] : tables))
  })

/** After the transformer of the context, which may send every tenant to tables of its own. */
export const compiled = (
  client: SqlClient.SqlClient,
  statement: Statement.Statement<unknown>,
  withoutTransform = false
): Effect.Effect<CompiledSql> =>
  Effect.withFiber((fiber) => {
    const transform = fiber.getRef(Statement.CurrentTransformer)
    if (transform === undefined) return Effect.sync(() => statement.compile(withoutTransform))
    return Effect.useSpan("sql.text", (span) =>
      Effect.map(transform(statement, client, fiber, span), (statement) => statement.compile(withoutTransform))
    )
  })
