/** The rules of the house, from the source itself. */
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { assert, describe, it } from "@effect/vitest"

const root = join(import.meta.dirname, "..")
const source = join(root, "src")
const files = readdirSync(source, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => ({ name, text: readFileSync(join(source, name), "utf8") }))

const floorOf = (name: string): string => (name.includes("/") ? name.slice(0, name.indexOf("/")) : "index")

/** What each floor may import. */
const mayImport: Readonly<Record<string, ReadonlyArray<string>>> = {
  schema: ["schema"],
  services: ["schema", "services"],
  layers: ["schema", "services", "layers"],
  index: ["schema", "services", "layers"]
}

const imports = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/^(?:import|export)[^"]*?from "([^"]+)"/gms)].map((match) => match[1] ?? "")

describe("the house", () => {
  it("has files to look at", () => assert.isAbove(files.length, 30))

  for (const { name, text } of files) {
    it(`${name} imports downwards only`, () => {
      for (const path of imports(text)) {
        if (path.startsWith(".")) {
          const target = relative(source, join(source, dirname(name), path))
          assert.include(mayImport[floorOf(name)] ?? [], floorOf(target), path)
        } else if (path === "iovalkey") {
          const typesOnly = name === "services/ValkeyClient.ts" && /import type .* from "iovalkey"/.test(text)
          assert.isTrue(name.startsWith("layers/connection/") || typesOnly, "iovalkey belongs to layers/connection")
        }
      }
    })

    it(`${name} takes time, chance and settings from Effect, and keeps its types`, () => {
      const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "")
      for (const pattern of [
        /Date\.now\(/,
        /new Date\(\)/,
        /Math\.random\(/,
        /process\.env/,
        /\bas any\b/,
        /: any\b/,
        /@ts-/,
        /as unknown as/
      ]) {
        assert.notMatch(code, pattern)
      }
    })

    it(`${name} is one concept long`, () => assert.isAtMost(text.split("\n").length, 400))
  }
})
