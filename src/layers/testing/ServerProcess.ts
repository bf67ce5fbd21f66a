/** A server in a process of its own, which can be stopped in every way that servers stop. */
import { type ChildProcess, spawn } from "node:child_process"
import { type FileHandle, open } from "node:fs/promises"
import { setTimeout } from "node:timers/promises"

export interface ServerProcessOptions {
  /** Programs, of which the first that there is gets started. */
  readonly commands: ReadonlyArray<string>
  readonly args: ReadonlyArray<string>
  /** Default: the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** The file that gets what the server prints. Default: none. */
  readonly log?: string | undefined
  /** Asks whether the server answers. Another server may have taken its port, and answers nothing for it. */
  readonly answers: () => Promise<boolean>
  /** Milliseconds that the server has until it answers. Default 10 000. */
  readonly patience?: number | undefined
}

/** `missing`: there is no such program. `ended`: it did before it answered. `silent`: it did not answer in time. */
export type StartResult = "answers" | "missing" | "ended" | "silent"

const hasEnded = (child: ChildProcess): boolean =>
  child.pid === undefined || child.exitCode !== null || child.signalCode !== null

export class ServerProcess {
  readonly #options: ServerProcessOptions
  #child: ChildProcess | undefined

  constructor(options: ServerProcessOptions) {
    this.#options = options
  }

  /** By the system's time, so that a server starts under a test's clock too. */
  async start(signal?: AbortSignal): Promise<StartResult> {
    const { answers, commands, patience = 10_000 } = this.#options
    for (const command of commands) {
      const child = await this.#spawn(command, signal)
      if (child === undefined) continue
      const deadline = performance.now() + patience
      while (signal?.aborted !== true && !hasEnded(child) && performance.now() < deadline) {
        if (await answers()) return "answers"
        await setTimeout(5)
      }
      return hasEnded(child) ? "ended" : "silent"
    }
    return "missing"
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** At once, without a word to its clients. Ends when the process has. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || hasEnded(child)) return
    const exited = new Promise((resolve) => child.once("exit", resolve))
    // A stopped process takes it, too.
    child.kill("SIGKILL")
    await exited
  }

  async #spawn(command: string, signal: AbortSignal | undefined): Promise<ChildProcess | undefined> {
    const { args, env, log } = this.#options
    let file: FileHandle | undefined
    try {
      file = log === undefined ? undefined : await open(log, "w")
      // Whoever gave up has killed what there was, and nobody kills what comes after.
      if (signal?.aborted === true) return undefined
      const output = file?.fd ?? "ignore"
      const child = spawn(command, args, { stdio: ["ignore", output, output], ...(env === undefined ? {} : { env }) })
      this.#child = child
      return await new Promise((resolve) => {
        child.once("spawn", () => resolve(child))
        child.once("error", () => resolve(undefined))
      })
    } finally {
      await file?.close()
    }
  }
}
