/** The client over one server. */
import { Effect, type Scope } from "effect"
import type { CacheError } from "../../schema/CacheError.ts"
import type { Address, ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { makeClient, openDispatcher, randomNumbers, whenReady } from "./client.ts"
import { ClientStates } from "./ClientStates.ts"
import { Link, nodeName } from "./Link.ts"
import { ServerNode } from "./ServerNode.ts"
import { singleRoute } from "./singleRoute.ts"

export const makeStandalone = Effect.fnUntraced(function* (
  address: Address,
  settings: ConnectionSettings
): Effect.fn.Return<ValkeyClientShape, CacheError, Scope.Scope> {
  const random = yield* randomNumbers
  const states = new ClientStates()
  const node = nodeName(address)
  const dispatcher = yield* openDispatcher(settings, ({ refuse }) =>
    singleRoute(new ServerNode({ settings, address, random, refuse, onState: (state) => states.report(node, state) }))
  )
  const connect = (operation: string) => whenReady(dispatcher.route.server.link, operation)
  return yield* makeClient(dispatcher, {
    topology: "standalone",
    settings,
    states,
    openRoute: ({ refuse }, settings) => singleRoute(new ServerNode({ settings, address, random, refuse })),
    connect,
    raw: connect("raw"),
    openSubscriber: (options) => new Link({ ...options, settings, address, random }),
    node: () => node
  })
})
