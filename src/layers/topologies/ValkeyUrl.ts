/** The client that a URL names. */
import { Config, Effect, Layer, Option, Redacted } from "effect"
import { type CommandError, CacheInputError } from "../../schema/CacheError.ts"
import { digest } from "../../schema/digest.ts"
import type { ConnectionOptions } from "../../schema/ConnectionOptions.ts"
import { parseConnectionUrl, splitUrls } from "../../schema/connectionUrl.ts"
import type { ValkeyClient } from "../../services/ValkeyClient.ts"
import * as ValkeyCluster from "./ValkeyCluster.ts"
import * as ValkeyMemory from "./ValkeyMemory.ts"
import * as ValkeyReplicated from "./ValkeyReplicated.ts"
import * as ValkeyRing from "./ValkeyRing.ts"
import * as ValkeySentinel from "./ValkeySentinel.ts"
import * as ValkeyStandalone from "./ValkeyStandalone.ts"

/**
 * The topology is that of the scheme: `valkey(s)://`, `redis(s)://`, `unix://` one server, `sentinel(s)://`,
 * `cluster(s)://`, `ring(s)://`; `memory://` the store in this process, where `options` mean nothing. Several URLs of one server each,
 * with commas between, are a primary and its replicas.
 */
export const layer = (
  url: string | Redacted.Redacted,
  options: ConnectionOptions = {}
): Layer.Layer<ValkeyClient, CommandError> => {
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
        case "Ring":
          return ValkeyRing.layer({ ...options, url })
        default:
          return ValkeyStandalone.layer({ ...options, url })
      }
    })
  )
}

const variable = "VALKEY_URL"

/**
 * The client that the config key VALKEY_URL names. Where it is unset or empty, the store in this process, with a warning
 * in the log: processes then share nothing. Errors of the URL name the key.
 */
export const layerConfig: Layer.Layer<ValkeyClient, CommandError | Config.ConfigError> = named(
  Effect.map(Config.option(Config.Redacted(variable)), (url) =>
    Option.isNone(url) || isEmpty(url.value) ? unnamed : layerOf(url.value)
  )
)

/** The same, but it fails where VALKEY_URL is unset or empty: with a `ConfigError`, or a `CacheInputError`. */
export const layerConfigRequired: Layer.Layer<ValkeyClient, CommandError | Config.ConfigError> = named(
  Effect.flatMap(Config.Redacted(variable), (url) =>
    isEmpty(url)
      ? Effect.fail(new CacheInputError({ operation: variable, reason: "it is empty" }))
      : Effect.succeed(layerOf(url))
  )
)

const isEmpty = (url: Redacted.Redacted): boolean => Redacted.value(url) === ""

/** One in a program, so that it is said once. */
const unnamed = Layer.provideMerge(
  Layer.effectDiscard(
    Effect.logWarning(
      `${variable} is not set: the cache is in the memory of this process, and no other process shares its values, locks and sessions. ${variable}=memory:// says that this is meant`
    )
  ),
  ValkeyMemory.layer()
)

/** Whichever layer the configuration names. */
function named<E>(
  chosen: Effect.Effect<Layer.Layer<ValkeyClient, CommandError>, E>
): Layer.Layer<ValkeyClient, CommandError | E> {
  return Layer.fromBuild((memoMap, scope) =>
    Effect.flatMap(chosen, (layer) =>
      Effect.mapError(Layer.buildWithMemoMap(layer, memoMap, scope), (error) =>
        error._tag === "CacheInputError" && error.operation === "url"
          ? new CacheInputError({ operation: variable, reason: error.reason })
          : error
      )
    )
  )
}

/** One layer for each URL, so that a program has one client for each, under whichever `ConfigProvider` it is named. */
const layers = new Map<string, ReturnType<typeof layer>>()

const layerOf = (url: Redacted.Redacted): ReturnType<typeof layer> => {
  const name = digest(Redacted.value(url))
  const known = layers.get(name) ?? layer(url)
  layers.set(name, known)
  return known
}
