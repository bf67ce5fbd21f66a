/** A look at everything each half second, for all pages that are open. */
import { Context, Effect, Layer, PubSub, Ref, Schedule, Stream } from "effect"
import { Database } from "./database.ts"
import { Shop } from "./shop.ts"
import { type State, Valkey } from "./valkey.ts"
import { type Met, Visitors } from "./visitors.ts"

export interface Look extends Met {
  readonly number: number
  readonly rate: number
  readonly valkey: State
  /** Why the page may not break Valkey; null where it may. */
  readonly unbreakable: string | null
  readonly database: "running" | "stopped"
  /** The queries that the cache has sent to the database. */
  readonly queries: number
}

export class Looks extends Context.Service<Looks, Stream.Stream<Look>>()("example/Looks") {
  static readonly layer = Layer.effect(
    Looks,
    Effect.gen(function* () {
      const [shop, database, valkey, visitors] = [yield* Shop, yield* Database, yield* Valkey, yield* Visitors]
      let number = 0
      const look = Effect.gen(function* () {
        return {
          number: number++,
          rate: yield* Ref.get(visitors.rate),
          valkey: yield* valkey.state,
          unbreakable: typeof valkey.press === "string" ? valkey.press : null,
          database: (yield* database.isRunning) ? "running" : "stopped",
          queries: yield* shop.takeQueries,
          ...(yield* visitors.take)
        } satisfies Look
      })
      // A page that opens is told the last minute at once.
      const looks = yield* PubSub.sliding<Look>({ capacity: 8, replay: 120 })
      const publish = Effect.flatMap(look, (look) => PubSub.publish(looks, look))
      yield* Effect.forkScoped(Effect.repeat(publish, Schedule.spaced("500 millis")))
      return Looks.of(Stream.fromPubSub(looks))
    })
  )
}
