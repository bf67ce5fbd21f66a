/** The cache that the environment names. */
import type { Config } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { CacheService } from "../../services/CacheService.ts"
import * as ValkeyUrl from "../topologies/ValkeyUrl.ts"
import { CacheLive, type CacheLayerOptions, type Configurable, configurable, over } from "./CacheLive.ts"

/** A cache whose client the environment names. */
type FromConfig = Configurable<CacheService, CommandError | Config.ConfigError, never, CacheLayerOptions>

/**
 * The layer of the cache that the environment names.
 *
 * @since 0.2.0
 * @category cache
 * @see docs/connections.md
 */
export interface CacheFromConfig extends FromConfig {
  /** Fails with `ConfigError` where VALKEY_URL is unset, and with `CacheInputError` where it is empty. */
  readonly required: FromConfig
}

const fromConfig = (client: ReturnType<typeof ValkeyUrl.layerConfig>): FromConfig =>
  configurable(over(CacheLive, client), (options) => over(CacheLive.layer(options), client))

/**
 * The cache over the client that the config key VALKEY_URL names. Where it is unset or empty, the cache is in memory, and
 * a warning in the log says so. `CacheFromConfig.required` fails then: for what only works where processes share it, as
 * locks, semaphores and sessions do.
 *
 * @example
 * ```ts
 * import { ConfigProvider, Effect } from "effect"
 * import { CacheFromConfig, CacheService } from "effect-vcache"
 *
 * const program = CacheService.useSync((cache) => cache.client.topology)
 * // A program has its URL from the environment: VALKEY_URL=valkey://localhost node app.ts
 * const provider = ConfigProvider.fromUnknown({ VALKEY_URL: "memory://" })
 * console.log(
 *   Effect.runSync(
 *     Effect.provide(program, CacheFromConfig).pipe(Effect.provideService(ConfigProvider.ConfigProvider, provider))
 *   )
 * )
 * // => memory
 * ```
 *
 * @since 0.2.0
 * @category cache
 * @see docs/connections.md
 */
export const CacheFromConfig: CacheFromConfig = Object.assign(fromConfig(ValkeyUrl.layerConfig()), {
  required: fromConfig(ValkeyUrl.layerConfigRequired())
})
