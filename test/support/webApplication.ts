/** The example web application, in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { createInterface } from "node:readline"
import type { Readable } from "node:stream"
import { Effect, type Scope } from "effect"
import { inTime } from "./until.ts"

const main = join(import.meta.dirname, "../../examples/web/main.ts")

export interface WebApplication {
  readonly at: string
  readonly child: ChildProcess
}

/** Started, on a port that is free, and killed with the scope; in memory unless `env` has a `VALKEY_URL`. */
export const startWebApplication = (
  env: Readonly<Record<string, string>> = {}
): Effect.Effect<WebApplication, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const { VALKEY_URL: _, ...rest } = process.env
      const child = spawn(process.execPath, ["--conditions=effect-vcache-source", main], {
        env: { ...rest, PORT: "0", ...env },
        stdio: ["ignore", "pipe", "inherit"]
      })
      try {
        const at = await inTime("the application to listen", addressOf(child.stdout))
        return { child, at: at.replace("0.0.0.0", "127.0.0.1") }
      } catch (error) {
        child.kill("SIGKILL")
        throw error
      }
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  )

const addressOf = async (output: Readable): Promise<string> => {
  for await (const line of createInterface(output)) {
    const [, at] = /listening on (\S+)/.exec(line) ?? []
    if (at !== undefined) return at
  }
  throw new Error("the application did not start")
}
