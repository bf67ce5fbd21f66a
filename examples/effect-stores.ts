/** Effect's own `PersistedCache` and `KeyValueStore` on a client and a cache of this library. `npm run example examples/effect-stores.ts` */
import { Effect, Layer, Schema } from "effect"
import { KeyValueStore, Persistable, PersistedCache, Persistence } from "effect/persistence"
import { CacheLive, CacheService, ValkeyUrl } from "effect-vcache"
import { EffectBackingPersistence, EffectKeyValueStore } from "effect-vcache/effect"

class FindPrice extends Persistable.Class<{ payload: { product: string } }>()("FindPrice", {
  primaryKey: ({ product }) => product,
  success: Schema.Finite
}) {}

const persisted = Effect.gen(function* () {
  const prices = yield* PersistedCache.make(
    ({ product }: FindPrice) => Effect.sync(() => (console.log("asking for the price of", product), 3.5)),
    { storeId: "effect-stores", timeToLive: () => "1 hour" }
  )
  const tea = new FindPrice({ product: "tea" })
  yield* prices.invalidate(tea)
  console.log("PersistedCache:", yield* prices.get(tea), yield* prices.get(tea))
  yield* prices.invalidate(tea)
})

const settings = Effect.gen(function* () {
  const store = yield* KeyValueStore.KeyValueStore
  yield* store.set("theme", "dark")
  console.log("KeyValueStore:", yield* store.get("theme"), "of", yield* store.size)

  // The same entry as the cache sees it.
  const cache = yield* CacheService
  console.log("its final key:", (yield* cache.keys()).map((key) => cache.makeKey(key)).join(", "))
  yield* store.clear
})

const Cache = CacheLive.layer({ prefix: "effect-stores", timeToLive: "Infinity" })
const live = Layer.mergeAll(
  Layer.provide(Persistence.layer, EffectBackingPersistence.layer()),
  Layer.provideMerge(EffectKeyValueStore.layer(), Cache)
).pipe(Layer.provide(ValkeyUrl.layerConfig()))

await Effect.runPromise(Effect.provide(Effect.scoped(Effect.andThen(persisted, settings)), live))

// Prints:
// asking for the price of tea
// PersistedCache: 3.5 3.5
// KeyValueStore: dark of 1
// its final key: effect-stores:1:theme
