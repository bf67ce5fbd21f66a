/** The client over a cluster: commands go to the server of their key's slot, and follow it when it moves. */
import { Config, Effect, Layer } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import { type ClusterOptions, clusterSettings } from "../../schema/ClusterOptions.ts"
import { ValkeyClient } from "../../services/ValkeyClient.ts"
import { makeClusterClient } from "../connection/cluster/clusterClient.ts"

/**
 * The client of the cluster, which closes with the scope. Settings that cannot be used fail with `CacheInputError`.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { ValkeyCluster } from "effect-vcache"
 *
 * const program = Effect.map(ValkeyCluster.make({ url: "cluster://cache-1,cache-2" }), ({ topology }) => topology)
 * console.log(await Effect.runPromise(Effect.scoped(program)))
 * // => cluster
 * ```
 *
 * @since 0.2.0
 * @category clients
 * @see docs/cluster.md
 */
export const make = Effect.fnUntraced(function* (options: ClusterOptions) {
  return yield* makeClusterClient(yield* Effect.fromResult(clusterSettings(options)))
})

/**
 * Opens nothing until the first command, unless `connect` is `"eager"`. Bad settings fail the layer and name the field.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { CacheLive, ValkeyCluster } from "effect-vcache"
 *
 * export const Cache = Layer.provide(
 *   CacheLive,
 *   ValkeyCluster.layer({ nodes: [{ host: "cache-1" }, { host: "cache-2" }], readFrom: "replica" })
 * )
 * ```
 *
 * @since 0.2.0
 * @category clients
 * @see docs/cluster.md
 */
export const layer = (options: ClusterOptions): Layer.Layer<ValkeyClient, CommandError> =>
  Layer.effect(ValkeyClient, make(options))

/**
 * The same with settings from `Config`.
 *
 * @example
 * ```ts
 * import { Config } from "effect"
 * import { ValkeyCluster } from "effect-vcache"
 *
 * export const Client = ValkeyCluster.layerConfig({ url: Config.Redacted("CACHE_URL") })
 * ```
 *
 * @since 0.2.0
 * @category clients
 * @see docs/cluster.md
 */
export const layerConfig = (
  options: Config.Wrap<ClusterOptions>
): Layer.Layer<ValkeyClient, CommandError | Config.ConfigError> =>
  Layer.effect(ValkeyClient, Effect.flatMap(Config.unwrap(options), make))
