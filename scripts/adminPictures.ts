/**
 * Makes the pictures of docs/admin.md: the pages over a ring in which there is something of everything, under load.
 *
 *   npm run admin:pictures
 */
import { join } from "node:path"
import { Effect, Random } from "effect"
import type { Browser } from "playwright-core"
import { type AdminPlace, startAdmin } from "../test/support/adminPlace.ts"
import { startChromium } from "../test/support/chromium.ts"
import { startRing } from "../test/support/RingFleet.ts"

const docs = join(import.meta.dirname, "../docs")

/** How long the charts are drawn before they are looked at. */
const seconds = 100

const pictures = (place: AdminPlace) =>
  [
    { name: "overview", address: `${place.at}/cache`, width: 1280, height: 860, colorScheme: "dark", wait: seconds },
    { name: "keys", address: `${place.at}/cache/keys`, width: 1280, height: 840, colorScheme: "light", wait: 0 },
    { name: "key", address: place.key("user:0"), width: 1280, height: 600, colorScheme: "light", wait: 0 },
    { name: "list", address: place.key("jobs"), width: 390, height: 844, colorScheme: "dark", wait: 0 },
    { name: "servers", address: `${place.at}/cache/servers`, width: 390, height: 844, colorScheme: "dark", wait: 0 },
    { name: "locks", address: `${place.at}/cache/locks`, width: 390, height: 844, colorScheme: "light", wait: 0 }
  ] as const

const taken = async (browser: Browser, { address, colorScheme, height, name, wait, width }: Picture) => {
  const context = await browser.newContext({
    colorScheme,
    viewport: { width, height },
    extraHTTPHeaders: { authorization: "all" }
  })
  const page = await context.newPage()
  await page.goto(address)
  await page.waitForTimeout(wait * 1000)
  await page.screenshot({ path: join(docs, `admin-${name}.jpg`), type: "jpeg", quality: 70 })
  await context.close()
}
type Picture = ReturnType<typeof pictures>[number]

/** Reads of which most find something, now more of them and now fewer. */
const load = ({ cache }: AdminPlace) =>
  Effect.forever(
    Effect.gen(function* () {
      const reads = yield* Random.nextIntBetween(20, 120)
      const key = (yield* Random.nextIntBetween(0, 10)) < 8 ? "user:2" : "user:nobody"
      yield* Effect.replicateEffect(cache.get(key), reads, { concurrency: 8, discard: true })
      yield* Effect.sleep("100 millis")
    })
  )

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const ring = yield* startRing("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lfu")
      const place = yield* startAdmin(ring.url)
      const browser = yield* startChromium
      yield* Effect.forkScoped(load(place))
      for (const picture of pictures(place)) yield* Effect.promise(() => taken(browser, picture))
    })
  )
)
