/** A Prometheus that scrapes a program of a test, and promtool: `$PROMETHEUS`, on the path, or out of Debian's package. */
import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { Effect, Schema, type Scope } from "effect"
import { cacheFolder, downloadPackages, onPath } from "./debianPackages.ts"
import { freePort } from "./freePort.ts"
import { run } from "./runProgram.ts"
import { until } from "./until.ts"

const noPrometheus =
  "No Prometheus for the tests of the dashboard: set PROMETHEUS to the folder of prometheus and promtool, or install it. On Debian it is downloaded without root."

/** The folder of both programs. */
const findPrometheus = (): string => {
  const configured = process.env["PROMETHEUS"]
  if (configured !== undefined && configured !== "") return configured
  const installed = onPath("prometheus")
  if (installed !== undefined && existsSync(join(dirname(installed), "promtool"))) return dirname(installed)
  const target = cacheFolder("prometheus")
  if (!existsSync(target)) {
    try {
      downloadPackages(target, ["prometheus"])
    } catch (error) {
      throw new Error(noPrometheus, { cause: error })
    }
  }
  return join(target, "usr/bin")
}

/** Runs promtool and returns what it prints. An exit code other than 0 is a defect that shows what it has printed. */
export const promtool = (...args: ReadonlyArray<string>): Effect.Effect<string> =>
  Effect.promise(async () => {
    const { code, stderr, stdout } = await run(join(findPrometheus(), "promtool"), args, { cwd: tmpdir() })
    if (code !== 0) throw new Error(`promtool ${args.join(" ")}: ${stdout}${stderr}`)
    return stdout
  })

export interface Prometheus {
  /** The current value of each series of an expression; `NaN` for a series that has none. */
  readonly valuesOf: (expression: string) => Effect.Effect<ReadonlyArray<number>>
  /** The rules that it evaluates, and what is wrong with each. */
  readonly rules: Effect.Effect<ReadonlyArray<Rule>>
}

const Rule = Schema.Struct({ name: Schema.String, health: Schema.String, lastError: Schema.optional(Schema.String) })
type Rule = typeof Rule.Type

const Rules = Schema.Struct({ groups: Schema.Array(Schema.Struct({ rules: Schema.Array(Rule) })) })
const Values = Schema.Struct({
  result: Schema.Array(Schema.Struct({ value: Schema.Tuple([Schema.Number, Schema.String]) }))
})

/** Scrapes the addresses twice a second, and evaluates the file of rules as often, until the scope closes. */
export const startPrometheus = (
  targets: ReadonlyArray<string>,
  rules: string
): Effect.Effect<Prometheus, never, Scope.Scope> =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "vcache-prometheus-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
    )
    const config = {
      global: { scrape_interval: "500ms", scrape_timeout: "500ms", evaluation_interval: "500ms" },
      rule_files: [rules],
      scrape_configs: [{ job_name: "programs", static_configs: [{ targets }] }]
    }
    // JSON is YAML.
    writeFileSync(join(folder, "prometheus.yml"), JSON.stringify(config))
    const address = `127.0.0.1:${yield* Effect.promise(freePort)}`
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(
          join(findPrometheus(), "prometheus"),
          [
            `--config.file=${folder}/prometheus.yml`,
            `--storage.tsdb.path=${folder}/data`,
            `--web.listen-address=${address}`,
            "--log.level=error"
          ],
          { cwd: folder, stdio: ["ignore", "ignore", "inherit"] }
        )
      ),
      (child) =>
        Effect.promise(async () => {
          if (child.exitCode !== null) return
          const ended = new Promise((resolve) => child.once("close", resolve))
          child.kill("SIGKILL")
          await ended
        })
    )
    const get = (path: string, params: Readonly<Record<string, string>> = {}) =>
      Effect.promise(() => fetch(`http://${address}${path}?${new URLSearchParams(params)}`))
    yield* until(
      "Prometheus to be ready",
      Effect.map(get("/-/ready"), ({ status }) => ({ status, exitCode: child.exitCode })),
      ({ status }) => status === 200
    )
    const ask = <A>(path: string, data: Schema.Codec<A, unknown>, params?: Readonly<Record<string, string>>) =>
      Effect.flatMap(get(`/api/v1/${path}`, params), (response) =>
        Effect.promise(async () => {
          const reply: unknown = await response.json()
          if (response.status !== 200) throw new Error(`${path}: ${JSON.stringify(reply)}`)
          return Schema.decodeUnknownSync(Schema.Struct({ data }))(reply).data
        })
      )
    return {
      valuesOf: (query) =>
        Effect.map(ask("query", Values, { query }), ({ result }) => result.map(({ value: [, text] }) => Number(text))),
      rules: Effect.map(ask("rules", Rules), ({ groups }) => groups.flatMap(({ rules }) => rules))
    }
  })
