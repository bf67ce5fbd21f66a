/** A cache over a client, as long as the scope lasts. */
import { Effect, Layer } from "effect"
import { CacheLive, CacheService, ValkeyClient, type ValkeyClientShape } from "effect-vcache"

type CacheSettings = Parameters<typeof CacheLive.layer>[0]

export const cacheOver = (client: ValkeyClientShape, settings: CacheSettings = {}) =>
  cacheOverLayer(Layer.succeed(ValkeyClient, client), settings)

export const cacheOverLayer = <E>(client: Layer.Layer<ValkeyClient, E>, settings: CacheSettings = {}) =>
  Effect.flatMap(Layer.build(Layer.provide(CacheLive.layer(settings), client)), (context) =>
    Effect.provideContext(CacheService, context)
  )
