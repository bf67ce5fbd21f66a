/** docs/faults.md, which several scripts write a part of: one its head, others a section each. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const file = join(import.meta.dirname, "../docs/faults.md")

const parts = (): ReadonlyArray<string> => readFileSync(file, "utf8").split(/^(?=## )/m)

/** Everything before the first section. */
export const writeHead = (text: string): void => {
  const [, ...sections] = parts()
  writeFileSync(file, [`${text.trim()}\n`, ...sections].join("\n"))
}

export const writeSection = (title: string, text: string): void => {
  const section = `## ${title}\n\n${text.trim()}\n`
  const all = parts()
  const at = all.findIndex((part) => part.startsWith(`## ${title}\n`))
  writeFileSync(file, (at < 0 ? [...all, section] : all.with(at, section)).join(at < 0 ? "\n" : ""))
}
