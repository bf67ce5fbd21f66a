/** iovalkey's own cluster client, for those who ask for it. Commands of this library do not go through it. */
import { Effect, Exit, Redacted, Scope } from "effect"
import { Cluster } from "iovalkey"
import { type CacheError, CacheTimeoutError } from "../../../schema/CacheError.ts"
import type { ClusterSettings } from "../../../schema/ClusterOptions.ts"
import { causeOf, notConnected } from "../errors.ts"
import { disconnectTimeout } from "../iovalkeyOptions.ts"
import { tlsOptions } from "../socketConnector.ts"

/** Opened at the first use, closed with the scope. */
export const makeRawCluster = ({
  connection,
  natMap,
  nodes,
  readFrom
}: ClusterSettings): Effect.Effect<Effect.Effect<Cluster, CacheError>, never, Scope.Scope> => {
  const { clientName, commandTimeout, connectTimeout, keepAlive, password, reconnectMax, tls, username } = connection
  const open = Effect.acquireRelease(
    Effect.sync(() => {
      const cluster = new Cluster(
        nodes.map(({ host, port }) => ({ host, port })),
        {
          lazyConnect: true,
          enableOfflineQueue: false,
          enableAutoPipelining: false,
          scaleReads: readFrom === "primary" ? "master" : readFrom === "replica" ? "slave" : "all",
          clusterRetryStrategy: (attempt) => Math.min(50 * attempt, reconnectMax),
          slotsRefreshTimeout: commandTimeout,
          maxRedirections: 8,
          natMap: Object.fromEntries(natMap),
          redisOptions: {
            ...(username === undefined ? {} : { username }),
            ...(password === undefined ? {} : { password: Redacted.value(password) }),
            ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
            ...(clientName === undefined ? {} : { connectionName: clientName }),
            family: 0,
            familyFallback: { enabled: false },
            connectTimeout,
            commandTimeout,
            disconnectTimeout,
            keepAlive,
            maxRetriesPerRequest: 0,
            autoResendUnfulfilledCommands: false
          }
        }
      )
      // Everybody who asks for it before it is ready listens for that.
      cluster.setMaxListeners(0)
      cluster.on("error", () => {})
      // Its redirect to a server that refuses ends in a rejection that nobody sees.
      cluster.on("+node", (node: { asking: () => Promise<unknown> }) => {
        const asking = node.asking.bind(node)
        node.asking = () => {
          const promise = asking()
          promise.catch(() => {})
          return promise
        }
      })
      return cluster
    }),
    (cluster) => Effect.sync(() => cluster.disconnect())
  )
  return Effect.gen(function* () {
    const cluster = yield* Effect.cached(Scope.provide(open, yield* Effect.scope))
    return Effect.tap(cluster, (cluster) => whenConnected(cluster, connectTimeout))
  })
}

/** Its own `connect` may never settle. */
const whenConnected = (cluster: Cluster, timeout: number): Effect.Effect<void, CacheError> =>
  Effect.callback<void, CacheError>((resume) => {
    if (cluster.status === "ready") return resume(Exit.void)
    const onReady = () => resume(Exit.void)
    cluster.once("ready", onReady)
    if (cluster.status === "wait") {
      cluster
        .connect()
        .catch((error: unknown) => resume(Exit.fail(notConnected({ operation: "raw", lastError: causeOf(error) }))))
    }
    return Effect.sync(() => cluster.off("ready", onReady))
  }).pipe(
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () =>
        Exit.fail(
          new CacheTimeoutError({
            operation: "raw",
            phase: "connect",
            timeout,
            mayHaveExecuted: false
          })
        )
    })
  )
