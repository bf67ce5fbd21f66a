/** Queries and writes of two processes over one database and one store, against a model, over generated histories with outages. */
import { assert, it } from "@effect/vitest"
import { Context, Effect, Layer, Logger, Schema } from "effect"
import { SqlClient, Statement } from "effect/sql"
import { TestClock } from "effect/testing"
import { CacheLive, ValkeyClient, ValkeyMemory } from "effect-vcache"
import { SqlCache } from "effect-vcache/sql"
import { Faults } from "effect-vcache/testing"
import * as Sqlite from "../../examples/sql/Sqlite.ts"

const who = Schema.Literals([0, 1])
const table = Schema.Literals(["a", "b"])

/** Of a transaction. */
const Inner = Schema.Union([
  Schema.Struct({ _tag: Schema.tag("Write"), table }),
  Schema.Struct({ _tag: Schema.tag("Read"), table }),
  Schema.Struct({ _tag: Schema.tag("Savepoint"), table, commits: Schema.Boolean })
])

const Step = Schema.Union([
  Schema.Struct({ _tag: Schema.tag("Read"), who, table: Schema.Literals(["a", "b", "both"]) }),
  Schema.Struct({ _tag: Schema.tag("Read"), who, table: Schema.Literals(["a", "b", "both"]) }),
  Schema.Struct({ _tag: Schema.tag("Write"), who, table }),
  /** Nobody can tell from its text what it writes. */
  Schema.Struct({ _tag: Schema.tag("Unknown"), who }),
  Schema.Struct({ _tag: Schema.tag("Transaction"), who, steps: Schema.Array(Inner), commits: Schema.Boolean }),
  Schema.Struct({ _tag: Schema.tag("Down"), who }),
  Schema.Struct({ _tag: Schema.tag("Up"), who })
])

/** Longer than any history. */
const timeToLive = "30 days"

const Value = Schema.Struct({ value: Schema.Int })
const Both = Schema.Struct({ a: Schema.Int, b: Schema.Int })

it.effect.prop(
  "each read is what the database says, and asks it only where it must",
  [Schema.Array(Step)],
  ([steps]) =>
    Effect.scoped(
      Effect.gen(function* () {
        const database = Context.get(yield* Layer.build(Layer.fresh(Sqlite.layer())), SqlClient.SqlClient)
        yield* database`CREATE TABLE a (value INTEGER)`
        yield* database`CREATE TABLE b (value INTEGER)`
        yield* database`INSERT INTO a VALUES (0)`
        yield* database`INSERT INTO b VALUES (0)`
        const store = Context.get(yield* Layer.build(Layer.fresh(ValkeyMemory.layer())), ValkeyClient)
        const build = Layer.build(
          SqlCache.layer().pipe(
            Layer.provide(Layer.fresh(CacheLive)),
            Layer.provideMerge(Layer.fresh(Faults.layer)),
            Layer.provide(Layer.succeed(ValkeyClient, store)),
            Layer.provide(Layer.succeed(SqlClient.SqlClient, database))
          )
        )
        const processes = [yield* build, yield* build].map((context) => ({
          sql: Context.get(context, SqlClient.SqlClient),
          cache: Context.get(context, SqlCache),
          faults: Context.get(context, Faults.Faults),
          isDown: false
        }))
        /** Queries whose rows are stored, and are what the database says. */
        const stored = new Set<"a" | "b" | "both">()
        /** Tables whose invalidation is owed, by process. */
        const owed = [new Set<string>(), new Set<string>()]
        let texts = 0
        const counting: Statement.Transformer = (statement) => Effect.sync(() => (texts++, statement))
        const truth = Effect.map(
          database<typeof Both.Type>`SELECT a.value AS a, b.value AS b FROM a, b`,
          ([row]) => row!
        )

        const read = Effect.fnUntraced(function* (who: 0 | 1, table: "a" | "b" | "both") {
          const { cache, sql } = processes[who]!
          texts = 0
          const query: Effect.Effect<ReadonlyArray<object>, unknown> = table === "both"
            ? cache.query(sql`SELECT a.value AS a, b.value AS b FROM a, b`, { row: Both, timeToLive })
            : Effect.map(cache.query(sql`SELECT value FROM ${sql(table)}`, { row: Value, timeToLive }), (rows) =>
                rows.map(({ value }) => ({ [table]: value }))
              )
          const [seen] = yield* Effect.provideService(query, Statement.CurrentTransformer, counting)
          return { seen, hasAsked: texts > 1 }
        })
        const expected = Effect.fnUntraced(function* (table: "a" | "b" | "both") {
          const { a, b } = yield* truth
          return table === "both" ? { a, b } : { [table]: table === "a" ? a : b }
        })
        const written = (who: 0 | 1, tables: ReadonlyArray<string>) => {
          for (const table of tables) {
            if (processes[who]!.isDown) owed[who]!.add(table)
            stored.delete("both")
            if (table !== "both") stored.delete(table as "a" | "b")
          }
        }
        const concerns = (tables: ReadonlySet<string>, table: "a" | "b" | "both") =>
          tables.has("all") || (table === "both" ? tables.has("a") || tables.has("b") : tables.has(table))

        for (const step of steps) {
          switch (step._tag) {
            case "Read": {
              const { seen, hasAsked } = yield* read(step.who, step.table)
              const { isDown } = processes[step.who]!
              const owes = concerns(owed[step.who]!, step.table)
              // What another process owes may be missing; what this one has written is there.
              const mayBeOld = !isDown && !owes && concerns(owed[1 - step.who]!, step.table)
              if (!mayBeOld) assert.deepStrictEqual(seen, yield* expected(step.table))
              if (isDown || owes) assert.isTrue(hasAsked)
              else if (stored.has(step.table)) assert.isFalse(hasAsked, "it was stored, and nothing was written")
              else if (!mayBeOld) stored.add(step.table)
              break
            }
            case "Write":
              yield* processes[step.who]!.sql`UPDATE ${database(step.table)} SET value = value + 1`
              written(step.who, [step.table])
              break
            case "Unknown":
              yield* processes[step.who]!.sql`CREATE TEMP TABLE IF NOT EXISTS other (x)`
              written(step.who, ["a", "b", ...(processes[step.who]!.isDown ? ["all"] : [])])
              break
            case "Transaction": {
              const { sql } = processes[step.who]!
              const tables = new Set<string>()
              const raise = (table: "a" | "b") => sql`UPDATE ${database(table)} SET value = value + 1`
              const run = Effect.forEach(step.steps, (inner) =>
                Effect.gen(function* () {
                  if (inner._tag === "Read") {
                    const { seen } = yield* read(step.who, inner.table)
                    if (tables.size > 0) assert.deepStrictEqual(seen, yield* expected(inner.table))
                  } else if (inner._tag === "Write") {
                    yield* raise(inner.table)
                    tables.add(inner.table)
                  } else {
                    const savepoint = sql.withTransaction(
                      Effect.andThen(raise(inner.table), inner.commits ? Effect.void : Effect.fail("no" as const))
                    )
                    yield* Effect.ignore(savepoint)
                    if (inner.commits) tables.add(inner.table)
                  }
                })
              )
              yield* Effect.ignore(
                sql.withTransaction(Effect.andThen(run, step.commits ? Effect.void : Effect.fail("no" as const)))
              )
              if (step.commits) written(step.who, [...tables])
              break
            }
            case "Down":
              yield* processes[step.who]!.faults.set({ failure: "refused" })
              processes[step.who]!.isDown = true
              break
            case "Up":
              yield* processes[step.who]!.faults.clear
              processes[step.who]!.isDown = false
              yield* TestClock.adjust("2 minutes")
              assert.deepStrictEqual(yield* processes[step.who]!.cache.owed, [])
              // What was owed is forgotten late, with whatever was stored of it since.
              if (owed[step.who]!.size > 0) stored.clear()
              owed[step.who]!.clear()
          }
        }
      })
    ).pipe(Effect.provide(Logger.layer([]))),
  { timeout: 60_000, arbitrary: { runs: 150, seed: "effect-vcache", size: 30 } }
)
