/**
 * Copies the documents into the site: `docs/` stays the source. Links to other documents become links to pages; links to
 * files of the repository become links to copies of them, so that the site needs no other place. Fails on a link that leads nowhere.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { basename, dirname, join, posix } from "node:path"
import { elsewhere, groups } from "./documents.ts"

const root = join(import.meta.dirname, "..")
const pages = join(import.meta.dirname, "src/content/docs")
const files = join(import.meta.dirname, "public/files")

const inDocs = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"))

/** Each document, and the path of its page. */
const documents: ReadonlyMap<string, string> = new Map([
  ...Object.entries(elsewhere).map(([page, source]) => [source, page] as const),
  ...inDocs.map((name) => [`docs/${name}`, basename(name, ".md")] as const)
])

const inSidebar = new Set(groups.flatMap(({ pages }) => pages))
const unlisted = [...documents.values()].filter((page) => page !== "index" && !inSidebar.has(page))
const missing = [...inSidebar].filter((page) => ![...documents.values()].includes(page))
if (unlisted.length + missing.length > 0) {
  throw new Error(
    `documents.ts lacks ${unlisted.join(", ") || "nothing"}, and names ${missing.join(", ") || "nothing"} in vain`
  )
}

/** A copy of a file, or of the listing of a folder, beside the pages. */
const copied = (path: string): string => {
  const isFolder = statSync(join(root, path)).isDirectory()
  const target = isFolder ? `${path.replace(/\/$/, "")}/index.txt` : /\.(?:svg|jpg)$/.test(path) ? path : `${path}.txt`
  mkdirSync(dirname(join(files, target)), { recursive: true })
  if (isFolder) writeFileSync(join(files, target), readdirSync(join(root, path), { recursive: true }).join("\n"))
  else copyFileSync(join(root, path), join(files, target))
  return `/files/${target}`
}

const linked = (source: string, href: string): string => {
  if (/^([a-z]+:|#|\/)/i.test(href)) return href
  const [path = "", hash] = href.split("#")
  const target = posix.join(posix.dirname(source), path)
  if (!existsSync(join(root, target))) throw new Error(`${source}: ${href} is not there`)
  const page = documents.get(target)
  if (page === undefined) return copied(target)
  return `${page === "index" ? "/" : `/${page}/`}${hash === undefined ? "" : `#${hash}`}`
}

/** Everything but the fenced blocks, in which nothing is a link. */
const outsideCode = (text: string, change: (part: string) => string): string =>
  text
    .split(/(^```.*?^```$)/gms)
    .map((part, i) => (i % 2 === 1 ? part : change(part)))
    .join("")

rmSync(pages, { recursive: true, force: true })
rmSync(files, { recursive: true, force: true })
mkdirSync(pages, { recursive: true })
for (const [source, page] of documents) {
  const text = readFileSync(join(root, source), "utf8")
  const [, title = page] = /^# (.*)$/m.exec(text) ?? []
  const body = outsideCode(text.replace(/^# .*$/m, ""), (part) =>
    part.replace(/\]\(([^)\s]+)\)/g, (_, href: string) => `](${linked(source, href)})`)
  )
  // Starlight prints the title itself.
  writeFileSync(join(pages, `${page}.md`), `---\ntitle: ${JSON.stringify(title)}\n---\n${body}`)
}
