/** The client that a URL names. */
import { Config, Effect, Layer, Redacted } from "effect"
import type { CacheError } from "../schema/CacheError.ts"
import type { ConnectionOptions } from "../schema/ConnectionOptions.ts"
import { parseConnectionUrl } from "../schema/ConnectionUrl.ts"
import type { ValkeyClient } from "../services/ValkeyClient.ts"
import * as ValkeyMemory from "./ValkeyMemory.ts"
import * as ValkeyStandalone from "./ValkeyStandalone.ts"

/** `memory://`: the store in this process, where `options` mean nothing. Every other scheme: one server. */
export const layer = (
  url: string | Redacted.Redacted,
  options: ConnectionOptions = {}
): Layer.Layer<ValkeyClient, CacheError> =>
  Layer.unwrap(
    Effect.map(Effect.fromResult(parseConnectionUrl(url)), (target) =>
      target._tag === "Memory" ? ValkeyMemory.layer() : ValkeyStandalone.layer({ ...options, url })
    )
  )

/** From the config key VALKEY_URL; `memory://` where there is none. */
export const layerConfig: Layer.Layer<ValkeyClient, CacheError | Config.ConfigError> = Layer.unwrap(
  Effect.map(Config.withDefault(Config.Redacted("VALKEY_URL"), Redacted.make("memory://")), (url) => layer(url))
)
