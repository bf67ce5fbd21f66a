/** The example web application, in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { Effect, type Scope } from "effect"

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
      for await (const line of createInterface(child.stdout)) {
        const [, at] = /listening on (\S+)/.exec(line) ?? []
        if (at !== undefined) return { child, at: at.replace("0.0.0.0", "127.0.0.1") }
      }
      throw new Error("the application did not start")
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  )
