/** The client over a primary and its replicas: writes to the first server, reads from a replica chosen at random. */
import { Config, Effect, Layer } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import { type ReplicatedOptions, replicatedSettings } from "../../schema/ReplicatedOptions.ts"
import { ValkeyClient } from "../../services/ValkeyClient.ts"
import { makeKnownServers } from "../connection/known/knownServers.ts"

/**
 * The client of the servers, which closes with the scope. Settings that cannot be used fail with `CacheInputError`.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { ValkeyReplicated } from "effect-vcache"
 *
 * const made = ValkeyReplicated.make({ urls: ["valkey://primary", "valkey://replica-1"] })
 * console.log(await Effect.runPromise(Effect.scoped(Effect.map(made, ({ topology }) => topology))))
 * // => replicated
 * ```
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
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { CacheLive, ValkeyReplicated } from "effect-vcache"
 *
 * export const Cache = Layer.provide(
 *   CacheLive,
 *   ValkeyReplicated.layer({ urls: ["valkey://primary", "valkey://replica-1", "valkey://replica-2"] })
 * )
 * ```
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
 * @example
 * ```ts
 * import { Config } from "effect"
 * import { ValkeyReplicated } from "effect-vcache"
 *
 * export const Client = ValkeyReplicated.layerConfig({
 *   urls: Config.all([Config.Redacted("PRIMARY_URL"), Config.Redacted("REPLICA_URL")])
 * })
 * ```
 *
 * @since 0.2.0
 * @category clients
 * @see docs/replicated.md
 */
export const layerConfig = (
  options: Config.Wrap<ReplicatedOptions>
): Layer.Layer<ValkeyClient, CommandError | Config.ConfigError> =>
  Layer.effect(ValkeyClient, Effect.flatMap(Config.unwrap(options), make))
