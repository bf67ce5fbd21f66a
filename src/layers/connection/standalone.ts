/** The client over one server. */
import { Effect, type Scope } from "effect"
import type { CacheError } from "../../schema/CacheError.ts"
import type { Address, ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { makeClient, onPrimary, openDispatcher, randomNumbers } from "./client.ts"
import { ClientStates } from "./ClientStates.ts"
import { withCredentials } from "./credentials.ts"
import { nodeName } from "./Link.ts"
import { ServerNode } from "./ServerNode.ts"
import { singleRoute } from "./singleRoute.ts"

export const makeStandalone = Effect.fnUntraced(function* (
  address: Address,
  options: ConnectionSettings
): Effect.fn.Return<ValkeyClientShape, CacheError, Scope.Scope> {
  const random = yield* randomNumbers
  const settings = yield* withCredentials(options)
  const states = new ClientStates()
  const node = nodeName(address)
  const dispatcher = yield* openDispatcher(settings, ({ refuse }) =>
    singleRoute(new ServerNode({ settings, address, random, refuse, onState: (state) => states.report(node, state) }))
  )
  return yield* makeClient(dispatcher, {
    topology: "standalone",
    settings,
    states,
    ...onPrimary({ primary: dispatcher.route.server }, { settings, address, random }),
    node: () => node
  })
})
