/** The client over independent servers, each of which has a share of the keys. */
import { Config, Effect, Layer } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import { type RingOptions, ringSettings } from "../../schema/RingOptions.ts"
import { ValkeyClient } from "../../services/ValkeyClient.ts"
import { makeRingClient } from "../ring/ringClient.ts"

/**
 * The client of the ring, which closes with the scope. Settings that cannot be used fail with `CacheInputError`.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { ValkeyRing } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const client = yield* ValkeyRing.make({ urls: ["valkey://cache-1", "valkey://cache-2"] })
 *   return client.serverOf?.("user:1").node
 * })
 * console.log(await Effect.runPromise(Effect.scoped(program)))
 * // => cache-2:6379
 * ```
 *
 * @since 0.2.0
 * @category clients
 * @see docs/ring.md
 */
export const make = Effect.fnUntraced(function* (options: RingOptions) {
  return yield* makeRingClient(yield* Effect.fromResult(ringSettings(options)))
})

/**
 * Each key belongs to one of the servers by the hash of its name, or of its `{tag}` where it has one; a server that is
 * added takes its share of the keys and leaves all others where they are. The servers know nothing of each other: there
 * is no replication and no failover, and what a server loses is lost. Use it where the memory of one server is too small
 * for a cache; for data that must survive use `ValkeyCluster`.
 *
 * Opens nothing until the first command, unless `connect` is `"eager"`. `maxInFlight`, `maxConnections` and every
 * timeout hold for each server by itself. Bad settings fail the layer and name the field.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { CacheLive, ValkeyRing } from "effect-vcache"
 *
 * export const Cache = Layer.provide(
 *   CacheLive,
 *   ValkeyRing.layer({ urls: ["valkey://cache-1:6379", "valkey://cache-2:6379"], whenDown: "next" })
 * )
 * ```
 *
 * @since 0.2.0
 * @category clients
 * @see docs/ring.md
 */
export const layer = (options: RingOptions): Layer.Layer<ValkeyClient, CommandError> =>
  Layer.effect(ValkeyClient, make(options))

/**
 * The same with settings from `Config`.
 *
 * @example
 * ```ts
 * import { Config } from "effect"
 * import { ValkeyRing } from "effect-vcache"
 *
 * export const Client = ValkeyRing.layerConfig({ url: Config.Redacted("CACHE_URL") })
 * ```
 *
 * @since 0.2.0
 * @category clients
 * @see docs/ring.md
 */
export const layerConfig = (
  options: Config.Wrap<RingOptions>
): Layer.Layer<ValkeyClient, CommandError | Config.ConfigError> =>
  Layer.effect(ValkeyClient, Effect.flatMap(Config.unwrap(options), make))
