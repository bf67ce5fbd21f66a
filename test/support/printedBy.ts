/**
 * Runs the programs of a folder, one after the other and all in this process, and writes as JSON what each of them has printed, by
 * the name of its file. `node printedBy.ts FOLDER`.
 */
import { readdirSync } from "node:fs"
import { resolve } from "node:path"
import { format } from "node:util"
import { inTime } from "./until.ts"

const [, , folder = "."] = process.argv
const printed: Record<string, string> = {}

for (const name of readdirSync(folder).filter((name) => name.endsWith(".ts"))) {
  const lines: Array<string> = []
  console.log = (...values: ReadonlyArray<unknown>) => void lines.push(format(...values))
  try {
    await inTime(`the end of ${name}`, import(resolve(folder, name)), () => `it printed ${lines.join("\n")}`, 30_000)
  } catch (error) {
    lines.push(`failed: ${error instanceof Error ? error.message : String(error)}`)
  }
  printed[name] = lines.join("\n")
}
process.stdout.write(JSON.stringify(printed), () => process.exit())
