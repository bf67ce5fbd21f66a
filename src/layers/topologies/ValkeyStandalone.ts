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
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { ValkeyStandalone } from "effect-vcache"
 *
 * const made = ValkeyStandalone.make({ url: "valkey://localhost:6379/1" })
 * console.log(await Effect.runPromise(Effect.scoped(Effect.flatMap(made, ({ state }) => state))))
 * // => { _tag: 'Idle' }
 * ```
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
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { CacheLive, ValkeyStandalone } from "effect-vcache"
 *
 * export const Cache = Layer.provide(
 *   CacheLive.layer({ prefix: "shop" }),
 *   ValkeyStandalone.layer({ url: "valkey://localhost:6379", commandTimeout: "500 millis" })
 * )
 * ```
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
 * @example
 * ```ts
 * import { Config } from "effect"
 * import { ValkeyStandalone } from "effect-vcache"
 *
 * export const Client = ValkeyStandalone.layerConfig({
 *   url: Config.Redacted("CACHE_URL"),
 *   commandTimeout: Config.Duration("CACHE_TIMEOUT").pipe(Config.withDefault("1 second"))
 * })
 * ```
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export const layerConfig = (
  options: Config.Wrap<ConnectionOptions & { readonly url: Redacted.Redacted }>
): Layer.Layer<ValkeyClient, CommandError | Config.ConfigError> =>
  Layer.effect(ValkeyClient, Effect.flatMap(Config.unwrap(options), make))
