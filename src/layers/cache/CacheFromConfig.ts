/** The cache that the environment names. */
import { type Config, Layer } from "effect"
import type { CacheError } from "../../schema/CacheError.ts"
import { CacheService } from "../../services/CacheService.ts"
import { layerFor } from "./CacheLive.ts"
import * as ValkeyUrl from "../topologies/ValkeyUrl.ts"

/** The cache over the client that VALKEY_URL names; in memory where there is none. */
export const CacheFromConfig: Layer.Layer<CacheService, CacheError | Config.ConfigError> = Layer.provide(
  layerFor(CacheService),
  ValkeyUrl.layerConfig
)
