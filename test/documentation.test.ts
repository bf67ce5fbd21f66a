/** An editor shows the doc comment of a name: no public name is without one. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { categories } from "../site/documents.ts"
import { readFiles } from "./support/house/arrows.ts"
import { doorsOf } from "./support/house/doors.ts"
import { type Described, documentationOf } from "./support/house/documentation.ts"

const root = join(import.meta.dirname, "..")

const doors = doorsOf(root)

const withoutComment = (all: ReadonlyArray<Described>) =>
  all.filter(({ comment }) => comment === "").map(({ name }) => name)

/** Options that do not say what holds where they are left out. */
const withoutDefault = (all: ReadonlyArray<Described>) =>
  all
    .filter(
      ({ comment, isOptional, name }) => isOptional && /Options\.\w+$/.test(name) && !/\bdefault\b/i.test(comment)
    )
    .map(({ name }) => name)

/** What is wrong with the tags that the comment of a name ends with. */
const tagFaults = (all: ReadonlyArray<Described>): ReadonlyArray<string> =>
  all
    .filter(({ isExported, kind }) => isExported && kind !== "member")
    .flatMap(({ comment, name }) => {
      const [, category = "none"] = /^ \* @category (.*)$/m.exec(comment) ?? []
      const [, page = "none"] = /^ \* @see docs\/(.*)\.md$/m.exec(comment) ?? []
      return [
        /^ \* @since \d+\.\d+\.\d+$/m.test(comment) ? [] : `${name}: no @since`,
        categories.includes(category) ? [] : `${name}: @category is ${category}`,
        existsSync(join(root, "docs", `${page}.md`)) ? [] : `${name}: the page of @see is ${page}`
      ].flat()
    })

describe("the documentation of public names", () => {
  const all = documentationOf(readFiles(join(root, "src")), doors)

  it("is followed from every door, through every name", () => {
    assert.includeMembers([...doors], ["index.ts", "http.ts", "testing.ts"])
    const names = all.map(({ name }) => name)
    assert.includeMembers(names, [
      "services/operations/CacheValues.ts › CacheValues.get",
      "layers/adapters/KeyvStore.ts › KeyvStore.get",
      "layers/http/HttpCache.ts › Pages.purge",
      "layers/policies/Breaker.ts › policy"
    ])
    assert.isAbove(names.length, 1000)
  })

  it("is there for every name and every member", () => assert.deepStrictEqual(withoutComment(all), []))

  it("says the default of every option", () => assert.deepStrictEqual(withoutDefault(all), []))

  it("says since when a name is there, what it is about, and which page tells more", () =>
    assert.deepStrictEqual(tagFaults(all), []))

  it("names each category", () => {
    const named = new Set(all.flatMap(({ comment }) => /^ \* @category (.*)$/m.exec(comment)?.[1] ?? []))
    assert.sameMembers([...named], [...categories])
  })

  it("would be missed", () => {
    const files = new Map([
      [
        "door.ts",
        `import type { Far } from "./other.ts"
export * as Room from "./room.ts"
export type { Shown } from "./other.ts"
interface Near { readonly untold: number }
/** Is told. */
interface Listed extends Near { /** Is told. */ readonly far: Far }
export type { Listed }
/** Is told. */
export const Made = { /** Is told. */ told: 1, untold: 2 }
`
      ],
      [
        "room.ts",
        `/** Is told. */
export const told = 1
export const untold = 2
/** Is told. */
export interface RoomOptions {
  /** Bytes. Default: 1. */
  readonly told?: number
  /** Bytes. */
  readonly half?: number
  readonly untold: number
}
/** Is told. */
export class Told extends Context.Service<Told, { readonly served: 1 }>()("Told") {
  #hidden = 1
  private secret = 2
  untold(): number {
    return this.#hidden + this.secret
  }
}
// Is not told.
export type Alias = { readonly untold: number }
/** Is told once. */
export interface told {}
const inner = 3
`
      ],
      ["other.ts", "export interface Shown {}\nexport interface Far {}\nexport interface NotShown {}\n"]
    ])
    const planted = documentationOf(files, ["door.ts"])
    assert.deepStrictEqual(withoutComment(planted), [
      "room.ts › untold",
      "room.ts › RoomOptions.untold",
      "room.ts › Told.served",
      "room.ts › Told.untold",
      "room.ts › Alias",
      "room.ts › Alias.untold",
      "other.ts › Shown",
      "door.ts › Near",
      "door.ts › Near.untold",
      "other.ts › Far",
      "door.ts › Made.untold"
    ])
    assert.deepStrictEqual(withoutDefault(planted), ["room.ts › RoomOptions.half"])
  })

  it("would be missed in the tags, too", () => {
    const room = `/**
 * Is told.
 *
 * @since 0.2.0
 * @category sessions
 * @see docs/sessions.md
 */
export const tagged = 1
/**
 * @since now
 * @category other
 * @see docs/nowhere.md
 */
export interface Half { readonly inner: Inner }
interface Inner {}
export const bare = 2
`
    assert.deepStrictEqual(tagFaults(documentationOf(new Map([["room.ts", room]]), ["room.ts"])), [
      "room.ts › Half: no @since",
      "room.ts › Half: @category is other",
      "room.ts › Half: the page of @see is nowhere",
      "room.ts › bare: no @since",
      "room.ts › bare: @category is none",
      "room.ts › bare: the page of @see is none"
    ])
  })
})
