/** An editor shows an example of a name: a program that has the right types and prints what it says. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { readFiles } from "./support/house/arrows.ts"
import { doorsOf } from "./support/house/doors.ts"
import { type Described, documentationOf } from "./support/house/documentation.ts"
import { type CommentExample, examplesOf } from "./support/house/examplesOf.ts"
import { printedInMemory, run } from "./support/runProgram.ts"

const root = join(import.meta.dirname, "..")
const folder = join(root, ".cache", "comments")

/**
 * Classes, layers, functions and other values need an example, and so do the parts of a cache, which nobody imports and
 * everybody calls. Options, results and other types are shown by the examples of what takes and gives them.
 */
const needsExample = ({ isExported, kind, name }: Described): boolean =>
  isExported && (kind === "class" || kind === "value" || /^services\/operations\/.* › (?:Cache\w+|Region)$/.test(name))

const withoutExample = (all: ReadonlyArray<Described>): ReadonlyArray<string> => {
  const shown = new Set(examplesOf(all).map(({ name }) => name))
  return all.filter((one) => needsExample(one) && !shown.has(one.name)).map(({ name }) => name)
}

/** The names of files say where an example is from. */
const fileOf = ({ name }: CommentExample, i: number): string => `${name.replace(/\W+/g, "_")}_${i}.ts`

/** Returns the type errors of the examples, and the examples that do not print what they say. */
const faultsOf = async (examples: ReadonlyArray<CommentExample>) => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ extends: "../../tsconfig.json", include: ["*.ts"] }))
  for (const [i, example] of examples.entries()) writeFileSync(join(folder, fileOf(example, i)), example.source)
  const [compiled, printed] = await Promise.all([
    run(process.execPath, ["node_modules/typescript/bin/tsc", "-p", folder], { cwd: root }),
    printedInMemory(folder, root)
  ])
  return {
    types: compiled.stdout.split("\n").filter((line) => /error TS/.test(line)),
    prints: examples.flatMap((example, i) => {
      const found = printed[fileOf(example, i)]
      return found === example.prints ? [] : [{ name: example.name, says: example.prints, prints: found }]
    })
  }
}

/** A door whose example is wrong in two ways, with a class that has none. */
const planted = documentationOf(
  new Map([
    [
      "planted.ts",
      `/**
 * It is shown.
 *
 * @example
 * \`\`\`ts
 * import { CacheMemory } from "effect-vcache"
 *
 * export const wrong: string = CacheMemory
 * console.log("something else")
 * // => what it says
 * \`\`\`
 */
export const shown = 1
/** It is not shown. */
export class Bare {}
/** It is part of a type, and nobody imports it. */
export type { Inner } from "./other.ts"
/** It needs not be shown. */
export interface Told {}
`
    ],
    ["other.ts", "/** It is told. */ export class Inner {}"]
  ]),
  ["planted.ts"]
)

describe("the examples of public names", () => {
  const all = documentationOf(readFiles(join(root, "src")), doorsOf(root))
  const examples = examplesOf(all)

  it("are there for each class, layer, function and part of a cache", () => {
    assert.isAbove(examples.length, 130)
    assert.deepStrictEqual(withoutExample(all), [])
    assert.deepStrictEqual(withoutExample(planted), ["planted.ts › Bare"])
  })

  it("are short", () => {
    const long = examples.filter(({ source }) => source.trimEnd().split("\n").length > 25)
    assert.deepStrictEqual(
      long.map(({ name }) => name),
      []
    )
  })

  it("have the types they claim, and print what they say, unlike the planted one", async () => {
    const { prints, types } = await faultsOf([...examples, ...examplesOf(planted)])
    assert.deepStrictEqual(prints, [{ name: "planted.ts › shown", says: "what it says", prints: "something else" }])
    assert.strictEqual(types.length, 1, types.join("\n"))
    assert.match(types[0]!, /planted_ts_shown.*is not assignable to type 'string'/)
  })
})
