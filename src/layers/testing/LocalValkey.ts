/** A Valkey server of one's own, for the life of the layer. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { Config, Effect, Layer, Option, type Scope } from "effect"
import { type CacheError, CacheInputError } from "../../schema/CacheError.ts"
import type { ValkeyClient } from "../../services/ValkeyClient.ts"
import * as ValkeyStandalone from "../topologies/ValkeyStandalone.ts"

const operation = "LocalValkey"
const notFound = new CacheInputError({
  operation,
  reason:
    "no server started: set VALKEY_SERVER to a valkey-server, or install one (Debian and Fedora: valkey; macOS: brew install valkey)"
})
const ended = new CacheInputError({ operation, reason: "the server ended before it answered" })
const silent = new CacheInputError({ operation, reason: "the server did not answer for ten seconds" })

const freePort = Effect.callback<number>((resume) => {
  const probe = createServer()
  probe.once("error", (error) => resume(Effect.die(error)))
  probe.listen(0, "127.0.0.1", () => {
    const address = probe.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    probe.close(() => resume(Effect.succeed(port)))
  })
})

const spawned = (command: string, args: ReadonlyArray<string>) =>
  Effect.callback<ChildProcess, CacheInputError>((resume) => {
    const child = spawn(command, args, { stdio: "ignore" })
    child.once("spawn", () => resume(Effect.succeed(child)))
    child.once("error", () => resume(Effect.fail(notFound)))
  })

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

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

/** By the system's time, so that a server starts under a test's clock too. */
const answering = (child: ChildProcess, folder: string, port: number) =>
  Effect.flatMap(
    Effect.promise(async (signal) => {
      const deadline = performance.now() + 10_000
      while (!signal.aborted && !hasEnded(child) && performance.now() < deadline) {
        if (await answersFrom(folder, port)) return true
        await setTimeout(10)
      }
      return false
    }),
    (answered) => (answered ? Effect.void : Effect.fail(hasEnded(child) ? ended : silent))
  )

const stop = (child: ChildProcess) =>
  Effect.callback<void>((resume) => {
    if (hasEnded(child)) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGKILL")
  })

const startAt = (port: number) =>
  Effect.gen(function* () {
    const named = yield* Config.option(Config.String("VALKEY_SERVER"))
    const folder = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "effect-vcache-"))),
      (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
    )
    const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no"]
    const commands = Option.isSome(named) ? [named.value] : ["valkey-server", "redis-server"]
    const child = yield* Effect.acquireRelease(
      Effect.firstSuccessOf(commands.map((command) => spawned(command, args))),
      stop
    )
    yield* answering(child, folder, port)
    return `valkey://127.0.0.1:${port}`
  })

/** The URL of a server that runs until the scope closes, empty and without persistence. */
export const start: Effect.Effect<string, CacheInputError | Config.ConfigError, Scope.Scope> = freePort.pipe(
  Effect.flatMap(startAt),
  // Somebody was faster at that port: there are others.
  Effect.retry({ times: 4, while: (error) => error === ended })
)

/** A client for such a server: `$VALKEY_SERVER`, else `valkey-server` or `redis-server` on the path. */
export const layer: Layer.Layer<ValkeyClient, CacheError | Config.ConfigError> = Layer.unwrap(
  Effect.map(start, (url) => ValkeyStandalone.layer({ url }))
)
