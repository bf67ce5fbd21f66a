/** A cluster of three primaries with a replica each. */
import { Effect, type Scope } from "effect"
import { type TlsSetup, tlsArguments } from "./certificates.ts"
import { pause } from "./pause.ts"
import { freePort } from "./freePort.ts"
import { startServer, startServerWith, type ValkeyServer } from "./ValkeyServer.ts"

export interface ClusterFleet {
  /** Three primaries at first, then their replicas in the same order. */
  readonly servers: ReadonlyArray<ValkeyServer>
  readonly url: string
  /** For clients that speak TLS, where the cluster does. */
  readonly tlsUrl: string
  /** Who serves the slot, as this server sees it. */
  readonly ownerOf: (slot: number, asked?: ValkeyServer) => Effect.Effect<ValkeyServer | undefined>
  /** Moves slots with their keys from one primary to another, as an operator does. */
  readonly move: (slots: ReadonlyArray<number>, from: ValkeyServer, to: ValkeyServer) => Effect.Effect<void>
  readonly idOf: (server: ValkeyServer) => Effect.Effect<string>
  /** Every server sees every slot served and every primary with its replica. */
  readonly settled: Effect.Effect<void>
}

export interface ClusterFleetOptions {
  readonly password?: string
  readonly args?: ReadonlyArray<string>
  /** Default 1. */
  readonly replicas?: 0 | 1
  readonly fullCoverage?: "yes" | "no"
  readonly tls?: TlsSetup
}

const ranges = [
  [0, 5460],
  [5461, 10_922],
  [10_923, 16_383]
] as const

export const startCluster = (options: ClusterFleetOptions = {}): Effect.Effect<ClusterFleet, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { args = [], fullCoverage = "yes", password, replicas = 1, tls } = options
    const secrets = password === undefined ? [] : ["--requirepass", password, "--masterauth", password]
    const started = yield* Effect.all(
      Array.from({ length: replicas === 1 ? 6 : 3 }, () =>
        Effect.gen(function* () {
          const [busPort, tlsPort] = yield* Effect.promise(() => Promise.all([freePort(), freePort()]))
          const server = yield* startServerWith(
            password === undefined ? {} : { password },
            "--cluster-enabled",
            "yes",
            "--cluster-config-file",
            "nodes.conf",
            "--cluster-node-timeout",
            "500",
            "--cluster-replica-validity-factor",
            "0",
            "--cluster-require-full-coverage",
            fullCoverage,
            "--cluster-port",
            String(busPort),
            ...secrets,
            ...(tls === undefined ? [] : tlsArguments(tls.certificates, tls.certificate, tlsPort)),
            ...args
          )
          return { server, busPort, tlsPort }
        })
      ),
      { concurrency: 6 }
    )
    const servers = started.map(({ server }) => server)
    const entries = (ports: ReadonlyArray<number>) => ports.map((port) => `127.0.0.1:${port}`).join(",")
    const idOf = (server: ValkeyServer) => Effect.map(server.call("CLUSTER", "MYID"), String)
    const [first, ...others] = started
    for (const [i, [start, end]] of ranges.entries()) {
      yield* servers[i]!.call("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
      yield* servers[i]!.call("CLUSTER", "ADDSLOTSRANGE", start, end)
    }
    for (const { server } of others) {
      yield* server.call("CLUSTER", "MEET", "127.0.0.1", first!.server.port, first!.busPort)
    }
    const waitFor = (isSo: (server: ValkeyServer) => Effect.Effect<boolean>) =>
      Effect.forEach(
        servers,
        Effect.fnUntraced(function* (server) {
          while (!(yield* isSo(server))) yield* pause(20)
        }),
        { concurrency: 6, discard: true }
      )
    const info = (server: ValkeyServer) => Effect.map(server.call("CLUSTER", "INFO"), String)
    yield* waitFor((server) =>
      Effect.map(info(server), (text) => text.includes(`cluster_known_nodes:${servers.length}\r`))
    )
    for (const [i, replica] of servers.slice(3).entries()) {
      const id = yield* idOf(servers[i]!)
      // The replica may not have heard yet that it is a primary.
      while (true) {
        const done = yield* Effect.catchDefect(replica.call("CLUSTER", "REPLICATE", id), () => Effect.succeed("no"))
        if (done === "OK") break
        yield* pause(20)
      }
    }

    const slotsOf = (server: ValkeyServer) =>
      Effect.map(server.call("CLUSTER", "SLOTS"), (reply) => (Array.isArray(reply) ? reply : []))
    const isSettled = (server: ValkeyServer) =>
      Effect.gen(function* () {
        const slots: ReadonlyArray<ReadonlyArray<unknown>> = yield* slotsOf(server)
        if (slots.some((range) => range.length !== 3 + replicas)) return false
        if (!(yield* info(server)).includes("cluster_state:ok")) return false
        const replication = String(yield* server.call("INFO", "replication"))
        if (!replication.includes("role:master")) return replication.includes("master_link_status:up")
        yield* server.replicated(replicas)
        return true
      }).pipe(Effect.catchDefect(() => Effect.succeed(false)))
    const settled = waitFor(isSettled)
    yield* settled

    return {
      servers,
      url: `cluster://${entries(servers.slice(0, 3).map(({ port }) => port))}`,
      tlsUrl: `clusters://${entries(started.slice(0, 3).map(({ tlsPort }) => tlsPort))}`,
      idOf,
      ownerOf: (slot, asked = servers[0]!) =>
        Effect.map(slotsOf(asked), (ranges) => {
          const range = ranges.find(([start, end]) => Number(start) <= slot && slot <= Number(end))
          return servers.find(({ port }) => port === Number(range?.[2]?.[1]))
        }),
      move: Effect.fnUntraced(function* (slots, from, to) {
        const [source, target] = [yield* idOf(from), yield* idOf(to)]
        const auth = password === undefined ? [] : ["AUTH", password]
        for (const slot of slots) {
          yield* to.call("CLUSTER", "SETSLOT", slot, "IMPORTING", source)
          yield* from.call("CLUSTER", "SETSLOT", slot, "MIGRATING", target)
          while (true) {
            const keys = yield* from.call("CLUSTER", "GETKEYSINSLOT", slot, 10)
            if (!Array.isArray(keys) || keys.length === 0) break
            yield* from.call("MIGRATE", "127.0.0.1", to.port, "", 0, 5000, ...auth, "KEYS", ...keys)
          }
          yield* to.call("CLUSTER", "SETSLOT", slot, "NODE", target)
          yield* from.call("CLUSTER", "SETSLOT", slot, "NODE", target)
        }
      }),
      settled
    }
  })

/** A cluster that is one server. */
export const startTinyCluster = (...args: ReadonlyArray<string>): Effect.Effect<ValkeyServer, never, Scope.Scope> =>
  Effect.gen(function* () {
    const server = yield* startServer("--cluster-enabled", "yes", ...args)
    yield* server.call("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
    while (!String(yield* server.call("CLUSTER", "INFO")).includes("cluster_state:ok")) yield* pause(20)
    return server
  })
