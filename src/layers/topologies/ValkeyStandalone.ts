/** The client over one server: TCP, TLS or a unix socket. */
import { Config, Effect, Layer, type Redacted } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { ConnectionOptions } from "../../schema/ConnectionOptions.ts"
import { serverSettings } from "../../schema/ServerSettings.ts"
import type { StandaloneOptions } from "../../schema/StandaloneOptions.ts"
import { ValkeyClient } from "../../services/ValkeyClient.ts"
import { makeKnownServers } from "../connection/known/knownServers.ts"

/**
 * The client of the server, which closes with the scope. Settings that cannot be used fail with `CacheInputError`.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export const make = Effect.fnUntraced(function* ({ url, ...options }: StandaloneOptions) {
  const server = yield* Effect.fromResult(serverSettings(url, options))
  return yield* makeKnownServers({ topology: "standalone", servers: [server] })
})

/**
 * Opens nothing until the first command, unless `connect` is `"eager"`. Bad settings fail the layer and name the field.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export const layer = (options: StandaloneOptions): Layer.Layer<ValkeyClient, CommandError> =>
  Layer.effect(ValkeyClient, make(options))

/**
 * The same with settings from `Config`.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export const layerConfig = (
  options: Config.Wrap<ConnectionOptions & { readonly url: Redacted.Redacted }>
): Layer.Layer<ValkeyClient, CommandError | Config.ConfigError> =>
  Layer.effect(ValkeyClient, Effect.flatMap(Config.unwrap(options), make))
