/** Real servers, started and stopped as scoped resources. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import { Redis } from "iovalkey"
import { ServerProcess } from "../../src/layers/testing/ServerProcess.ts"
import { freePort } from "./freePort.ts"
import { inTime, until } from "./until.ts"
import { environmentFor, findLaterValkey, findValkey } from "./valkeyBinary.ts"

export interface ValkeyServer {
  readonly host: string
  readonly port: number
  /** A URL without a database. */
  readonly url: string
  /** "host:port". */
  readonly node: string
  readonly socket: string
  /** Freezes the process: it accepts connections and answers nobody. */
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
  /** Ends it at once, without a word to its clients. */
  readonly kill: Effect.Effect<void>
  /** Starts it again on the same port, empty but for what its folder holds. */
  readonly start: Effect.Effect<void>
  /** Asks it something, over a connection for that alone. */
  readonly call: Ask
  /** For many questions over one connection. */
  readonly session: Effect.Effect<Ask, never, Scope.Scope>
  /**
   * Until so many replicas have all that it has, and hear what comes. That a link is up says less: what is written
   * before a replica has first spoken up reaches it a second later.
   */
  readonly replicated: (replicas: number) => Effect.Effect<void>
}

type Ask = (name: string, ...args: ReadonlyArray<string | number>) => Effect.Effect<unknown>

export interface ServerFiles {
  /** What of its settings can only be said in a file. */
  readonly config?: string
  readonly mode?: "sentinel"
  /** How to ask it things, where it wants a password. */
  readonly password?: string
  /** A Valkey 9 in place of an 8. */
  readonly later?: boolean
}

/** Runs until the scope closes. `args` go to the server as they are. */
export const startServer = (...args: ReadonlyArray<string>): Effect.Effect<ValkeyServer, never, Scope.Scope> =>
  startServerWith({}, ...args)

export const startServerWith = (
  { config, later = false, mode, password }: ServerFiles,
  ...args: ReadonlyArray<string>
): Effect.Effect<ValkeyServer, never, Scope.Scope> =>
  Effect.gen(function* () {
    const port = yield* Effect.promise(freePort)
    const folder = mkdtempSync(join(tmpdir(), "vcache-"))
    const file = join(folder, "valkey.conf")
    writeFileSync(file, config ?? "")
    const where = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder]
    const kind = mode === "sentinel" ? ["--sentinel"] : dataArguments(folder)
    // By itself it would take one that the system gives to outgoing connections.
    const bus = args.includes("--cluster-enabled") ? ["--cluster-port", String(yield* Effect.promise(freePort))] : []
    const binary = later ? findLaterValkey() : findValkey()
    const log = join(folder, "log")
    const child = new ServerProcess({
      commands: [binary.server],
      args: [file, ...kind, ...where, ...bus, ...args],
      env: { ...process.env, ...environmentFor(binary) },
      log,
      answers: () => answers(port),
      patience: 20_000
    })
    const kill = Effect.promise(() => inTime(`the end of the server at ${port}`, child.kill()))
    const start = Effect.promise(async () => {
      const result = await child.start()
      if (result === "answers") return
      throw new Error(`the server did not start (${result}): ${readFileSync(log, "utf8").slice(-2000)}`)
    })
    yield* Effect.addFinalizer(() =>
      Effect.andThen(
        kill,
        Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
      )
    )
    yield* start
    const session = sessionWith(port, password)
    return {
      host: "127.0.0.1",
      port,
      url: `valkey://127.0.0.1:${port}`,
      node: `127.0.0.1:${port}`,
      socket: join(folder, "socket"),
      freeze: Effect.sync(() => child.signal("SIGSTOP")),
      thaw: Effect.sync(() => child.signal("SIGCONT")),
      kill,
      start,
      call: (...question) => Effect.scoped(Effect.flatMap(session, (ask) => ask(...question))),
      session,
      replicated: (replicas) =>
        until(
          `${replicas} replicas that have what port ${port} has`,
          // A write that concerns no key: WAIT counts who has it.
          Effect.scoped(
            Effect.flatMap(session, (ask) => Effect.andThen(ask("FUNCTION", "FLUSH"), ask("WAIT", replicas, 100)))
          ),
          (count) => Number(count) >= replicas
        )
    }
  })

const dataArguments = (folder: string): ReadonlyArray<string> => [
  "--save",
  "",
  "--appendonly",
  "no",
  "--enable-debug-command",
  "yes",
  "--unixsocket",
  join(folder, "socket"),
  "--repl-diskless-sync-delay",
  "0",
  "--repl-ping-replica-period",
  "1"
]

const sessionWith = (port: number, password: string | undefined): Effect.Effect<Ask, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const client = new Redis({
        host: "127.0.0.1",
        port,
        ...(password === undefined ? {} : { password }),
        lazyConnect: true,
        enableReadyCheck: false,
        retryStrategy: () => null,
        connectTimeout: 5000,
        commandTimeout: 5000,
        disconnectTimeout: 100
      })
      client.on("error", () => {})
      await client.connect()
      return client
    }),
    (client) => Effect.sync(() => client.disconnect())
  ).pipe(
    Effect.map(
      (client): Ask =>
        (name, ...args) =>
          Effect.promise(() => client.call(name, ...args))
    )
  )

/** Any answer will do: PONG, or a demand for a password. */
const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"))
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once("data", () => settle(true))
    socket.once("error", () => settle(false))
    socket.setTimeout(1000, () => settle(false))
  })
