/** Real servers, started and stopped as scoped resources. */
import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs"
import { connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import { findValkey } from "./valkeyBinary.ts"

export interface ValkeyServer {
  readonly host: string
  readonly port: number
  /** A URL without a database. */
  readonly url: string
  readonly socket: string
  /** Freezes the process: it accepts connections and answers nobody. */
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
  /** Ends it at once, without a word to its clients. */
  readonly kill: Effect.Effect<void>
  /** Starts it again, empty, on the same port. */
  readonly start: Effect.Effect<void>
}

/** Runs until the scope closes. `args` go to the server as they are. */
export const startServer = (...args: ReadonlyArray<string>): Effect.Effect<ValkeyServer, never, Scope.Scope> =>
  Effect.gen(function* () {
    const port = yield* Effect.promise(freePort)
    const folder = mkdtempSync(join(tmpdir(), "vcache-"))
    const process = new ServerProcess(port, folder, args)
    yield* Effect.addFinalizer(() =>
      Effect.promise(async () => {
        await process.kill()
        rmSync(folder, { recursive: true, force: true })
      })
    )
    yield* Effect.promise(() => process.start())
    return {
      host: "127.0.0.1",
      port,
      url: `valkey://127.0.0.1:${port}`,
      socket: join(folder, "socket"),
      freeze: Effect.sync(() => process.signal("SIGSTOP")),
      thaw: Effect.sync(() => process.signal("SIGCONT")),
      kill: Effect.promise(() => process.kill()),
      start: Effect.promise(() => process.start())
    }
  })

class ServerProcess {
  readonly #port: number
  readonly #folder: string
  readonly #args: ReadonlyArray<string>
  #child: ChildProcess | undefined

  constructor(port: number, folder: string, args: ReadonlyArray<string>) {
    this.#port = port
    this.#folder = folder
    this.#args = args
  }

  async start(): Promise<void> {
    const { libraries, server } = findValkey()
    const log = join(this.#folder, "log")
    const output = openSync(log, "w")
    const settings = ["--port", String(this.#port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    const places = [
      "--dir",
      this.#folder,
      "--unixsocket",
      join(this.#folder, "socket"),
      "--enable-debug-command",
      "yes"
    ]
    const child = spawn(server, [...settings, ...places, ...this.#args], {
      stdio: ["ignore", output, output],
      env: { ...process.env, ...(libraries === undefined ? {} : { LD_LIBRARY_PATH: libraries }) }
    })
    closeSync(output)
    this.#child = child
    let failure: Error | undefined
    child.once("error", (error) => (failure = error))
    const deadline = performance.now() + 20_000
    while (!(await answers(this.#port))) {
      if (failure !== undefined || child.exitCode !== null || performance.now() > deadline) {
        throw new Error(`the server did not start: ${readFileSync(log, "utf8").slice(-2000)}`, { cause: failure })
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = new Promise((resolve) => child.once("exit", resolve))
    // A stopped process takes no other signal.
    child.kill("SIGCONT")
    child.kill("SIGKILL")
    await exited
  }
}

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once("error", reject)
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address()
      probe.close(() => (address !== null && typeof address === "object" ? resolve(address.port) : reject(address)))
    })
  })

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
