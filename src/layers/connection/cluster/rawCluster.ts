/** iovalkey's own cluster client, for those who ask for it. Commands of this library do not go through it. */
import type { Socket } from "node:net"
import { Effect, Exit, Scope } from "effect"
import type { Cluster, Redis } from "iovalkey"
import { type CommandError, CacheTimeoutError } from "../../../schema/CacheError.ts"
import type { ClusterSettings } from "../../../schema/ClusterOptions.ts"
import type { ConnectionSettings } from "../../../schema/ConnectionOptions.ts"
import { checkEndpoint } from "../../../schema/connectionUrl.ts"
import type { NatMap } from "../../../schema/natMap.ts"
import { ConnectionLost } from "../ConnectionFailure.ts"
import { type Identity, identify } from "../credentials.ts"
import { NotWritten } from "../ConnectionFailure.ts"
import { causeOf, notConnected } from "../errors.ts"
import { loadIovalkey } from "../iovalkey.ts"
import { disconnectTimeout } from "../iovalkeyOptions.ts"
import { guardedSocket } from "../guardedSocket.ts"
import { type RawReply, ReplyError, withText } from "../RawReply.ts"
import { Reauthentication } from "../Reauthentication.ts"
import { openSocket, socketConnector } from "../socketConnector.ts"
import { atMostLongest } from "../Timer.ts"
import type { Wire } from "../Wire.ts"
import { parseRedirect, parseSlots } from "./SlotTable.ts"

const load = Effect.tryPromise({
  try: loadIovalkey,
  catch: (error) => notConnected({ operation: "raw", node: undefined, lastError: causeOf(error) })
})

/** Opened at the first use, closed with the scope. */
export const makeRawCluster = ({
  connection,
  natMap,
  nodes,
  readFrom
}: ClusterSettings): Effect.Effect<Effect.Effect<Cluster, CommandError>, never, Scope.Scope> => {
  const { clientName, commandTimeout, connectTimeout, keepAlive, reconnectMax, socketTimeout, tls } = connection
  /** iovalkey is not told who we are, and its connections are authenticated by us. */
  const reauthentication = new Reauthentication({ settings: connection, isBusy: () => false })
  const openAs = async (cluster: () => Cluster, options: unknown): Promise<Socket> => {
    const identity = await identify(connection)
    // The connections came one after the other: who came first is the first whose time is over.
    if (!reauthentication.isDue) reauthentication.start(everywhere(cluster()), identity)
    return openGuarded(connection, identity, options)
  }
  const open = Effect.acquireRelease(
    Effect.map(load, (iovalkey) => {
      const cluster: Cluster = new iovalkey.Cluster(
        nodes.map(({ host, port }) => ({ host, port })),
        {
          lazyConnect: true,
          enableOfflineQueue: false,
          enableAutoPipelining: false,
          scaleReads: readFrom === "primary" ? "master" : readFrom === "replica" ? "slave" : "all",
          clusterRetryStrategy: (attempt) => Math.min(50 * attempt, reconnectMax),
          slotsRefreshTimeout: atMostLongest(commandTimeout),
          maxRedirections: 8,
          // Names stay names until their socket is opened: the certificate of a server may have nothing else.
          dnsLookup: (host, found) => found(null, host),
          natMap: Object.fromEntries(natMap),
          redisOptions: {
            Connector: socketConnector(iovalkey, {
              next: (options) => openAs(() => cluster, options),
              stop: () => {}
            }),
            // Tells iovalkey which event of the socket to wait for.
            ...(tls === undefined ? {} : { tls: {} }),
            ...(clientName === undefined ? {} : { connectionName: clientName }),
            family: 0,
            familyFallback: { enabled: false },
            connectTimeout: atMostLongest(connectTimeout),
            commandTimeout: atMostLongest(commandTimeout),
            // Where a reply stops in the middle, every further command would wait for the rest.
            socketTimeout: atMostLongest(socketTimeout),
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
      cluster.on("+node", (node: Redis) => {
        // A server that it has left may still fail; without a listener iovalkey prints that.
        node.on("error", () => {})
        // Its redirect to a server that refuses ends in a rejection that nobody sees.
        const asking = node.asking.bind(node)
        node.asking = () => {
          const promise = asking()
          promise.catch(() => {})
          return promise
        }
      })
      return cluster
    }),
    (cluster) =>
      Effect.sync(() => {
        reauthentication.stop()
        cluster.disconnect()
      })
  )
  return Effect.gen(function* () {
    const cluster = yield* Effect.cached(Scope.provide(open, yield* Effect.scope))
    return Effect.tap(cluster, (cluster) => whenConnected(cluster, connectTimeout))
  })
}

const noMap: NatMap = new Map()

/** All of its connections, as one to which a command is written. */
const everywhere = (cluster: Cluster): Pick<Wire, "write" | "isListening"> => ({
  isListening: false,
  write: (command) => {
    // Those that are not connected ask when they connect.
    const nodes = cluster.nodes("all").filter(({ status }) => status === "ready")
    const told = nodes.map((node) => node.call(command.name, [...command.args]))
    Promise.all(told).then(
      (replies) => command.answer(replies.length),
      () => command.lose(new ConnectionLost())
    )
  }
})

/** A socket to the server that iovalkey's options name. */
const openGuarded = ({ replyLimits, tls }: ConnectionSettings, identity: Identity, options: unknown): Socket => {
  const asked: { readonly connectionName?: unknown; readonly host?: unknown; readonly port?: unknown } = Object(options)
  const address = checkEndpoint(asked.host, Number(asked.port), 0)
  // A redirection such as `?:6379`, which iovalkey takes as it stands: the command went nowhere.
  if (address === undefined) throw new NotWritten("no server has this address")
  // It counts through the slots that it is told of, however many there are, and takes whatever it is told for slots.
  const asksForSlots = String(asked.connectionName).startsWith("ioredis-cluster(refresher)")
  const refusal = (reply: RawReply) => {
    if (reply instanceof ReplyError) {
      const isRedirect = /^(?:MOVED|ASK)\b/.test(reply.message)
      return isRedirect && parseRedirect(reply.message, address, noMap) === undefined
        ? "a redirect to nowhere"
        : undefined
    }
    if (!asksForSlots || Buffer.isBuffer(reply)) return undefined
    return parseSlots(withText(reply), address, noMap) === undefined ? "an answer without slots" : undefined
  }
  return guardedSocket((onBytes) => openSocket(address, tls, onBytes), replyLimits, { identity, refusal })
}

/** Its own `connect` may never settle. */
const whenConnected = (cluster: Cluster, timeout: number): Effect.Effect<void, CommandError> =>
  Effect.callback<void, CommandError>((resume) => {
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
