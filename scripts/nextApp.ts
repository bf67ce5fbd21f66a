/**
 * A small application of Next.js over the packed tarball: `npm run next-app`. It is installed in a temporary folder, checked against
 * the types of Next.js, built, and started twice over one server. Says what its pages showed, and exits with 1 where that is not
 * what the handler promises. Takes a quarter of a gigabyte of disk and a few minutes.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { Console, Effect } from "effect"
import { freePort } from "../test/support/freePort.ts"
import { run } from "../test/support/runProgram.ts"
import { startServer } from "../test/support/ValkeyServer.ts"

const root = join(import.meta.dirname, "..")

const files = {
  "cache-handler.mjs": `
import { Layer } from "effect"
import { Breaker, CacheLive, ValkeyUrl } from "effect-vcache"
import nextCacheHandler from "effect-vcache/next"

export default nextCacheHandler(
  CacheLive.layer({ policies: [Breaker.policy()] }).pipe(Layer.provide(ValkeyUrl.layer(process.env.VALKEY_URL, { commandTimeout: 250 })))
)
`,
  "next.config.mjs": `
import { fileURLToPath } from "node:url"
export default {
  cacheComponents: true,
  partialPrefetching: true,
  cacheHandlers: { default: fileURLToPath(new URL("./cache-handler.mjs", import.meta.url)) }
}
`,
  "types.mts": `
import type { CacheHandler } from "next/cache.js"
import { CacheMemory } from "effect-vcache"
import nextCacheHandler from "effect-vcache/next"
export const handler: CacheHandler = nextCacheHandler(CacheMemory)
`,
  "made.js": `
import { randomUUID } from "node:crypto"
import { cacheLife, cacheTag } from "next/cache"
export async function made(name) {
  "use cache"
  cacheTag("posts")
  cacheLife("hours")
  return \`made:\${name}:\${randomUUID()}:\`
}
`,
  "app/layout.js": `export default ({ children }) => <html><body>{children}</body></html>`,
  "app/page/page.js": `
import { Suspense } from "react"
import { connection } from "next/server"
import { made } from "../../made"
async function Made() {
  await connection()
  return <p>{await made("page")}</p>
}
export default () => <Suspense fallback="..."><Made /></Suspense>
`,
  "app/forget/route.js": `
import { revalidatePath, revalidateTag } from "next/cache"
export async function POST(request) {
  const how = new URL(request.url).searchParams.get("how")
  if (how === "path") revalidatePath("/page")
  else revalidateTag("posts", how === "stale" ? "max" : { expire: 0 })
  return new Response(how)
}
`
}

const must = async (cwd: string, env: Readonly<Record<string, string>>, command: string, ...args: Array<string>) => {
  const { code, stderr, stdout } = await run(command, args, { cwd, env, atMost: 400_000 })
  if (code !== 0) throw new Error(`${[command, ...args].join(" ")}\n${stdout}${stderr}`)
  return stdout
}

const start = (folder: string, port: number, url: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const env = { ...process.env, VALKEY_URL: url, NODE_ENV: "production" as const, NEXT_TELEMETRY_DISABLED: "1" }
      const args = ["node_modules/next/dist/bin/next", "start", "--port", String(port), "--hostname", "127.0.0.1"]
      const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ["ignore", "ignore", "pipe"] })
      child.stderr.on("data", (data) => (logged += data))
      for (let tries = 0; tries < 300; tries++) {
        if (
          await fetch(`http://127.0.0.1:${port}/page`, { signal: AbortSignal.timeout(5_000) }).then(
            (response) => response.ok,
            () => false
          )
        )
          return child
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
      child.kill("SIGKILL")
      throw new Error(`The application did not start. ${logged}`)
    }),
    (child: ChildProcess) => Effect.sync(() => child.kill("SIGKILL"))
  )

const timed = async <A>(work: () => Promise<A>) => {
  const begun = performance.now()
  return { found: await work(), millis: Math.round(performance.now() - begun) }
}

const shownBy = (port: number) => async (): Promise<string> => {
  const response = await fetch(`http://127.0.0.1:${port}/page`, { signal: AbortSignal.timeout(20_000) })
  const [, id] = /made:page:([0-9a-f-]+):/.exec(await response.text()) ?? []
  return id ?? `nothing, with status ${response.status}`
}

const forget = (port: number, how: string) => async (): Promise<number> =>
  (await fetch(`http://127.0.0.1:${port}/forget?how=${how}`, { method: "POST", signal: AbortSignal.timeout(20_000) }))
    .status

/** The logs of the applications. */
let logged = ""

let failures = 0
const expect = (what: string, isSo: boolean, detail = "") => {
  if (!isSo) {
    failures++
    process.exitCode = 1
  }
  return Console.log(`${isSo ? "yes" : "NO "}  ${what}${detail === "" ? "" : ` (${detail})`}`)
}

/** Whether it is so after a while: a stale page is made anew behind its response, and a breaker lets nothing pass at first. */
const eventually = async (isSo: () => boolean | Promise<boolean>): Promise<boolean> => {
  for (let tries = 0; tries < 100; tries++) {
    if (await isSo()) return true
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return false
}

const main = Effect.gen(function* () {
  const server = yield* startServer()
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "vcache-next-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  yield* Effect.promise(() => must(root, {}, "npm", "pack", "--silent", "--pack-destination", folder))
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? ""
  const dependencies = {
    effect: "^4.1.0",
    "effect-vcache": `file:${tarball}`,
    next: process.argv[2] ?? "^16.0.0",
    react: "^19.0.0",
    "react-dom": "^19.0.0"
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "application", version: "1.0.0", dependencies }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  const env = { VALKEY_URL: server.url, NEXT_TELEMETRY_DISABLED: "1" }
  yield* Effect.promise(() => must(folder, env, "npm", "install", "--no-audit", "--no-fund"))
  const version: string = JSON.parse(readFileSync(join(folder, "node_modules/next/package.json"), "utf8")).version
  yield* Console.log(`Next.js ${version}`)
  const types = ["--noEmit", "--skipLibCheck", "--strict", "--module", "nodenext", "--types", "", "types.mts"]
  yield* Effect.promise(() =>
    must(folder, {}, process.execPath, join(root, "node_modules/typescript/bin/tsc"), ...types)
  )
  yield* expect("its CacheHandler is the type of the handler", true)
  const built = yield* Effect.promise(() => timed(() => must(folder, env, "npx", "next", "build")))
  yield* expect("it builds, and the build ends", true, `${Math.round(built.millis / 1000)} s`)

  const [a, b] = yield* Effect.promise(() => Promise.all([freePort(), freePort()]))
  yield* start(folder, a, server.url)
  yield* start(folder, b, server.url)
  const [showA, showB] = [shownBy(a), shownBy(b)]
  const shown = () => Effect.promise(async () => [await showA(), await showB()] as const)

  const [first, second] = yield* shown()
  yield* expect("two processes show what one of them has made", first === second && first.length === 36, first)
  for (const how of ["now", "path"]) {
    const [before] = yield* shown()
    const status = yield* Effect.promise(forget(a, how))
    const [onA, onB] = yield* shown()
    yield* expect(
      `invalidated by ${how === "path" ? "its path" : "its tag"}, it is made anew for both`,
      onA === onB && onA !== before,
      `status ${status}, ${onA}`
    )
  }
  const [before] = yield* shown()
  yield* Effect.promise(forget(a, "stale"))
  const once = yield* Effect.promise(showB)
  const renewed = yield* Effect.promise(() => eventually(async () => (await showB()) !== before))
  yield* expect("stale, it is shown once more and made anew behind that", once === before && renewed)

  const [lastSeen] = yield* shown()
  for (const [what, harm, heal] of [
    ["frozen", server.freeze, server.thaw],
    ["killed", server.kill, Effect.void]
  ] as const) {
    yield* harm
    const outages = yield* Effect.promise(async () => [await timed(showA), await timed(showA)])
    const made = outages.map(({ found, millis }) => `${millis} ms${found.length === 36 ? "" : ` ${found}`}`).join(", ")
    yield* expect(
      `with the server ${what} pages are made`,
      outages.every(({ found }) => found.length === 36),
      made
    )
    logged = ""
    const told = yield* Effect.promise(() => timed(forget(a, "now")))
    const isLogged = yield* Effect.promise(() => eventually(() => logged.includes("nextInvalidate")))
    yield* expect("an invalidation that fails is in the log", isLogged, `status ${told.found}, ${told.millis} ms`)
    yield* heal
    if (what === "killed") continue
    const isMadeUpFor = yield* Effect.promise(() => eventually(async () => (await showA()) === (await showB())))
    yield* expect("and is made up for when the server is back", isMadeUpFor && (yield* shown())[0] !== lastSeen)
  }
  yield* Console.log(failures === 0 ? "All is as it should be." : `${failures} of these are not as they should be.`)
})

await Effect.runPromise(Effect.scoped(main))
