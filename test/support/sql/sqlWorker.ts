/** One of several processes that read and write one database through caches over one server. A child of `sqlRace.ts`. */
import { Effect, Layer, Schema } from "effect"
import { SqlClient, Statement } from "effect/sql"
import { CacheLive, ValkeyUrl } from "effect-vcache"
import { SqlCache } from "effect-vcache/sql"
import * as Sqlite from "../../../examples/sql/Sqlite.ts"
import { Dice } from "../Dice.ts"
import type { SqlEvent } from "./sqlHistory.ts"

export interface SqlWorkerOptions {
  readonly url: string
  readonly file: string
  readonly seed: string
  readonly fibers: number
  readonly steps: number
  /** The second table is written where the cache does not see it. */
  readonly isPlanted: boolean
}

/** Of one process. */
export interface SqlWorkerReport {
  readonly events: ReadonlyArray<SqlEvent>
  readonly reads: number
  /** Of those reads. */
  readonly asked: number
}

const { fibers, file, isPlanted, seed, steps, url }: SqlWorkerOptions = JSON.parse(process.argv[2] ?? "{}")

const Value = Schema.Struct({ value: Schema.Int })
const Values = Schema.Struct({ first: Schema.Int, second: Schema.Int })
const tables = ["first", "second"] as const
const micros = () => Number(process.hrtime.bigint() / 1000n)

const program = Effect.gen(function* () {
  const plain = yield* SqlClient.SqlClient
  const context = yield* Layer.build(
    SqlCache.layer().pipe(
      Layer.provide(
        Layer.merge(Layer.succeed(SqlClient.SqlClient, plain), Layer.provide(CacheLive, ValkeyUrl.layer(url)))
      )
    )
  )
  const sql = yield* Effect.provideContext(SqlClient.SqlClient, context)
  const cache = yield* Effect.provideContext(SqlCache, context)
  const events: Array<SqlEvent> = []
  let texts = 0
  let reads = 0
  const counting: Statement.Transformer = (statement) => Effect.sync(() => (texts++, statement))

  const one = (table: string) => cache.query(sql`SELECT value FROM ${sql(table)}`, { row: Value })
  const both = Effect.map(
    cache.query(sql`SELECT a.value AS first, b.value AS second FROM first a JOIN second b ON 1`, { row: Values }),
    ([row]) => ({ first: row?.first ?? -1, second: row?.second ?? -1 })
  )
  const valueOf = (rows: ReadonlyArray<typeof Value.Type>) => rows[0]?.value ?? -1
  const raise = (table: "first" | "second") => {
    const client = isPlanted && table === "second" ? plain : sql
    return Effect.map(client<typeof Value.Type>`UPDATE ${sql(table)} SET value = value + 1 RETURNING value`, valueOf)
  }
  const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.suspend(() => {
      const began = micros()
      return Effect.map(effect, (result) => ({ began, ended: micros(), process: seed, result }))
    })

  const read = (dice: Dice) =>
    Effect.gen(function* () {
      const table = dice.pick([...tables, "both"] as const)
      const query = table === "both" ? both : Effect.map(one(table), (rows) => ({ [table]: valueOf(rows) }))
      reads++
      const { result: values, ...span } = yield* timed(
        Effect.provideService(query, Statement.CurrentTransformer, counting)
      )
      events.push({ ...span, _tag: "Read", values })
    })

  const write = (dice: Dice) =>
    Effect.gen(function* () {
      const table = dice.pick(tables)
      const { result: value, ...span } = yield* timed(raise(table))
      events.push({ ...span, _tag: "Write", table, value })
    })

  const transaction = (dice: Dice) =>
    Effect.gen(function* () {
      const table = dice.pick(tables)
      const isRolledBack = dice.chance(0.4)
      const hasSavepoint = dice.chance(0.5)
      const isSavepointRolledBack = dice.chance(0.5)
      const own = (wrote: number) =>
        Effect.map(timed(one(table)), ({ result, ...span }) =>
          events.push({ ...span, _tag: "OwnRead", table, wrote, saw: valueOf(result) })
        )
      const body = Effect.gen(function* () {
        let value = yield* raise(table)
        yield* own(value)
        if (hasSavepoint) {
          const inner = Effect.flatMap(raise(table), (value) =>
            isSavepointRolledBack ? Effect.fail(value) : Effect.succeed(value)
          )
          const last = value
          value = yield* sql.withTransaction(inner).pipe(Effect.orElseSucceed(() => last))
          yield* own(value)
        }
        return yield* isRolledBack ? Effect.fail("rolled back" as const) : Effect.succeed(value)
      })
      const { result, ...span } = yield* timed(
        sql.withTransaction(body).pipe(
          Effect.provideService(SqlClient.BeginTransaction, "BEGIN IMMEDIATE"),
          Effect.catch((error) => (error === "rolled back" ? Effect.succeed(undefined) : Effect.fail(error)))
        )
      )
      if (result !== undefined) events.push({ ...span, _tag: "Write", table, value: result })
    })

  const fiber = (dice: Dice) =>
    Effect.repeat(
      Effect.suspend(() => {
        const chance = dice.next()
        return Effect.andThen(
          chance < 0.8 ? read(dice) : chance < 0.9 ? write(dice) : transaction(dice),
          Effect.sleep(dice.below(3))
        )
      }),
      { times: steps - 1 }
    )

  yield* cache.query(sql`SELECT value FROM first`, { row: Value })
  console.log("ready")
  yield* Effect.promise(() => new Promise((resume) => process.stdin.once("data", resume)))
  yield* Effect.forEach(
    Array.from({ length: fibers }, (_, i) => new Dice(`${seed} ${i}`)),
    fiber,
    { concurrency: "unbounded", discard: true }
  )
  // Each read makes its text once for its key, and once more where the database is asked.
  const report: SqlWorkerReport = { events, reads, asked: texts - reads }
  console.log(JSON.stringify(report))
})

await Effect.runPromise(Effect.scoped(Effect.provide(program, Sqlite.layer(file))))
process.stdin.destroy()
