/** LZ4 is a package of its own: without it, or without its binary, one sentence says what to do. */
import { assert, describe, it } from "@effect/vitest"
import { join } from "node:path"
import { run } from "../support/runProgram.ts"

const root = join(import.meta.dirname, "../..")

/** A process in which the loading of some modules fails, as it does where they are not installed. */
const withoutModules = (pattern: RegExp, message: string) => `
import Module from "node:module"
const load = Module._load
Module._load = function (id, ...rest) {
  if (${pattern}.test(id)) throw new Error(${JSON.stringify(message)})
  return load.call(this, id, ...rest)
}
const { CacheInputError, Compressor } = await import("effect-vcache")
try {
  Compressor.lz4()
  console.log("loaded")
} catch (error) {
  console.log(error instanceof CacheInputError, error.message)
}
`

const loading = async (pattern: RegExp, message: string) => {
  const args = ["--conditions=effect-vcache-source", "--input-type=module", "-e", withoutModules(pattern, message)]
  const { stderr, stdout } = await run(process.execPath, args, { cwd: root })
  assert.strictEqual(stderr, "")
  return stdout
}

describe("Compressor.lz4", () => {
  it("loads its package where there is one", async () => assert.strictEqual(await loading(/^none$/, ""), "loaded\n"))

  for (const [what, pattern, message] of [
    ["the package is missing", /^lz4-napi$/, "Cannot find module 'lz4-napi'"],
    ["its binary is missing", /^@antoniomuso\/|\.node$/, "x".repeat(16_000)]
  ] as const) {
    it(`is a CacheInputError that names the package where ${what}`, async () => {
      const printed = await loading(pattern, message)
      assert.match(printed, /^true Compressor\.lz4: the package lz4-napi cannot be loaded: install it with/)
      assert.isBelow(printed.length, 300)
    })
  }
})
