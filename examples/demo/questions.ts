/** Questions about the installed packages, answered through the cache. */
import { Effect, type FileSystem, Option, type Path, type PlatformError, Schema } from "effect"
import { type CacheError, CacheService } from "effect-vcache"
import { Package, packageNames, readPackage } from "./packages.ts"

type Answer = Effect.Effect<
  string,
  CacheError | PlatformError.PlatformError | Schema.SchemaError,
  FileSystem.FileSystem | Path.Path
>

export interface Tally {
  /** Times something was asked of the cache, and times it had to be looked up on disk. */
  asked: number
  lookups: number
}

export const questions = Effect.fnUntraced(function* (folder: string, tally: Tally) {
  const cache = yield* CacheService
  const packages = cache.withSchema(Package)
  const names = cache.withSchema(Schema.Array(Schema.String))

  const counted = <A, E, R>(lookup: Effect.Effect<A, E, R>) =>
    Effect.suspend(() => {
      tally.lookups++
      return lookup
    })
  const allNames = Effect.suspend(() => {
    tally.asked++
    return names.getOrSet("names", counted(packageNames(folder)))
  })
  const one = (name: string) =>
    Effect.suspend(() => {
      tally.asked++
      return packages.getOrSet(`package:${name}`, counted(readPackage(folder, name)))
    })
  const all = Effect.flatMap(allNames, (names) => Effect.forEach(names, one, { concurrency: 16 }))

  /** Everything that a package needs, itself included. */
  const closure = Effect.fnUntraced(function* (root: string) {
    const known = new Set(yield* allNames)
    const found = new Map<string, Package>()
    const open = [root]
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      if (found.has(name) || !known.has(name)) continue
      const found_ = yield* one(name)
      found.set(name, found_)
      open.push(...found_.dependencies)
    }
    return found
  })

  const answers: Readonly<Record<string, Answer>> = {
    "How many packages are installed?": Effect.map(allNames, ({ length }) => String(length)),
    "How large are they together?": Effect.map(all, (packages) => megabytes(total(packages))),
    "Which is the largest?": Effect.map(all, (packages) =>
      Option.match(largest(packages), {
        onNone: () => "none",
        onSome: ({ name, size }) => `${name}, ${megabytes(size)}`
      })
    ),
    "Which licences do they have?": Effect.map(all, (packages) => ranking(packages.map(({ license }) => license))),
    "Which are needed most?": Effect.map(all, (packages) =>
      ranking(packages.flatMap(({ dependencies }) => dependencies))
    ),
    "What does vitest need?": Effect.map(
      closure("vitest"),
      (needed) => `${needed.size} packages, ${megabytes(total(needed.values()))}`
    ),
    "What does iovalkey need?": Effect.map(
      closure("iovalkey"),
      (needed) => `${needed.size} packages, ${megabytes(total(needed.values()))}`
    )
  }
  return answers
})

const total = (packages: Iterable<Package>): number => [...packages].reduce((sum, { size }) => sum + size, 0)

const largest = (packages: ReadonlyArray<Package>): Option.Option<Package> =>
  Option.fromUndefinedOr(packages.toSorted((a, b) => b.size - a.size)[0])

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

/** The three most frequent, with how often they come. */
const ranking = (words: ReadonlyArray<string>): string => {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return [...counts]
    .toSorted(([a, m], [b, n]) => n - m || a.localeCompare(b))
    .slice(0, 3)
    .map(([word, count]) => `${word} ${count}×`)
    .join(", ")
}
