/**
 * Whose page does a visitor get? One logs in, reads a page and logs out; another one and a proxy's visitor read the same page.
 * Each request begins and its handler answers at moments of their own, in every order.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted, Schema } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { CacheMemory } from "effect-vcache"
import { HttpCache, HttpSessions } from "effect-vcache/http"
import type { Headers } from "../support/httpPages.ts"

class Visit extends HttpSessions.Service<Visit>()("test/Visitors", {
  data: Schema.String,
  secrets: [Redacted.make("0123456789abcdef0123456789abcdef")]
}) {}

/** What handlers wait for, by the header of their request. */
const gates = new Map<string, Promise<void>>()

const gated = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) =>
  Effect.promise(async () => gates.get(headers["x-gate"] ?? ""))
)

const nobody = "nobody"
const sessionUser = Effect.flatMap(Visit, ({ get }) =>
  Effect.map(
    Effect.orDie(get),
    Option.getOrElse(() => nobody)
  )
)
const header = (name: string) =>
  Effect.map(HttpServerRequest.HttpServerRequest, ({ headers }) => headers[name] ?? nobody)

type Reader = Effect.Effect<string, never, Visit | HttpServerRequest.HttpServerRequest>

/** Pages that name their visitor, with the worst that a handler could say of them. */
const pages: Readonly<Record<string, readonly [read: Reader, headers: Headers]>> = {
  "by its session": [sessionUser, { "cache-control": "public, max-age=60" }],
  "by its session, in a runtime of its own": [
    Effect.flatMap(Visit, ({ get }) =>
      Effect.map(
        Effect.promise(() => Effect.runPromise(Effect.orDie(get))),
        Option.getOrElse(() => nobody)
      )
    ),
    { "cache-control": "public, max-age=60, stale-while-revalidate=60" }
  ],
  "by its cookie, by hand": [header("x-user"), { "cache-control": "max-age=60" }],
  "by its cookie, by hand, stale": [
    header("x-user"),
    { "cache-control": "max-age=0, stale-while-revalidate=60", etag: '"one"' }
  ],
  "by its cookie, told apart by Vary": [
    header("x-user"),
    { "cache-control": "public, max-age=60", vary: "Cookie, X-User" }
  ],
  "by its cookie, told apart by Vary, stale": [
    header("x-user"),
    { "cache-control": "public, max-age=0, stale-while-revalidate=60, stale-if-error=60", vary: "X-User" }
  ],
  "by its token": [header("authorization"), { "cache-control": "max-age=60, must-revalidate" }],
  "by its host": [header("x-forwarded-host"), { "cache-control": "public, max-age=60" }],
  "by its host, stale": [
    header("x-forwarded-host"),
    { "cache-control": "public, max-age=0, stale-while-revalidate=60" }
  ]
}

const slug = (name: string): string => name.replace(/\W+/g, "-")

const answer = (text: string, headers: Headers = {}) => HttpServerResponse.text(text, { headers })

const routes = HttpRouter.addAll([
  ...Object.entries(pages).map(([name, [read, headers]]) =>
    HttpRouter.route(
      "GET",
      `/${slug(name)}/:run`,
      Effect.gen(function* () {
        const before = yield* read
        yield* gated
        return answer(before, headers)
      })
    )
  ),
  HttpRouter.route(
    "GET",
    "/login/:run",
    Effect.gen(function* () {
      yield* gated
      yield* Effect.orDie((yield* Visit).set(yield* header("x-login")))
      return answer("welcome", { "cache-control": "public, max-age=60" })
    })
  ),
  HttpRouter.route(
    "POST",
    "/logout/:run",
    Effect.gen(function* () {
      yield* gated
      yield* Effect.orDie((yield* Visit).destroy)
      return answer("bye")
    })
  )
]).pipe(Layer.provide(Visit.layer), Layer.provide(HttpCache.make({ staleIfError: "1 hour" }).layer))

interface Visitor {
  readonly name: string
  readonly steps: ReadonlyArray<"login" | "page" | "logout">
}

const visitors = [
  { name: "ada", steps: ["login", "page", "logout"] },
  { name: "bob", steps: ["page"] },
  { name: "proxy", steps: ["page"] }
] as const satisfies ReadonlyArray<Visitor>

/** What a request says of its visitor, besides its cookie. The proxy's knows nobody. */
const headersOf = (page: string, name: string, cookie: string | undefined): Headers => ({
  host: "backend",
  "x-login": name,
  "x-forwarded-host": page.startsWith("by its host") ? name : "shop.test",
  ...(cookie === undefined ? {} : { cookie, "x-user": name, authorization: name })
})

/** Orders of the visitors' moments: of each step its begin and the answer of its handler. */
const orders = (left: ReadonlyArray<number>): ReadonlyArray<ReadonlyArray<number>> =>
  left.every((count) => count === 0)
    ? [[]]
    : left.flatMap((count, who) =>
        count === 0 ? [] : orders(left.with(who, count - 1)).map((order) => [who].concat(order))
      )

const allOrders = orders(visitors.map(({ steps }) => steps.length * 2))

/** Every order where sessions are read, and where stale pages are refreshed for nobody; a third of them elsewhere. */
const thorough: ReadonlySet<string> = new Set(["by its session", "by its cookie, told apart by Vary, stale"])
const ordersFor = (page: string) => {
  const remainder = Object.keys(pages).indexOf(page) % 3
  return thorough.has(page) ? allOrders : allOrders.filter((_, i) => i % 3 === remainder)
}

/** What can go on goes on until it waits for a gate. */
const turns = async () => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe("a page that names its visitor", () => {
  for (const page of Object.keys(pages)) {
    it(`${page}, is never another's`, async () => {
      assert.strictEqual(allOrders.length, 1260)
      const orders = ordersFor(page)
      const { dispose, handler } = HttpRouter.toWebHandler(Layer.provide(routes, CacheMemory), { disableLogger: true })
      const cookies = new Map<string, string>()
      const answers: Array<string> = []
      const wrong: Array<string> = []

      const send = async (run: string, { name }: Visitor, step: string, gate = "") => {
        const response = await handler(
          new Request(`http://shop.test/${slug(step === "page" ? page : step)}/${run}`, {
            method: step === "logout" ? "POST" : "GET",
            headers: { ...headersOf(page, name, cookies.get(name)), "x-gate": gate }
          })
        )
        const set = response.headers.get("set-cookie")
        // A browser takes what it is given, even another's.
        if (set !== null && /max-age=0/i.test(set)) cookies.delete(name)
        else if (set !== null) cookies.set(name, set.split(";")[0] ?? "")
        const text = await response.text()
        if (step === "login" && response.headers.has("cache-status")) wrong.push(`the login of ${name} in ${run}`)
        if (step !== "page") return
        answers.push(text)
        const isHis = text === name || (text === nobody && !page.startsWith("by its host"))
        if (!isHis) wrong.push(`${name} got the page of ${text} in ${run}`)
      }

      for (const order of orders) {
        const run = order.join("")
        gates.clear()
        cookies.clear()
        await send(`${run}-before`, visitors[1], "login")
        assert.isTrue(cookies.has("bob"))
        const moments = visitors.map(() => 0)
        const opened = new Map<string, () => void>()
        const sent: Array<Promise<void>> = []
        for (const who of order) {
          const visitor = visitors[who]!
          const moment = moments[who]!
          moments[who] = moment + 1
          const gate = `${who} ${moment >> 1}`
          if (moment % 2 === 1) opened.get(gate)?.()
          else {
            gates.set(gate, new Promise((resolve) => opened.set(gate, resolve)))
            sent.push(send(run, visitor, visitor.steps[moment >> 1]!, gate))
          }
          await turns()
        }
        await Promise.all(sent)
        // And whoever comes later.
        for (const visitor of visitors) await send(run, visitor, "page")
      }
      assert.deepStrictEqual(wrong.slice(0, 10), [], `${wrong.length} wrong`)
      assert.strictEqual(answers.length, orders.length * 6)
      for (const name of ["ada", "bob"]) assert.include(answers, name)
      await dispose()
    }, 300_000)
  }
})
