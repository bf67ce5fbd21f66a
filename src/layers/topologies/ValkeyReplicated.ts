/** The client over a primary and its replicas: writes to the first server, reads from a replica chosen at random. */
import { Config, Effect, Layer } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import { type ReplicatedOptions, replicatedSettings } from "../../schema/ReplicatedOptions.ts"
import { ValkeyClient } from "../../services/ValkeyClient.ts"
import { makeKnownServers } from "../connection/known/knownServers.ts"

/**
 * The client of the servers, which closes with the scope. Settings that cannot be used fail with `CacheInputError`.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/replicated.md
 */
export const make = Effect.fnUntraced(function* (options: ReplicatedOptions) {
  const servers = yield* Effect.fromResult(replicatedSettings(options))
  return yield* makeKnownServers({ topology: "replicated", greeting: { role: "primary" }, servers })
})

/**
 * Opens nothing until the first command, unless `connect` is `"eager"`. A read that a replica fails goes to the next, at last to the primary.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/replicated.md
 */
export const layer = (options: ReplicatedOptions): Layer.Layer<ValkeyClient, CommandError> =>
  Layer.effect(ValkeyClient, make(options))

/**
 * The same with settings from `Config`.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/replicated.md
 */
export const layerConfig = (
  options: Config.Wrap<ReplicatedOptions>
): Layer.Layer<ValkeyClient, CommandError | Config.ConfigError> =>
  Layer.effect(ValkeyClient, Effect.flatMap(Config.unwrap(options), make))
