/** Opens the built site in Chromium: pages without faults, at phone width, in light and dark; and its search. */
import assert from "node:assert/strict"
import { existsSync, readFileSync, statSync } from "node:fs"
import { createServer } from "node:http"
import { createRequire } from "node:module"
import { extname, join } from "node:path"
import { launchChromium } from "../test/support/chromium.ts"
import { groups } from "./documents.ts"

const site = join(import.meta.dirname, "dist")
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8")

/** What the theme does itself: its search button shows its keys, and blocks of code that scroll are regions without a name. */
const theme = { "label-content-name-mismatch": { enabled: false }, "landmark-unique": { enabled: false } }

const types: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html",
  ".jpg": "image/jpeg",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
  ".txt": "text/plain",
  ".wasm": "application/wasm"
}

const fileOf = (path: string): string => {
  const file = join(site, decodeURIComponent(path))
  return existsSync(file) && statSync(file).isDirectory() ? join(file, "index.html") : file
}

const server = createServer((request, response) => {
  const file = fileOf(new URL(request.url ?? "/", "http://localhost").pathname)
  if (!existsSync(file)) return response.writeHead(404).end()
  response.setHeader("content-type", types[extname(file)] ?? "application/octet-stream").end(readFileSync(file))
}).listen(0, "127.0.0.1")
await new Promise((resolve) => server.once("listening", resolve))
const address = server.address()
assert(typeof address === "object" && address !== null)
const base = `http://127.0.0.1:${address.port}`

const browser = await launchChromium()
try {
  const page = await browser.newPage()
  const faults: Array<string> = []
  page.on("pageerror", (error) => faults.push(String(error)))
  page.on("response", (response) => {
    if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`)
  })
  page.on("request", (request) => {
    if (!request.url().startsWith(base) && !request.url().startsWith("data:"))
      faults.push(`leaves the site: ${request.url()}`)
  })

  const paths = [
    "/",
    ...groups.flatMap(({ pages }) => pages.map((name) => `/${name}/`)),
    "/api/overview/",
    "/api/index/overview/"
  ]
  for (const path of paths) {
    await page.setViewportSize({ width: 390, height: 800 })
    await page.goto(base + path)
    const width = await page.evaluate(() => document.documentElement.scrollWidth)
    assert(width <= 390, `${path} is ${width} pixels wide on a phone of 390`)
  }
  // The link check of the build leaves the reference out.
  for (const path of ["/api/overview/", "/api/index/overview/", "/api/index/interfaces/cachelock/"]) {
    await page.goto(base + path)
    const links = await page
      .locator("main a[href^='/']")
      .evaluateAll((all) => all.map((one) => one.getAttribute("href")))
    const dead = links.filter((link) => link !== null && !existsSync(fileOf(link.replace(/#.*/, ""))))
    assert.deepEqual(dead, [], path)
    assert(links.length > 5, `${path} has ${links.length} links`)
  }
  await page.setViewportSize({ width: 1280, height: 900 })
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme })
    for (const path of ["/", "/stampedes/", "/api/memory/overview/"]) {
      await page.goto(base + path)
      // Blocks of code that scroll get their place in the order of the keyboard when the page is idle.
      await page.waitForFunction(() =>
        [...document.querySelectorAll("pre")].every((pre) => pre.scrollWidth <= pre.clientWidth || pre.tabIndex === 0)
      )
      await page.evaluate(axe)
      const found: ReadonlyArray<string> = await page.evaluate(
        `axe.run({ rules: ${JSON.stringify(theme)} }).then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes[0].html.slice(0, 200)))`
      )
      assert.deepEqual(found, [], `${path} in ${colorScheme}`)
    }
  }
  await page.goto(base)
  await page.getByRole("button", { name: "Search" }).click()
  await page.getByRole("dialog").getByRole("textbox").fill("stampede")
  const result = page.locator(".pagefind-ui__result-link").first()
  await result.waitFor()
  const hits = await page.locator(".pagefind-ui__result-link").allInnerTexts()
  assert(
    hits.some((hit) => /stampede/i.test(hit)),
    `the search for "stampede" finds ${hits.join(", ")}`
  )
  assert.deepEqual(faults, [])
  console.log(`${paths.length} pages are without a fault. The search for "stampede" finds ${hits.join(", ")}.`)
} finally {
  await browser.close()
  server.close()
}
