/** A `SqlClient` whose statements tell which tables they write. */
import { Effect } from "effect"
import { type SqlClient, Statement } from "effect/sql"
import { watchedConnection } from "./watchedConnection.ts"
import { type Watch, WatchedStatement } from "./WatchedStatement.ts"

const isStatement = (made: unknown): made is Statement.Statement<unknown> =>
  Effect.isEffect(made) && Statement.isFragment(made)

/** A proxy, since drivers give their clients functions of their own. */
export const watchedClient = (watch: Watch): SqlClient.SqlClient => {
  const { client, writes } = watch
  const watched: SqlClient.SqlClient = new Proxy(client, {
    apply: (target, self, parts) => {
      const made: unknown = Reflect.apply(target, self, parts)
      return isStatement(made) ? new WatchedStatement(made, watch) : made
    },
    get: (target, name) => {
      switch (name) {
        case "unsafe":
          return (sql: string, parameters?: ReadonlyArray<unknown>) =>
            new WatchedStatement(target.unsafe(sql, parameters), watch)
        case "withTransaction":
          return writes.transaction
        case "reserve":
          return Effect.map(target.reserve, (connection) => watchedConnection(connection, watch))
        case "withoutTransforms":
          return () => {
            const other = target.withoutTransforms()
            return other === target ? watched : watchedClient({ ...watch, client: other })
          }
        case "safe":
          return watched
        default:
          return Reflect.get(target, name, target)
      }
    }
  })
  return watched
}
