/** The tests that documents show, in blocks of `ts vitest`, pass. Their types are checked with those of the programs. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"

const root = join(import.meta.dirname, "..")
const folder = join(root, ".cache", "documented-tests")
const files = readdirSync(join(root, "docs")).flatMap((name) =>
  [...readFileSync(join(root, "docs", name), "utf8").matchAll(/^```ts vitest\n(.*?)^```$/gms)].map(
    ([, source = ""], i) => ({
      file: join(folder, `${name}_${i + 1}.ts`),
      name,
      source
    })
  )
)

mkdirSync(folder, { recursive: true })
for (const { file, name, source } of files) {
  writeFileSync(file, source)
  describe(name, async () => void (await import(file)))
}

it("are there", () => assert.isNotEmpty(files))
