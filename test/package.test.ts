/** The packed tarball installs in an empty project, imports, and brings its types. */
import { once } from "node:events"
import { createServer } from "node:net"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { assert, it } from "@effect/vitest"
import { run } from "./support/runProgram.ts"

const root = join(import.meta.dirname, "..")

const program = `
import { Effect, Option } from "effect"
import { CacheMemory, CacheService, Serializer } from "effect-vcache"
import { Admin } from "effect-vcache/admin"
import * as codecs from "effect-vcache/codecs"
import { CacheReactivity } from "effect-vcache/effect"
import { HttpCache, HttpSessions } from "effect-vcache/http"
import * as memory from "effect-vcache/memory"
import { SessionStore } from "effect-vcache/sessions"
import KeyvStore from "effect-vcache/keyv"
import { SqlCache } from "effect-vcache/sql"
import { Faults } from "effect-vcache/testing"

const program = Effect.gen(function* () {
  const cache = yield* CacheService
  yield* cache.set("k", 1)
  const value: Option.Option<unknown> = yield* cache.get("k")
  return value
})
if (![Admin.layer, CacheReactivity.layer, HttpCache.make, SessionStore.make, HttpSessions.Service, KeyvStore, SqlCache.layer, Faults.layer].every(Boolean)) throw new Error("an entry point is empty")
if (memory.CacheService !== CacheService || Serializer !== codecs.Serializer) throw new Error("doors have a cache each")
console.log(JSON.stringify(Effect.runSync(Effect.provide(program, CacheMemory))))
`

/** Its code is bundled with that of iovalkey, which has no modules of its own. */
const connecting = `
import { Effect, Layer } from "effect"
import { CacheLive, CacheService, ValkeyStandalone } from "effect-vcache"

const program = Effect.flatMap(CacheService, (cache) => Effect.flip(cache.get("k")))
const nobody = ValkeyStandalone.layer({ url: "valkey://127.0.0.1:1" })
console.log((await Effect.runPromise(Effect.provide(program, Layer.provide(CacheLive, nobody)))).code)
`

/** To files, without what is on the web. */
const linksIn = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, target = ""]) => target)

it("npm pack, lint, install, import", async () => {
  const folder = mkdtempSync(join(tmpdir(), "vcache-package-"))
  try {
    const ok = async (command: string, ...args: ReadonlyArray<string>) => {
      const { code, stderr, stdout } = await run(command, args, { cwd: folder, atMost: 150_000 })
      assert.strictEqual(code, 0, stdout + stderr)
      return stdout
    }
    const packed = await run("npm", ["pack", "--pack-destination", folder], { cwd: root })
    assert.strictEqual(packed.code, 0, packed.stderr)
    const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? ""
    // What package managers, bundlers and TypeScript find in it.
    const bin = join(root, "node_modules/.bin")
    await ok(join(bin, "publint"), "run", join(folder, tarball), "--strict")
    await ok(join(bin, "attw"), join(folder, tarball), "--profile", "esm-only")
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "empty", version: "1.0.0", type: "module" }))
    await ok("npm", "install", "--no-audit", "--no-fund", `./${tarball}`)
    // Native code comes only to those who ask for it.
    assert.notIncludeMembers(readdirSync(join(folder, "node_modules")), ["lz4-napi", "@antoniomuso"])
    // Assistants and people find there what the documents name.
    const installed = join(folder, "node_modules/effect-vcache")
    for (const document of [
      "AGENTS.md",
      "README.md",
      ...readdirSync(join(installed, "docs"))
        .filter((name) => name.endsWith(".md"))
        .map((name) => join("docs", name))
    ]) {
      for (const target of linksIn(readFileSync(join(installed, document), "utf8"))) {
        assert.isTrue(existsSync(join(installed, dirname(document), target)), `${document} → ${target}`)
      }
    }
    // Nor do packages of the command line.
    const command = await run(join(folder, "node_modules/.bin/effect-vcache"), ["keys"], { cwd: folder })
    assert.strictEqual(command.code, 2, command.stderr)
    // Here they are: the command that was built and packed, with all of its subcommands.
    const built = (...args: ReadonlyArray<string>) =>
      run(process.execPath, [join(root, "dist/cli.js"), ...args], { cwd: folder })
    const busy = createServer().listen(0, "127.0.0.1")
    await once(busy, "listening")
    const address = busy.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    const [version, keys, admin] = await Promise.all([
      built("--version"),
      built("keys", "--url", "memory://"),
      built("admin", "--url", "memory://", "--port", String(port))
    ])
    busy.close()
    assert.deepStrictEqual([version.code, keys.code], [0, 0], version.stderr + keys.stderr)
    // The pages were loaded, and somebody else is there.
    assert.deepStrictEqual(
      [admin.code, admin.stderr],
      [3, `effect-vcache: The command cannot listen on port ${port}.\n`]
    )
    assert.include(command.stderr, "npm install @effect/platform-node")
    writeFileSync(join(folder, "program.mts"), program)
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: { module: "NodeNext", strict: true, noEmit: true, types: [] },
        include: ["*.mts"]
      })
    )
    await ok(process.execPath, join(root, "node_modules/typescript/bin/tsc"), "-p", folder)
    assert.strictEqual(await ok(process.execPath, "program.mts"), '{"_id":"Option","_tag":"Some","value":1}\n')
    writeFileSync(join(folder, "connecting.mjs"), connecting)
    await ok(join(bin, "rolldown"), "connecting.mjs", "--platform", "node", "--dir", "bundled")
    assert.strictEqual(await ok(process.execPath, "bundled/connecting.js"), "ECONNREFUSED\n")
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}, 180_000)
