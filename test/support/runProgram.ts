/** Runs a program of the project as a user would: in a process of its own. */
import { spawn } from "node:child_process"
import { inTime } from "./until.ts"

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export const run = async (
  command: string,
  args: ReadonlyArray<string>,
  options: {
    readonly cwd: string
    readonly env?: Readonly<Record<string, string>>
    /** Milliseconds. Default 55 000. */
    readonly atMost?: number
  }
): Promise<Outcome> => {
  const { VALKEY_URL: _, ...env } = process.env
  const child = spawn(command, args, { cwd: options.cwd, env: { ...env, NO_COLOR: "1", ...options.env } })
  let stdout = ""
  let stderr = ""
  child.stdout.on("data", (data) => (stdout += data))
  child.stderr.on("data", (data) => (stderr += data))
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", (code) => resolve({ code, stdout, stderr }))
  })
  try {
    const name = [command, ...args].join(" ")
    return await inTime(`the end of ${name}`, ended, () => `it printed ${stdout}${stderr}`, options.atMost ?? 55_000)
  } finally {
    child.kill("SIGKILL")
  }
}

/** A TypeScript program of this project. */
export const runTs = (file: string, cwd: string, env: Readonly<Record<string, string>> = {}): Promise<Outcome> =>
  run(process.execPath, ["--conditions=effect-vcache-source", file], { cwd, env })
