/** The client over the primary that sentinels watch over, wherever it is now. */
import { Config, Effect, Layer } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import { type SentinelOptions, sentinelSettings } from "../../schema/SentinelOptions.ts"
import { ValkeyClient } from "../../services/ValkeyClient.ts"
import { makeSentinelClient } from "../connection/sentinel/sentinelClient.ts"

/**
 * The client of the primary, which closes with the scope. Settings that cannot be used fail with `CacheInputError`.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { ValkeySentinel } from "effect-vcache"
 *
 * const made = ValkeySentinel.make({ url: "sentinel://sentinel-1,sentinel-2/mymaster" })
 * console.log(await Effect.runPromise(Effect.scoped(Effect.map(made, ({ topology }) => topology))))
 * // => sentinel
 * ```
 *
 * @since 0.2.0
 * @category clients
 * @see docs/sentinel.md
 */
export const make = Effect.fnUntraced(function* (options: SentinelOptions) {
  return yield* makeSentinelClient(yield* Effect.fromResult(sentinelSettings(options)))
})

/**
 * Opens nothing until the first command, unless `connect` is `"eager"`. Bad settings fail the layer and name the field.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { CacheLive, ValkeySentinel } from "effect-vcache"
 *
 * export const Cache = Layer.provide(
 *   CacheLive,
 *   ValkeySentinel.layer({ name: "mymaster", sentinels: [{ host: "sentinel-1" }, { host: "sentinel-2" }] })
 * )
 * ```
 *
 * @since 0.2.0
 * @category clients
 * @see docs/sentinel.md
 */
export const layer = (options: SentinelOptions): Layer.Layer<ValkeyClient, CommandError> =>
  Layer.effect(ValkeyClient, make(options))

/**
 * The same with settings from `Config`.
 *
 * @example
 * ```ts
 * import { Config } from "effect"
 * import { ValkeySentinel } from "effect-vcache"
 *
 * export const Client = ValkeySentinel.layerConfig({ url: Config.Redacted("CACHE_URL") })
 * ```
 *
 * @since 0.2.0
 * @category clients
 * @see docs/sentinel.md
 */
export const layerConfig = (
  options: Config.Wrap<SentinelOptions>
): Layer.Layer<ValkeyClient, CommandError | Config.ConfigError> =>
  Layer.effect(ValkeyClient, Effect.flatMap(Config.unwrap(options), make))
