/** Something real that every machine with this project has: its installed packages. */
import { Effect, FileSystem, Path, Schema } from "effect"

export class Package extends Schema.Class<Package>("Package")({
  name: Schema.String,
  version: Schema.String,
  license: Schema.String,
  dependencies: Schema.Array(Schema.String),
  /** Bytes on disk, without packages nested in it. */
  size: Schema.Int,
  files: Schema.Int
}) {}

const Manifest = Schema.fromJsonString(
  Schema.Struct({
    name: Schema.String,
    version: Schema.String,
    license: Schema.optionalKey(Schema.Unknown),
    dependencies: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
  })
)

/** The names of all packages in a node_modules folder. */
export const packageNames = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const names: Array<string> = []
  for (const entry of yield* fs.readDirectory(folder)) {
    if (entry.startsWith(".")) continue
    if (!entry.startsWith("@")) names.push(entry)
    else for (const name of yield* fs.readDirectory(path.join(folder, entry))) names.push(`${entry}/${name}`)
  }
  const isPackage = (name: string) => fs.exists(path.join(folder, name, "package.json"))
  return yield* Effect.filter(names.toSorted(), isPackage)
})

/** Reads a package from disk: its manifest, and every file for its size. */
export const readPackage = Effect.fnUntraced(function* (folder: string, name: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const home = path.join(folder, name)
  const text = yield* fs.readFileString(path.join(home, "package.json"))
  const manifest = yield* Schema.decodeUnknownEffect(Manifest)(text)
  const inside = (yield* fs.readDirectory(home, { recursive: true })).filter(
    (file) => !/(^|\/)node_modules\//.test(file)
  )
  const infos = yield* Effect.forEach(inside, (file) => fs.stat(path.join(home, file)), { concurrency: 32 })
  const files = infos.filter(({ type }) => type === "File")
  return new Package({
    name: manifest.name,
    version: manifest.version,
    license: typeof manifest.license === "string" ? manifest.license : "unknown",
    dependencies: Object.keys(manifest.dependencies ?? {}),
    size: files.reduce((sum, { size }) => sum + Number(size), 0),
    files: files.length
  })
})
