/** Query results by their tables: what is cached, what forgets it, and what becomes of it where something fails. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Logger, Schema, Stream } from "effect"
import { Model } from "effect/schema"
import { SqlClient, SqlModel, Statement } from "effect/sql"
import { TestClock } from "effect/testing"
import {
  CacheDisabled,
  CacheInputError,
  CacheLive,
  CacheMemo,
  CacheMemory,
  CacheService,
  ValkeyMemory
} from "effect-vcache"
import { SqlCache, SqlInvalidationError } from "effect-vcache/sql"
import { Faults } from "effect-vcache/testing"
import * as Sqlite from "../../examples/sql/Sqlite.ts"

const Named = Schema.Struct({ name: Schema.String })

/** The database without anything around it. */
class Database extends Context.Service<Database, SqlClient.SqlClient>()("test/Database") {
  static readonly layer = Layer.effect(Database, SqlClient.SqlClient).pipe(Layer.provideMerge(Sqlite.layer()))
}

const tables = Effect.gen(function* () {
  const sql = yield* Database
  yield* sql`CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)`
  yield* sql`CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT NOT NULL)`
  yield* sql`INSERT INTO users (name) VALUES ('Ada')`
  yield* sql`INSERT INTO orders (name) VALUES ('tea')`
})

const over = <E, R>(cache: Layer.Layer<CacheService, E, R>) =>
  SqlCache.layer().pipe(
    Layer.provideMerge(Layer.merge(cache, Database.layer)),
    Layer.tap((context) => Effect.provideContext(tables, context))
  )
const inMemory = over(CacheMemory)

/** Names by the cache, and whether they are what the database says. */
const cached = (table: "users" | "orders") =>
  Effect.gen(function* () {
    const cache = yield* SqlCache
    const sql = yield* SqlClient.SqlClient
    const rows = yield* cache.query(sql`SELECT name FROM ${sql(table)} ORDER BY id`, { row: Named })
    return rows.map(({ name }) => name).join()
  })
const users = cached("users")
const orders = cached("orders")

/** Changes both tables where the cache does not see it, so that what is cached differs from what is true. */
const behind = Effect.gen(function* () {
  const sql = yield* Database
  yield* sql`UPDATE users SET name = name || '*'`
  yield* sql`UPDATE orders SET name = name || '*'`
})

/** Reads both tables, changes them behind the cache's back, runs the write: which of the two is read anew? */
const forgottenBy = <A, E, R>(write: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const before = { users: yield* users, orders: yield* orders }
    yield* behind
    yield* write
    return { users: (yield* users) !== before.users, orders: (yield* orders) !== before.orders }
  })

const insert = (name: string) => SqlClient.SqlClient.use((sql) => sql`INSERT INTO users ${sql.insert({ name })}`)
const inTransaction = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  SqlClient.SqlClient.use((sql) => sql.withTransaction(effect))
const rolledBack = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.ignore(inTransaction(Effect.andThen(effect, Effect.fail("rolled back" as const))))

describe("a query", () => {
  it.effect("is cached until its table is written, and no other", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* forgottenBy(Effect.void), { users: false, orders: false })
      assert.deepStrictEqual(yield* forgottenBy(insert("Grace")), { users: true, orders: false })
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("is forgotten by each way to run a write, and by none to run a read", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const write = sql`UPDATE users SET name = name`
      const read = sql`SELECT * FROM users`
      const ways = (statement: typeof write) => [
        statement,
        statement.raw,
        statement.values,
        statement.valuesUnprepared,
        statement.unprepared,
        statement.withoutTransform,
        Stream.runDrain(statement.stream),
        sql.unsafe(statement.compile()[0]),
        sql.withoutTransforms().unsafe(statement.compile()[0]),
        sql.safe`${statement}`,
        Effect.scoped(
          Effect.flatMap(sql.reserve, (connection) => connection.execute(statement.compile()[0], [], undefined))
        ),
        Effect.scoped(
          Effect.flatMap(sql.reserve, (connection) =>
            Stream.runDrain(connection.executeStream(statement.compile()[0], [], undefined))
          )
        )
      ]
      for (const way of ways(write)) assert.deepStrictEqual(yield* forgottenBy(way), { users: true, orders: false })
      for (const way of ways(read)) assert.deepStrictEqual(yield* forgottenBy(way), { users: false, orders: false })
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("is forgotten by what cannot be read, and by a write that fails", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      assert.deepStrictEqual(yield* forgottenBy(sql`CREATE TABLE other (x)`), { users: true, orders: true })
      const twice = Effect.exit(Effect.andThen(insert("Grace"), insert("Grace")))
      assert.deepStrictEqual(yield* forgottenBy(twice), { users: true, orders: false })
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("that names its tables is forgotten by them alone, however they are written", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const cache = yield* SqlCache
      const pragma = cache.query(sql`SELECT name FROM pragma_table_list() WHERE name = 'users'`, {
        row: Named,
        tables: ["Main.USERS"]
      })
      assert.deepStrictEqual(yield* pragma, [{ name: "users" }])
      yield* (yield* Database)`ALTER TABLE users RENAME TO people`
      yield* sql`INSERT INTO orders (name) VALUES ('milk')`
      assert.deepStrictEqual(yield* pragma, [{ name: "users" }])
      yield* cache.write(["users"], Effect.void)
      assert.deepStrictEqual(yield* pragma, [])
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("has a key of its own for each text, parameter and form of rows", () =>
    Effect.gen(function* () {
      const sql = yield* Database
      const cache = yield* SqlCache
      const Text = Schema.Struct({ x: Schema.String })
      const Many = Schema.Struct({ x: Schema.String, name: Schema.optional(Schema.String) })
      const ask = (parameter: unknown) =>
        cache.query(sql`SELECT typeof(${parameter}) || hex(${parameter}) AS x, name FROM users`, { row: Text })
      const parameters = [1, "1", 1n << 60n, String(1n << 60n), -0, null, new Uint8Array([49]), "", '{"json":1}']
      const answers = yield* Effect.forEach(parameters, ask)
      yield* behind
      assert.deepStrictEqual(yield* Effect.forEach(parameters, ask), answers)
      assert.strictEqual(new Set(answers.map((rows) => rows[0]?.x)).size, parameters.length)
      const wide = yield* cache.query(sql`SELECT typeof(${1}) || hex(${1}) AS x, name FROM users`, { row: Many })
      assert.deepStrictEqual(wide, [{ x: "real312E30", name: "Ada*" }])
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("is refused where it writes, names no table, or cannot be a key", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const cache = yield* SqlCache
      const refused = (statement: Statement.Statement<unknown>, options = {}) =>
        Effect.map(Effect.flip(cache.query(statement, { row: Named, ...options })), (error) => error._tag)
      const input = "CacheInputError"
      assert.strictEqual(yield* refused(sql`INSERT INTO users (name) VALUES ('x') RETURNING name`), input)
      assert.strictEqual(yield* refused(sql`DELETE FROM users RETURNING name`, { tables: ["users"] }), input)
      assert.strictEqual(yield* refused(sql`SELECT name FROM json_each('[]')`), input)
      assert.strictEqual(yield* refused(sql`SELECT 'x' AS name`), input)
      assert.strictEqual(yield* refused(sql`SELECT name FROM users`, { tables: [""] }), input)
      assert.strictEqual(yield* refused(sql`SELECT name FROM users WHERE ${() => 1}`), input)
      assert.strictEqual(yield* refused(sql`SELECT name FROM users`, { timeToLive: "no time" }), input)
      assert.strictEqual(yield* refused(sql`SELECT nothing FROM users`), "SqlError")
      assert.strictEqual(yield* refused(sql`SELECT 1 AS name FROM users`), "SchemaError")
      assert.deepStrictEqual(yield* cache.query(sql`SELECT 'x' AS name`, { row: Named, tables: [] }), [{ name: "x" }])
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("of another database, or after a transformer, has other results", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const first = yield* Layer.build(
        SqlCache.layer({ name: "a:b" }).pipe(Layer.provide(Layer.succeed(CacheService, cache)))
      )
      const second = yield* Layer.build(
        SqlCache.layer({ name: "a" }).pipe(Layer.provide(Layer.succeed(CacheService, cache)))
      )
      const ada = users.pipe(Effect.provideContext(first))
      const other = users.pipe(Effect.provideContext(second))
      yield* ada
      yield* behind
      assert.strictEqual(yield* ada, "Ada")
      assert.strictEqual(yield* other, "Ada*")
      // "a:b" is not the table b of "a".
      yield* Context.get(second, SqlCache).write(["b"], Effect.void)
      assert.strictEqual(yield* ada, "Ada")
      const toOrders: Statement.Transformer = (statement, sql) =>
        Effect.succeed(sql.unsafe(statement.compile()[0].replace("users", "orders")))
      const transformed = Effect.provideService(ada, Statement.CurrentTransformer, toOrders)
      assert.strictEqual(yield* transformed, "tea*")
      assert.strictEqual(yield* ada, "Ada")
    }).pipe(Effect.scoped, Effect.provide(inMemory))
  )

  it.effect("that many ask runs once", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const cache = yield* SqlCache
      let runs = 0
      const counting: Statement.Transformer = (statement) => Effect.sync(() => (runs++, statement))
      const query = cache.query(sql`SELECT name FROM users`, { row: Named })
      yield* Effect.all(
        Array.from({ length: 50 }, () => query),
        { concurrency: "unbounded" }
      ).pipe(Effect.provideService(Statement.CurrentTransformer, counting))
      // Each caller looks at the text, and one of them runs it.
      assert.strictEqual(runs, 51)
    }).pipe(Effect.provide(inMemory))
  )
})

describe("a write whose tables are named", () => {
  it.effect("forgets them, and those that are found in its text", () =>
    Effect.gen(function* () {
      const cache = yield* SqlCache
      const sql = yield* SqlClient.SqlClient
      const named = (
        tables: ReadonlyArray<string> | "all",
        write: Effect.Effect<unknown, unknown, SqlClient.SqlClient>
      ) => forgottenBy(cache.write(tables, write))
      assert.deepStrictEqual(yield* named(["users"], Effect.void), { users: true, orders: false })
      assert.deepStrictEqual(yield* named("all", Effect.void), { users: true, orders: true })
      assert.deepStrictEqual(yield* named([], Effect.void), { users: false, orders: false })
      const order = sql`INSERT INTO orders (name) VALUES ('milk')`
      assert.deepStrictEqual(yield* named(["users"], order), { users: true, orders: true })
      // What cannot be read is named.
      assert.deepStrictEqual(yield* named(["users"], sql`CREATE TABLE other (x)`), { users: true, orders: false })
      assert.deepStrictEqual(yield* named(["users"], rolledBack(order)), { users: true, orders: false })
      const rest = rolledBack(cache.write(["users"], order))
      assert.deepStrictEqual(yield* forgottenBy(rest), { users: false, orders: false })
    }).pipe(Effect.provide(inMemory))
  )
})

describe("a repository, a memo scope and a near cache", () => {
  it.effect("of Effect's SqlModel writes through the watched client", () =>
    Effect.gen(function* () {
      class User extends Model.Class<User>("User")({
        id: Schema.Int,
        name: Schema.String
      }) {}
      const repository = yield* SqlModel.makeRepository(User, {
        tableName: "users",
        spanPrefix: "users",
        idColumn: "id"
      })
      const named = (name: string) => repository.insert(User.insert.make({ id: 2, name }))
      assert.deepStrictEqual(yield* forgottenBy(named("Grace")), { users: true, orders: false })
      assert.deepStrictEqual(yield* forgottenBy(repository.delete(2)), { users: true, orders: false })
      assert.deepStrictEqual(yield* forgottenBy(repository.findById(1)), { users: false, orders: false })
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("of one request see what the request writes", () =>
    CacheMemo.scope(
      Effect.gen(function* () {
        assert.strictEqual(yield* users, "Ada")
        yield* behind
        assert.strictEqual(yield* users, "Ada")
        yield* insert("Grace")
        assert.strictEqual(yield* users, "Ada*,Grace")
      })
    ).pipe(Effect.provide(inMemory))
  )

  it.effect("of this process see what it writes at once", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* forgottenBy(Effect.void), { users: false, orders: false })
      assert.deepStrictEqual(yield* forgottenBy(insert("Grace")), { users: true, orders: false })
      assert.deepStrictEqual(yield* forgottenBy(inTransaction(insert("Edith"))), { users: true, orders: false })
    }).pipe(Effect.provide(over(CacheMemory.layer({ near: {} }))))
  )
})

describe("a transaction", () => {
  it.effect("forgets results after its commit, for itself at once", () =>
    Effect.gen(function* () {
      const outcome = yield* forgottenBy(
        inTransaction(
          Effect.gen(function* () {
            assert.strictEqual(yield* users, "Ada")
            yield* insert("Grace")
            assert.strictEqual(yield* users, "Ada*,Grace")
            // It has written: what it sees is the database.
            assert.strictEqual(yield* orders, "tea*")
          })
        )
      )
      assert.deepStrictEqual(outcome, { users: true, orders: false })
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("stores nothing that it reads", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* inTransaction(users), "Ada")
      yield* behind
      assert.strictEqual(yield* users, "Ada*")
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("that is rolled back or interrupted forgets nothing", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* forgottenBy(rolledBack(insert("Grace"))), { users: false, orders: false })
      const began = yield* Deferred.make<void>()
      const stuck = inTransaction(
        Effect.andThen(insert("Grace"), Effect.andThen(Deferred.succeed(began, undefined), Effect.never))
      )
      const fiber = yield* Effect.forkChild(stuck)
      yield* Deferred.await(began)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* forgottenBy(rolledBack(insert("Grace"))), { users: false, orders: false })
      assert.strictEqual(yield* users, "Ada")
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("forgets what its savepoints wrote, but for those that were rolled back", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const order = sql`INSERT INTO orders (name) VALUES ('milk')`
      assert.deepStrictEqual(
        yield* forgottenBy(inTransaction(Effect.andThen(inTransaction(insert("Grace")), rolledBack(order)))),
        { users: true, orders: false }
      )
      // A savepoint's write counts for the transaction around it.
      yield* inTransaction(
        Effect.gen(function* () {
          yield* rolledBack(order)
          assert.strictEqual(yield* users, yield* cachedNames)
        })
      )
      assert.deepStrictEqual(
        yield* forgottenBy(rolledBack(Effect.andThen(inTransaction(insert("Edith")), inTransaction(order)))),
        { users: false, orders: false }
      )
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("that was begun behind the cache's back is asked of the database, and heard of after its commit", () =>
    Effect.gen(function* () {
      const database = yield* Database
      yield* users
      yield* behind
      yield* database.withTransaction(
        Effect.gen(function* () {
          assert.strictEqual(yield* users, "Ada*")
          yield* insert("Grace")
        })
      )
      assert.strictEqual(yield* users, "Ada*,Grace")
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("tells who listens for the commit after the results were forgotten", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* users
      let heard = ""
      yield* inTransaction(
        Effect.gen(function* () {
          yield* insert("Grace")
          const listening = Effect.tap(users, (names) => Effect.sync(() => (heard = names)))
          yield* sql.afterCommit(Effect.ignore(listening))
        })
      )
      assert.strictEqual(heard, "Ada,Grace")
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("that a fiber outlives is heard of, though the fiber writes without it", () =>
    Effect.gen(function* () {
      for (const end of [Effect.void, Effect.fail("rolled back" as const)]) {
        const gate = yield* Deferred.make<void>()
        const outcome = yield* forgottenBy(
          Effect.gen(function* () {
            const late = Effect.andThen(Deferred.await(gate), insert("late"))
            const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
            const forked = Effect.map(Effect.forkDetach(late), (fiber) => fibers.push(fiber))
            yield* Effect.ignore(inTransaction(Effect.andThen(insert("first"), Effect.andThen(forked, end))))
            yield* users
            yield* behind
            yield* Deferred.succeed(gate, undefined)
            for (const fiber of fibers) assert.isTrue(Exit.hasDies(yield* Fiber.await(fiber)))
          })
        )
        assert.deepStrictEqual(outcome, { users: true, orders: false })
        yield* SqlClient.SqlClient.use((sql) => sql`DELETE FROM users WHERE id > 1`)
      }
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("that another fiber's query waits for does not wait for it", () =>
    Effect.gen(function* () {
      const began = yield* Deferred.make<void>()
      const outside = yield* Effect.forkChild(Effect.andThen(Deferred.await(began), users))
      const inside = inTransaction(
        Effect.andThen(Deferred.succeed(began, undefined), Effect.andThen(Effect.yieldNow, users))
      )
      assert.strictEqual(yield* inside, "Ada")
      assert.strictEqual(yield* Fiber.join(outside), "Ada")
    }).pipe(Effect.provide(inMemory))
  )
})

const cachedNames = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ readonly name: string }>`SELECT name FROM users ORDER BY id`
  return rows.map(({ name }) => name).join()
})

/** A cache over memory that can fail. */
const failing = over(CacheLive).pipe(
  Layer.provideMerge(Layer.provideMerge(Faults.layer, ValkeyMemory.layer())),
  Layer.provideMerge(Logger.layer([]))
)
const down = Faults.Faults.use((faults) => faults.set({ failure: "refused" }))
const up = Faults.Faults.use(({ clear }) => clear)
const owed = SqlCache.use((cache) => cache.owed)

describe("a cache that fails", () => {
  it.effect("fails no query, and no query runs twice for it", () =>
    Effect.gen(function* () {
      const faults = yield* Faults.Faults
      let texts = 0
      const counting: Statement.Transformer = (statement) => Effect.sync(() => (texts++, statement))
      const counted = Effect.provideService(users, Statement.CurrentTransformer, counting)
      for (const failure of ["refused", "timeout", "lostReply"] as const) {
        for (const commands of [["GET"], ["SET"], ["MGET"], undefined]) {
          yield* faults.set({ commands, failure })
          for (const query of [counted, inTransaction(counted)]) {
            texts = 0
            assert.strictEqual(yield* query, "Ada")
            // Once for the key, and once where the database was asked.
            assert.isAtMost(texts, 2)
          }
          yield* up
          yield* insert("x")
          yield* SqlClient.SqlClient.use((sql) => sql`DELETE FROM users WHERE name = 'x'`)
        }
      }
      yield* down
      assert.strictEqual(yield* users, "Ada")
      yield* up
      yield* users
      yield* behind
      assert.strictEqual(yield* users, "Ada")
    }).pipe(Effect.provide(failing))
  )

  it.effect("owes what it could not forget, asks the database meanwhile, and pays when it can", () =>
    Effect.gen(function* () {
      yield* users
      yield* orders
      yield* down
      yield* insert("Grace")
      assert.deepStrictEqual(yield* owed, ["users"])
      yield* up
      assert.strictEqual(yield* users, "Ada,Grace")
      yield* behind
      assert.strictEqual(yield* users, "Ada*,Grace*")
      assert.strictEqual(yield* orders, "tea")
      yield* down
      yield* inTransaction(SqlClient.SqlClient.use((sql) => sql`INSERT INTO orders (name) VALUES ('milk')`))
      yield* SqlClient.SqlClient.use((sql) => sql`CREATE TABLE other (x)`)
      assert.strictEqual(yield* owed, "all")
      // The first attempt fails; the pause after it is longer.
      yield* TestClock.adjust("600 millis")
      yield* up
      assert.strictEqual(yield* owed, "all")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* owed, [])
      assert.strictEqual(yield* users, "Ada*,Grace*")
      yield* behind
      assert.strictEqual(yield* users, "Ada*,Grace*")
    }).pipe(Effect.provide(failing))
  )

  it.effect("is a typed failure for whoever wants to know, after the write was made", () =>
    Effect.gen(function* () {
      const cache = yield* SqlCache
      yield* down
      const failures = yield* Effect.all([
        Effect.flip(cache.write(["Users"], insert("one"))),
        Effect.flip(cache.confirmed(insert("two"))),
        Effect.flip(cache.confirmed(inTransaction(insert("three")))),
        Effect.flip(cache.confirmed(inTransaction(cache.write(["users"], insert("four")))))
      ])
      for (const failure of failures) {
        assert.instanceOf(failure, SqlInvalidationError)
        assert.deepStrictEqual(failure instanceof SqlInvalidationError && failure.tables, ["users"])
        assert.strictEqual(failure instanceof SqlInvalidationError && failure.cause._tag, "CacheConnectionError")
      }
      assert.deepStrictEqual(
        yield* Effect.flip(cache.confirmed(rolledBack(insert("five")).pipe(Effect.andThen(Effect.fail("own"))))),
        "own"
      )
      assert.strictEqual(yield* cachedNames, "Ada,one,two,three,four")
      // What is not confirmed is what it is: written.
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(insert("six"))))
      assert.instanceOf(yield* Effect.flip(cache.write([""], insert("seven"))), CacheInputError)
    }).pipe(Effect.provide(failing))
  )

  it.effect("counts as interrupted where the write was interrupted after it ran", () =>
    Effect.gen(function* () {
      const outcome = yield* forgottenBy(
        Effect.gen(function* () {
          const began = yield* Deferred.make<void>()
          const cache = yield* SqlCache
          const stuck = Effect.andThen(Deferred.succeed(began, undefined), Effect.never)
          const fiber = yield* Effect.forkChild(cache.write(["users"], stuck))
          yield* Deferred.await(began)
          yield* Fiber.interrupt(fiber)
        })
      )
      assert.deepStrictEqual(outcome, { users: true, orders: false })
    }).pipe(Effect.provide(failing))
  )

  it.effect("or is switched off leaves the database alone", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* forgottenBy(Effect.void), { users: true, orders: true })
      yield* insert("Grace")
      assert.deepStrictEqual(yield* owed, [])
    }).pipe(Effect.provide(over(CacheLive).pipe(Layer.provideMerge(CacheDisabled.layer))))
  )
})

it("names that cannot be used fail the layer", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      for (const name of ["", "x".repeat(257), "\uD800"]) {
        const layer = SqlCache.layer({ name }).pipe(Layer.provide(Layer.merge(CacheMemory, Sqlite.layer())))
        assert.instanceOf(yield* Effect.flip(Effect.scoped(Layer.build(layer))), CacheInputError)
      }
    })
  ))
