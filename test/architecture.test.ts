/** The rules of the house, from the source itself. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import {
  arrowsOf,
  circlesOf,
  faultsOf,
  type Files,
  nameFaultOf,
  readFiles,
  unusedOf,
  usesIn
} from "./support/house/arrows.ts"
import { draw, essential } from "./support/house/drawing.ts"
import { importsOf } from "./support/house/imports.ts"
import { floorsOf, mayUse } from "./support/house/rooms.ts"

const root = join(import.meta.dirname, "..")
const files = readFiles(join(root, "src"))

/** The files that start timers of Node's; the last two wait for a time of their own choice. */
const timerOwners: ReadonlySet<string> = new Set([
  "layers/connection/Timer.ts",
  "layers/memory/ExpirySweep.ts",
  "layers/testing/ServerProcess.ts"
])

const circlesIn = (files: Files) => circlesOf(arrowsOf(files))

describe("the house", () => {
  it("has files to look at", () => assert.isAbove(files.size, 30))

  it("has a floor for each room", () => {
    const floors = floorsOf(mayUse)
    assert.isDefined(floors, "the table of rooms goes in a circle")
    assert.strictEqual(floors?.size, Object.keys(mayUse).length)
  })

  it("has no circle of values", () => assert.deepStrictEqual(circlesIn(files), []))

  it("allows nothing that nobody does", () => assert.deepStrictEqual(unusedOf(files), []))

  it("looks as its picture shows it", () => {
    const picture = readFileSync(join(root, "docs/floors.svg"), "utf8")
    assert.isTrue(picture === draw(usesIn(files)), "docs/floors.svg shows another house: npm run floors")
  })

  it("loads little by the door to memory", () => {
    const arrows = arrowsOf(files).filter(({ isType }) => !isType)
    const loaded = new Set(["memory.ts"])
    for (const file of loaded) for (const { from, to } of arrows) if (from === file) loaded.add(to)
    assert.deepStrictEqual([...loaded].filter((name) => !files.has(name)).toSorted(), [
      "effect",
      "effect/persistence/CircuitBreaker",
      "effect/schema/SchemaJITCompiler",
      "node:buffer",
      "node:diagnostics_channel",
      "node:util"
    ])
  })

  it("is described room by room", () => {
    const [, rooms = ""] = readFileSync(join(root, "docs/architecture.md"), "utf8").split(/^## /m)
    const described = [...rooms.matchAll(/^\| `([^`]+)` /gm)].map(([, room]) => room)
    assert.deepStrictEqual(described.toSorted(), Object.keys(mayUse).toSorted())
  })

  for (const [name, text] of files) {
    it(`${name} imports what its room may use`, () => assert.deepStrictEqual(faultsOf(name, files), []))

    it(`${name} has the name of what is in it`, () => assert.isUndefined(nameFaultOf(name, files)))

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

    it(`${name} starts no timer that could be told to wait for longer than Node's can`, () => {
      const starts = /(?<![.\w])set(?:Timeout|Interval)\(/.test(text)
      assert.strictEqual(starts, timerOwners.has(name))
    })

    it(`${name} is one concept long`, () => assert.isAtMost(text.split("\n").length, 400))
  }
})

describe("what the rules see", () => {
  it("is every way to import", () =>
    assert.deepStrictEqual(
      importsOf(`
        import "./effect.ts"
        import type { A } from "./type.ts"
        import { type B } from "./loaded-all-the-same.ts"
        export * from "./all.ts"
        export * as c from "./named.ts"
        export type { D } from "./type-again.ts"
        export { d } from "./value.ts"
        export type E = import("./in-a-type.ts").E
        export type F = typeof import("./type-of.ts")
        export const g = () => import("./dynamic.ts")
        export const h = () => import(\`./template.ts\`)
        export const i = (name: string) => import(\`./\${name}.ts\`)
        // import "./comment.ts"
        export const j = 'import "./text.ts"'
      `),
      [
        { path: "./effect.ts", isType: false },
        { path: "./type.ts", isType: true },
        { path: "./loaded-all-the-same.ts", isType: false },
        { path: "./all.ts", isType: false },
        { path: "./named.ts", isType: false },
        { path: "./type-again.ts", isType: true },
        { path: "./value.ts", isType: false },
        { path: "./in-a-type.ts", isType: true },
        { path: "./type-of.ts", isType: true },
        { path: "./dynamic.ts", isType: false },
        { path: "./template.ts", isType: false },
        { path: undefined, isType: false }
      ]
    ))

  /** The house with something more in one of its files. */
  const planted = (file: string, text: string) => new Map([...files, [file, `${text}\n${files.get(file) ?? ""}`]])

  const faults: ReadonlyArray<readonly [string, string, string, string]> = [
    [
      "an upward import",
      "schema/key.ts",
      'import "../layers/cache/CacheLive.ts"',
      "schema/key.ts imports layers/cache/CacheLive.ts: schema may not use layers/cache"
    ],
    [
      "a dynamic one",
      "schema/key.ts",
      'export const upward = () => import("../layers/http/HttpCache.ts")',
      "schema/key.ts imports layers/http/HttpCache.ts: schema may not use layers/http"
    ],
    [
      "one of a type",
      "services/operations/CacheValues.ts",
      'import type { CacheContext } from "../cache/kernel/context.ts"',
      "services/operations/CacheValues.ts imports services/cache/kernel/context.ts: services/operations may not use services/cache/kernel"
    ],
    [
      "one from a room beside it",
      "services/cache/lookups/claim.ts",
      'export { valueOperations } from "../values/values.ts"',
      "services/cache/lookups/claim.ts imports services/cache/values/values.ts: services/cache/lookups may not use services/cache/values"
    ],
    [
      "iovalkey elsewhere",
      "services/ValkeyClient.ts",
      'import { Redis } from "iovalkey"',
      "services/ValkeyClient.ts imports iovalkey, which is for layers/connection, layers/connection/cluster"
    ],
    [
      "a name that is only known when it runs",
      "schema/key.ts",
      "export const any = (name: string) => import(name)",
      "schema/key.ts imports what is only known when it runs"
    ],
    [
      "a file that is not there",
      "schema/key.ts",
      'import "./nothing.ts"',
      "schema/key.ts imports schema/nothing.ts, which is not there"
    ],
    [
      "a room that nobody planned",
      "services/near/near.ts",
      "export {}",
      "services/near/near.ts lies in services/near, which is no room of the table"
    ]
  ]
  for (const [what, file, text, fault] of faults) {
    it(`is ${what}`, () => assert.deepStrictEqual(faultsOf(file, planted(file, text)), [fault]))
  }

  it("is a file that has not the name of what is in it", () => {
    const named = (file: string, text: string, door = "") =>
      nameFaultOf(
        file,
        new Map([
          [file, text],
          ["index.ts", door]
        ])
      )
    assert.isUndefined(named("schema/Box.ts", "export class Box {}"))
    assert.isUndefined(named("schema/Box.ts", "export interface Box {}"))
    assert.isUndefined(named("schema/Box.ts", "export const Box = 1, other = 2"))
    assert.isUndefined(named("schema/Box.ts", "interface Box {}\nexport { type Box }"))
    assert.isUndefined(named("schema/Box.ts", "export const make = 1", 'export * as Box from "./schema/Box.ts"'))
    assert.isUndefined(
      named("schema/Box.ts", "export const layer = 1", 'export { layer as Box } from "./schema/Box.ts"')
    )
    assert.isUndefined(named("schema/boxes.ts", "class Hidden {}\nexport const box = () => new Hidden()"))
    assert.strictEqual(named("schema/Box.ts", "export const make = 1"), "schema/Box.ts exports no Box")
    assert.strictEqual(
      named("schema/Box.ts", "export const make = 1", 'export * as Chest from "./schema/Box.ts"'),
      "schema/Box.ts exports no Box"
    )
    assert.strictEqual(
      named("schema/box.ts", "export class Box {}"),
      "schema/box.ts exports the class Box, and has not its name"
    )
  })

  it("is a circle of values in the house, be it in one room", () => {
    // It is named from where the rules met it first.
    const circles = circlesIn(planted("schema/CacheError.ts", 'import { refused } from "./failures.ts"'))
    assert.deepInclude(
      circles.map((circle) => [...new Set(circle)].toSorted()),
      ["schema/CacheError.ts", "schema/failures.ts"]
    )
  })

  it("is a circle of three, and none where one of them is a type", () => {
    const circle = (keyword: string) =>
      circlesOf(
        arrowsOf(
          new Map([
            ["schema/a.ts", 'import { b } from "./b.ts"'],
            ["schema/b.ts", 'import { c } from "./c.ts"'],
            ["schema/c.ts", `import ${keyword} { a } from "./a.ts"`]
          ])
        )
      )
    assert.deepStrictEqual(circle(""), [["schema/a.ts", "schema/b.ts", "schema/c.ts", "schema/a.ts"]])
    assert.deepStrictEqual(circle("type"), [])
  })

  it("is a table that goes in a circle", () => assert.isUndefined(floorsOf({ a: ["b"], b: ["c"], c: ["a"], d: [] })))

  it("is, in the picture, only what no other arrow says", () => {
    const uses = { a: ["b", "c", "d"], b: ["c"], c: ["d"], d: [] }
    assert.deepStrictEqual(essential(uses), { a: ["b"], b: ["c"], c: ["d"], d: [] })
    assert.notStrictEqual(draw(uses), draw({ ...uses, b: ["d"] }))
    assert.throws(() => draw({ a: ["b"], b: ["a"] }), /circle/)
  })
})
