/** Visitors of the shop, in two crowds: for each visitor that the cache answers, another one asks the database for the same product. */
import { Context, Duration, Effect, Exit, Layer, Random, Ref } from "effect"
import { Database } from "./database.ts"
import { products } from "./products.ts"
import { Shelf, type Sources } from "./shelf.ts"
import { Shop } from "./shop.ts"
import { type Answers, Tally } from "./tally.ts"

/** The answers that both crowds got. */
export interface Met extends Sources {
  readonly cached: Answers
  readonly direct: Answers
}

/** In each crowd, each second. */
export const mostVisitors = 1000

export class Visitors extends Context.Service<
  Visitors,
  {
    /** In each crowd, each second. */
    readonly rate: Ref.Ref<number>
    /** The answers since this was last asked. */
    readonly take: Effect.Effect<Met>
  }
>()("example/Visitors") {
  static readonly layer = Layer.effect(
    Visitors,
    Effect.gen(function* () {
      const [shop, database] = [yield* Shop, yield* Database]
      const rate = yield* Ref.make(200)
      const shelf = new Shelf()
      const [cached, direct] = [new Tally(), new Tally()]

      /** Nobody waits longer than two seconds. */
      const counted = <A, E>(tally: Tally, ask: Effect.Effect<A, E>) =>
        Effect.map(Effect.timed(Effect.exit(Effect.timeout(ask, "2 seconds"))), ([took, exit]) => {
          if (Exit.isFailure(exit)) tally.failed()
          else tally.answered(Duration.toMillis(took))
        })
      const visit = Effect.gen(function* () {
        // Some products are asked for more often than others.
        const id = Math.floor((yield* Random.next) ** 1.5 * products.length)
        const served = Effect.map(shop.product(id), (found) => shelf.note(found))
        yield* Effect.forkChild(counted(cached, served))
        yield* Effect.forkChild(counted(direct, database.product(id)))
      })
      const arrive = Effect.gen(function* () {
        let due = 0
        while (true) {
          due += (yield* Ref.get(rate)) / 50
          for (; due >= 1; due--) yield* visit
          yield* Effect.sleep("20 millis")
        }
      })
      yield* Effect.forkScoped(arrive)
      return Visitors.of({
        rate,
        take: Effect.sync(() => ({ cached: cached.take(), direct: direct.take(), ...shelf.take() }))
      })
    })
  )
}
