/** Who imports whom, and what is wrong with it. */
import { readdirSync, readFileSync } from "node:fs"
import { basename, dirname, join, normalize } from "node:path"
import { exportsOf, importsOf } from "./imports.ts"
import { mayUse, packages, roomOf } from "./rooms.ts"

/** The text of each file, by its path below src. */
export type Files = ReadonlyMap<string, string>

export const readFiles = (source: string): Files =>
  new Map(
    readdirSync(source, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .toSorted()
      .map((name) => [name, readFileSync(join(source, name), "utf8")])
  )

export interface Arrow {
  readonly from: string
  /** A file, or the name of a package. */
  readonly to: string
  readonly isPackage: boolean
  /** Nothing of it is there when the program runs. */
  readonly isType: boolean
}

/** Undefined in place of an arrow that nobody can read. */
const arrowsFrom = (file: string, text: string): ReadonlyArray<Arrow | undefined> =>
  importsOf(text).map(({ isType, path }) => {
    if (path === undefined) return undefined
    const isPackage = !path.startsWith(".")
    return { from: file, to: isPackage ? path : normalize(join(dirname(file), path)), isPackage, isType }
  })

export const arrowsOf = (files: Files): ReadonlyArray<Arrow> =>
  [...files].flatMap(([file, text]) => arrowsFrom(file, text)).filter((arrow) => arrow !== undefined)

const isOf = (name: string, path: string): boolean => path === name || path.startsWith(`${name}/`)

const packageFault = ({ from, isType, to }: Arrow): string | undefined => {
  const name = Object.keys(packages).find((name) => isOf(name, to))
  if (name === undefined) return undefined
  const { typesFor = [], usedBy } = packages[name]!
  const room = roomOf(from)
  if (usedBy.includes(room) || (isType && typesFor.includes(room))) return undefined
  return `${from} imports ${to}, which is for ${usedBy.join(", ")}`
}

/** What one file imports that it may not. */
export const faultsOf = (file: string, files: Files): ReadonlyArray<string> => {
  const room = roomOf(file)
  const allowed = mayUse[room]
  if (allowed === undefined) return [`${file} lies in ${room}, which is no room of the table`]
  return arrowsFrom(file, files.get(file) ?? "").flatMap((arrow) => {
    if (arrow === undefined) return [`${file} imports what is only known when it runs`]
    if (arrow.isPackage) return packageFault(arrow) ?? []
    if (!files.has(arrow.to)) return [`${file} imports ${arrow.to}, which is not there`]
    const target = roomOf(arrow.to)
    return target === room || allowed.includes(target)
      ? []
      : [`${file} imports ${arrow.to}: ${room} may not use ${target}`]
  })
}

/** Files that need each other's values, in the order in which they do; each circle once. */
export const circlesOf = (arrows: ReadonlyArray<Arrow>): ReadonlyArray<ReadonlyArray<string>> => {
  const needs = new Map<string, Array<string>>()
  for (const { from, isPackage, isType, to } of arrows) {
    if (!isPackage && !isType) needs.set(from, [...(needs.get(from) ?? []), to])
  }
  const circles: Array<ReadonlyArray<string>> = []
  const done = new Set<string>()
  const visit = (file: string, path: ReadonlyArray<string>): void => {
    const start = path.indexOf(file)
    if (start >= 0) return void circles.push([...path.slice(start), file])
    if (done.has(file)) return
    for (const next of needs.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of needs.keys()) visit(file, [])
  return circles
}

/** Each room, and the rooms that its files import. */
export const usesIn = (files: Files): Readonly<Record<string, ReadonlyArray<string>>> => {
  const uses = new Map([...files.keys()].map((file) => [roomOf(file), new Set<string>()]))
  for (const { from, isPackage, to } of arrowsOf(files)) {
    if (!isPackage && roomOf(from) !== roomOf(to)) uses.get(roomOf(from))?.add(roomOf(to))
  }
  return Object.fromEntries(
    [...uses].map(([room, used]) => [room, [...used].toSorted()] as const).toSorted(([a], [b]) => (a < b ? -1 : 1))
  )
}

/** What the tables allow though nobody does it. */
export const unusedOf = (files: Files): ReadonlyArray<string> => {
  const uses = usesIn(files)
  const imported = arrowsOf(files).filter(({ isPackage }) => isPackage)
  const rooms = Object.entries(mayUse).flatMap(([room, allowed]) =>
    allowed.filter((target) => uses[room]?.includes(target) !== true).map((target) => `${room} -> ${target}`)
  )
  const users = Object.entries(packages).flatMap(([name, { typesFor = [], usedBy }]) =>
    [...usedBy, ...typesFor]
      .filter((room) => !imported.some(({ from, to }) => roomOf(from) === room && isOf(name, to)))
      .map((room) => `${room} -> ${name}`)
  )
  return [...rooms, ...users]
}

/** A file of a class, a type or a service has its name, or the one that a door gives it; a file of functions has a lower-case one, and no class. */
export const nameFaultOf = (file: string, files: Files): string | undefined => {
  const name = basename(file, ".ts")
  if (dirname(file) === ".") return undefined
  const { classes, names } = exportsOf(files.get(file) ?? "")
  if (!/^[A-Z]/.test(name)) {
    return classes.size === 0 ? undefined : `${file} exports the class ${[...classes].join(", ")}, and has not its name`
  }
  const isGiven = () =>
    [...files].some(
      ([door, text]) =>
        dirname(door) === "." &&
        exportsOf(text).passedOn.some((passed) => passed.name === name && normalize(passed.path) === file)
    )
  return names.has(name) || isGiven() ? undefined : `${file} exports no ${name}`
}
