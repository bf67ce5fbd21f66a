/** A statement that tells which tables it writes, in each way to run it. */
import { Effect, Effectable, Stream } from "effect"
import type { SqlClient, SqlError, Statement } from "effect/sql"
import { compiled, undeclared } from "./statementText.ts"
import type { Tables } from "./tableNames.ts"
import type { TableWrites } from "./TableWrites.ts"

export interface Watch {
  readonly client: SqlClient.SqlClient
  readonly writes: TableWrites
  readonly tablesWritten: (sql: string) => Tables
}

export class WatchedStatement<A>
  extends Effectable.Class<ReadonlyArray<A>, SqlError.SqlError>
  implements Statement.Statement<A>
{
  readonly "~effect/sql/Statement/Fragment" = "~effect/sql/Statement/Fragment"
  readonly #statement: Statement.Statement<A>
  readonly #watch: Watch

  constructor(statement: Statement.Statement<A>, watch: Watch) {
    super()
    this.#statement = statement
    this.#watch = watch
  }

  get segments(): ReadonlyArray<Statement.Segment> {
    return this.#statement.segments
  }

  asEffect(): Effect.Effect<ReadonlyArray<A>, SqlError.SqlError> {
    return this.#watched(this.#statement)
  }

  get raw(): Effect.Effect<unknown, SqlError.SqlError> {
    return this.#watched(this.#statement.raw, true)
  }

  get withoutTransform(): Effect.Effect<ReadonlyArray<A>, SqlError.SqlError> {
    return this.#watched(this.#statement.withoutTransform, true)
  }

  get values(): Effect.Effect<ReadonlyArray<ReadonlyArray<unknown>>, SqlError.SqlError> {
    return this.#watched(this.#statement.values)
  }

  get valuesUnprepared(): Effect.Effect<ReadonlyArray<ReadonlyArray<unknown>>, SqlError.SqlError> {
    return this.#watched(this.#statement.valuesUnprepared)
  }

  get unprepared(): Effect.Effect<ReadonlyArray<A>, SqlError.SqlError> {
    return this.#watched(this.#statement.unprepared)
  }

  get stream(): Stream.Stream<A, SqlError.SqlError> {
    const { writes } = this.#watch
    return Stream.unwrap(
      Effect.map(this.#tables(false), (tables) =>
        tables.length === 0
          ? this.#statement.stream
          : Stream.onExit(Stream.onStart(this.#statement.stream, writes.begins), () => writes.ended(tables))
      )
    )
  }

  compile(withoutTransform?: boolean): readonly [sql: string, params: ReadonlyArray<unknown>] {
    return this.#statement.compile(withoutTransform)
  }

  #watched<B>(run: Effect.Effect<B, SqlError.SqlError>, withoutTransform = false): Effect.Effect<B, SqlError.SqlError> {
    return Effect.flatMap(this.#tables(withoutTransform), (tables) => this.#watch.writes.during(tables, run))
  }

  #tables(withoutTransform: boolean): Effect.Effect<Tables> {
    const { client, tablesWritten } = this.#watch
    return undeclared(Effect.map(compiled(client, this.#statement, withoutTransform), ([sql]) => tablesWritten(sql)))
  }
}
