/** The client over the primary that sentinels name, and over its replicas. */
import { Effect, type Scope } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { SentinelSettings } from "../../../schema/SentinelOptions.ts"
import type { ValkeyClientShape } from "../../../services/ValkeyClient.ts"
import { makeClient, onPrimary, openDispatcher, randomNumbers } from "../client.ts"
import { ClientStates } from "../ClientStates.ts"
import { Connections } from "../Connections.ts"
import { withCredentials } from "../credentials.ts"
import type { Greeting } from "../handshake.ts"
import { nodeName } from "../Link.ts"
import { MachineTime } from "../MachineTime.ts"
import { replicaRoute } from "../replicaRoute.ts"
import { ServerNode } from "../ServerNode.ts"
import { oneServerAnnouncers } from "../tracking/oneServerAnnouncers.ts"
import { Promotion } from "./Promotion.ts"
import { Replicas } from "./Replicas.ts"
import { Sentinels } from "./Sentinels.ts"

/** A primary that owes replies is asked after among the sentinels this often, in milliseconds. */
const doubtInterval = 250

export const makeSentinelClient = Effect.fnUntraced(function* ({
  data,
  name,
  natMap,
  readFrom,
  sentinel: guards,
  sentinels: seeds
}: SentinelSettings): Effect.fn.Return<ValkeyClientShape, CommandError, Scope.Scope> {
  const random = yield* randomNumbers
  const settings = yield* withCredentials(data)
  const sentinel = yield* withCredentials(guards)
  const states = new ClientStates()
  /** All that follow the primary. */
  const connections = new Connections()
  const greeting: Greeting = { role: "primary" }
  let lastDoubt = 0

  const sentinels = yield* Effect.acquireRelease(
    Effect.sync(
      () =>
        new Sentinels({
          name,
          sentinels: seeds,
          sentinel,
          natMap,
          random,
          onChange: () => void followPrimary(),
          onReplaced: (old) => leave((node) => node === nodeName(old)),
          onPromotion: (replica) => (replica === undefined ? promotion.end() : promotion.announced(replica))
        })
    ),
    (sentinels) => Effect.promise(() => sentinels.close())
  )
  const promotion = yield* Effect.acquireRelease(
    Effect.sync(() => new Promotion({ settings, greeting, random, onPromoted: () => void followPrimary() })),
    (promotion) => Effect.sync(() => promotion.end())
  )
  const address = async () => {
    if (promotion.promoted !== undefined) return promotion.promoted
    const named = await sentinels.primary()
    // A replica may have been promoted meanwhile, of which they had yet to hear.
    return promotion.promoted ?? named
  }
  const leave = (isReplaced: (node: string) => boolean) =>
    connections.leave(isReplaced, "FAILED_OVER", "the sentinels name another primary")
  const [configured] = seeds
  const toPrimary = { settings, address, configured, greeting, random, connections }
  /** Sentinels are asked who is the primary now. */
  const onDemoted = ({ node: demoted }: ServerNode) => {
    promotion.end()
    connections.leave((node) => node === demoted, "READONLY", "the server is not a primary any more")
  }

  const dispatcher = yield* openDispatcher(settings, (dispatcher) => {
    const replicas = new Replicas({
      discover: () => sentinels.replicas(),
      open: (address, onState) =>
        new ServerNode({
          settings,
          address,
          configured,
          greeting: { role: "replica" },
          random,
          detours: route.detours,
          refuse: dispatcher.refuse,
          onState
        }),
      states
    })
    const route = replicaRoute({
      dispatcher,
      random,
      readFrom,
      primary: toPrimary,
      onState: (state) => {
        states.report(name, state)
        if (state._tag === "Ready") beat()
      },
      replicas: () => replicas.current(),
      // A primary that is frozen, or cut off from us alone, does not say that it has been replaced.
      onSilence: () => {
        const now = performance.now()
        if (now - lastDoubt < doubtInterval) return
        lastDoubt = now
        void followPrimary()
      },
      onDemoted,
      close: (limit) => Promise.all([route.primary.server.close(limit), replicas.close(limit)])
    })
    return Object.assign(route, { replicas })
  })
  const { route } = dispatcher

  /** Leaves a primary that has been replaced, before it says so itself. */
  const followPrimary = async (): Promise<void> => {
    route.replicas.refresh()
    try {
      const current = nodeName(await address())
      leave((node) => !sentinels.isSame(node, current))
    } catch {
      // Who cannot be asked cannot name another one.
    }
  }

  const { announcing, beat } = oneServerAnnouncers(dispatcher, toPrimary, MachineTime.ofThisMachine())
  return yield* makeClient(dispatcher, {
    topology: "sentinel",
    settings,
    states,
    ...onPrimary(route, toPrimary),
    node: () => route.node,
    announcing
  })
})
