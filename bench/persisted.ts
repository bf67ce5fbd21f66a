/** Effect's own, with its memory part switched off, so that every read goes to the server. */
import { NodeRedis } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { Persistable, PersistedCache, Persistence } from "effect/persistence"
import { Article, article, lifetime } from "./value.ts"

class ArticleKey extends Persistable.Class<{ payload: { id: string } }>()("ArticleKey", {
  primaryKey: ({ id }) => id,
  success: Article
}) {}

export const makePersisted = (
  url: string
): Promise<{ readonly get: (key: string) => Effect.Effect<unknown, unknown> }> => {
  const layer = Persistence.layer.pipe(
    Layer.provide(Persistence.layerBackingRedis),
    Layer.provide(NodeRedis.layer({ url }))
  )
  return new Promise((resolve, reject) => {
    const held = Effect.gen(function* () {
      const cache = yield* PersistedCache.make<ArticleKey>(() => Effect.succeed(article), {
        storeId: "bench",
        timeToLive: () => `${lifetime} seconds`,
        inMemoryTTL: () => 0
      })
      resolve({ get: (id) => cache.get(new ArticleKey({ id })) })
      return yield* Effect.never
    })
    Effect.runPromise(Effect.provide(Effect.scoped(held), layer)).catch(reject)
  })
}
