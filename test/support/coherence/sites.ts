/** The sites of the torture: one for each topology. */
import { Cause, Effect, Layer, type Scope } from "effect"
import { ValkeyClient, ValkeyMemory } from "effect-vcache"
import { slotCount, slotOfKey } from "../../../src/layers/connection/cluster/slot.ts"
import { ServerRing } from "../../../src/layers/ring/ServerRing.ts"
import { startCluster } from "../ClusterFleet.ts"
import { pause } from "../pause.ts"
import { startRing } from "../RingFleet.ts"
import { startSentinelFleet } from "../SentinelFleet.ts"
import { bounded, until } from "../until.ts"
import { startServer, type ValkeyServer } from "../ValkeyServer.ts"
import { startClusterBus } from "./ClusterBus.ts"
import { faultKeys, finalName, keysOfOthers } from "./keys.ts"
import { type AddressOf, type Site, urlOf } from "./Site.ts"
import type { Torture } from "./Torture.ts"

type Ask = Effect.Success<ValkeyServer["session"]>

/** One connection to each server. */
const sessionsOf = (
  servers: ReadonlyArray<ValkeyServer>
): Effect.Effect<(server: ValkeyServer) => Ask, never, Scope.Scope> =>
  Effect.map(
    Effect.forEach(servers, (server) => server.session),
    (sessions) => (server) => sessions[servers.indexOf(server)]!
  )

/** Keys change for as long as an old value might be served. */
const changing = ({ maxStaleness, writer }: Torture): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let i = 0; i < 20; i++) {
      yield* writer.changeNow(faultKeys)
      yield* pause(maxStaleness / 8)
    }
  })

/** One server, which a replica replaces at the end without anybody's knowing it. */
export const startStandaloneSite: Effect.Effect<Site, never, Scope.Scope> = Effect.gen(function* () {
  const server = yield* startServer()
  const other = yield* startServer("--replicaof", `${server.host} ${server.port}`)
  yield* server.replicated(1)
  const session = yield* sessionsOf([server, other])
  let current = server
  return {
    servers: [server],
    access: (addressOf) => ({ topology: "standalone", url: urlOf(addressOf(current)) }),
    ask: (_, ...command) => Effect.suspend(() => session(current)(...command)),
    primaries: Effect.sync(() => [current]),
    faults: () => [],
    // Who listens to a server that has been left behind hears nothing more, while it answers whoever still asks it.
    finale: (torture) =>
      torture.withoutWrites(
        Effect.gen(function* () {
          yield* server.replicated(1)
          yield* other.call("REPLICAOF", "NO", "ONE")
          current = other
          for (const proxy of torture.proxies) proxy.target = other.port
          torture.kill("data")
          yield* changing(torture)
        })
      )
  }
})

/** The store in this process, and whoever else writes to it. */
export const startMemorySite: Effect.Effect<Site, never, Scope.Scope> = Effect.gen(function* () {
  const client = yield* ValkeyMemory.make()
  return {
    servers: [],
    primaries: Effect.succeed([]),
    access: Layer.succeed(ValkeyClient, client),
    ask: (_, name, ...args) => Effect.orDie(client.send(name, args)),
    faults: ({ maxStaleness, writer }) => [
      {
        name: "everything is flushed",
        happen: Effect.gen(function* () {
          for (let i = 0; i < 4; i++) {
            yield* writer.flush(keysOfOthers, pause(50), Effect.orDie(client.send("FLUSHALL", [])))
            yield* pause(maxStaleness)
          }
        })
      }
    ]
  }
})

/** It is its own replica: what is read while nobody announces anything would be older from another one, as it may. */
export const startReplicatedSite: Effect.Effect<Site, never, Scope.Scope> = Effect.gen(function* () {
  const server = yield* startServer()
  const session = yield* server.session
  return {
    servers: [server],
    access: (addressOf) => ({ topology: "replicated", urls: [urlOf(addressOf(server)), urlOf(addressOf(server))] }),
    ask: (_, ...command) => session(...command),
    primaries: Effect.succeed([server]),
    faults: () => []
  }
})

export const startRingSite: Effect.Effect<Site, never, Scope.Scope> = Effect.gen(function* () {
  const { servers } = yield* startRing()
  const session = yield* sessionsOf(servers)
  const ring = new ServerRing(servers.map(({ node }) => ({ name: node, weight: 1 })))
  return {
    servers,
    access: (addressOf) => ({
      topology: "ring",
      urls: servers.map((server) => ({ url: urlOf(addressOf(server)), name: server.node }))
    }),
    ask: (key, ...command) => session(servers[ring.ownerOf(slotOfKey(key))]!)(...command),
    primaries: Effect.succeed(servers),
    faults: () => []
  }
})

export const startSentinelSite: Effect.Effect<Site, never, Scope.Scope> = Effect.gen(function* () {
  const fleet = yield* startSentinelFleet()
  let current = yield* fleet.primary
  const nextAfter = Effect.fnUntraced(function* (
    torture: Torture,
    begin: (old: ValkeyServer) => Effect.Effect<unknown>
  ) {
    const old = current
    yield* old.replicated(2)
    yield* begin(old)
    current = yield* until("another primary", fleet.primary, ({ port }) => port !== old.port)
    yield* until(
      "its first write",
      Effect.suspend(() => current.call("SET", "first", 1)),
      (reply) => reply === "OK"
    )
    yield* changing(torture)
    return old
  })
  return {
    servers: fleet.servers,
    access: (addressOf) => ({ topology: "sentinel", url: fleet.url, natMap: natMapOf(fleet.servers, addressOf) }),
    // Whoever becomes the primary or a replica ends its connections.
    ask: (_, ...command) => Effect.suspend(() => current.call(...command)),
    primaries: Effect.sync(() => [current]),
    faults: (torture) => [
      {
        name: "a replica takes the primary's place",
        happen: Effect.gen(function* () {
          yield* fleet.settled
          const failover = fleet.sentinels[0]!.call("SENTINEL", "FAILOVER", fleet.name)
          yield* torture.withoutWrites(nextAfter(torture, () => failover))
        })
      },
      {
        name: "the primary is frozen until a replica has taken its place",
        happen: Effect.gen(function* () {
          yield* fleet.settled
          yield* fleet.setDownAfter(500)
          const old = yield* torture.withoutWrites(nextAfter(torture, ({ freeze }) => freeze))
          yield* old.thaw
          yield* fleet.setDownAfter(30_000)
        })
      }
    ]
  }
})

export const startClusterSite: Effect.Effect<Site, never, Scope.Scope> = Effect.gen(function* () {
  const fleet = yield* startCluster()
  const bus = yield* startClusterBus(fleet)
  const session = yield* sessionsOf(fleet.servers)
  /** By slot. */
  const owners = Array.from({ length: slotCount }, (_, slot) => fleet.servers[Math.min(2, Math.floor(slot / 5461))]!)
  const at = (port: string | undefined) => fleet.servers.find((server) => String(server.port) === port)
  const ask: Site["ask"] = (key, ...command) => bounded(`a write of ${key}`, asked(key, ...command))
  const asked: Site["ask"] = (key, ...command) =>
    Effect.suspend((): Effect.Effect<unknown> => {
      const slot = slotOfKey(key)
      return Effect.matchCauseEffect(session(owners[slot]!)(...command), {
        onSuccess: Effect.succeed,
        onFailure: (cause) => {
          const refusal = String(Cause.squash(cause))
          const [, redirection, port] = /(MOVED|ASK) \d+ [^:]*:(\d+)/.exec(refusal) ?? []
          const other = at(port)
          if (redirection === "ASK" && other !== undefined) {
            return Effect.andThen(session(other)("ASKING"), session(other)(...command))
          }
          if (other !== undefined) owners[slot] = other
          else if (!/TRYAGAIN|CLUSTERDOWN|READONLY|LOADING/.test(refusal)) return Effect.failCause(cause)
          return Effect.andThen(pause(2), asked(key, ...command))
        }
      })
    })
  const isPrimary = (server: ValkeyServer) =>
    Effect.map(session(server)("ROLE"), (role) => Array.isArray(role) && role[0] === "master")
  const primaries = Effect.filter(fleet.servers, isPrimary)
  /** One that has slots, and its replica. */
  const pairOf = Effect.fnUntraced(function* (torture: Torture) {
    const primary = torture.dice.pick(yield* primaries)
    const id = yield* fleet.idOf(primary)
    for (const server of fleet.servers) {
      const nodes = String(yield* server.call("CLUSTER", "NODES"))
      if (new RegExp(`myself,slave ${id} `).test(nodes)) return { primary, replica: server }
    }
    return yield* Effect.die(new Error("a primary has no replica"))
  })
  /** Until the replica has taken the place of a primary that cannot be reached by the others, and for some time after it. */
  const replaced = Effect.fnUntraced(function* (
    torture: Torture,
    begin: (primary: ValkeyServer) => Effect.Effect<unknown>,
    end: (primary: ValkeyServer) => Effect.Effect<unknown>
  ) {
    yield* fleet.settled
    const { primary, replica } = yield* pairOf(torture)
    yield* fleet.setDownAfter(500)
    yield* torture.withoutWrites(
      Effect.gen(function* () {
        yield* primary.replicated(1)
        yield* begin(primary)
        yield* until("a new primary", isPrimary(replica), (is) => is)
        for (const [slot, owner] of owners.entries()) if (owner === primary) owners[slot] = replica
        const ok = Effect.map(session(replica)("CLUSTER", "INFO"), String)
        yield* until("its word that it serves", ok, (info) => info.includes("cluster_state:ok"))
        yield* changing(torture)
        yield* end(primary)
      })
    )
    yield* fleet.settled
    yield* fleet.setDownAfter(30_000)
  })
  return {
    servers: fleet.servers,
    access: (addressOf) => ({ topology: "cluster", url: fleet.url, natMap: natMapOf(fleet.servers, addressOf) }),
    ask,
    primaries,
    faults: (torture) => [
      {
        name: "a replica takes its primary's place, of which nobody is told",
        happen: Effect.gen(function* () {
          yield* fleet.settled
          const { replica } = yield* pairOf(torture)
          yield* replica.call("CLUSTER", "FAILOVER")
          yield* until("a new primary", isPrimary(replica), (is) => is)
        })
      },
      {
        name: "slots move with their keys",
        happen: Effect.gen(function* () {
          yield* fleet.settled
          const [from, to] = yield* primaries
          const slots = faultKeys.map((key) => slotOfKey(finalName(key))).filter((slot) => owners[slot] === from)
          yield* fleet.move([...new Set(slots)], from!, to!)
        })
      },
      {
        name: "a primary is cut off from its cluster, and answers whoever still asks it",
        happen: replaced(torture, bus.cutOff, () => bus.heal)
      },
      {
        name: "a primary is frozen until its replica has taken its place",
        happen: replaced(
          torture,
          ({ freeze }) => freeze,
          ({ thaw }) => thaw
        )
      }
    ]
  }
})

const natMapOf = (
  servers: ReadonlyArray<ValkeyServer>,
  addressOf: AddressOf
): Readonly<Record<string, { readonly host: string; readonly port: number }>> =>
  Object.fromEntries(servers.map((server) => [server.node, addressOf(server)]))

/** By the name of each. */
export const sites: Readonly<Record<string, Effect.Effect<Site, never, Scope.Scope>>> = {
  "in memory": startMemorySite,
  "one server": startStandaloneSite,
  "a primary with replicas": startReplicatedSite,
  "a primary with sentinels": startSentinelSite,
  "a cluster": startClusterSite,
  "a ring": startRingSite
}
