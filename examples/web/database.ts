/** In place of a real database: a query takes 25 milliseconds, 20 run at once, and the page may switch it off. */
import { Context, Effect, Layer, Random, Ref, Schema, Semaphore } from "effect"
import { type Aisle, type Product, products } from "./products.ts"

export class DatabaseStopped extends Schema.TaggedError<DatabaseStopped>("DatabaseStopped")("DatabaseStopped", {}) {}

export class Database extends Context.Service<
  Database,
  {
    readonly product: (id: number) => Effect.Effect<Product, DatabaseStopped>
    readonly changePrices: (aisle: Aisle) => Effect.Effect<void, DatabaseStopped>
    readonly isRunning: Effect.Effect<boolean>
    readonly start: Effect.Effect<void>
    readonly stop: Effect.Effect<void>
  }
>()("example/Database") {
  static readonly layer = Layer.effect(
    Database,
    Effect.gen(function* () {
      const rows = new Map(products.map((product) => [product.id, product]))
      const connections = yield* Semaphore.make(20)
      const running = yield* Ref.make(true)

      const query = <A>(answer: Effect.Effect<A>) =>
        Effect.gen(function* () {
          if (!(yield* Ref.get(running))) return yield* new DatabaseStopped()
          yield* Effect.sleep("25 millis")
          return yield* answer
        }).pipe(connections.withPermit)

      return Database.of({
        product: (id) => query(Effect.suspend(() => Effect.orDie(Effect.fromNullishOr(rows.get(id))))),
        changePrices: (aisle) =>
          query(
            Effect.gen(function* () {
              for (const product of rows.values()) {
                if (product.aisle !== aisle) continue
                const price = 10 * (yield* Random.nextIntBetween(30, 99))
                rows.set(product.id, { ...product, price })
              }
            })
          ),
        isRunning: Ref.get(running),
        start: Ref.set(running, true),
        stop: Ref.set(running, false)
      })
    })
  )
}
