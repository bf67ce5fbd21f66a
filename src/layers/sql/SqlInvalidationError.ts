/** How a write fails that was made, and whose cached results could not be forgotten. */
import { Schema } from "effect"
import { CacheError } from "../../schema/CacheError.ts"

/**
 * The database has the write, so it must not be repeated. The results of these tables that are cached were not invalidated,
 * or it is not known whether they were. This process tries again in the background and meanwhile asks the database; other
 * processes may be given results from before the write until the invalidation succeeds, or the results' lifetime ends.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { SqlClient } from "effect/sql"
 * import { SqlCache } from "effect-vcache/sql"
 *
 * // The write is made in any case. Whether all processes see it at once is what `confirmed` tells.
 * export const rename = (id: number, name: string) =>
 *   Effect.gen(function* () {
 *     const sql = yield* SqlClient.SqlClient
 *     const cache = yield* SqlCache
 *     yield* cache.confirmed(sql`UPDATE users SET name = ${name} WHERE id = ${id}`)
 *     return "seen by all"
 *   }).pipe(Effect.catchTag("SqlInvalidationError", ({ tables }) => Effect.succeed(`${tables} may be old for a while`)))
 * ```
 *
 * @since 0.2.0
 * @category errors
 * @see docs/sql.md
 */
export class SqlInvalidationError extends Schema.TaggedError<SqlInvalidationError>(
  "effect-vcache/SqlInvalidationError"
)("SqlInvalidationError", {
  /** The tables whose cached results may be old. */
  tables: Schema.Union([Schema.Literal("all"), Schema.Array(Schema.String)]),
  /** The failure of the cache. */
  cause: CacheError
}) {
  /** The failure in one sentence. */
  override get message(): string {
    const tables = this.tables === "all" ? "all tables" : this.tables.join(", ")
    return `the write was made, but cached results of ${tables} were not invalidated: ${this.cause.message}`
  }
}
