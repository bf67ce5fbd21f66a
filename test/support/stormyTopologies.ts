/** Each topology with what can happen to it: faults that are made and mended again. */
import { Effect, Layer, type Scope } from "effect"
import {
  type CacheError,
  type ConnectionOptions,
  type ValkeyClient,
  ValkeyCluster,
  ValkeyMemory,
  ValkeyReplicated,
  ValkeyRing,
  ValkeySentinel,
  ValkeyStandalone
} from "effect-vcache"
import { startCluster } from "./ClusterFleet.ts"
import { pause } from "./pause.ts"
import { startProxy } from "./Proxy.ts"
import { startReplicatedServers } from "./ReplicatedServers.ts"
import { startRing } from "./RingFleet.ts"
import { startSentinelFleet } from "./SentinelFleet.ts"
import { until } from "./until.ts"
import { startServer, type ValkeyServer } from "./ValkeyServer.ts"

export interface Fault {
  readonly name: string
  /** Replication is asynchronous: what was confirmed shortly before may be gone. */
  readonly loses: boolean
  /** Makes it, and mends it where somebody would. */
  readonly make: Effect.Effect<unknown>
}

export interface StormyTopology {
  readonly client: (options: ConnectionOptions) => Layer.Layer<ValkeyClient, CacheError>
  readonly faults: ReadonlyArray<Fault>
  readonly servers: ReadonlyArray<ValkeyServer>
  /** Milliseconds that a command may take beyond its deadline, because others stand in for its server. */
  readonly standIn?: number
}

export interface StormyOptions {
  /** Of the servers that hold data. */
  readonly args?: ReadonlyArray<string> | undefined
  /** Milliseconds that are longer than a client waits for a byte. Default 1200. */
  readonly silence?: number | undefined
  /** Milliseconds after which a server that says nothing counts as down. Default 300 for sentinels, 500 for a cluster. */
  readonly downAfter?: number | undefined
  /** Milliseconds after which the next fault is made though the servers have not settled. Default 5000. */
  readonly patience?: number | undefined
}

/** A server that is down or frozen is asked in vain. */
const attempt = <A>(effect: Effect.Effect<A>): Effect.Effect<unknown> => Effect.catchDefect(effect, () => Effect.void)

const kick = (server: ValkeyServer) => attempt(server.call("CLIENT", "KILL", "TYPE", "normal"))

const restart = (server: ValkeyServer, downFor: number) =>
  Effect.andThen(server.kill, Effect.andThen(pause(downFor), server.start))

const freeze = (server: ValkeyServer, millis: number) =>
  Effect.andThen(server.freeze, Effect.andThen(pause(millis), server.thaw))

const fault = (name: string, make: Effect.Effect<unknown>, loses = false): Fault => ({ name, loses, make })

const standalone = ({ args = [], silence = 1200 }: StormyOptions) =>
  Effect.gen(function* () {
    const server = yield* startServer(...args)
    const proxy = yield* startProxy(server.port)
    return {
      client: (options: ConnectionOptions) => ValkeyStandalone.layer({ ...options, url: proxy.url }),
      servers: [server],
      faults: [
        fault("its connections killed", kick(server)),
        fault("frozen shortly", freeze(server, 250)),
        fault("its connections reset", Effect.sync(proxy.reset)),
        // What its memory held is gone with it, where it writes no file.
        fault("killed and started again", restart(server, 200), args.length === 0),
        fault("paused", attempt(server.call("CLIENT", "PAUSE", 100, "ALL"))),
        fault("frozen", freeze(server, silence)),
        fault(
          "its replies lost",
          Effect.gen(function* () {
            proxy.dropReplies = true
            yield* pause(20)
            proxy.dropReplies = false
            proxy.reset()
          })
        )
      ]
    }
  })

const replicated = ({ args = [], silence = 1200 }: StormyOptions) =>
  Effect.gen(function* () {
    const servers = yield* startReplicatedServers(...args)
    const [primary, replica, other] = servers
    return {
      client: (options: ConnectionOptions) =>
        ValkeyReplicated.layer({ ...options, urls: servers.map(({ url }) => url) }),
      servers,
      faults: [
        fault("connections killed", Effect.forEach(servers, kick)),
        fault("a replica frozen", freeze(replica, 300)),
        fault("a replica killed and started again", restart(other, 300)),
        fault("primary killed and started again", restart(primary, 200), args.length === 0),
        fault("primary frozen", freeze(primary, silence))
      ]
    }
  })

const sentinel = ({ args = [], downAfter = 300, patience = 5000 }: StormyOptions) =>
  Effect.gen(function* () {
    const fleet = yield* startSentinelFleet({ downAfter, args })
    const { name, primary, sentinels, settled } = fleet
    const settles = Effect.timeoutOption(attempt(settled), patience)
    /** Breaks the primary; mends it once there is another. */
    const replaced = (
      breaks: (old: ValkeyServer) => Effect.Effect<unknown>,
      mends: (old: ValkeyServer) => Effect.Effect<unknown>
    ) =>
      Effect.gen(function* () {
        const old = yield* primary
        yield* breaks(old)
        yield* attempt(
          until("another primary", primary, ({ port }) => port !== old.port, { atMost: 8000 + 2 * downAfter })
        )
        yield* mends(old)
        yield* settles
      })
    const nothing = () => Effect.void
    return {
      client: (options: ConnectionOptions) => ValkeySentinel.layer({ ...options, url: fleet.url }),
      servers: fleet.servers,
      faults: [
        fault("connections killed", Effect.flatMap(primary, kick)),
        fault(
          "primary killed",
          replaced(
            ({ kill }) => kill,
            ({ start }) => start
          ),
          true
        ),
        fault(
          "failover by a sentinel",
          replaced(() => attempt(sentinels[0]!.call("SENTINEL", "FAILOVER", name)), nothing),
          true
        ),
        fault("sentinels' connections killed", Effect.forEach(sentinels, kick)),
        fault(
          "primary frozen",
          replaced(
            ({ freeze }) => freeze,
            ({ thaw }) => Effect.andThen(pause(200), thaw)
          ),
          true
        )
      ]
    }
  })

const cluster = ({ args = [], downAfter = 500, patience = 5000, silence = 1200 }: StormyOptions) =>
  Effect.gen(function* () {
    const fleet = yield* startCluster({ fullCoverage: "no", downAfter, args })
    const { move, ownerOf, servers, settled } = fleet
    const settles = Effect.timeoutOption(attempt(settled), patience)
    let round = 0
    /** A slot in the range of each of the three primaries that there were at first. */
    const slotOf = (index: number) => (index % 3) * 5461 + 100
    const owner = (index: number) =>
      Effect.gen(function* () {
        const owner = yield* Effect.catchDefect(ownerOf(slotOf(index)), () => Effect.succeed(undefined))
        return owner ?? servers[index % 3]!
      })
    const moved = Effect.gen(function* () {
      const [from, to] = [yield* owner(round), yield* owner(round + 1)]
      const first = slotOf(round) + (Math.floor(round / 3) % 50) * 100
      const slots = Array.from({ length: 60 }, (_, i) => first + 1 + i)
      // What has been moved before stays where it is.
      if ((yield* ownerOf(slots[0]!))?.port === from.port && from.port !== to.port) yield* move(slots, from, to)
    })
    return {
      client: (options: ConnectionOptions) => ValkeyCluster.layer({ ...options, url: fleet.url }),
      servers,
      faults: [
        fault(
          "slots moved",
          Effect.andThen(
            Effect.sync(() => round++),
            attempt(moved)
          )
        ),
        fault(
          "connections killed",
          Effect.flatMap(
            Effect.suspend(() => owner(round)),
            kick
          )
        ),
        fault(
          "a primary killed",
          Effect.gen(function* () {
            yield* restart(yield* owner(round), 1000 + downAfter)
            yield* settles
          }),
          true
        ),
        fault(
          "failover by its replica",
          Effect.gen(function* () {
            const replica = yield* replicaOf(servers, yield* owner(round + 1))
            if (replica !== undefined) yield* attempt(replica.call("CLUSTER", "FAILOVER"))
            yield* pause(300)
            yield* settles
          })
        ),
        fault(
          "a primary frozen",
          Effect.gen(function* () {
            yield* freeze(yield* owner(round + 2), 1000 + downAfter + silence)
            yield* settles
          }),
          true
        )
      ]
    }
  })

const replicaOf = (servers: ReadonlyArray<ValkeyServer>, primary: ValkeyServer) =>
  Effect.gen(function* () {
    for (const server of servers) {
      const replication = String(yield* attempt(server.call("INFO", "replication")))
      if (replication.includes("role:slave") && replication.includes(`master_port:${primary.port}\r`)) return server
    }
    return undefined
  })

const ringOf =
  (whenDown: "fail" | "next") =>
  ({ args = [], silence = 1200 }: StormyOptions) =>
    Effect.gen(function* () {
      const { servers, urls } = yield* startRing(...args)
      const [one, two, three] = servers
      return {
        client: (options: ConnectionOptions) =>
          ValkeyRing.layer({ ...options, urls, whenDown, probeInterval: 100, structures: whenDown }),
        servers,
        faults: [
          fault("connections killed", Effect.forEach(servers, kick)),
          fault("a server frozen shortly", freeze(one, 250)),
          fault("a server killed and started again", restart(two, 300), args.length === 0),
          // What is written elsewhere meanwhile is forgotten.
          fault("a server frozen", freeze(three, silence), whenDown === "next"),
          fault(
            "two servers killed and started again",
            Effect.all([restart(one, 200), restart(three, 400)], { concurrency: 2 }),
            args.length === 0 || whenDown === "next"
          )
        ],
        // Another deadline for each of two that are down, and a little for the changes back.
        ...(whenDown === "next" ? { standIn: 1000 } : {})
      }
    })

const memory = () => Effect.succeed({ client: () => ValkeyMemory.layer(), servers: [], faults: [] })

export const stormyTopologies = {
  standalone,
  replicated,
  sentinel,
  cluster,
  ring: ringOf("fail"),
  nextRing: ringOf("next"),
  memory
} satisfies Readonly<Record<string, (options: StormyOptions) => Effect.Effect<StormyTopology, never, Scope.Scope>>>
