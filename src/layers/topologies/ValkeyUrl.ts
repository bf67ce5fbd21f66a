/** The client that a URL names. */
import { Config, Effect, Layer, Option, type Redacted } from "effect"
import { type CommandError, CacheInputError } from "../../schema/CacheError.ts"
import { digest } from "../../schema/digest.ts"
import type { ConnectionOptions } from "../../schema/ConnectionOptions.ts"
import { parseConnectionUrl, splitUrls } from "../../schema/connectionUrl.ts"
import { reveal } from "../../schema/reveal.ts"
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
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { CacheLive, CacheService, ValkeyUrl } from "effect-vcache"
 *
 * const program = CacheService.useSync((cache) => cache.client.topology)
 * for (const url of ["memory://", "valkey://localhost", "cluster://cache-1,cache-2"]) {
 *   console.log(await Effect.runPromise(Effect.provide(program, Layer.provide(CacheLive, ValkeyUrl.layer(url)))))
 * }
 * // => memory
 * // => standalone
 * // => cluster
 * ```
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
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
const ofEnvironment = Config.Redacted(variable)

/**
 * The client whose URL, and whose options, `Config` gives. Default: the URL that the config key VALKEY_URL names, and no
 * other options. Where the URL is unset or empty, the store in this process, with a warning in the log: processes then
 * share nothing. Errors of VALKEY_URL name the key. Without options a program has one client for each URL, however often
 * it calls this.
 *
 * @example
 * ```ts
 * import { Config, Layer } from "effect"
 * import { CacheLive, ValkeyUrl } from "effect-vcache"
 *
 * export const Cache = Layer.provide(CacheLive, ValkeyUrl.layerConfig())
 *
 * export const Sessions = Layer.provide(
 *   CacheLive.layer({ prefix: "sessions" }),
 *   ValkeyUrl.layerConfig(Config.Redacted("SESSIONS_URL"), { commandTimeout: Config.Duration("SESSIONS_TIMEOUT") })
 * )
 * ```
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export const layerConfig = (
  url: Config.Config<Redacted.Redacted> = ofEnvironment,
  options?: Config.Wrap<ConnectionOptions>
): Layer.Layer<ValkeyClient, CommandError | Config.ConfigError> =>
  named(
    url,
    Effect.flatMap(Config.option(url), (found) =>
      Option.isNone(found) || isEmpty(found.value)
        ? Effect.succeed(url === ofEnvironment ? unset : unconfigured)
        : layerOf(found.value, options)
    )
  )

/**
 * The same, but it fails where the URL is unset or empty: with a `ConfigError`, or a `CacheInputError`.
 *
 * @example
 * ```ts
 * import { ConfigProvider, Effect } from "effect"
 * import { CacheLive, CacheService, ValkeyUrl } from "effect-vcache"
 *
 * const program = Effect.provide(CacheService, CacheLive).pipe(Effect.provide(ValkeyUrl.layerConfigRequired()))
 * const nothing = Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({}))
 * console.log(Effect.runSync(nothing(Effect.flip(program)))._tag)
 * // => ConfigError
 * ```
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export const layerConfigRequired = (
  url: Config.Config<Redacted.Redacted> = ofEnvironment,
  options?: Config.Wrap<ConnectionOptions>
): Layer.Layer<ValkeyClient, CommandError | Config.ConfigError> =>
  named(
    url,
    Effect.flatMap(url, (found): ReturnType<typeof layerOf> =>
      isEmpty(found)
        ? Effect.fail(new CacheInputError({ operation: "url", reason: "the URL must not be empty" }))
        : layerOf(found, options)
    )
  )

const isEmpty = (url: Redacted.Redacted): boolean => reveal(url) === ""

const inMemory = (why: string) =>
  Layer.provideMerge(
    Layer.effectDiscard(
      Effect.logWarning(
        `${why}: the cache is in the memory of this process, and no other process shares its values, locks and sessions. Set the URL of a server, or memory:// to keep it in memory without this warning`
      )
    ),
    ValkeyMemory.layer()
  )

/** One in a program, so that it is said once. */
const unset = inMemory(`${variable} is not set`)
const unconfigured = inMemory("no URL of a server is configured")

/** Whichever layer the configuration names. */
const named = <E>(
  url: Config.Config<Redacted.Redacted>,
  chosen: Effect.Effect<Layer.Layer<ValkeyClient, CommandError>, E>
): Layer.Layer<ValkeyClient, CommandError | E> =>
  Layer.fromBuild((memoMap, scope) => {
    const ofUrl = (error: CommandError | E): CommandError | E =>
      url === ofEnvironment && error instanceof CacheInputError && error.operation === "url"
        ? new CacheInputError({ operation: variable, reason: error.reason })
        : error
    return Effect.mapError(
      Effect.flatMap(chosen, (layer) => Layer.buildWithMemoMap(layer, memoMap, scope)),
      ofUrl
    )
  })

/** One layer for each URL, so that a program has one client for each, under whichever `ConfigProvider` it is named. */
const layers = new Map<string, ReturnType<typeof layer>>()

const layerOf = (
  url: Redacted.Redacted,
  options?: Config.Wrap<ConnectionOptions>
): Effect.Effect<ReturnType<typeof layer>, CacheInputError | Config.ConfigError> => {
  if (options !== undefined) return Effect.map(Config.unwrap(options), (options) => layer(url, options))
  const text = reveal(url)
  if (text === undefined) return Effect.succeed(layer(url))
  const name = digest(text)
  const known = layers.get(name) ?? layer(url)
  layers.set(name, known)
  return Effect.succeed(known)
}
