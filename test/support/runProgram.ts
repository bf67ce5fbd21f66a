/** Runs a program of the project as a user would: in a process of its own. */
import { spawn } from "node:child_process"

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export const run = (
  command: string,
  args: ReadonlyArray<string>,
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> }
): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const { VALKEY_URL: _, ...env } = process.env
    const child = spawn(command, args, { cwd: options.cwd, env: { ...env, NO_COLOR: "1", ...options.env } })
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (data) => (stdout += data))
    child.stderr.on("data", (data) => (stderr += data))
    child.on("error", reject)
    child.on("close", (code) => resolve({ code, stdout, stderr }))
  })

/** A TypeScript program of this project. */
export const runTs = (file: string, cwd: string, env: Readonly<Record<string, string>> = {}): Promise<Outcome> =>
  run(process.execPath, ["--conditions=effect-vcache-source", file], { cwd, env })
