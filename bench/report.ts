/** Tables of the report. A contender that failed has a row that says so. */
import { createRequire } from "node:module"
import { cpuMicros, perSecond, type Result, slowestMillis } from "./measure.ts"
import { find } from "./targets.ts"

export const table = (headers: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [headers, headers.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n")

type Columns = Readonly<Record<string, ReadonlyArray<Result>>>

const perContender = (what: string, columns: Columns, show: (result: Result) => string): string => {
  const names = new Set(Object.values(columns).flatMap((results) => results.map(({ name }) => name)))
  const cell = (results: ReadonlyArray<Result>, name: string) => {
    const result = find(results, name)
    return result === undefined ? "" : result.failed === undefined ? show(result) : `failed: ${result.failed}`
  }
  return table(
    [what, ...Object.keys(columns)],
    [...names].map((name) => [name].concat(Object.values(columns).map((results) => cell(results, name))))
  )
}

export const rates = (columns: Columns): string =>
  perContender("operations per second", columns, (result) => Math.round(perSecond(result)).toLocaleString("en"))

export const tails = (columns: Columns): string =>
  perContender("ms that one of a thousand takes longer than", columns, (result) => slowestMillis(result).toFixed(2))

export const costs = (columns: Columns): string =>
  perContender("µs of CPU each", columns, (result) => cpuMicros(result).toFixed(2))

const require = createRequire(import.meta.url)

const version = (name: string): string => {
  const entry = require.resolve(name)
  const folder = `node_modules/${name}/`
  const { version }: { readonly version: string } = require(
    `${entry.slice(0, entry.lastIndexOf(folder) + folder.length)}package.json`
  )
  return `${name.replace("ioredis6", "ioredis")} ${version}`
}

/** The rivals with their versions. */
export const versions = (): string => rivals.map(version).join(", ")

const rivals = [
  "iovalkey",
  "ioredis6",
  "redis",
  "keyv",
  "@keyv/valkey",
  "cache-manager",
  "bentocache",
  "unstorage",
  "effect"
]
