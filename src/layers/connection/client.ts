/** A client put together from what its topology knows. */
import { Effect, Exit, Random, Result, type Scope } from "effect"
import type { Cluster, Redis } from "iovalkey"
import { type CommandError, CacheTimeoutError } from "../../schema/CacheError.ts"
import type { Topology } from "../../schema/Command.ts"
import type { ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import { gaugeOf } from "../../schema/gauge.ts"
import type { Invalidations, ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { subscribeWith } from "../commands/channels.ts"
import { scanPageWith, scansOf, scanWith } from "../commands/scan.ts"
import { type Announcers, ClientInvalidations } from "../invalidations/ClientInvalidations.ts"
import type { ClientStates } from "./ClientStates.ts"
import { type CommandOptions, type Commands, makeCommands, type Spreading } from "./commands.ts"
import { type DedicatedConnections, makeDedicated } from "./dedicated.ts"
import { Dispatcher, type Route } from "./Dispatcher.ts"
import { fromRaw } from "./errors.ts"
import { makeInfo } from "./info.ts"
import { Link, type LinkOptions, whenReady } from "./Link.ts"
import type { MachineTime } from "./MachineTime.ts"
import type { Primary } from "./Primary.ts"
import { makeEval } from "./scripts.ts"
import { type Detours, ServerNode, type ToPrimary } from "./ServerNode.ts"
import { makeSlowLog } from "./slowLog.ts"
import { singleRoute } from "./singleRoute.ts"
import { makeSubscription, type SubscriberRoute } from "./subscription.ts"
import { makeTransaction, type TransactionOptions } from "./transaction.ts"

/** What is begun on a connection that nobody shares. */
export type ConnectionState = Required<Pick<LinkOptions, "onLost" | "isBusy">>

/** What differs between topologies. */
export interface Wiring {
  readonly topology: Topology
  readonly settings: ConnectionSettings
  readonly states: ClientStates
  /** The way of commands to servers, over connections of its own. */
  readonly openRoute: (dispatcher: Dispatcher, settings: ConnectionSettings, state: ConnectionState) => Route
  /** Waits for a connection that a program can be given. */
  readonly connect: (operation: string) => Effect.Effect<unknown, CommandError>
  readonly raw: Effect.Effect<Redis | Cluster, CommandError>
  readonly subscribers: SubscriberRoute
  /** The server that errors outside commands name. */
  readonly node: () => string | undefined
  readonly slotOf?: TransactionOptions["slotOf"]
  /** Where a command may concern several servers. */
  readonly spread?: Spreading | undefined
  /** How changes are announced, and what is needed to keep values until then. */
  readonly announcing: Announcing
  /** Where SCAN, INFO, SLOWLOG and commands about servers go to several servers. */
  readonly everywhere?:
    | ((
        onServer: (server: string) => Commands
      ) => Pick<ValkeyClientShape, "scan" | "scanBinary" | "scanPage" | "sendToEach" | "info" | "slowLog">)
    | undefined
}

/** How the changes of a topology's keys are announced. */
export interface Announcing {
  readonly announcers: Announcers
  readonly tracked: Invalidations["tracked"]
  readonly time: MachineTime
}

/** What a client gets from its one primary: dedicated connections, subscriptions, iovalkey itself. */
export const onPrimary = (
  { primary }: { readonly primary: Primary },
  options: ToPrimary
): Pick<Wiring, "openRoute" | "connect" | "raw" | "subscribers"> => {
  const connect = (operation: string) => Effect.suspend(() => whenReady(primary.server.link, operation))
  const detours: Detours = {
    unreachable: () => false,
    rejected: (command, from, error) => {
      primary.noticed(command, from, error)
      return false
    }
  }
  return {
    openRoute: ({ refuse }, settings, state) =>
      singleRoute(new ServerNode({ ...options, ...state, settings, refuse, detours })),
    connect,
    raw: Effect.map(connect("raw"), ({ client }) => client),
    subscribers: { open: () => (listener) => new Link({ ...options, ...listener }) }
  }
}

/** Closed with the scope, within `closeTimeout`. */
export const openDispatcher = <R extends Route>(
  settings: ConnectionSettings,
  makeRoute: (dispatcher: Dispatcher) => R
): Effect.Effect<Dispatcher<R>, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => new Dispatcher(settings, makeRoute)),
    (dispatcher) => Effect.promise(() => dispatcher.close())
  )

export const makeClient = Effect.fnUntraced(function* (
  dispatcher: Dispatcher,
  wiring: Wiring
): Effect.fn.Return<ValkeyClientShape, CommandError, Scope.Scope> {
  const { announcing, connect, everywhere, raw, settings, states, topology } = wiring
  yield* Effect.addFinalizer(() => Effect.sync(() => states.close()))
  const { announcers, time, tracked } = announcing
  const changes = new ClientInvalidations(announcers)
  yield* Effect.addFinalizer(() => Effect.sync(() => changes.close()))
  const options: CommandOptions = { ...settings, kind: "shared", changes }
  const commands = makeCommands(dispatcher, { ...options, spread: wiring.spread })
  const pool = yield* makeDedicated(settings, wiring.openRoute, wiring.spread, changes)
  const subscription = yield* makeSubscription(settings, wiring.subscribers)

  const { commandTimeout } = settings
  const use: ValkeyClientShape["use"] = (f) =>
    Effect.flatMap(raw, (client) =>
      Effect.tryPromise({ try: () => f(client), catch: (error) => error }).pipe(
        Effect.catch((error) => {
          const known = fromRaw(error, { operation: "use", node: wiring.node(), lastError: undefined }, commandTimeout)
          return known === undefined ? Exit.die(error) : Exit.fail(known)
        }),
        Effect.timeoutOrElse({
          duration: commandTimeout,
          orElse: () =>
            Exit.fail(
              new CacheTimeoutError({
                operation: "use",
                phase: "command",
                timeout: commandTimeout,
                node: wiring.node(),
                mayHaveExecuted: true
              })
            )
        })
      )
    )

  yield* showTraffic(dispatcher, wiring, pool)
  if (settings.eager) yield* connect("connect")
  return {
    topology,
    ...commands,
    transaction: makeTransaction(dispatcher, { ...settings, changes, slotOf: wiring.slotOf }),
    eval: makeEval(commands.send, settings.commandTimeout),
    ...scansOf(scanWith(commands.send)),
    scanPage: scanPageWith(commands.send),
    sendToEach: (name, args, options) =>
      Effect.flatMap(Effect.result(commands.send(name, args, options)), (answer) => {
        const node = wiring.node()
        // Without a primary there is no server of which it would be the answer.
        return node === undefined && Result.isFailure(answer)
          ? Exit.fail(answer.failure)
          : Exit.succeed(new Map([[node ?? "", answer]]))
      }),
    info: makeInfo(wiring.node, commands.send),
    slowLog: makeSlowLog(wiring.node, commands.send),
    ...everywhere?.((server) => makeCommands(dispatcher, { ...options, server })),
    subscription,
    subscribe: subscribeWith(subscription),
    dedicated: pool.dedicated,
    raw,
    use,
    invalidations: changes.invalidations,
    changes: changes.changes,
    tracked: (keys, options) =>
      options?.keep === false ? changes.telling(keys, tracked(keys, options)) : tracked(keys, options),
    instant: () => time.now(),
    state: Effect.sync(() => states.current),
    states: states.stream
  }
})

/** How busy a client is. Those of one topology are added up. */
const showTraffic = (dispatcher: Dispatcher, { states, topology }: Wiring, pool: DedicatedConnections) => {
  const dedicated = (state: string, count: () => number) =>
    gaugeOf("dedicated_connections", "Connections that nobody shares, by state", { topology, state }, count)
  return Effect.all([
    gaugeOf("commands_in_flight", "Commands that have a place on the wire", { topology }, () => dispatcher.inFlight),
    gaugeOf("commands_waiting", "Commands that wait for a place on the wire", { topology }, () => dispatcher.waiting),
    gaugeOf("servers_up", "Servers to which there is a connection", { topology }, () => states.count("Ready")),
    gaugeOf("servers_connecting", "Servers to which a connection is being opened", { topology }, () =>
      states.count("Connecting")
    ),
    gaugeOf("servers_down", "Servers that are needed and cannot be reached", { topology }, () => states.count("Down")),
    dedicated("used", pool.used),
    dedicated("idle", pool.idle)
  ])
}

/** Numbers in [0, 1) for code that is no effect. */
export const randomNumbers: Effect.Effect<() => number> = Effect.map(
  Random.Random,
  (generator) => () => generator.nextDoubleUnsafe()
)
