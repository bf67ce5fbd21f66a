/** The client over servers that are known by their addresses: one, or a primary and its replicas. */
import { Effect, type Scope } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { ServerSettings } from "../../../schema/ServerSettings.ts"
import type { ValkeyClientShape } from "../../../services/ValkeyClient.ts"
import { makeClient, onPrimary, openDispatcher, randomNumbers } from "../client.ts"
import { ClientStates } from "../ClientStates.ts"
import { Connections } from "../Connections.ts"
import { withCredentials } from "../credentials.ts"
import type { Greeting } from "../handshake.ts"
import { nodeName } from "../Link.ts"
import { MachineTime } from "../MachineTime.ts"
import { replicaRoute } from "../replicaRoute.ts"
import { type Detours, ServerNode } from "../ServerNode.ts"
import { oneServerAnnouncers } from "../tracking/oneServerAnnouncers.ts"

export interface KnownServers {
  readonly topology: "standalone" | "replicated"
  /** What is wanted of the first. */
  readonly greeting?: Greeting | undefined
  /** The primary and its replicas. */
  readonly servers: readonly [ServerSettings, ...ReadonlyArray<ServerSettings>]
  /** Where it is told how the connections are. Default: nobody else has them. */
  readonly states?: ClientStates | undefined
  /** Default: nobody else counts by it. */
  readonly time?: MachineTime | undefined
}

export const makeKnownServers = Effect.fnUntraced(function* ({
  greeting,
  servers: [firstServer, ...otherServers],
  states = new ClientStates(),
  time = MachineTime.ofThisMachine(),
  topology
}: KnownServers): Effect.fn.Return<ValkeyClientShape, CommandError, Scope.Scope> {
  const random = yield* randomNumbers
  const ready = ({ address, settings }: ServerSettings) =>
    Effect.map(withCredentials(settings), (settings): ServerSettings => ({ address, settings }))
  const first = yield* ready(firstServer)
  const more = yield* Effect.forEach(otherServers, ready)
  const { address, settings } = first
  /** Those that nobody shares. */
  const connections = new Connections()
  const node = nodeName(address)
  const leaveOthers = () => connections.leave(() => true, "READONLY", "the server is not a primary any more")

  const dispatcher = yield* openDispatcher(settings, (dispatcher) => {
    const openReplica = ({ address, settings }: ServerSettings, detours: Detours) =>
      new ServerNode({
        settings,
        address,
        configured: address,
        greeting: { role: "copy" },
        random,
        detours,
        refuse: dispatcher.refuse,
        onState: (state) => states.report(nodeName(address), state)
      })
    let replicas: ReadonlyArray<ServerNode> | undefined
    const route = replicaRoute({
      dispatcher,
      random,
      readFrom: more.length === 0 ? "primary" : "preferReplica",
      primary: { settings, address, configured: address, greeting, random },
      onState: (state) => {
        states.report(node, state)
        if (state._tag === "Ready") beat()
      },
      replicas: (detours) => (replicas ??= more.map((server) => openReplica(server, detours))),
      // Where nobody has asked for a primary, the name may still lead to none.
      onDemoted: () => (greeting?.role === "primary" ? leaveOthers() : whenPrimary(route.primary.server, leaveOthers)),
      close: (limit) => Promise.all([route.primary.server, ...(replicas ?? [])].map((server) => server.close(limit)))
    })
    return route
  })
  // Asked for again by each connection: the name may lead elsewhere meanwhile.
  const toPrimary = {
    settings,
    address: () => Promise.resolve(address),
    configured: address,
    greeting,
    random,
    connections
  }
  const { announcing, beat } = oneServerAnnouncers(dispatcher, toPrimary, time)
  return yield* makeClient(dispatcher, {
    topology,
    settings,
    states,
    ...onPrimary(dispatcher.route, toPrimary),
    node: () => node,
    announcing
  })
})

/** Calls back where the server is one, as soon as it is connected. */
const whenPrimary = ({ link }: ServerNode, then: () => void): void =>
  link.whenReady({
    operation: "ROLE",
    ready: (wire) =>
      void wire.ask("ROLE").then(
        (reply) => Array.isArray(reply) && reply[0] === "master" && then(),
        () => {}
      ),
    fail: () => {}
  })
