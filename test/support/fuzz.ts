/**
 * Clients of every topology against servers that answer with whatever a seed decides. Nothing may end the process, every
 * operation ends in time, and what comes behind bytes that make no sense reaches nobody.
 */
import { Cause, Effect, Exit, Fiber, Layer, Option, Scope } from "effect"
import {
  CacheLive,
  CacheService,
  type CacheError,
  type ConnectionOptions,
  type TypedCache,
  type ValkeyClient,
  ValkeyCluster,
  ValkeyReplicated,
  ValkeyRing,
  ValkeySentinel,
  ValkeyStandalone
} from "effect-vcache"
import { Dice } from "./Dice.ts"
import { FuzzedServer } from "./FuzzedServer.ts"
import type { Role } from "./fuzzedReplies.ts"
import { NamedValues } from "./NamedValues.ts"
import { operations, structureOperations } from "./operations.ts"
import { slack } from "./faults.ts"
import { pause } from "./pause.ts"
import { watchStalls } from "./stalls.ts"
import { stormOperations } from "./stormOperations.ts"

export interface FuzzOptions {
  readonly seed: string
  /** Ends when so many connections were served. */
  readonly connections: number
  /** The first exchange. Default 0. */
  readonly from?: number | undefined
  /** No more exchanges than these. */
  readonly exchanges?: number | undefined
  /** Exchanges at a time. Default 20. */
  readonly width?: number | undefined
  /** Told of an uncaught error. Whatever it has thrown out of may never go on. */
  readonly onCrash?: ((what: string) => void) | undefined
  /** Shows what is sent and how operations end. */
  readonly trace?: ((line: string) => void) | undefined
}

export interface FuzzReport {
  readonly exchanges: number
  readonly connections: number
  readonly commands: number
  readonly operations: number
  readonly succeeded: number
  /** Those that go on for as long as a server leads them on, and so were ended. */
  readonly interrupted: number
  readonly failed: Readonly<Record<string, number>>
  readonly kinds: Readonly<Record<string, number>>
  /** Values that were checked to be of the key asked for, where all replies kept their order. */
  readonly checked: number
  readonly seconds: number
  /** Must all be 0. */
  readonly violations: {
    readonly crashes: number
    readonly hangs: number
    readonly wrong: number
    readonly untyped: number
  }
  /** With the seed and the number of the exchange, which repeat it. */
  readonly examples: ReadonlyArray<string>
}

const options = {
  commandTimeout: 150,
  socketTimeout: 200,
  connectTimeout: 200,
  closeTimeout: 50,
  queueTimeout: 60,
  poolTimeout: 60,
  maxConnections: 3,
  reconnect: { base: 2, max: 20 }
} satisfies ConnectionOptions

/** For operations of several commands, of which each has its deadline, and for layers that close. */
const patience = 3000

/** Operations that end when the server says so: it can lead them on for ever. iovalkey's own commands take their own time. */
const hasNoEnd = /^raw|scan|keys|clear|deletePattern|follow|consume|await|incrBig/i

const poison = "poison"

/** Any text, or any way a failure is shown, in which it is found. */
const isPoisoned = (seen: unknown): boolean =>
  JSON.stringify(seen, (_, value: unknown) =>
    value instanceof Map
      ? [...value]
      : typeof value === "bigint"
        ? String(value)
        : Buffer.isBuffer(value)
          ? value.toString()
          : value
  )?.includes(poison) === true

export const fuzz = (settings: FuzzOptions): Effect.Effect<FuzzReport, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { connections, exchanges = Infinity, from = 0, seed, trace, width = 20 } = settings
    const violations = { crashes: 0, hangs: 0, wrong: 0, untyped: 0 }
    const examples: Array<string> = []
    const failed: Record<string, number> = {}
    const kinds: Record<string, number> = {}
    const counts = {
      exchanges: 0,
      connections: 0,
      commands: 0,
      operations: 0,
      succeeded: 0,
      interrupted: 0,
      checked: 0
    }
    const violation = (kind: keyof typeof violations, exchange: number, what: string) => {
      if (++violations[kind] <= 6)
        examples.push(`${kind}: --seed ${seed} --exchange ${exchange}: ${what}`.slice(0, 600))
    }
    let begun = from
    const running = new Set<number>()
    const onCrash = (error: unknown) => {
      const [first = -1, ...more] = running
      const others = more.length === 0 ? "" : ` or one of ${more.join(", ")}`
      violation("crashes", first, `${others} ${error instanceof Error ? error.stack : String(error)}`)
      settings.onCrash?.(examples.at(-1) ?? "")
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        process.on("uncaughtException", onCrash)
        process.on("unhandledRejection", onCrash)
      }),
      () =>
        Effect.sync(() => {
          process.off("uncaughtException", onCrash)
          process.off("unhandledRejection", onCrash)
        })
    )
    const started = performance.now()
    const stalls = yield* watchStalls

    const exchange = (servers: ReadonlyArray<FuzzedServer>, number: number) =>
      Effect.gen(function* () {
        running.add(number)
        const dice = new Dice(`${seed}/${number}`)
        const wrong: Array<string> = []
        const values = new NamedValues((what) => wrong.push(what))
        const ports = servers.map(({ port }) => port)
        const { client, roles } = dice.pick(topologies)(ports, dice)
        for (const [i, server] of servers.entries()) {
          server.begin({
            seed: `${seed}/${number}/${i}`,
            role: roles[i] ?? { kind: "primary", servers: ports, sentinels: [] },
            valueOf: (place) => values.next(place, "server"),
            poison,
            sent: trace && ((port, bytes) => trace(`${port} > ${JSON.stringify(bytes.slice(0, 300))}`))
          })
        }
        const scope = yield* Scope.make()
        const cache = yield* Layer.buildWithScope(Layer.provide(CacheLive, client), scope).pipe(
          Effect.map((context) => Effect.runSync(Effect.provideContext(CacheService, context))),
          Effect.orDie
        )
        const named = Object.entries(stormOperations(cache, values, "client", () => dice.next()))
        /** How it ends within so many milliseconds, not counting those in which the machine had other things to do. */
        const endOf = <A, E>(fiber: Fiber.Fiber<A, E>, since: number, atMost: number) =>
          Effect.gen(function* () {
            for (;;) {
              const left = atMost - (performance.now() - since - stalls.since(since))
              const exit = yield* Effect.timeoutOption(Fiber.await(fiber), Math.max(10, left))
              if (Option.isSome(exit) || left <= 0) return exit
            }
          })
        const one = (name: string, operation: Effect.Effect<unknown, unknown>, deadline: number) =>
          Effect.gen(function* () {
            counts.operations++
            const since = performance.now()
            const fiber = yield* Effect.forkDetach(operation)
            const exit = yield* endOf(fiber, since, deadline + slack)
            if (Option.isSome(exit)) {
              trace?.(`${name}: ${String(exit.value)}`)
              return judge(name, exit.value)
            }
            if (!hasNoEnd.test(name)) violation("hangs", number, `${name}, after ${deadline} ms`)
            counts.interrupted++
            const ended = yield* Effect.timeoutOption(Fiber.interrupt(fiber), patience)
            if (Option.isNone(ended)) violation("hangs", number, `${name}, when it was interrupted`)
          })
        const judge = (name: string, exit: Exit.Exit<unknown, unknown>) => {
          if (Exit.isSuccess(exit)) {
            counts.succeeded++
            if (isPoisoned(exit.value)) violation("wrong", number, `${name} was given ${JSON.stringify(exit.value)}`)
            return
          }
          const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
          if (!isTyped(error)) return violation("untyped", number, `${name} ended with ${Cause.pretty(exit.cause)}`)
          const code = "code" in error && error.code !== undefined ? error.code : ""
          const known = /^[A-Z_]{2,20}$/.test(code) ? code : ""
          failed[`${error._tag} ${known}`] = (failed[`${error._tag} ${known}`] ?? 0) + 1
        }
        const batch = () =>
          Array.from({ length: 1 + dice.below(8) }, () => {
            if (dice.chance(0.75)) {
              const [name, operation] = dice.pick(named)
              return one(name, operation.run, operation.deadlines * options.commandTimeout)
            }
            const [name, call] = dice.pick(calls)
            return one(name, call(cache), patience)
          })
        for (let waves = 1 + dice.below(3); waves > 0; waves--) yield* Effect.all(batch(), { concurrency: "unbounded" })
        const since = performance.now()
        const closing = yield* Effect.forkDetach(Scope.close(scope, Exit.void))
        if (Option.isNone(yield* endOf(closing, since, patience))) violation("hangs", number, "closing the layer")
        const isInOrder = servers.every((server) => server.isInOrder)
        if (isInOrder) counts.checked += values.checked
        for (const what of wrong) if (isInOrder || what.includes(poison)) violation("wrong", number, what)
        running.delete(number)
        counts.exchanges++
        for (const server of servers) {
          counts.connections += server.connections
          counts.commands += server.commands
          server.end()
        }
      })

    yield* Effect.all(
      Array.from({ length: Math.min(width, exchanges) }, () =>
        Effect.scoped(
          Effect.gen(function* () {
            const servers = yield* Effect.all(Array.from({ length: 4 }, () => FuzzedServer.start))
            while (counts.connections < connections && begun < from + exchanges) {
              // On a machine that is busy all would be timeouts.
              while (stalls.since(performance.now() - 100) > 40) yield* pause(10 + Math.random() * 50)
              yield* exchange(servers, begun++)
            }
            for (const server of servers)
              for (const [kind, count] of Object.entries(server.kinds)) kinds[kind] = (kinds[kind] ?? 0) + count
          })
        )
      ),
      { concurrency: "unbounded" }
    )
    const seconds = (performance.now() - started) / 1000
    return { ...counts, failed, kinds, seconds, violations, examples }
  })

const isTyped = (error: unknown): error is CacheError =>
  error instanceof Error && "_tag" in error && /^(?:Cache\w+Error|Lock\w+)$/.test(String(error._tag))

const calls = [
  ...Object.entries(operations).map(([name, { call }]) => [name, call] as const),
  ...structureOperations.map(({ call, name }) => [name, call] as const)
] satisfies ReadonlyArray<readonly [string, (cache: TypedCache<unknown>) => Effect.Effect<unknown, unknown>]>

interface Setting {
  readonly client: Layer.Layer<ValkeyClient, CacheError>
  readonly roles: ReadonlyArray<Role>
}

const topologies: ReadonlyArray<(ports: ReadonlyArray<number>, dice: Dice) => Setting> = [
  ([port = 0]) => ({
    client: ValkeyStandalone.layer({ ...options, url: `valkey://127.0.0.1:${port}` }),
    roles: [{ kind: "primary", servers: [port], sentinels: [] }]
  }),
  (ports) => ({
    client: ValkeyReplicated.layer({ ...options, urls: ports.slice(0, 2).map((port) => `valkey://127.0.0.1:${port}`) }),
    roles: ["primary" as const, "replica" as const].map((kind) => ({ kind, servers: ports.slice(0, 2), sentinels: [] }))
  }),
  ([primary = 0, replica = 0, ...sentinels], dice) => ({
    client: ValkeySentinel.layer({
      ...options,
      name: "main",
      sentinels: sentinels.map((port) => ({ host: "127.0.0.1", port })),
      readFrom: dice.pick(["primary", "preferReplica"])
    }),
    roles: (["primary", "replica", "sentinel", "sentinel"] as const).map((kind) => ({
      kind,
      servers: [primary, replica],
      sentinels
    }))
  }),
  (ports) => ({
    client: ValkeyRing.layer({ ...options, urls: ports.slice(0, 3).map((port) => `valkey://127.0.0.1:${port}`) }),
    roles: ports.map(() => ({ kind: "primary" as const, servers: ports.slice(0, 1), sentinels: [] }))
  }),
  (ports) => ({
    client: ValkeyCluster.layer({ ...options, nodes: ports.slice(0, 2).map((port) => ({ host: "127.0.0.1", port })) }),
    roles: ports.map(() => ({ kind: "cluster" as const, servers: ports.slice(0, 3), sentinels: [] }))
  })
]
