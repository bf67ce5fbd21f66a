/**
 * Runs test files again and again while every core is busy with something else, and tells how often each failed and how
 * long it took. What a failed run printed is kept in .cache/repeat. `npm run repeat -- 20 test/faults/*.test.ts`
 */
import { spawn, spawnSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { basename, join } from "node:path"

const [runs = "20", ...files] = process.argv.slice(2)
if (!/^\d+$/.test(runs) || files.length === 0) {
  console.error("npm run repeat -- <runs> <test files>")
  process.exit(1)
}

const root = join(import.meta.dirname, "..")
const kept = join(root, ".cache", "repeat")
mkdirSync(kept, { recursive: true })

const busy = Array.from({ length: availableParallelism() }, () =>
  spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" })
)
const vitest = join(root, "node_modules/vitest/vitest.mjs")
const results = new Map(files.map((file) => [file, { failed: 0, seconds: new Array<number>() }]))

/** Round by round, so that each file meets what the machine does at different times. */
for (let round = 1; round <= Number(runs); round++) {
  for (const [file, result] of results) {
    const startedAt = performance.now()
    const { status, stderr, stdout } = spawnSync(process.execPath, [vitest, "run", file], {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1" },
      maxBuffer: 2 ** 28
    })
    result.seconds.push((performance.now() - startedAt) / 1000)
    if (status === 0) continue
    result.failed++
    const log = join(kept, `${basename(file)}.${round}.log`)
    writeFileSync(log, stdout + stderr)
    console.log(`failed: ${log}`)
  }
}
for (const child of busy) child.kill("SIGKILL")

const shown = (seconds: number | undefined) => (seconds ?? 0).toFixed(1).padStart(7)
const width = Math.max(...files.map(({ length }) => length))
console.log(`${"file".padEnd(width)}  runs  failed   min s   med s   max s`)
for (const [file, { failed, seconds }] of results) {
  const sorted = seconds.toSorted((a, b) => a - b)
  const times = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)].map(shown).join(" ")
  console.log(`${file.padEnd(width)}  ${runs.padStart(4)}  ${String(failed).padStart(6)} ${times}`)
}
process.exitCode = [...results.values()].some(({ failed }) => failed > 0) ? 1 : 0
