/** The cache over whatever client is provided. */
import { type Context, Effect, Layer } from "effect"
import { CacheOptions, type CacheOptionsShape } from "../../schema/CacheOptions.ts"
import { make } from "../../services/cache/make.ts"
import { CachePolicy } from "../../services/CachePolicy.ts"
import { CacheService } from "../../services/CacheService.ts"
import type { TypedCache } from "../../services/operations/TypedCache.ts"
import { ValkeyClient } from "../../services/ValkeyClient.ts"

/** A second cache in the same program, under a tag of its own. `options` win over those of `CacheOptions`. */
export const layerFor = <Self>(
  tag: Context.Service<Self, TypedCache<unknown>>,
  options: Partial<CacheOptionsShape> = {}
): Layer.Layer<Self, never, ValkeyClient> =>
  Layer.effect(
    tag,
    Effect.gen(function* () {
      const client = yield* ValkeyClient
      const defaults = yield* CacheOptions
      return yield* make(client, { ...defaults, ...options }, yield* CachePolicy)
    })
  )

/**
 * `CacheService` over the provided client, with the settings of `CacheOptions`. As every layer it is built once in a
 * program; for caches on several clients use `layerFor` with a tag each.
 */
export const CacheLive: Layer.Layer<CacheService, never, ValkeyClient> = layerFor(CacheService)
