/**
 * The packed tarball, installed and run by each runtime, package manager and bundler that the documents name, on a server:
 * `npm run runtimes`, or `npm run runtimes -- bun deno`. Takes about half a gigabyte of disk and a few minutes.
 * Exits with 1 where one of them fails.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Console, Effect } from "effect"
import { run } from "../test/support/runProgram.ts"
import { startServer } from "../test/support/ValkeyServer.ts"

const root = join(import.meta.dirname, "..")

const program = `
import { Effect, Schema } from "effect"
import { CacheFromConfig, CacheService } from "effect-vcache"

const program = Effect.gen(function* () {
  const cache = (yield* CacheService).withSchema(Schema.Struct({ name: Schema.String }))
  const lookup = Effect.succeed({ name: "Ada" })
  yield* cache.getOrSet("user:1", lookup)
  return (yield* cache.get("user:1")).pipe((user) => JSON.stringify(user))
})
console.log(await Effect.runPromise(Effect.provide(program, CacheFromConfig.required)))
`

const expected = '{"_id":"Option","_tag":"Some","value":{"name":"Ada"}}\n'

/** How esbuild lets CommonJS modules of a bundle require Node's own. */
const esbuildBanner = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);'

interface Way {
  readonly name: string
  /** Packages that the project has beside the tarball. */
  readonly packages?: ReadonlyArray<string>
  readonly install?: ReadonlyArray<string>
  readonly build?: ReadonlyArray<string>
  readonly start: ReadonlyArray<string>
}

const bin = (name: string) => `node_modules/.bin/${name}`
const node = (version: string): Way => ({
  name: `Node ${version}`,
  packages: [`node@${version}`],
  start: [bin("node"), "program.mjs"]
})

const ways: ReadonlyArray<Way> = [
  node("22"),
  node("24"),
  node("26"),
  { name: "Bun", packages: ["bun@1"], start: [bin("bun"), "program.mjs"] },
  { name: "Deno", packages: ["deno@2"], start: [bin("deno"), "run", "--allow-all", "program.mjs"] },
  {
    name: "pnpm",
    install: ["npx", "--yes", "pnpm@12", "install", "--config.strict-peer-dependencies=true"],
    start: [process.execPath, "program.mjs"]
  },
  {
    name: "Yarn PnP",
    install: ["npx", "--yes", "@yarnpkg/cli-dist@4", "install"],
    start: ["npx", "--yes", "@yarnpkg/cli-dist@4", "node", "program.mjs"]
  },
  {
    name: "esbuild",
    packages: ["esbuild@0.28"],
    build: [
      bin("esbuild"),
      "program.mjs",
      "--bundle",
      "--platform=node",
      "--format=esm",
      `--banner:js=${esbuildBanner}`,
      "--outfile=bundle.mjs"
    ],
    start: [process.execPath, "bundle.mjs"]
  },
  {
    name: "rolldown",
    packages: ["rolldown@1"],
    build: [bin("rolldown"), "program.mjs", "--platform", "node", "--dir", "bundle"],
    start: [process.execPath, "bundle/program.js"]
  }
]

const must = async (cwd: string, env: Readonly<Record<string, string>>, command: ReadonlyArray<string>) => {
  const [name = "", ...args] = command
  const { code, stderr, stdout } = await run(name, args, { cwd, env, atMost: 300_000 })
  if (code !== 0) throw new Error(`${command.join(" ")}\n${stdout}${stderr}`)
  return stdout
}

const attempt = async (way: Way, folder: string, tarball: string, url: string): Promise<string> => {
  const env = { VALKEY_URL: url }
  const packages = Object.fromEntries(
    (way.packages ?? []).map((name) => [name.slice(0, name.lastIndexOf("@")), name.slice(name.lastIndexOf("@") + 1)])
  )
  const manifest = {
    name: "application",
    version: "1.0.0",
    type: "module",
    dependencies: { effect: "^4.1.0", "effect-vcache": `file:${tarball}`, ...packages },
    allowScripts: Object.fromEntries(Object.keys(packages).map((name) => [name, true]))
  }
  mkdirSync(folder)
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest))
  writeFileSync(join(folder, "program.mjs"), program)
  writeFileSync(join(folder, "yarn.lock"), "")
  await must(folder, env, way.install ?? ["npm", "install", "--no-audit", "--no-fund"])
  if (way.build !== undefined) await must(folder, env, way.build)
  const printed = await must(folder, env, way.start)
  if (printed !== expected) throw new Error(`printed ${printed}`)
  return "ok"
}

const main = Effect.gen(function* () {
  const { url } = yield* startServer()
  const workplace = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "vcache-runtimes-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  yield* Effect.promise(() => must(root, {}, ["npm", "pack", "--silent", "--pack-destination", workplace]))
  const tarball = join(workplace, readdirSync(workplace).find((name) => name.endsWith(".tgz")) ?? "")
  const wanted = process.argv.slice(2).map((name) => name.toLowerCase())
  for (const [index, way] of ways.entries()) {
    if (wanted.length > 0 && !wanted.some((name) => way.name.toLowerCase().includes(name))) continue
    const outcome = yield* Effect.promise(() =>
      attempt(way, join(workplace, String(index)), tarball, url).catch((error: unknown) => {
        process.exitCode = 1
        return String(error)
      })
    )
    yield* Console.log(`${way.name.padEnd(10)} ${outcome}`)
  }
})

await Effect.runPromise(Effect.scoped(main))
