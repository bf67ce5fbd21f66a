/**
 * Rows of queries in the cache, until one of their tables is written. `npm run example examples/sql.ts`; the database is the
 * SQLite of Node, in memory.
 */
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { CacheFromConfig } from "effect-vcache"
import { SqlCache } from "effect-vcache/sql"
import * as Sqlite from "./sql/Sqlite.ts"

const User = Schema.Struct({ id: Schema.Int, name: Schema.String })

const program = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const cache = yield* SqlCache
  yield* sql`CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)`

  const users = cache.query(sql`SELECT id, name FROM users ORDER BY id`, { row: User, timeToLive: "1 hour" })
  const names = Effect.map(users, (rows) => rows.map(({ name }) => name).join(", "))

  yield* sql`INSERT INTO users ${sql.insert([{ name: "Ada" }, { name: "Grace" }])}`
  console.log("after the insert:", yield* names)

  // The client that SqlCache gives sees which tables a statement writes. In a transaction it waits for the commit.
  yield* sql.withTransaction(sql`UPDATE users SET name = 'Ada Lovelace' WHERE id = 1`)
  console.log("after the commit:", yield* names)

  const undone = sql.withTransaction(Effect.andThen(sql`DELETE FROM users`, Effect.fail("undone")))
  yield* Effect.ignore(undone)
  console.log("after a rollback:", yield* names)

  // Fails where the write was made and cached rows of it may live on.
  yield* cache.confirmed(sql`DELETE FROM users WHERE id = 2`)
  console.log("after the delete:", yield* names)
})

const live = SqlCache.layer({ name: "example-sql" }).pipe(Layer.provide([Sqlite.layer(), CacheFromConfig]))
await Effect.runPromise(Effect.provide(program, live))

// Prints:
// after the insert: Ada, Grace
// after the commit: Ada Lovelace, Grace
// after a rollback: Ada Lovelace, Grace
// after the delete: Ada Lovelace
