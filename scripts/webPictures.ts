/**
 * Makes the pictures of the example application: a shop whose Valkey is killed and whose database is stopped.
 *
 *   npm run web:pictures
 */
import { join } from "node:path"
import { Effect } from "effect"
import type { Page } from "playwright-core"
import { startChromium } from "../test/support/chromium.ts"
import { startWebApplication } from "../test/support/webApplication.ts"

const docs = join(import.meta.dirname, "../docs")

const take = (page: Page, name: string) =>
  page.screenshot({ path: join(docs, `web-${name}.jpg`), type: "jpeg", quality: 75 })

/** Does one step after the other: a text is a button that is pressed, a number is a wait in seconds. */
const act = async (page: Page, ...steps: ReadonlyArray<string | number>) => {
  for (const step of steps) {
    if (typeof step === "number") await page.waitForTimeout(step * 1000)
    else await page.getByRole("button", { name: step, exact: true }).click()
  }
}

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const { at } = yield* startWebApplication()
      const browser = yield* startChromium
      yield* Effect.promise(async () => {
        const phone = await browser.newPage({
          viewport: { width: 390, height: 720 },
          colorScheme: "dark",
          deviceScaleFactor: 1.5
        })
        await phone.goto(at)
        await act(phone, 2, "Invalidate “coffee”", 0.7)
        await phone.locator(".shop").evaluate((shop) => shop.scrollIntoView())
        await take(phone, "tags")
        await phone.close()
        const wide = await browser.newPage({ viewport: { width: 1280, height: 805 }, colorScheme: "light" })
        await wide.goto(at)
        await act(wide, 10, "Kill", 6, "Restart", 7, "Stop", 5)
        await take(wide, "outage")
      })
    })
  )
)
