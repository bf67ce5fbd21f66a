/** The client over a primary and replicas that are known by their addresses. */
import { Effect, type Scope } from "effect"
import type { CacheError } from "../../schema/CacheError.ts"
import type { ServerSettings } from "../../schema/ServerSettings.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { makeClient, onPrimary, openDispatcher, randomNumbers } from "./client.ts"
import { ClientStates } from "./ClientStates.ts"
import { Connections } from "./Connections.ts"
import { withCredentials } from "./credentials.ts"
import type { Greeting } from "./handshake.ts"
import { nodeName } from "./Link.ts"
import { replicaRoute } from "./replicaRoute.ts"
import { type Detours, ServerNode } from "./ServerNode.ts"

export const makeReplicated = Effect.fnUntraced(function* ([firstServer, ...otherServers]: readonly [
  ServerSettings,
  ...ReadonlyArray<ServerSettings>
]): Effect.fn.Return<ValkeyClientShape, CacheError, Scope.Scope> {
  const random = yield* randomNumbers
  const ready = ({ address, settings }: ServerSettings) =>
    Effect.map(withCredentials(settings), (settings): ServerSettings => ({ address, settings }))
  const first = yield* ready(firstServer)
  const more = yield* Effect.forEach(otherServers, ready)
  const states = new ClientStates()
  const { address, settings } = first
  const connections = new Connections()
  const node = nodeName(address)
  // Asked for again by each connection: the name may lead elsewhere meanwhile.
  const greeting: Greeting = { role: "primary" }
  const primary = { ...first, address: () => Promise.resolve(address), greeting, connections }
  const onDemoted = () => connections.leave((left) => left === node, "READONLY", "the server is no primary any more")

  const dispatcher = yield* openDispatcher(settings, (dispatcher) => {
    const { refuse } = dispatcher
    const openPrimary = (detours: Detours) => {
      const server: ServerNode = new ServerNode({
        ...primary,
        random,
        detours,
        refuse,
        onState: (state) => {
          if (server === route.primary) states.report(node, state)
        }
      })
      return server
    }
    const openReplica = ({ address, settings }: ServerSettings, detours: Detours) =>
      new ServerNode({
        settings,
        address,
        greeting: { role: "copy" },
        random,
        detours,
        refuse,
        onState: (state) => states.report(nodeName(address), state)
      })
    let replicas: ReadonlyArray<ServerNode> | undefined
    const route = replicaRoute({
      dispatcher,
      random,
      readFrom: "preferReplica",
      primary: openPrimary,
      replicas: (detours) => (replicas ??= more.map((server) => openReplica(server, detours))),
      onDemoted,
      close: (limit) => Promise.all([route.primary, ...(replicas ?? [])].map((server) => server.close(limit)))
    })
    return route
  })
  return yield* makeClient(dispatcher, {
    topology: "replicated",
    settings,
    states,
    ...onPrimary(dispatcher.route, { ...primary, random, onDemoted }),
    node: () => node
  })
})
