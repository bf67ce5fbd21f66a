/** Processes that read and write one SQLite database at the same time, through caches over one server. */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { createInterface } from "node:readline"
import { Effect, type Scope } from "effect"
import type { SqlEvent } from "./sqlHistory.ts"
import type { SqlWorkerOptions, SqlWorkerReport } from "./sqlWorker.ts"

export interface SqlRaceOptions extends Pick<SqlWorkerOptions, "fibers" | "steps" | "isPlanted" | "seed"> {
  readonly processes: number
}

export interface SqlRaceReport {
  readonly events: ReadonlyArray<SqlEvent>
  readonly reads: number
  readonly asked: number
}

const worker = new URL("./sqlWorker.ts", import.meta.url).pathname

export const sqlRace = (
  url: string,
  { processes, seed, ...options }: SqlRaceOptions
): Effect.Effect<SqlRaceReport, never, Scope.Scope> =>
  Effect.gen(function* () {
    const folder = mkdtempSync(join(tmpdir(), "vcache-sql-"))
    const file = join(folder, "database")
    const database = new DatabaseSync(file)
    database.exec("PRAGMA journal_mode = WAL")
    for (const table of ["first", "second"]) {
      database.exec(`CREATE TABLE ${table} (value INTEGER NOT NULL); INSERT INTO ${table} VALUES (0)`)
    }
    database.close()
    const children = Array.from({ length: processes }, (_, i) => {
      const settings: SqlWorkerOptions = { ...options, url, file, seed: `${seed} ${i}` }
      return spawn(process.execPath, ["--conditions=effect-vcache-source", worker, JSON.stringify(settings)], {
        stdio: ["pipe", "pipe", "inherit"]
      })
    })
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        for (const child of children) child.kill("SIGKILL")
        rmSync(folder, { recursive: true, force: true })
      })
    )
    const lines = children.map((child) => createInterface({ input: child.stdout })[Symbol.asyncIterator]())
    const next = (at: number) =>
      Effect.promise(async () => {
        const line = await lines[at]?.next()
        if (line === undefined || line.done) throw new Error("a process ended before it had said everything")
        return line.value
      })
    const all = children.map((_, i) => i)
    yield* Effect.forEach(all, next, { concurrency: "unbounded" })
    for (const child of children) child.stdin.write("go\n")
    const said = yield* Effect.forEach(all, next, { concurrency: "unbounded" })
    const reports = said.map((line): SqlWorkerReport => JSON.parse(line))
    const sum = (count: (report: SqlWorkerReport) => number) => reports.reduce((sum, report) => sum + count(report), 0)
    return {
      events: reports.flatMap(({ events }) => events),
      reads: sum(({ reads }) => reads),
      asked: sum(({ asked }) => asked)
    }
  })
