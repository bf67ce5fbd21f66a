/** The text that the database will be sent. */
import { Context, Effect } from "effect"
import { type SqlClient, Statement } from "effect/sql"

export type CompiledSql = readonly [sql: string, parameters: ReadonlyArray<unknown>]

/** Statements that are known from elsewhere: what their text says does not count. */
export const IsAccountedFor = Context.Reference<boolean>("effect-vcache/sql/IsAccountedFor", {
  defaultValue: () => false
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
