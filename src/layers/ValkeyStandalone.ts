/** The client over one server: TCP, TLS or a unix socket. */
import { Config, Effect, Layer, type Redacted } from "effect"
import { type CacheError, CacheInputError } from "../schema/CacheError.ts"
import { type ConnectionOptions, connectionSettings } from "../schema/ConnectionOptions.ts"
import { parseConnectionUrl } from "../schema/ConnectionUrl.ts"
import { ValkeyClient, type ValkeyClientShape } from "../services/ValkeyClient.ts"
import { makeClient } from "./connection/client.ts"

/**
 * `valkey://[user[:password]@]host[:port][/database][?db=n]`, also `redis://`; TLS: `valkeys://`, `rediss://`;
 * a socket: `unix:///path?db=n`.
 */
export interface StandaloneOptions extends ConnectionOptions {
  readonly url: string | Redacted.Redacted
}

export const make = Effect.fnUntraced(function* ({ url, ...options }: StandaloneOptions) {
  const target = yield* Effect.fromResult(parseConnectionUrl(url))
  if (target._tag === "Memory") {
    return yield* new CacheInputError({
      operation: "url",
      reason: "memory:// names no server; use ValkeyMemory or ValkeyUrl"
    })
  }
  const settings = yield* Effect.fromResult(connectionSettings(target, options))
  const client: ValkeyClientShape = yield* makeClient(settings)
  return client
})

/** Opens nothing until the first command, unless `connect` is `"eager"`. Bad settings fail the layer and name the field. */
export const layer = (options: StandaloneOptions): Layer.Layer<ValkeyClient, CacheError> =>
  Layer.effect(ValkeyClient, make(options))

/** The same with settings from `Config`. */
export const layerConfig = (
  options: Config.Wrap<ConnectionOptions & { readonly url: Redacted.Redacted }>
): Layer.Layer<ValkeyClient, CacheError | Config.ConfigError> =>
  Layer.effect(ValkeyClient, Effect.flatMap(Config.unwrap(options), make))
