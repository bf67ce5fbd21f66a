/** Settings of a cluster. */
import { type Redacted, Result } from "effect"
import type { CacheInputError } from "./CacheError.ts"
import { type ConnectionOptions, type ConnectionSettings, connectionSettings } from "./ConnectionOptions.ts"
import { type ClusterTarget, type Endpoint, parseConnectionUrl, wrongScheme } from "./connectionUrl.ts"
import { Fields } from "./Fields.ts"
import { type NatMap, type NatMapOptions, natMapOf } from "./natMap.ts"
import { type ReadFrom, readFromChoices } from "./ReadFrom.ts"

/**
 * The options of `ValkeyCluster`. Either `url` or `nodes` is required.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/cluster.md
 */
export interface ClusterOptions extends ConnectionOptions {
  /**
   * `cluster://[user[:password]@]h1:7000,h2:7001`, with TLS `clusters://…`. A few servers are enough: they name the others.
   * Default: none; then `nodes` is required.
   */
  readonly url?: string | Redacted.Redacted | undefined
  /** The servers, in place of the URL. Default port: 6379. */
  readonly nodes?: ReadonlyArray<{ readonly host: string; readonly port?: number | undefined }> | undefined
  /** Which servers answer reads. Default: `"primary"`. */
  readonly readFrom?: ReadFrom | undefined
  /**
   * Where to reach a server that calls itself `"host:port"`: for clusters behind an address translation. Default: every
   * server is reached where it says that it is.
   */
  readonly natMap?: NatMapOptions | undefined
}

export interface ClusterSettings {
  readonly nodes: readonly [Endpoint, ...ReadonlyArray<Endpoint>]
  readonly connection: ConnectionSettings
  readonly readFrom: ReadFrom
  readonly natMap: NatMap
}

export const clusterSettings = (options: ClusterOptions): Result.Result<ClusterSettings, CacheInputError> =>
  Result.gen(function* () {
    const target = yield* targetOf(options)
    const connection = yield* connectionSettings(target, options)
    const fields = new Fields()
    fields.require(connection.database === 0, "database", "must be 0: a cluster has no other")
    const readFrom = fields.oneOf("readFrom", options.readFrom, readFromChoices)
    const natMap = natMapOf(fields, options.natMap)
    return yield* fields.result({ nodes: target.nodes, connection, readFrom, natMap })
  })

const targetOf = ({ nodes, url }: ClusterOptions): Result.Result<ClusterTarget, CacheInputError> =>
  Result.gen(function* () {
    const fields = new Fields()
    if (url !== undefined) {
      fields.require(nodes === undefined, "nodes", "are in the URL already")
      const target = yield* parseConnectionUrl(url)
      yield* fields.result(target)
      return target._tag === "Cluster" ? target : yield* wrongScheme("cluster://")
    }
    const [first, ...more] = fields.endpoints("nodes", nodes, 6379)
    return yield* fields.result({
      _tag: "Cluster" as const,
      nodes: [first, ...more] as const,
      tls: false,
      username: undefined,
      password: undefined,
      database: undefined
    })
  })
