/** The client over a cluster. */
import { Effect, type Scope } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { ClusterSettings } from "../../../schema/ClusterOptions.ts"
import type { Address, ConnectionSettings } from "../../../schema/ConnectionOptions.ts"
import type { Tracking } from "../../../schema/Invalidation.ts"
import type { ValkeyClientShape } from "../../../services/ValkeyClient.ts"
import { scanPagesOver, scanPageWith, scansOf } from "../../commands/scan.ts"
import { scanAll } from "./scanAll.ts"
import { type ConnectionState, makeClient, openDispatcher, randomNumbers } from "../client.ts"
import { ClientStates } from "../ClientStates.ts"
import { Connections } from "../Connections.ts"
import { withCredentials } from "../credentials.ts"
import type { Dispatcher } from "../Dispatcher.ts"
import { causeOf, notConnected } from "../errors.ts"
import { makeInfo } from "../info.ts"
import { makeSlowLog } from "../slowLog.ts"
import { Link } from "../Link.ts"
import { MachineTime } from "../MachineTime.ts"
import { makeRawCluster } from "./rawCluster.ts"
import { ClusterAnnouncer } from "./ClusterAnnouncer.ts"
import { ClusterRoute } from "./ClusterRoute.ts"
import { ClusterTopology } from "./ClusterTopology.ts"
import { acrossSlots, slotOfChannels, slotOfCommands } from "./slot.ts"
import { parseRedirect } from "./SlotTable.ts"
import { spreadOver } from "./spread.ts"
import { trackedBySlot } from "./trackedBySlot.ts"

export const makeClusterClient = Effect.fnUntraced(function* (
  options: ClusterSettings
): Effect.fn.Return<ValkeyClientShape, CommandError, Scope.Scope> {
  const random = yield* randomNumbers
  const states = new ClientStates()
  const connection = yield* withCredentials(options.connection)
  const settings = { ...options, connection }
  const shared = new Connections()
  /** Those of dedicated connections and subscribers. */
  const own = new Connections()
  const openRoute = (dispatcher: Dispatcher, ownSettings: ConnectionSettings, state: ConnectionState) =>
    new ClusterRoute({
      settings: { ...settings, connection: ownSettings },
      random,
      dispatcher,
      topology: () => topology,
      connections: own,
      state
    })
  const dispatcher = yield* openDispatcher(
    connection,
    (dispatcher) =>
      new ClusterRoute({
        settings,
        random,
        dispatcher,
        topology: () => topology,
        states,
        onReady: (node) => {
          broadcast.beat(node)
          perKey.beat(node)
        },
        connections: shared
      })
  )
  const topology: ClusterTopology = yield* Effect.acquireRelease(
    Effect.sync(
      () =>
        new ClusterTopology({
          settings,
          random,
          server: (endpoint) => dispatcher.route.server(endpoint),
          onChange: (replaced) => {
            const leave = (connections: Connections, isReplaced: (node: string) => boolean) =>
              connections.leave(isReplaced, "FAILED_OVER", "a replica has taken the server's place")
            // One that the cluster still counts among its own answers what it has been asked.
            leave(shared, (node) => replaced.has(node) && topology.endpointOf(node) === undefined)
            leave(own, (node) => replaced.has(node))
            dispatcher.route.dropUnknown()
            broadcast.follow(new Set())
          },
          onMoved: (servers) => {
            broadcast.follow(servers)
            perKey.follow(servers)
          },
          wantsEmpty: () => broadcast.isCovering,
          isWatched: () => own.size > 0,
          onOutcome: (failure) =>
            states.report("cluster", failure === undefined ? { _tag: "Ready" } : { _tag: "Down", reason: failure })
        })
    ),
    (topology) => Effect.sync(() => topology.close())
  )

  /** Knows the cluster. */
  const connect = (operation: string): Effect.Effect<void, CommandError> =>
    Effect.suspend(() =>
      topology.isLoaded
        ? Effect.void
        : Effect.tryPromise({
            try: () => topology.refresh(),
            catch: (error) => notConnected({ operation, lastError: causeOf(error) })
          })
    )
  const membership = (address: Address) => ("path" in address ? [] : topology.membershipOf(address))
  const time = MachineTime.ofThisMachine()
  const announcer = (tracking: Tracking) =>
    new ClusterAnnouncer({
      tracking,
      topology: () => topology,
      openLink: (address, options) =>
        new Link({ ...options, address, greeting: { also: membership }, random, connections: own }),
      data: (endpoint) => dispatcher.route.server(endpoint).link,
      settings: connection,
      time
    })
  const [broadcast, perKey] = [announcer("broadcast"), announcer("perKey")]
  const primaries = Effect.map(connect("CLUSTER"), () => topology.primaries)
  const ofAll = <A>(ask: (server: string) => Effect.Effect<ReadonlyMap<string, A>, CommandError>) =>
    Effect.map(
      Effect.flatMap(primaries, (servers) => Effect.forEach(servers, ask, { concurrency: "unbounded" })),
      (maps) => new Map(maps.flatMap((map) => [...map]))
    )
  const raw = yield* makeRawCluster(settings)

  return yield* makeClient(dispatcher, {
    topology: "cluster",
    settings: connection,
    states,
    openRoute,
    connect,
    raw,
    subscribers: {
      open: (channels, kind) => {
        const slot = kind === "sharded" ? slotOfChannels(channels) : undefined
        if (slot === "several") return acrossSlots("SSUBSCRIBE", "cluster")
        // Other messages reach every server of the cluster.
        const address = () => (slot === undefined ? topology.anyServer() : topology.serverOf(slot))
        return (options) =>
          new Link({
            ...options,
            settings: connection,
            address,
            greeting: { also: membership },
            random,
            connections: own
          })
      },
      onMoved: ({ node, reply }) => {
        const asked = topology.endpointOf(node ?? "") ?? settings.nodes[0]
        const redirect = asked && parseRedirect(reply, asked, settings.natMap)
        if (redirect?.kind !== "MOVED") return false
        topology.moved(redirect.slot, redirect.endpoint)
        return true
      }
    },
    node: () => undefined,
    slotOf: (calls) => {
      const slot = slotOfCommands(calls)
      return slot === "several" ? acrossSlots("EXEC", "cluster") : slot === "none" ? undefined : slot
    },
    spread: spreadOver({ servers: primaries }),
    announcing: {
      announcers: { broadcast, perKey },
      tracked: trackedBySlot(dispatcher, connection, time),
      time
    },
    everywhere: (onServer) => ({
      ...scansOf(scanAll(topology, primaries, onServer)),
      scanPage: scanPagesOver(primaries, (server) => scanPageWith(onServer(server).send)),
      sendToEach: (name, args, options) =>
        ofAll((server) =>
          Effect.map(Effect.result(onServer(server).send(name, args, options)), (answer) => new Map([[server, answer]]))
        ),
      info: (section) => ofAll((server) => makeInfo(() => server, onServer(server).send)(section)),
      slowLog: (options) => ofAll((server) => makeSlowLog(() => server, onServer(server).send)(options))
    })
  })
})
