/** The cache that the environment names. */
import type { Config } from "effect"
import type { CacheError } from "../../schema/CacheError.ts"
import type { CacheService } from "../../services/CacheService.ts"
import * as ValkeyUrl from "../topologies/ValkeyUrl.ts"
import { CacheLive, type CacheLayerOptions, type Configurable, configurable, over } from "./CacheLive.ts"

/** The cache over the client that VALKEY_URL names; in memory where there is none. */
export const CacheFromConfig: Configurable<CacheService, CacheError | Config.ConfigError, never, CacheLayerOptions> =
  configurable(over(CacheLive, ValkeyUrl.layerConfig), (options) =>
    over(CacheLive.layer(options), ValkeyUrl.layerConfig)
  )
