/** The client that a URL names. */
import { createHash } from "node:crypto"
import { Config, Effect, Layer, Redacted } from "effect"
import type { CacheError } from "../../schema/CacheError.ts"
import type { ConnectionOptions } from "../../schema/ConnectionOptions.ts"
import { parseConnectionUrl, splitUrls } from "../../schema/connectionUrl.ts"
import type { ValkeyClient } from "../../services/ValkeyClient.ts"
import * as ValkeyCluster from "./ValkeyCluster.ts"
import * as ValkeyMemory from "./ValkeyMemory.ts"
import * as ValkeyReplicated from "./ValkeyReplicated.ts"
import * as ValkeySentinel from "./ValkeySentinel.ts"
import * as ValkeyStandalone from "./ValkeyStandalone.ts"

/**
 * The topology is that of the scheme: `valkey(s)://`, `redis(s)://`, `unix://` one server, `sentinel(s)://`,
 * `cluster(s)://`; `memory://` the store in this process, where `options` mean nothing. Several URLs of one server each,
 * with commas between, are a primary and its replicas.
 */
export const layer = (
  url: string | Redacted.Redacted,
  options: ConnectionOptions = {}
): Layer.Layer<ValkeyClient, CacheError> => {
  const urls = splitUrls(url)
  if (urls.length > 1) return ValkeyReplicated.layer({ ...options, urls })
  return Layer.unwrap(
    Effect.map(Effect.fromResult(parseConnectionUrl(url)), (target) => {
      switch (target._tag) {
        case "Memory":
          return ValkeyMemory.layer()
        case "Sentinel":
          return ValkeySentinel.layer({ ...options, url })
        case "Cluster":
          return ValkeyCluster.layer({ ...options, url })
        default:
          return ValkeyStandalone.layer({ ...options, url })
      }
    })
  )
}

/** From the config key VALKEY_URL; `memory://` where there is none. */
export const layerConfig: Layer.Layer<ValkeyClient, CacheError | Config.ConfigError> = Layer.fromBuild(
  (memoMap, scope) =>
    Effect.flatMap(Config.withDefault(Config.Redacted("VALKEY_URL"), Redacted.make("memory://")), (url) =>
      Layer.buildWithMemoMap(layerOf(url), memoMap, scope)
    )
)

/** One layer for each URL, so that a program has one client for each, under whichever `ConfigProvider` it is named. */
const layers = new Map<string, ReturnType<typeof layer>>()

const layerOf = (url: Redacted.Redacted): ReturnType<typeof layer> => {
  const name = createHash("sha256").update(Redacted.value(url)).digest("base64")
  const known = layers.get(name) ?? layer(url)
  layers.set(name, known)
  return known
}
