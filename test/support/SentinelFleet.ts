/** A primary, two replicas and three sentinels that watch over them. */
import { isDeepStrictEqual } from "node:util"
import { Effect, Option, type Scope } from "effect"
import { type TlsSetup, tlsArguments } from "./certificates.ts"
import { freePort } from "./freePort.ts"
import { until } from "./until.ts"
import { type ServerFiles, startServerWith, type ValkeyServer } from "./ValkeyServer.ts"

export interface SentinelFleet {
  readonly name: string
  readonly servers: ReadonlyArray<ValkeyServer>
  readonly sentinels: ReadonlyArray<ValkeyServer>
  readonly url: string
  /** For clients that speak TLS, where the fleet speaks nothing else among itself. */
  readonly tlsUrl: string
  /** Who is the primary now. */
  readonly primary: Effect.Effect<ValkeyServer>
  /** For a test that is about to end the primary, or to freeze it. */
  readonly setDownAfter: (millis: number) => Effect.Effect<void>
  /** All replicas are linked, and the sentinels know it: a failover can begin. */
  readonly settled: Effect.Effect<void>
}

export interface FleetOptions {
  /**
   * Milliseconds without an answer after which a server counts as down. Default 30 000: a server that a busy machine does
   * not run for half a second is not down.
   */
  readonly downAfter?: number
  /** Of the data servers. */
  readonly password?: string
  readonly sentinelPassword?: string
  readonly args?: ReadonlyArray<string>
  readonly tls?: TlsSetup
}

const name = "main"

export const startSentinelFleet = (options: FleetOptions = {}): Effect.Effect<SentinelFleet, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { args = [], downAfter = 30_000, password, sentinelPassword, tls } = options
    const secrets = password === undefined ? [] : ["--requirepass", password, "--masterauth", password]
    const files = password === undefined ? {} : { password }
    /** A server, and the port at which those of its kind talk to it. */
    const start = (files: ServerFiles, ...more: ReadonlyArray<string>) =>
      Effect.gen(function* () {
        if (tls === undefined) {
          const server = yield* startServerWith(files, ...more)
          return { server, port: server.port }
        }
        const port = yield* Effect.promise(freePort)
        const secure = [...tlsArguments(tls.certificates, tls.certificate, port), "--tls-replication", "yes"]
        return { server: yield* startServerWith(files, ...secure, ...more), port }
      })
    const first = yield* start(files, ...secrets, ...args)
    const replicas = yield* Effect.all(
      [0, 1].map(() => start(files, ...secrets, ...args, "--replicaof", `127.0.0.1 ${first.port}`)),
      { concurrency: 2 }
    )
    const config = [
      `sentinel monitor ${name} 127.0.0.1 ${first.port} 2`,
      `sentinel down-after-milliseconds ${name} ${downAfter}`,
      `sentinel failover-timeout ${name} 1500`,
      `sentinel parallel-syncs ${name} 2`,
      ...(password === undefined ? [] : [`sentinel auth-pass ${name} ${password}`]),
      ...(sentinelPassword === undefined
        ? []
        : [`requirepass ${sentinelPassword}`, `sentinel sentinel-pass ${sentinelPassword}`])
    ].join("\n")
    const sentinelFiles = {
      config,
      mode: "sentinel" as const,
      ...(sentinelPassword === undefined ? {} : { password: sentinelPassword })
    }
    const guards = yield* Effect.all(
      [0, 1, 2].map(() => start(sentinelFiles)),
      { concurrency: 3 }
    )
    const sentinels = guards.map(({ server }) => server)
    const data = [first, ...replicas]
    const periods = ["info-period", 200, "ping-period", 100, "ask-period", 100, "publish-period", 200] as const
    for (const sentinel of sentinels) yield* sentinel.call("SENTINEL", "DEBUG", ...periods)

    /** Whom the first sentinel that answers names. */
    const named = Effect.gen(function* () {
      for (const sentinel of sentinels) {
        const reply = yield* sentinel
          .call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
          .pipe(Effect.catchDefect(() => Effect.succeed(null)))
        const found = data.find(({ port }) => Array.isArray(reply) && Number(reply[1]) === port)
        if (found !== undefined) return Option.some(found.server)
      }
      return Option.none<ValkeyServer>()
    })
    const primary = Effect.map(until("a sentinel that names a primary", named, Option.isSome), Option.getOrThrow)
    const views = Effect.forEach(sentinels, (sentinel) =>
      Effect.gen(function* () {
        const primary = yield* sentinel.call("SENTINEL", "MASTER", name)
        const replicas = yield* sentinel.call("SENTINEL", "REPLICAS", name)
        return {
          primary: fieldsOf(primary, "flags", "role-reported", "num-slaves", "num-other-sentinels"),
          replicas: Array.isArray(replicas)
            ? replicas.map((replica) => fieldsOf(replica, "flags", "master-link-status"))
            : []
        }
      })
    )
    const settledView = { primary: "master master 2 2", replicas: ["slave ok", "slave ok"] }
    const settled = Effect.gen(function* () {
      yield* until(
        "sentinels that see a primary with two replicas",
        views,
        (views) => views.every((view) => isDeepStrictEqual(view, settledView)),
        {
          every: 50
        }
      )
      yield* Effect.flatMap(primary, (server) => server.replicated(2))
    })
    yield* settled
    // A sentinel that has not heard of a failover for four such periods takes it back, and makes a circle of replicas.
    for (const sentinel of sentinels) yield* sentinel.call("SENTINEL", "DEBUG", "publish-period", 500)
    return {
      name,
      servers: data.map(({ server }) => server),
      sentinels,
      tlsUrl: `sentinels://${guards.map(({ port }) => `127.0.0.1:${port}`).join(",")}/${name}`,
      url: `sentinel://${sentinels.map(({ node }) => node).join(",")}/${name}`,
      primary,
      setDownAfter: (millis) =>
        Effect.forEach(
          sentinels,
          (sentinel) => sentinel.call("SENTINEL", "SET", name, "down-after-milliseconds", millis),
          { discard: true }
        ),
      settled
    }
  })

/** Of names and values in turn, the values of these. */
const fieldsOf = (reply: unknown, ...names: ReadonlyArray<string>): string =>
  names.map((name) => (Array.isArray(reply) ? reply[reply.indexOf(name) + 1] : undefined)).join(" ")
