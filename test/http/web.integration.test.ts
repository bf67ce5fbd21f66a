/** The example web application: its page in a browser, while its server and its database break, and its end. */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { connect } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Page } from "playwright-core"
import { startChromium } from "../support/chromium.ts"
import { test } from "../support/faults.ts"
import { inTime } from "../support/until.ts"
import { startServer } from "../support/ValkeyServer.ts"
import { startWebApplication, type WebApplication } from "../support/webApplication.ts"

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8")

const ask = async ({ at }: WebApplication, path: string, init?: RequestInit) => {
  const response = await fetch(`${at}${path}`, init)
  return { status: response.status, body: await response.text() }
}

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true })

/** Waits for a text of the page. */
const shows = (page: Page, id: string, text: RegExp) => page.locator(`#${id}`).filter({ hasText: text }).waitFor()

/** What the visitors of one way have felt, as the page says it. */
const feltBy = async (page: Page, way: "cached" | "direct") => {
  const cells = await page.locator(`#felt-${way} td`).allInnerTexts()
  const [answered = Number.NaN, stale = Number.NaN, failed = Number.NaN] = cells.map((text) =>
    Number(text.replaceAll(",", ""))
  )
  return { answered, stale, failed }
}

/** Looks again and again, for half a minute at most. */
const untilSeen = (page: Page, what: string, isIt: () => Promise<boolean>) => {
  const look = async (): Promise<void> => {
    while (!(await isIt())) await page.waitForTimeout(50)
  }
  return inTime(what, look())
}

const faultsOf = (page: Page) =>
  page.evaluate<unknown>(
    "axe.run().then(({ violations }) => violations.map(({ help, nodes }) => help + ': ' + nodes[0].html))"
  )

/** On a phone in the dark and on a wide screen in the light: nothing that axe finds, and nothing to scroll sideways. */
const looksRight = async (page: Page) => {
  await page.evaluate(axe)
  for (const [width, colorScheme] of [
    [390, "dark"],
    [1280, "light"]
  ] as const) {
    await page.setViewportSize({ width, height: 844 })
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" })
    const overflows = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert.isFalse(overflows, `at ${width} pixels`)
    assert.deepStrictEqual(await faultsOf(page), [], `${colorScheme}, at ${width} pixels`)
  }
}

const breaksAndMends = async (page: Page) => {
  // By keyboard: the skip link leads to the controls.
  await page.keyboard.press("Tab")
  await page.keyboard.press("Enter")
  await page.keyboard.press("Tab")
  assert.strictEqual(await page.locator(":focus").innerText(), "Freeze")
  await page.keyboard.press("Enter")
  await shows(page, "said", /frozen/)
  await shows(page, "felt-since", /since Valkey was frozen/)
  await page.locator('li[data-place="memory"]').first().waitFor()
  await page.getByLabel("stale: served once more").check()
  await button(page, "Invalidate “tea”").click()
  await shows(page, "said", /made stale/)
  await untilSeen(page, "stale answers", async () => (await feltBy(page, "cached")).stale > 0)
  assert.deepStrictEqual(await faultsOf(page), [], "while it is broken")
  assert.strictEqual((await feltBy(page, "cached")).failed, 0)

  await button(page, "Kill").click()
  await shows(page, "felt-since", /since Valkey was killed/)
  await page.locator('li[data-place="memory"]').first().waitFor()
  assert.strictEqual((await feltBy(page, "cached")).failed, 0)
  await button(page, "Stop").click()
  await untilSeen(page, "visitors without an answer", async () => (await feltBy(page, "direct")).failed > 0)
  assert.strictEqual((await feltBy(page, "cached")).failed, 0)
  await button(page, "Start").click()
  await button(page, "Restart").click()
  await shows(page, "valkey-state", /running/)
  await page.locator('li[data-place="near"]').first().waitFor()
  assert.strictEqual((await feltBy(page, "cached")).failed, 0)
}

const invalidatesTags = async (page: Page) => {
  const coffee = page.locator(".aisle").filter({ hasText: "coffee" })
  const prices = () => coffee.locator("b").allInnerTexts()
  const before = await prices()
  await page.getByLabel("removed: nobody").check()
  await button(page, "Invalidate “coffee”").click()
  await coffee.locator('li[data-place="database"]').first().waitFor()
  await shows(page, "said", /its entries were removed/)
  const isNew = async () => (await prices()).some((price, at) => price !== before[at])
  await untilSeen(page, "a new price", isNew)
}

const looksIntoTheCache = async (page: Page) => {
  await page.getByRole("link", { name: "Admin pages" }).click()
  assert.match(await page.locator("main").innerText(), /It answers/)
  await page.getByRole("link", { name: "Tags", exact: true }).click()
  assert.match(await page.locator("main").innerText(), /coffee/)
}

describe("the example web application", () => {
  it.live(
    "shows in a browser how the shop stays open while Valkey and the database break",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { at } = yield* startWebApplication()
          const browser = yield* startChromium
          yield* Effect.promise(async () => {
            const page = await browser.newPage()
            page.setDefaultTimeout(20_000)
            const errors: Array<unknown> = []
            page.on("pageerror", (error) => errors.push(error))
            // A page that is left ends its stream.
            page.on("console", (message) => {
              if (message.type() === "error" && !message.text().includes("ERR_INCOMPLETE")) errors.push(message.text())
            })
            await page.goto(at)
            await shows(page, "visits", /opened this page once/)
            await page.reload()
            await shows(page, "visits", /opened this page 2 times/)
            await page.locator("#latency path.cached.line[d*=L]").waitFor({ state: "attached" })
            for (const of of ["hits", "near", "queries"]) {
              await page.locator(`[data-of=${of}] path[d*=L]`).waitFor({ state: "attached" })
            }
            await shows(page, "faster", /times faster/)
            await looksRight(page)
            await breaksAndMends(page)
            await page.getByRole("slider", { name: "Visitors" }).fill("400")
            await shows(page, "said", /^400 visitors/)
            await invalidatesTags(page)
            await looksIntoTheCache(page)
            assert.deepStrictEqual(errors, [])
          })
        })
      ),
    // Chromium may have to be installed.
    400_000
  )

  test("takes somebody's Valkey and does not break it, does what its page may ask, and answers while that Valkey is away", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const application = yield* startWebApplication({ VALKEY_URL: server.url })
      const product = yield* Effect.promise(() => ask(application, "/api/products/3"))
      assert.include(product.body, "Matcha")
      const { body } = yield* Effect.promise(() => ask(application, "/health"))
      assert.deepInclude(JSON.parse(body), { ready: true })
      const refused = yield* Effect.promise(() => ask(application, "/valkey/kill", { method: "POST" }))
      assert.deepInclude(refused, {
        status: 409,
        body: "VALKEY_URL names a Valkey of yours, which this page does not break."
      })
      const post = (path: string, headers: Readonly<Record<string, string>> = {}) =>
        Effect.promise(async () => (await ask(application, path, { method: "POST", headers })).status)
      assert.strictEqual(yield* post("/visitors/100", { "sec-fetch-site": "cross-site" }), 403)
      assert.strictEqual(yield* post("/visitors/1001"), 400)
      assert.strictEqual(yield* post("/prices/wine/stale"), 400)
      assert.strictEqual(yield* post("/prices/tea/stale"), 204)
      assert.strictEqual((yield* Effect.promise(() => ask(application, "/api/products/99"))).status, 400)
      assert.strictEqual((yield* Effect.promise(() => ask(application, "/main.ts"))).status, 404)
      assert.strictEqual(yield* post("/visitors/40"), 204)
      const events = yield* Effect.promise(() => fetch(`${application.at}/events`))
      yield* Effect.promise(async () => {
        let told = ""
        for await (const text of events.body!.pipeThrough(new TextDecoderStream())) {
          if ((told += text).includes('"rate":40,')) break
        }
      })
      yield* server.kill
      for (let id = 0; id < 5; id++) {
        assert.strictEqual((yield* Effect.promise(() => ask(application, `/api/products/${id}`))).status, 200)
      }
      const visit = yield* Effect.promise(() => ask(application, "/api/visits", { method: "POST" }))
      assert.deepStrictEqual(JSON.parse(visit.body), { visits: 1 })
      const metrics = yield* Effect.promise(() => ask(application, "/metrics"))
      assert.match(metrics.body, /effect_vcache_hits_total\{cache="effect-vcache\/CacheService"/)
    }))

  test("ends in order when it is told to, though somebody watches, and leaves no server behind", () =>
    Effect.gen(function* () {
      const application = yield* startWebApplication()
      const watched = yield* Effect.promise(() => fetch(`${application.at}/events`))
      const { body } = yield* Effect.promise(() => ask(application, "/cache/servers"))
      const port = Number(/127\.0\.0\.1:(\d+)/.exec(body)?.[1])
      assert.isAbove(port, 0)
      yield* Effect.promise(() => ask(application, "/valkey/freeze", { method: "POST" }))
      application.child.kill("SIGTERM")
      assert.oneOf(yield* Effect.promise(() => application.ended), [0, 130, 143])
      yield* Effect.promise(() => watched.text().catch(() => ""))
      const isThere = yield* Effect.promise(
        () =>
          new Promise((resolve) => {
            const socket = connect(port, "127.0.0.1", () => resolve(true))
            socket.once("error", () => resolve(false))
            socket.once("connect", () => socket.destroy())
          })
      )
      assert.isFalse(isThere)
    }))
})
