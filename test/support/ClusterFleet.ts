/** A cluster of three primaries with a replica each. */
import { Effect, type Scope } from "effect"
import { type TlsSetup, tlsArguments } from "./certificates.ts"
import { freePort } from "./freePort.ts"
import { until } from "./until.ts"
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
  /** For a test that is about to end a server, or to freeze it. */
  readonly setDownAfter: (millis: number) => Effect.Effect<void>
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
  /**
   * Milliseconds without an answer after which a server counts as failed. Default 30 000: a server that a busy machine
   * does not run for half a second has not failed.
   */
  readonly downAfter?: number
}

const ranges = [
  [0, 5460],
  [5461, 10_922],
  [10_923, 16_383]
] as const

export const startCluster = (options: ClusterFleetOptions = {}): Effect.Effect<ClusterFleet, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { args = [], downAfter = 30_000, fullCoverage = "yes", password, replicas = 1, tls } = options
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
            // With a short one they find each other sooner.
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
    const [first] = started
    for (const [i, [start, end]] of ranges.entries()) {
      yield* servers[i]!.call("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
      yield* servers[i]!.call("CLUSTER", "ADDSLOTSRANGE", start, end)
    }
    const all = <A>(
      what: string,
      look: (server: ValkeyServer) => Effect.Effect<A>,
      isIt: (seen: A) => boolean,
      every = 50
    ) =>
      Effect.forEach(servers, (server) => until(`${what}, as ${server.node} sees it`, look(server), isIt, { every }), {
        concurrency: 6,
        discard: true
      })
    const text = (server: ValkeyServer, ...question: readonly [string, ...ReadonlyArray<string>]) =>
      Effect.map(server.call(...question), String)
    const hasMet = (nodes: string) =>
      nodes.split("\n").filter((line) => line !== "" && !/handshake|noaddr/.test(line)).length === servers.length
    yield* all(
      `a cluster of ${servers.length} servers`,
      Effect.fnUntraced(function* (server) {
        const nodes = yield* text(server, "CLUSTER", "NODES")
        // A greeting that is not answered in time is forgotten: it is sent until all have met.
        if (server !== first!.server && !hasMet(nodes))
          yield* server.call("CLUSTER", "MEET", "127.0.0.1", first!.server.port, first!.busPort)
        return nodes
      }),
      hasMet,
      100
    )
    for (const [i, replica] of servers.slice(3).entries()) {
      const id = yield* idOf(servers[i]!)
      // The replica may not have heard yet that it is a primary.
      yield* until(
        `${replica.node} as a replica of ${servers[i]!.node}`,
        replica.call("CLUSTER", "REPLICATE", id),
        (answer) => answer === "OK",
        { every: 20 }
      )
    }

    const rangesOf = (reply: unknown): ReadonlyArray<ReadonlyArray<unknown>> => (Array.isArray(reply) ? reply : [])
    const viewOf = Effect.fnUntraced(function* (server: ValkeyServer) {
      // One connection for all: a fleet that starts is asked often.
      const ask = yield* server.session
      const [slots, info, replication] = [
        yield* ask("CLUSTER", "SLOTS"),
        yield* ask("CLUSTER", "INFO"),
        yield* ask("INFO", "replication")
      ]
      return { slots: rangesOf(slots), info: String(info), replication: String(replication) }
    }, Effect.scoped)
    const settled = Effect.gen(function* () {
      yield* all("every slot served and every replica linked", viewOf, ({ info, replication, slots }) => {
        if (slots.some((range) => range.length !== 3 + replicas) || !info.includes("cluster_state:ok")) return false
        return (
          replication.includes(`role:master\r\nconnected_slaves:${replicas}\r`) ||
          replication.includes("master_link_status:up")
        )
      })
      for (const server of servers) {
        if ((yield* text(server, "ROLE")).startsWith("master")) yield* server.replicated(replicas)
      }
    })
    yield* settled
    const setDownAfter = (millis: number) =>
      Effect.forEach(servers, (server) => server.call("CONFIG", "SET", "cluster-node-timeout", millis), {
        concurrency: 6,
        discard: true
      })
    yield* setDownAfter(downAfter)

    return {
      servers,
      url: `cluster://${entries(servers.slice(0, 3).map(({ port }) => port))}`,
      tlsUrl: `clusters://${entries(started.slice(0, 3).map(({ tlsPort }) => tlsPort))}`,
      idOf,
      ownerOf: (slot, asked = servers[0]!) =>
        Effect.map(asked.call("CLUSTER", "SLOTS"), (reply) => {
          const range = rangesOf(reply).find(([start, end]) => Number(start) <= slot && slot <= Number(end))
          const owner = range?.[2]
          return servers.find(({ port }) => Array.isArray(owner) && port === Number(owner[1]))
        }),
      move: Effect.fnUntraced(function* (slots, from, to) {
        const [source, target] = [yield* idOf(from), yield* idOf(to)]
        const [askFrom, askTo] = [yield* from.session, yield* to.session]
        const auth = password === undefined ? [] : ["AUTH", password]
        for (const slot of slots) {
          yield* askTo("CLUSTER", "SETSLOT", slot, "IMPORTING", source)
          yield* askFrom("CLUSTER", "SETSLOT", slot, "MIGRATING", target)
          const step = Effect.gen(function* () {
            const keys = yield* askFrom("CLUSTER", "GETKEYSINSLOT", slot, 10)
            if (!Array.isArray(keys) || keys.length === 0) return 0
            yield* askFrom("MIGRATE", "127.0.0.1", to.port, "", 0, 5000, ...auth, "KEYS", ...keys)
            return keys.length
          })
          yield* until(`slot ${slot} without keys at ${from.node}`, step, (left) => left === 0, { every: 0 })
          yield* askTo("CLUSTER", "SETSLOT", slot, "NODE", target)
          yield* askFrom("CLUSTER", "SETSLOT", slot, "NODE", target)
        }
      }, Effect.scoped),
      setDownAfter,
      settled
    }
  })

/** A cluster that is one server. */
export const startTinyCluster = (...args: ReadonlyArray<string>): Effect.Effect<ValkeyServer, never, Scope.Scope> =>
  Effect.gen(function* () {
    const server = yield* startServer("--cluster-enabled", "yes", ...args)
    yield* server.call("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
    const info = Effect.map(server.call("CLUSTER", "INFO"), String)
    yield* until("a cluster of one server", info, (info) => info.includes("cluster_state:ok"))
    return server
  })
