/**
 * The public suite of tests for HTTP caches against `HttpCache`: `CACHE_TESTS=/path/to/cache-tests npm run http-conformance`.
 * Fetch https://github.com/http-tests/cache-tests first, and run `npm install` in it. It starts the suite's own origin, and
 * before it an application whose one handler asks the origin. `--id` runs one test and shows its exchange. Exits with 1 where a
 * required test fails that `docs/http.md` does not name.
 */
import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import http from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { parseArgs } from "node:util"
import { NodeHttpServer } from "@effect/platform-node"
import { Cause, Config, Console, Effect, Layer } from "effect"
import { Cookies, HttpRouter, HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import { CacheMemory } from "../src/index.ts"
import { HttpCache } from "../src/http.ts"

const { values: options } = parseArgs({ options: { id: { type: "string" } } })

interface Test {
  readonly id: string
  readonly kind?: "required" | "optimal" | "check"
  readonly browser_only?: boolean
}

interface Suite {
  readonly tests: ReadonlyArray<Test>
}

type Results = Readonly<Record<string, true | readonly [string, string]>>

type Judge = (suites: ReadonlyArray<Suite>, id: string, results: Results) => readonly [string, string, string]

/** A free port of this machine. */
const freePort = Effect.promise(
  () =>
    new Promise<number>((resolve) => {
      const server = http.createServer().listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        server.close(() => resolve(port))
      })
    })
)

/** A program of the suite, with the settings that npm would give it. */
const start = (suite: string, program: string, settings: Readonly<Record<string, string>>) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, ["--no-warnings", program], {
        cwd: suite,
        env: {
          PATH: process.env["PATH"],
          ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [`npm_package_config_${name}`, value]))
        },
        stdio: ["ignore", "pipe", "inherit"]
      })
    ),
    (child) => Effect.sync(() => child.kill())
  )

/** What the origin answers, whole. */
const askOrigin = (port: number, request: HttpServerRequest.HttpServerRequest, body: ArrayBuffer | undefined) =>
  Effect.callback<HttpServerResponse.HttpServerResponse, HttpServerError.HttpServerError>((resume) => {
    const fail = (cause: unknown) =>
      resume(
        Effect.fail(
          new HttpServerError.HttpServerError({ reason: new HttpServerError.InternalError({ request, cause }) })
        )
      )
    const { connection: _, "transfer-encoding": __, ...headers } = request.headers
    const asked = http.request(
      { host: "127.0.0.1", port, method: request.method, path: request.url, headers, agent: false },
      (answer) => {
        const chunks: Array<Buffer> = []
        answer.on("error", fail)
        answer.on("data", (chunk: Buffer) => chunks.push(chunk))
        answer.on("end", () => {
          const lines: Record<string, string> = {}
          for (let at = 0; at < answer.rawHeaders.length; at += 2) {
            const name = answer.rawHeaders[at]!.toLowerCase()
            const value = answer.rawHeaders[at + 1]!
            if (name !== "set-cookie") lines[name] = lines[name] === undefined ? value : `${lines[name]}, ${value}`
          }
          const content = Buffer.concat(chunks)
          const response = { status: answer.statusCode ?? 0, headers: lines }
          resume(
            Effect.succeed(
              HttpServerResponse.mergeCookies(
                content.length === 0
                  ? HttpServerResponse.empty(response)
                  : HttpServerResponse.uint8Array(content, { ...response, contentType: lines["content-type"] }),
                Cookies.fromSetCookie(answer.headers["set-cookie"] ?? [])
              )
            )
          )
        })
      }
    )
    asked.on("error", fail)
    asked.end(body === undefined ? undefined : Buffer.from(body))
  })

const application = (origin: number) => {
  const pages = HttpCache.make({ staleIfError: "1 hour", heuristics: true })
  return HttpRouter.add(
    "*",
    "/*",
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const hasBody = request.method !== "GET" && request.method !== "HEAD"
      return yield* askOrigin(origin, request, hasBody ? yield* request.arrayBuffer : undefined)
    })
  ).pipe(Layer.provide(pages.layer), Layer.provide(CacheMemory))
}

/** Listens before it is built, so that it has a port of its own. */
const serve = (origin: number) =>
  Effect.gen(function* () {
    const server = http.createServer()
    yield* Layer.build(
      HttpRouter.serve(application(origin), { disableLogger: true, disableListenLog: true }).pipe(
        Layer.provide(NodeHttpServer.layer(() => server, { port: 0, host: "127.0.0.1" }))
      )
    )
    return (server.address() as AddressInfo).port
  })

const output = (child: ReturnType<typeof spawn>) =>
  Effect.promise(
    () =>
      new Promise<string>((resolve) => {
        let text = ""
        child.stdout?.setEncoding("utf8").on("data", (chunk: string) => (text += chunk))
        child.once("close", () => resolve(text))
      })
  )

const listening = (child: ReturnType<typeof spawn>) =>
  Effect.promise(
    () =>
      new Promise<void>((resolve, reject) => {
        child.stdout?.on("data", (chunk: Buffer) => {
          if (String(chunk).includes("Listening")) resolve()
        })
        child.once("close", () => reject(new Error("the suite's server has ended")))
      })
  )

/** Names of tests, one a word between backticks, in the section on conformance of the documents. */
const explained = (): ReadonlySet<string> =>
  new Set(
    readFileSync(new URL("../docs/http.md", import.meta.url), "utf8")
      .split("## Conformance")[1]
      ?.match(/`[\w-]+`/g)
      ?.map((name) => name.slice(1, -1)) ?? []
  )

const program = Effect.gen(function* () {
  const suite = yield* Config.String("CACHE_TESTS")
  const imported = (path: string) => Effect.promise(() => import(pathToFileURL(join(suite, path)).href))
  const { default: suites }: { readonly default: ReadonlyArray<Suite> } = yield* imported("tests/index.mjs")
  const { determineTestResult }: { readonly determineTestResult: Judge } =
    yield* imported("test-engine/lib/results.mjs")
  const origin = yield* freePort
  const settings = { protocol: "http", port: String(origin), pidfile: "/dev/null", id: options.id ?? "" }
  const server = yield* start(suite, "test-engine/server/server.mjs", settings)
  yield* listening(server)
  if (options.id !== undefined) server.stdout.pipe(process.stdout)
  const base = `http://127.0.0.1:${yield* serve(origin)}`
  const answer = yield* output(yield* start(suite, "test-engine/cli.mjs", { ...settings, base }))
  if (options.id !== undefined) return yield* Console.log(answer)
  if (!answer.trimStart().startsWith("{")) return yield* Effect.die(new Error("the suite ended without results"))
  const results: Results = JSON.parse(answer)
  const known = explained()
  for (const kind of ["required", "optimal", "check"] as const) {
    const tests = suites
      .flatMap(({ tests }) => tests)
      .filter((test) => (test.kind ?? "required") === kind && test.browser_only !== true)
    const judged = tests.map(({ id }) => ({ id, sign: determineTestResult(suites, id, results)[2] }))
    const passed = judged.filter(({ sign }) => sign === "✅" || sign === "Y")
    yield* Console.log(`${kind}: ${passed.length} of ${tests.length}`)
    for (const { id, sign } of judged) {
      if (sign === "✅" || sign === "Y") continue
      const result = results[id]
      const reason = result === undefined || result === true ? "" : result[1]
      const isNew = kind === "required" && !known.has(id)
      if (isNew) process.exitCode = 1
      yield* Console.log(`  ${sign} ${id}${isNew ? " (not in docs/http.md)" : ""}: ${reason}`)
    }
  }
})

await Effect.runPromise(
  Effect.scoped(program).pipe(
    Effect.catchCause((cause) => {
      process.exitCode = 1
      return Console.error(Cause.pretty(cause))
    })
  )
)
