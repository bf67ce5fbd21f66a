/** The client over a ring of independent servers. */
import { Effect, Exit, Result, Scope, Semaphore } from "effect"
import { type CommandError, CacheUnsupportedError } from "../../schema/CacheError.ts"
import { amended, isOutage } from "../../schema/failures.ts"
import { beingOpened } from "../../schema/Invalidation.ts"
import type { RingSettings } from "../../schema/RingOptions.ts"
import type { Invalidations, ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { subscribeWith } from "../commands/channels.ts"
import { scansOf } from "../commands/scan.ts"
import { randomNumbers } from "../connection/client.ts"
import { ClientStates } from "../connection/ClientStates.ts"
import { slotOfKey } from "../connection/cluster/slot.ts"
import { spreadOver } from "../connection/cluster/spread.ts"
import { makeKnownServers } from "../connection/known/knownServers.ts"
import { MachineTime } from "../connection/MachineTime.ts"
import { makeFallback } from "../fallback/fallbackClient.ts"
import { isFlush } from "../fallback/told.ts"
import { changesOf } from "../invalidations/changesOf.ts"
import { ringDedicated } from "./ringDedicated.ts"
import { ringSubscription } from "./ringSubscription.ts"
import { trackedOver } from "./ringTracked.ts"
import { ringScan, ringScanPage } from "./ringScan.ts"
import { type RingMember, RingServers } from "./RingServers.ts"
import { type RingPlace, ServerRing } from "./ServerRing.ts"
import { shardedClient } from "./sharding.ts"

export const makeRingClient = Effect.fnUntraced(function* (
  settings: RingSettings
): Effect.fn.Return<ValkeyClientShape, CommandError, Scope.Scope> {
  const states = new ClientStates()
  const time = MachineTime.ofThisMachine()
  const clients = yield* openServers(settings, states, time)
  const servers = settings.servers.map((server, i) => ({ ...server, own: clients[i]! }))
  const client = yield* ringOver(servers, { ...settings, states, time })
  if (servers.some(({ settings }) => settings.eager)) yield* connectAll(settings, clients)
  return client
})

export interface RingOverOptions extends Pick<RingSettings, "probeInterval" | "structures" | "whenDown"> {
  readonly states: Pick<ClientStates, "current" | "stream" | "isDown">
  /** By which they all count. */
  readonly time: MachineTime
}

/** The same over clients that there are. */
export const ringOver = Effect.fnUntraced(function* (
  servers: ReadonlyArray<RingPlace & Pick<RingMember, "node" | "own">>,
  { probeInterval, states, structures, time, whenDown }: RingOverOptions
): Effect.fn.Return<ValkeyClientShape, never, Scope.Scope> {
  const scope = yield* Effect.scope
  // Whoever changes back has commands wait, among them some that stand in for another server: two must not wait for each other.
  const changesBack = yield* Semaphore.make(1)
  const ring = new RingServers({
    ring: new ServerRing(servers),
    servers,
    withStandIn:
      whenDown === "fail"
        ? undefined
        : ({ node, own }, others) =>
            makeFallback(
              [own, others],
              {
                name: `ValkeyRing (${node})`,
                server: node,
                probeInterval,
                structures: structures === "next" ? "second" : "fail",
                alone: changesBack.withPermits(1)
              },
              scope
            ),
    isDown: (node) => states.isDown(node),
    random: yield* randomNumbers
  })
  const { members } = ring
  const connections = new Map(
    members.map((member) => {
      const { dedicated, raw, subscribe, subscription, use } = member.own
      return [member, { node: member.node, dedicated, raw, subscribe, subscription, use }]
    })
  )
  /** With `next`, a server that is away need not answer where another one does; a flush is then noted for it. */
  const isLeftOut = (error: CommandError): boolean => whenDown === "next" && isOutage(error)
  const spread = spreadOver({
    servers: Effect.succeed(ring.nodes),
    serverOf: (slot) => ring.owner(slot).node,
    leavesOut: (row, error) => (!row.changes || isFlush(row)) && isLeftOut(error)
  })
  /** What each server says, by its name. */
  const ofAll = <A>(ask: (client: ValkeyClientShape) => Effect.Effect<ReadonlyMap<string, A>, CommandError>) =>
    Effect.flatMap(
      Effect.forEach(members, ({ client }) => Effect.result(ask(client)), { concurrency: "unbounded" }),
      (results) => {
        const isAnswered = results.some(Result.isSuccess)
        const counted = results.filter(
          (result) => Result.isSuccess(result) || !isAnswered || !isLeftOut(result.failure)
        )
        return Effect.map(Effect.fromResult(Result.all(counted)), (maps) => new Map(maps.flatMap((map) => [...map])))
      }
    )
  const subscription = ringSubscription(ring)
  // Each server tells of its own keys. Whoever listens is to know of all of them before one is live.
  const invalidations: Invalidations["invalidations"] = (options, onEvent) =>
    Effect.suspend(() => {
      for (const server of ring.nodes) onEvent({ _tag: "Down", server, reason: beingOpened, cause: "lost" })
      return Effect.forEach(members, ({ client }) => client.invalidations(options, onEvent), { discard: true })
    })
  return {
    topology: "ring",
    ...shardedClient(ring, spread),
    ...scansOf(ringScan(ring)),
    scanPage: ringScanPage(ring),
    sendToEach: (name, args, options) =>
      Effect.map(
        Effect.forEach(members, ({ own }) => Effect.result(own.send(name, args, options)), {
          concurrency: "unbounded"
        }),
        (answers) => new Map(answers.map((answer, at) => [members[at]!.node, answer]))
      ),
    info: (section) => ofAll((client) => client.info(section)),
    slowLog: (options) => ofAll((client) => client.slowLog(options)),
    subscription,
    subscribe: subscribeWith(subscription),
    invalidations,
    changes: changesOf(invalidations),
    tracked: trackedOver((slot) => ring.owner(slot)),
    instant: () => time.now(),
    dedicated: ringDedicated(
      members.map(({ client }) => client),
      ring,
      spread,
      () => states.current._tag === "Closed"
    ),
    raw: Exit.fail(ofOneServer("raw")),
    use: () => Exit.fail(ofOneServer("use")),
    serverOf: (key) => connections.get(ring.owner(slotOfKey(key)))!,
    state: Effect.sync(() => states.current),
    states: states.stream
  }
})

/** Each with a client of its own, which opens nothing yet. */
const openServers = Effect.fnUntraced(function* ({ servers }: RingSettings, states: ClientStates, time: MachineTime) {
  // They close together: each may take as long as `closeTimeout`.
  const together = yield* Scope.fork(yield* Effect.scope, "parallel")
  return yield* Effect.forEach(servers, ({ address, settings }) =>
    Effect.flatMap(Scope.fork(together), (own) =>
      Scope.provide(
        makeKnownServers({
          topology: "standalone",
          servers: [{ address, settings: { ...settings, eager: false } }],
          states,
          time
        }),
        own
      )
    )
  )
})

/** Fails where a server cannot be reached; where others stand in for it, where none can. */
const connectAll = Effect.fnUntraced(function* ({ whenDown }: RingSettings, clients: ReadonlyArray<ValkeyClientShape>) {
  const results = yield* Effect.forEach(clients, ({ raw }) => Effect.result(raw), { concurrency: "unbounded" })
  const failures = results.flatMap((result) => (Result.isFailure(result) ? [result.failure] : []))
  const [failure] = failures
  const enough = whenDown === "fail" ? failures.length === 0 : failures.length < clients.length
  if (failure !== undefined && !enough) return yield* Effect.fail(amended(failure, { operation: "connect" }))
})

const ofOneServer = (operation: string): CacheUnsupportedError =>
  new CacheUnsupportedError({
    operation,
    topology: "ring",
    reason: "each server has its own client: use `serverOf(key)` to get the one for a key"
  })
