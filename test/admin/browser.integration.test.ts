/** The admin pages in Chromium: how they look to a screen reader, on a phone, by keyboard, without scripts. */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { type BrowserContextOptions, type Page } from "playwright-core"
import { startAdmin } from "../support/adminPlace.ts"
import { startChromium } from "../support/chromium.ts"
import { sharedInFile } from "../support/sharedInFile.ts"
import { startServer } from "../support/ValkeyServer.ts"

const place = await Effect.runPromise(
  sharedInFile(
    Effect.gen(function* () {
      const server = yield* startServer("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lfu")
      return yield* Effect.orDie(startAdmin(server.url))
    })
  )
)
const browser = await Effect.runPromise(sharedInFile(startChromium))

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8")

/** Pages of one visitor; whatever the console complains of is a failure. */
const visit = async (name: string, look: (page: Page) => Promise<void>, options: BrowserContextOptions = {}) => {
  const context = await browser.newContext({ extraHTTPHeaders: { authorization: name }, ...options })
  try {
    const page = await context.newPage()
    const errors: Array<string> = []
    page.on("pageerror", ({ message }) => errors.push(message))
    // A page that is left ends its stream.
    page.on("console", (message) => {
      if (message.type() === "error" && !/status of 4\d\d|ERR_INCOMPLETE/.test(message.text()))
        errors.push(message.text())
    })
    page.on("dialog", () => errors.push("a dialog"))
    await look(page)
    assert.deepStrictEqual(errors, [])
  } finally {
    await context.close()
  }
}

const odd = `<script>alert(1)</script>/%:🎉${"x".repeat(4000)}`
const addresses = [
  `${place.at}/cache`,
  `${place.at}/cache/keys`,
  `${place.at}/cache/keys?order=largest&all=1`,
  `${place.at}/cache/keys?tag=users`,
  `${place.at}/cache/keys?pattern=nothing`,
  `${place.at}/cache/keys?from=none`,
  `${place.at}/cache/tags`,
  `${place.at}/cache/tags?tag=users`,
  `${place.at}/cache/locks`,
  `${place.at}/cache/sessions`,
  `${place.at}/cache/sessions?tag=1`,
  `${place.at}/cache/servers`,
  `${place.at}/cache/danger`,
  ...["user:0", "when", "secret", "jobs", "prices", "colours", "ranking", "events", "nobody", odd].map(place.key)
]

describe("the admin pages in a browser", () => {
  it("have no fault that axe finds, in light and dark, and fit on a phone and a wide screen", () =>
    visit("all", async (page) => {
      const faultsOf = async (rules: string) => {
        const found: unknown = await page.evaluate(
          `axe.run(${rules}).then(({ violations }) => violations.map(({ help, nodes }) => help + ': ' + nodes[0].html))`
        )
        return found
      }
      for (const address of addresses) {
        await page.emulateMedia({ colorScheme: "light" })
        await page.goto(address)
        // What is folded is looked at, too.
        await page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        for (const width of [390, 1280]) {
          await page.setViewportSize({ width, height: 800 })
          const isTooWide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
          assert.isFalse(await page.evaluate(isTooWide), `${address} at ${width} pixels`)
        }
        await page.evaluate(axe)
        assert.deepStrictEqual(await faultsOf("{}"), [], address)
        await page.emulateMedia({ colorScheme: "dark" })
        assert.deepStrictEqual(await faultsOf('{ runOnly: ["color-contrast"] }'), [], `${address}, dark`)
      }
    }))

  it("delete what was chosen, and the steps have no fault that axe finds", () =>
    visit(
      "deleter",
      async (page) => {
        const faults = async () => {
          await page.evaluate(axe)
          const found: unknown = await page.evaluate(
            "axe.run().then(({ violations }) => violations.map(({ help }) => help))"
          )
          assert.deepStrictEqual(found, [], page.url())
        }
        await Effect.runPromise(place.cache.setMany({ "old:1": 1, "old:2": 2, [`old:${"y".repeat(4000)}`]: 3 }))
        await page.goto(`${place.at}/cache/keys?pattern=old:*`)
        await page.getByRole("link", { name: "Choose all of these" }).click()
        await page.getByLabel("old:2", { exact: true }).uncheck()
        await page.getByRole("button", { name: "Delete the chosen…" }).click()
        await faults()
        await page.getByRole("button", { name: "Delete these 2 keys" }).click()
        await faults()
        assert.match(await page.getByRole("status").innerText(), /2 of 2 were deleted/)
        assert.isTrue(await Effect.runPromise(place.cache.has("old:2")))
        await Effect.runPromise(place.cache.delete("old:2"))
      },
      { viewport: { width: 390, height: 800 } }
    ))

  it("draw charts of what happens now", () =>
    visit("viewer", async (page) => {
      await page.goto(`${place.at}/cache`)
      await Effect.runPromise(place.cache.get("user:0"))
      await page.locator("figure path[d*=L]").nth(1).waitFor({ state: "attached" })
      assert.match(await page.locator("figure").filter({ hasText: "Memory" }).innerText(), /[KM]iB/)
      assert.isTrue(await page.locator(".charts").isVisible())
    }))

  it("are used by keyboard, from the skip link to a saved value, and tell of a conflict", () =>
    visit("all", async (page) => {
      await page.goto(place.key("user:1"))
      await page.keyboard.press("Tab")
      assert.strictEqual(await page.locator(":focus").innerText(), "Skip to the content")
      await page.keyboard.press("Enter")
      await page.getByLabel("Value, as JSON").focus()
      await page.keyboard.press("ControlOrMeta+A")
      await page.keyboard.type('{"name":"Grace Hopper"}')
      await page.keyboard.press("Tab")
      assert.strictEqual(await page.locator(":focus").innerText(), "Save if unchanged")
      await page.keyboard.press("Enter")
      assert.match(await page.getByRole("status").innerText(), /Saved/)
      assert.deepStrictEqual(await Effect.runPromise(place.cache.get("user:1")), Option.some({ name: "Grace Hopper" }))
      await Effect.runPromise(place.cache.set("user:1", "somebody else"))
      await page.getByLabel("Value, as JSON").fill("1")
      await page.getByRole("button", { name: "Save if unchanged" }).click()
      assert.match(await page.getByRole("alert").innerText(), /has changed since you opened it/)
      assert.match(await page.locator("main").innerText(), /somebody else/)
    }))

  it("do all of it without scripts, as three visitors", async () => {
    const options = { javaScriptEnabled: false }
    await visit(
      "viewer",
      async (page) => {
        await page.goto(`${place.at}/cache`)
        assert.isFalse(await page.locator(".charts").isVisible())
        await page.getByRole("link", { name: "Keys", exact: true }).click()
        await page.getByLabel("Pattern").fill("jobs")
        await page.getByRole("button", { name: "Search" }).click()
        await page.getByRole("link", { name: "jobs" }).click()
        assert.strictEqual(await page.locator("form").count(), 0)
      },
      options
    )
    await visit(
      "editor",
      async (page) => {
        await page.goto(place.key("jobs"))
        await page.getByLabel("Value, as JSON").last().fill('"fourth"')
        await page.getByRole("button", { name: "Push" }).click()
        assert.match(await page.locator("main").innerText(), /fourth/)
        await page.getByRole("button", { name: "Remove 0" }).click()
        assert.match(await page.getByRole("status").innerText(), /removed/)
        assert.strictEqual(await page.getByRole("button", { name: /Delete/ }).count(), 0)
      },
      options
    )
    await visit(
      "deleter",
      async (page) => {
        await page.goto(place.key(odd))
        await page.getByRole("button", { name: "Delete if unchanged" }).click()
        assert.match(await page.getByRole("status").first().innerText(), /deleted/)
        assert.isFalse(await Effect.runPromise(place.cache.has(odd)))
      },
      options
    )
  })
})
