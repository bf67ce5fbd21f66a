/** The shop: its products through the cache, tagged by their aisle. */
import { Context, Effect, Layer, Ref } from "effect"
import { type CacheError, CacheService, type LookupResult } from "effect-vcache"
import { Database, type DatabaseStopped } from "./database.ts"
import { type Aisle, Product } from "./products.ts"

export class Shop extends Context.Service<
  Shop,
  {
    /** The product, and where the answer came from. */
    readonly product: (id: number) => Effect.Effect<LookupResult<Product>, DatabaseStopped | CacheError>
    /** New prices in the database. Every cached product of the aisle is removed, or made stale. */
    readonly changePrices: (aisle: Aisle, mode: "remove" | "stale") => Effect.Effect<void, DatabaseStopped | CacheError>
    /** How many queries the cache has made since this was last asked. */
    readonly takeQueries: Effect.Effect<number>
  }
>()("example/Shop") {
  static readonly layer = Layer.effect(
    Shop,
    Effect.gen(function* () {
      const database = yield* Database
      const cache = (yield* CacheService).withSchema(Product)
      const queries = yield* Ref.make(0)
      const query = (id: number) =>
        Effect.andThen(
          Ref.update(queries, (n) => n + 1),
          database.product(id)
        )
      return Shop.of({
        product: (id) =>
          cache.getOrSetDetailed(`product:${id}`, query(id), {
            timeToLive: "8 seconds",
            // Products that are looked up together do not expire together.
            jitter: 0.5,
            // After that time visitors are served the old value while one query runs.
            staleFor: "1 hour",
            tags: ({ aisle }) => [aisle]
          }),
        changePrices: (aisle, mode) =>
          Effect.andThen(database.changePrices(aisle), cache.invalidateTags([aisle], { mode })),
        takeQueries: Ref.getAndSet(queries, 0)
      })
    })
  )
}
