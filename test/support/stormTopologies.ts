/** Each topology with what can happen to it: faults that are made and mended again. */
import { Effect, Layer, type Scope } from "effect"
import {
  type CacheError,
  type ConnectionOptions,
  type ValkeyClient,
  ValkeyCluster,
  ValkeyMemory,
  ValkeyReplicated,
  ValkeySentinel,
  ValkeyStandalone
} from "effect-vcache"
import { startCluster } from "./ClusterFleet.ts"
import { pause } from "./pause.ts"
import { startProxy } from "./Proxy.ts"
import { startReplicatedServers } from "./ReplicatedServers.ts"
import { startSentinelFleet } from "./SentinelFleet.ts"
import { startServer, type ValkeyServer } from "./ValkeyServer.ts"

export interface StormySetting {
  readonly client: (options: ConnectionOptions) => Layer.Layer<ValkeyClient, CacheError>
  readonly faults: ReadonlyArray<Effect.Effect<unknown>>
}

/** A server that is down or frozen is asked in vain. */
const attempt = <A>(effect: Effect.Effect<A>): Effect.Effect<unknown> => Effect.catchDefect(effect, () => Effect.void)

const kick = (server: ValkeyServer) => attempt(server.call("CLIENT", "KILL", "TYPE", "normal"))

const restart = (server: ValkeyServer, downFor: number) =>
  Effect.andThen(server.kill, Effect.andThen(pause(downFor), server.start))

const freeze = (server: ValkeyServer, millis: number) =>
  Effect.andThen(server.freeze, Effect.andThen(pause(millis), server.thaw))

/** What is left unsettled is the next fault's company. */
const atMost = (millis: number, effect: Effect.Effect<unknown>) => Effect.timeoutOption(attempt(effect), millis)

const standalone = Effect.gen(function* () {
  const server = yield* startServer()
  const proxy = yield* startProxy(server.port)
  return {
    client: (options: ConnectionOptions) => ValkeyStandalone.layer({ ...options, url: proxy.url }),
    faults: [
      kick(server),
      freeze(server, 250),
      Effect.sync(proxy.reset),
      restart(server, 200),
      attempt(server.call("CLIENT", "PAUSE", 100, "ALL")),
      freeze(server, 1200),
      Effect.gen(function* () {
        proxy.dropReplies = true
        yield* pause(20)
        proxy.dropReplies = false
        proxy.reset()
      })
    ]
  }
})

const replicated = Effect.gen(function* () {
  const servers = yield* startReplicatedServers()
  const [primary, replica, other] = servers
  return {
    client: (options: ConnectionOptions) => ValkeyReplicated.layer({ ...options, urls: servers.map(({ url }) => url) }),
    faults: [
      Effect.forEach(servers, kick),
      freeze(replica, 300),
      restart(other, 300),
      restart(primary, 200),
      freeze(primary, 1000)
    ]
  }
})

const sentinel = Effect.gen(function* () {
  const fleet = yield* startSentinelFleet({ downAfter: 300 })
  const { name, primary, sentinels, settled } = fleet
  const another = (old: ValkeyServer) =>
    Effect.gen(function* () {
      while ((yield* primary).port === old.port) yield* pause(20)
    })
  return {
    client: (options: ConnectionOptions) => ValkeySentinel.layer({ ...options, url: fleet.url }),
    faults: [
      Effect.flatMap(primary, kick),
      Effect.gen(function* () {
        const old = yield* primary
        yield* old.kill
        yield* atMost(5000, another(old))
        yield* old.start
        yield* atMost(5000, settled)
      }),
      Effect.gen(function* () {
        const old = yield* primary
        yield* attempt(sentinels[0]!.call("SENTINEL", "FAILOVER", name))
        yield* atMost(5000, another(old))
        yield* atMost(5000, settled)
      }),
      Effect.forEach(sentinels, kick),
      Effect.gen(function* () {
        const old = yield* primary
        yield* old.freeze
        yield* atMost(5000, another(old))
        yield* pause(200)
        yield* old.thaw
        yield* atMost(5000, settled)
      })
    ]
  }
})

const cluster = Effect.gen(function* () {
  const fleet = yield* startCluster({ fullCoverage: "no" })
  const { move, ownerOf, servers, settled } = fleet
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
    const first = (round % 3) * 5461 + 100 + (Math.floor(round / 3) % 50) * 100
    const owned = yield* ownerOf(first)
    // Where it went before, it stays.
    if (owned?.port !== from.port || from.port === to.port) return
    const slots = Array.from({ length: 60 }, (_, i) => first + 1 + i)
    yield* move(slots, from, to)
  })
  return {
    client: (options: ConnectionOptions) => ValkeyCluster.layer({ ...options, url: fleet.url }),
    faults: [
      Effect.andThen(
        Effect.sync(() => round++),
        atMost(10_000, moved)
      ),
      Effect.flatMap(
        Effect.suspend(() => owner(round)),
        kick
      ),
      Effect.gen(function* () {
        const down = yield* owner(round)
        yield* restart(down, 1500)
        yield* atMost(5000, settled)
      }),
      Effect.gen(function* () {
        const old = yield* owner(round + 1)
        const replica = yield* replicaOf(servers, old)
        if (replica !== undefined) yield* attempt(replica.call("CLUSTER", "FAILOVER"))
        yield* pause(300)
        yield* atMost(5000, settled)
      }),
      Effect.gen(function* () {
        const frozen = yield* owner(round + 2)
        yield* freeze(frozen, 2500)
        yield* atMost(5000, settled)
      })
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

const memory: Effect.Effect<StormySetting> = Effect.succeed({ client: () => ValkeyMemory.layer(), faults: [] })

export const stormTopologies = { standalone, replicated, sentinel, cluster, memory } satisfies Readonly<
  Record<string, Effect.Effect<StormySetting, never, Scope.Scope>>
>
