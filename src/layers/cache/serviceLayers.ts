/** `CacheService` with its layers beside it, as services of Effect have them. */
import { Config, Effect, Layer } from "effect"
import type { CacheInputError } from "../../schema/CacheError.ts"
import { CacheService as Tag } from "../../services/CacheService.ts"
import type { ValkeyClient } from "../../services/ValkeyClient.ts"
import { CacheLive, type CacheLayerOptions } from "./CacheLive.ts"
import { CacheMemory } from "./CacheMemory.ts"

/**
 * The layers that `CacheService` has as properties.
 *
 * @since 0.2.0
 * @category cache
 * @see docs/options.md
 */
export interface CacheServiceLayers {
  /** The cache over the provided client: `CacheLive.layer`. Settings that cannot be used fail it with `CacheInputError`. */
  readonly layer: (options?: CacheLayerOptions) => Layer.Layer<Tag, CacheInputError, ValkeyClient>
  /** The same with settings from `Config`. `CacheFromConfig` is the cache whose client the environment names. */
  readonly layerConfig: (
    options: Config.Wrap<CacheLayerOptions>
  ) => Layer.Layer<Tag, CacheInputError | Config.ConfigError, ValkeyClient>
  /** The cache in this process: `CacheMemory.layer`. It needs nothing, and runs under `Effect.runSync`. */
  readonly layerMemory: (options?: CacheLayerOptions) => Layer.Layer<Tag, CacheInputError>
}

/**
 * The cache that a program asks for, with its layers: `CacheService.layer({ prefix: "shop" })`.
 *
 * @example
 * ```ts
 * import { Effect, Option, Schema } from "effect"
 * import { CacheService } from "effect-vcache"
 *
 * const User = Schema.Struct({ name: Schema.String, born: Schema.Date })
 * const program = Effect.gen(function* () {
 *   const users = (yield* CacheService).withSchema(User)
 *   yield* users.set("user:1", { name: "Ada", born: new Date("1815-12-10") })
 *   return Option.map(yield* users.get("user:1"), ({ born }) => born.getUTCFullYear())
 * })
 * console.log(Option.getOrNull(Effect.runSync(Effect.provide(program, CacheService.layerMemory({ prefix: "shop" })))))
 * // => 1815
 * ```
 *
 * @since 0.2.0
 * @category cache
 * @see docs/options.md
 */
export const CacheService: typeof Tag & CacheServiceLayers = Object.assign(Tag, {
  layer: CacheLive.layer,
  layerConfig: (options: Config.Wrap<CacheLayerOptions>) =>
    Layer.unwrap(Effect.map(Config.unwrap(options), CacheLive.layer)),
  layerMemory: CacheMemory.layer
} satisfies CacheServiceLayers)
export type CacheService = Tag
