/** Every example and every program in the documents does what it says, in memory and on a server. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import manifest from "../package.json" with { type: "json" }
import { elsewhere, groups } from "../site/documents.ts"
import { printedInMemory, run, runTs } from "./support/runProgram.ts"
import { startCluster } from "./support/ClusterFleet.ts"
import { startSentinelFleet } from "./support/SentinelFleet.ts"
import { startServer } from "./support/ValkeyServer.ts"
import { environmentFor, findValkey } from "./support/valkeyBinary.ts"

const root = join(import.meta.dirname, "..")
const scope = Scope.makeUnsafe()
let url = ""

beforeAll(async () => {
  url = (await Effect.runPromise(Scope.provide(startServer(), scope))).url
})
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

/** What a program says that it prints. */
const expectedOutput = (source: string): string | undefined => {
  const [, printed] = source.split(/^\/\/ Prints:\n/m)
  return printed?.replace(/^\/\/ ?/gm, "")
}

const assertPrints = async (file: string, expected: string | undefined, env: Readonly<Record<string, string>>) => {
  const { code, stderr, stdout } = await runTs(file, root, env)
  assert.strictEqual(stderr, "")
  assert.strictEqual(code, 0)
  if (expected !== undefined) assert.strictEqual(stdout, expected)
}

describe("examples", () => {
  const examples = readdirSync(join(root, "examples")).filter((name) => name.endsWith(".ts"))
  let printed: ReturnType<typeof printedInMemory> | undefined
  const inMemory = () => (printed ??= printedInMemory(join(root, "examples"), root))
  it("are there", () => assert.isAtLeast(examples.length, 7))

  for (const name of examples) {
    const file = join(root, "examples", name)
    const expected = expectedOutput(readFileSync(file, "utf8"))
    it.concurrent(`${name} in memory`, async () => {
      const found = (await inMemory())[name]
      assert.strictEqual(`${found}\n`, expected ?? `${found}\n`)
    })
    it.concurrent(`${name} on a server`, () => assertPrints(file, expected, { VALKEY_URL: url }))
  }

  it.concurrent("without VALKEY_URL they say that they are in memory, and run there", async () => {
    const file = join(root, "examples/quick-start.ts")
    const { code, stdout } = await runTs(file, root, {})
    assert.strictEqual(code, 0)
    const [warning = "", ...rest] = stdout.split("\n")
    assert.match(warning, /WARN.*VALKEY_URL is not set/)
    assert.strictEqual(rest.join("\n"), expectedOutput(readFileSync(file, "utf8")))
  })

  for (const name of ["effect-redis", "near", "rate-limiter", "reactivity", "replicated", "ring", "task-queue"]) {
    const file = join(root, "examples", name, "main.ts")
    it.concurrent(`${name}, with servers of its own`, () =>
      assertPrints(file, expectedOutput(readFileSync(file, "utf8")), environmentFor(findValkey())))
  }

  const fleets: ReadonlyArray<readonly [string, Effect.Effect<{ readonly url: string }, never, Scope.Scope>]> = [
    ["cluster", startCluster({ replicas: 0 })],
    ["sentinel", startSentinelFleet()]
  ]
  for (const [name, start] of fleets) {
    const file = join(root, "examples", name, "main.ts")
    it.concurrent(`${name}, with the servers that the environment names`, async () => {
      const { url } = await Effect.runPromise(Scope.provide(start, scope))
      await assertPrints(file, expectedOutput(readFileSync(file, "utf8")), { VALKEY_URL: url })
    })
  }

  it("each is named in README.md, and prints what it says that it prints", () => {
    const readme = readFileSync(join(root, "README.md"), "utf8")
    const mains = readdirSync(join(root, "examples"), { recursive: true, encoding: "utf8" }).filter((name) =>
      /^(?:[^/]+|[^/]+\/main)\.ts$/.test(name)
    )
    const says = (name: string) => expectedOutput(readFileSync(join(root, "examples", name), "utf8")) !== undefined
    const unnamed = mains.filter((name) => !readme.includes(`](examples/${name})`))
    // It has a command of its own, which README.md names.
    assert.deepStrictEqual(unnamed, ["demo/main.ts"])
    // Its output, the outage's and the application's differ each time.
    assert.deepStrictEqual(
      mains.filter((name) => !says(name)),
      ["demo/main.ts", "outage/main.ts", "web/main.ts"]
    )
  })

  it.concurrent("the demo, in memory and on a server", async () => {
    for (const env of [{}, { VALKEY_URL: `${url}/1` }]) {
      const { code, stderr, stdout } = await runTs(join(root, "examples/demo/main.ts"), root, env)
      assert.strictEqual(stderr, "")
      assert.strictEqual(code, 0)
      assert.include(stdout, "Both rounds gave the same answers.")
      assert.include(stdout, "VALKEY_URL" in env ? "standalone" : "memory")
    }
  })

  it.concurrent("the outage: every request is answered, whatever happens to the server", async () => {
    const { code, stderr, stdout } = await runTs(
      join(root, "examples/outage/main.ts"),
      root,
      environmentFor(findValkey())
    )
    assert.strictEqual(stderr, "")
    assert.strictEqual(code, 0)
    const rows = [...stdout.matchAll(/^(before|frozen|killed|back, cold|after) +(\d+) +(\d+) /gm)]
    assert.strictEqual(rows.length, 5, stdout)
    for (const [row, , requests, errors] of rows) {
      assert.isAbove(Number(requests), 0, row)
      assert.strictEqual(errors, "0", row)
    }
  })
})

describe("documents", () => {
  const folder = join(root, ".cache", "documents")
  const markdown = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"))
  const documents = ["README.md", "AGENTS.md", ...markdown.map((name) => `docs/${name}`)]
  const blocks = documents.flatMap((document) =>
    [...readFileSync(join(root, document), "utf8").matchAll(/^```ts( vitest)?\n(.*?)^```$/gms)].map((match, i) => ({
      name: `${document} ${i + 1}`,
      file: join(folder, `${document.replace(/\W/g, "_")}_${i + 1}.ts`),
      source: match[2] ?? "",
      // Run by documentedTests.test.ts.
      isTest: match[1] !== undefined
    }))
  )
  const programs = blocks.filter(({ isTest }) => !isTest)

  beforeAll(() => {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    for (const { file, source } of blocks) writeFileSync(file, source)
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ extends: "../../tsconfig.json", include: ["*.ts"] }))
  })

  it("have programs", () => assert.isAtLeast(programs.length, 3))

  it("their programs have the types they claim", async () => {
    const { code, stdout } = await run(
      process.execPath,
      [join(root, "node_modules/typescript/bin/tsc"), "-p", folder],
      { cwd: root }
    )
    assert.strictEqual(stdout, "")
    assert.strictEqual(code, 0)
  })

  for (const { file, name, source } of programs) {
    it.concurrent(name, () => assertPrints(file, expectedOutput(source), { VALKEY_URL: url }))
  }

  it("what a page shows of an example is what that prints", () => {
    const shown = documents.flatMap((document) =>
      [
        ...readFileSync(join(root, document), "utf8").matchAll(
          /\]\(\.\.\/(examples\/[^)]*)\)[^\n]*(?:\n[^\n]+)*:\n\n((?: {4}.*\n)+)/g
        )
      ].map(([, example = "", lines = ""]) => ({ example, lines: lines.replace(/^ {4}/gm, "") }))
    )
    const fixed = shown.flatMap(({ example, lines }) => {
      const printed = expectedOutput(readFileSync(join(root, example), "utf8"))
      // The application measures other numbers each time.
      return printed === undefined ? [] : [{ example, lines, printed }]
    })
    assert.isAtLeast(fixed.length, 4)
    for (const { example, lines, printed } of fixed) assert.strictEqual(lines, printed, example)
  })

  it("the changelog begins with the version of the package, and its date", () => {
    const [heading = ""] = /^## .*$/m.exec(readFileSync(join(root, "CHANGELOG.md"), "utf8")) ?? []
    assert.match(heading, /^## \d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\)$/)
    assert.include(heading, ` ${manifest.version} `)
  })

  it("AGENTS.md names every page for users", () => {
    const agents = readFileSync(join(root, "AGENTS.md"), "utf8")
    const pages = documents.filter((name) => !/^(?:[A-Z]|docs\/(?:architecture|faults)\.md)/.test(name))
    assert.deepStrictEqual(
      pages.filter((page) => !agents.includes(`](${page})`)),
      []
    )
  })

  it("each page of docs has one place in the sidebar of the site", () => {
    const listed = groups.flatMap(({ pages }) => pages).filter((page) => elsewhere[page] === undefined)
    const pages = documents.flatMap((name) => /^docs\/(.*)\.md$/.exec(name)?.[1] ?? [])
    assert.deepStrictEqual(listed.toSorted(), pages.toSorted())
  })

  it("every link to a file of the project leads somewhere", () => {
    for (const document of documents) {
      const text = readFileSync(join(root, document), "utf8")
      for (const [, target = ""] of text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
        assert.doesNotThrow(() => readFileSync(join(root, document, "..", target)), `${document} → ${target}`)
      }
    }
  })
})
