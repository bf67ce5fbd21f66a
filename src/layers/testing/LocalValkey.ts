/** A Valkey server of one's own, for the life of the layer. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Config, Effect, Layer, Option, Schedule, type Scope } from "effect"
import { type CacheError, CacheInputError } from "../../schema/CacheError.ts"
import type { ValkeyClient } from "../../services/ValkeyClient.ts"
import * as ValkeyStandalone from "../ValkeyStandalone.ts"

const notFound = new CacheInputError({
  operation: "LocalValkey",
  reason:
    "no server started: set VALKEY_SERVER to a valkey-server, or install one (Debian and Fedora: valkey; macOS: brew install valkey)"
})

const freePort = Effect.callback<number, CacheInputError>((resume) => {
  const probe = createServer()
  probe.once("error", () => resume(Effect.fail(notFound)))
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

const answers = (port: number) =>
  Effect.callback<void, CacheInputError>((resume) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy()
      resume(Effect.void)
    })
    socket.once("error", () => resume(Effect.fail(notFound)))
  })

const stop = (child: ChildProcess) =>
  Effect.callback<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGKILL")
  })

/** The URL of a server that runs until the scope closes, empty and without persistence. */
export const start: Effect.Effect<string, CacheInputError | Config.ConfigError, Scope.Scope> = Effect.gen(function* () {
  const named = yield* Config.option(Config.String("VALKEY_SERVER"))
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "effect-vcache-"))),
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
  )
  const port = yield* freePort
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no"]
  const commands = Option.isSome(named) ? [named.value] : ["valkey-server", "redis-server"]
  yield* Effect.acquireRelease(Effect.firstSuccessOf(commands.map((command) => spawned(command, args))), stop)
  yield* Effect.retry(answers(port), { schedule: Schedule.spaced("10 millis"), times: 1000 })
  return `valkey://127.0.0.1:${port}`
})

/** A client for such a server: `$VALKEY_SERVER`, else `valkey-server` or `redis-server` on the path. */
export const layer: Layer.Layer<ValkeyClient, CacheError | Config.ConfigError> = Layer.unwrap(
  Effect.map(start, (url) => ValkeyStandalone.layer({ url }))
)
