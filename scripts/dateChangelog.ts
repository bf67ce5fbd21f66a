/** Writes the date beside the newest version in CHANGELOG.md, which Changesets leaves out. Run by `npm run next-version`. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import manifest from "../package.json" with { type: "json" }

const file = join(import.meta.dirname, "../CHANGELOG.md")
const heading = `## ${manifest.version}\n`
const dated = `## ${manifest.version} (${new Date().toISOString().slice(0, 10)})\n`
writeFileSync(file, readFileSync(file, "utf8").replace(heading, dated))
