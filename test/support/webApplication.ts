/** The example web application, in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { createInterface } from "node:readline"
import type { Readable } from "node:stream"
import { Effect, type Scope } from "effect"
import { inTime } from "./until.ts"
import { environmentFor, findValkey } from "./valkeyBinary.ts"

const main = join(import.meta.dirname, "../../examples/web/main.ts")

export interface WebApplication {
  readonly at: string
  readonly child: ChildProcess
  /** Resolves when the process has ended. */
  readonly ended: Promise<number | null>
}

/** Started, on a port that is free, and told to end with the scope; on a Valkey of its own unless `env` has a `VALKEY_URL`. */
export const startWebApplication = (
  env: Readonly<Record<string, string>> = {}
): Effect.Effect<WebApplication, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const { VALKEY_URL: _, ...rest } = process.env
      const child = spawn(process.execPath, ["--conditions=effect-vcache-source", main], {
        env: { ...rest, ...environmentFor(findValkey()), PORT: "0", ...env },
        stdio: ["ignore", "pipe", "inherit"]
      })
      const ended = new Promise<number | null>((resolve) => child.once("exit", resolve))
      try {
        const at = await inTime("the application to listen", addressOf(child.stdout))
        return { child, ended, at: at.replace("0.0.0.0", "127.0.0.1") }
      } catch (error) {
        child.kill()
        throw error
      }
    }),
    // It has a server to stop: it is not killed.
    ({ child, ended }) =>
      Effect.promise(() => {
        child.kill()
        return inTime("the end of the application", ended)
      })
  )

const addressOf = async (output: Readable): Promise<string> => {
  for await (const line of createInterface(output)) {
    const [, at] = /listening on (\S+)/.exec(line) ?? []
    if (at !== undefined) return at
  }
  throw new Error("the application did not start")
}
