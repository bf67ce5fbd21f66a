/** A Valkey server of one's own, for the life of the layer. */
import { mkdtemp, rm } from "node:fs/promises"
import { connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { Config, Effect, Layer, Option, type Scope } from "effect"
import { type CommandError, CacheInputError } from "../../schema/CacheError.ts"
import type { ValkeyClient } from "../../services/ValkeyClient.ts"
import * as ValkeyStandalone from "../topologies/ValkeyStandalone.ts"
import { ServerProcess } from "./ServerProcess.ts"

const failure = (reason: string) => new CacheInputError({ operation: "LocalValkey", reason })

const failures = {
  missing: failure(
    "no server started: set VALKEY_SERVER to a valkey-server, or install one (Debian and Fedora: valkey; macOS: brew install valkey)"
  ),
  ended: failure("the server ended before it answered"),
  silent: failure("the server did not answer for ten seconds")
}

const freePort = Effect.callback<number>((resume) => {
  const probe = createServer()
  probe.once("error", (error) => resume(Effect.die(error)))
  probe.listen(0, "127.0.0.1", () => {
    const address = probe.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    probe.close(() => resume(Effect.succeed(port)))
  })
})

/** Another server may have taken the port first: ours is the one that works in `folder`. */
const answersFrom = (folder: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("CONFIG GET dir\r\n"))
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    let answer = ""
    socket.on("data", (data) => {
      answer += data.toString()
      if (answer.includes(basename(folder))) settle(true)
    })
    socket.once("error", () => settle(false))
    socket.once("end", () => settle(false))
    socket.setTimeout(1000, () => settle(false))
  })

const startAt = (port: number) =>
  Effect.gen(function* () {
    const named = yield* Config.option(Config.String("VALKEY_SERVER"))
    const folder = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "effect-vcache-"))),
      (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
    )
    const process = yield* Effect.acquireRelease(
      Effect.sync(
        () =>
          new ServerProcess({
            commands: Option.isSome(named) ? [named.value] : ["valkey-server", "redis-server"],
            args: ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no"],
            answers: () => answersFrom(folder, port)
          })
      ),
      (process) => Effect.promise(() => process.kill())
    )
    const start = Effect.flatMap(
      Effect.promise((signal) => process.start(signal)),
      (result) => (result === "answers" ? Effect.void : Effect.fail(failures[result]))
    )
    yield* start
    const server: LocalServer = {
      url: `valkey://127.0.0.1:${port}`,
      freeze: Effect.sync(() => process.signal("SIGSTOP")),
      thaw: Effect.sync(() => process.signal("SIGCONT")),
      kill: Effect.promise(() => process.kill()),
      start
    }
    return server
  })

/**
 * A Valkey server that this process has started.
 *
 * @since 0.2.0
 * @category testing
 * @see docs/testing.md
 */
export interface LocalServer {
  /** The URL of the server: `valkey://127.0.0.1:` and a free port. */
  readonly url: string
  /** Stops the process: the server accepts connections and answers nobody. */
  readonly freeze: Effect.Effect<void>
  /** Lets a frozen process go on. */
  readonly thaw: Effect.Effect<void>
  /** Ends the process at once, without a word to its clients. */
  readonly kill: Effect.Effect<void>
  /** Starts the server again on the same port, empty. */
  readonly start: Effect.Effect<void, CacheInputError>
}

/**
 * Starts a server, empty and without persistence, which runs until the scope closes: the program is `$VALKEY_SERVER`, else
 * `valkey-server` or `redis-server` on the path.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheLive, CacheService, ValkeyUrl } from "effect-vcache"
 * import { LocalValkey } from "effect-vcache/testing"
 *
 * // A test of what the program does while its server is frozen.
 * export const test = Effect.gen(function* () {
 *   const server = yield* LocalValkey.make
 *   const get = CacheService.use((cache) => cache.get("user:1")).pipe(
 *     Effect.provide(CacheLive),
 *     Effect.provide(ValkeyUrl.layer(server.url, { commandTimeout: "100 millis" }))
 *   )
 *   yield* server.freeze
 *   return (yield* Effect.flip(get))._tag
 * })
 * ```
 *
 * @since 0.2.0
 * @category testing
 * @see docs/testing.md
 */
export const make: Effect.Effect<LocalServer, CacheInputError | Config.ConfigError, Scope.Scope> = freePort.pipe(
  Effect.flatMap(startAt),
  // Somebody was faster at that port: there are others.
  Effect.retry({ times: 4, while: (error) => error === failures.ended })
)

/**
 * Starts such a server, and returns its URL.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { LocalValkey } from "effect-vcache/testing"
 *
 * // A server for programs that are no part of this process; it ends with the scope.
 * export const url = Effect.tap(LocalValkey.start, (url) => Effect.log(`VALKEY_URL=${url}`))
 * ```
 *
 * @since 0.2.0
 * @category testing
 * @see docs/testing.md
 */
export const start: Effect.Effect<string, CacheInputError | Config.ConfigError, Scope.Scope> = Effect.map(
  make,
  ({ url }) => url
)

/**
 * Starts such a server, and provides a client for it.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { CacheLive } from "effect-vcache"
 * import { LocalValkey } from "effect-vcache/testing"
 *
 * // A cache on an empty server, for a suite of tests.
 * export const TestCache = Layer.provide(CacheLive, LocalValkey.layer)
 * ```
 *
 * @since 0.2.0
 * @category testing
 * @see docs/testing.md
 */
export const layer: Layer.Layer<ValkeyClient, CommandError | Config.ConfigError> = Layer.unwrap(
  Effect.map(start, (url) => ValkeyStandalone.layer({ url }))
)
