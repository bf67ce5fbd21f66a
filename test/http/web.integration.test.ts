/** The example web application: in a browser, through an outage, and to its end. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Page } from "playwright-core"
import { startChromium } from "../support/chromium.ts"
import { test } from "../support/faults.ts"
import { inTime } from "../support/until.ts"
import { startServer } from "../support/ValkeyServer.ts"
import { startWebApplication, type WebApplication } from "../support/webApplication.ts"

const ask = (application: WebApplication, path: string, init?: RequestInit) =>
  Effect.promise(() => fetch(`${application.at}${path}`, init))

describe("the example web application", () => {
  it.live(
    "answers in a browser",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { at } = yield* startWebApplication()
          const browser = yield* startChromium
          yield* Effect.promise(async () => {
            const page = await browser.newPage()
            const errors: Array<unknown> = []
            page.on("pageerror", (error) => errors.push(error))
            await page.goto(at)
            await page.waitForFunction("document.getElementById('visits').textContent === '1'")
            await page.waitForFunction("document.getElementById('package').value === 'effect'")
            const rows = page.locator("#answers tr")
            for (let asked = 1; asked <= 2; asked++) {
              await page.click("#ask")
              await page.waitForFunction(`document.getElementById('answers').rows.length === ${asked * 2}`)
            }
            const [cached = "", direct = ""] = await rows.allTextContents()
            assert.match(cached, /\/api\/packages\/effect\d+ files, [\d,]+ byteseffect-vcache; hit/)
            assert.match(direct, /\/direct\/packages\/effect\d+ files, [\d,]+ bytesnone/)
            await page.reload()
            await page.waitForFunction("document.getElementById('visits').textContent === '2'")
            await looksIntoTheCache(page, at, errors)
            assert.deepStrictEqual(errors, [])
          })
        })
      ),
    // Chromium may have to be installed.
    400_000
  )

  test("answers while its Valkey is away, and says how it is", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const application = yield* startWebApplication({ VALKEY_URL: server.url })
      const first = yield* ask(application, "/api/packages/ws")
      assert.strictEqual(first.status, 200)
      assert.deepInclude(yield* Effect.promise(async () => (await ask200(application, "/health")).json()), {
        ready: true
      })
      yield* server.kill
      for (let i = 0; i < 5; i++) assert.strictEqual((yield* ask(application, "/api/packages/ws")).status, 200)
      const visit = yield* ask(application, "/api/visits", { method: "POST" })
      assert.deepStrictEqual(yield* Effect.promise(() => visit.json()), { visits: 1 })
      const metrics = yield* Effect.promise(async () => (await ask200(application, "/metrics")).text())
      assert.match(metrics, /example_packages_read \d+/)
      assert.match(metrics, /effect_vcache_/)
      assert.strictEqual((yield* ask(application, "/api/packages/nothing")).status, 404)
    }))

  test("ends in order when it is told to", () =>
    Effect.gen(function* () {
      const application = yield* startWebApplication()
      yield* ask(application, "/health")
      const exit = new Promise<number | null>((resolve) => application.child.once("exit", (code) => resolve(code)))
      const ended = inTime("the end of the application", exit)
      application.child.kill("SIGTERM")
      assert.oneOf(yield* Effect.promise(() => ended), [0, 130, 143])
    }))
})

/** By keyboard where it can be: the admin pages of the application, on a phone and on a wide screen. */
const looksIntoTheCache = async (page: Page, at: string, errors: Array<unknown>) => {
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()))
  for (const width of [390, 1280]) {
    await page.setViewportSize({ width, height: 800 })
    await page.goto(`${at}/cache`)
    assert.match(await page.locator("main").innerText(), /It answers/)
    await page.keyboard.press("Tab")
    assert.strictEqual(await page.locator(":focus").innerText(), "Skip to the content")
    await page.getByRole("link", { name: "Keys of" }).click()
    await page.getByLabel("Pattern").fill("*effect")
    await page.keyboard.press("Enter")
    assert.match(await page.getByRole("status").innerText(), /\d keys?\./)
    await page.locator("tbody a").first().click()
    assert.match(await page.locator("dl").innerText(), /Format/)
    const overflows = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert.isFalse(overflows, `at ${width} pixels`)
  }
}

const ask200 = async ({ at }: WebApplication, path: string) => {
  const response = await fetch(`${at}${path}`)
  assert.strictEqual(response.status, 200)
  return response
}
