/** The cache that the environment names. */
import { type Config, Layer } from "effect"
import type { CacheError } from "../schema/CacheError.ts"
import type { CacheService } from "../services/CacheService.ts"
import { CacheLive } from "./CacheLive.ts"
import * as ValkeyUrl from "./ValkeyUrl.ts"

/** `CacheLive` over the client that VALKEY_URL names; in memory where there is none. */
export const CacheFromConfig: Layer.Layer<CacheService, CacheError | Config.ConfigError> = Layer.provide(
  CacheLive,
  ValkeyUrl.layerConfig
)
