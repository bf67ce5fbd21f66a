/** Runs a program of the project as a user would: in a process of its own. */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { Schema } from "effect"
import { inTime } from "./until.ts"

const Printed = Schema.fromJsonString(Schema.Record(Schema.String, Schema.String))

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

/**
 * Returns what each TypeScript program of a folder prints in memory, by the name of its file. One process runs all of them. That is
 * cheap, but does not show whether a program ends by itself.
 */
export const printedInMemory = async (folder: string, cwd: string): Promise<Readonly<Record<string, string>>> => {
  const { stderr, stdout } = await runTs(
    join(import.meta.dirname, "printedBy.ts"),
    cwd,
    { VALKEY_URL: "memory://" },
    folder
  )
  if (stderr !== "") throw new Error(`the programs of ${folder} wrote: ${stderr}`)
  return Schema.decodeSync(Printed)(stdout)
}

/** A TypeScript program of this project. */
export const runTs = (
  file: string,
  cwd: string,
  env: Readonly<Record<string, string>> = {},
  ...args: ReadonlyArray<string>
): Promise<Outcome> => run(process.execPath, ["--conditions=effect-vcache-source", file, ...args], { cwd, env })
