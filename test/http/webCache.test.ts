/** Cached responses of a framework without Effect: Hono, by its own `fetch`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Hono } from "hono"
import { CacheLive, CacheMemory, makeClient, ValkeyStandalone } from "effect-vcache"
import { webCache } from "effect-vcache/http"

const site = "http://example.com"

const application = () => {
  let calls = 0
  const app = new Hono()
  app.get("/page/:n", async (c) => {
    calls++
    await new Promise((resolve) => setTimeout(resolve, 10))
    c.header("cache-control", "public, max-age=60")
    c.header("etag", `"v1"`)
    c.header("cache-tag", `page:${c.req.param("n")}, all`)
    return c.json({ n: c.req.param("n") })
  })
  app.get("/mine", (c) => {
    calls++
    c.header("cache-control", "public, max-age=60")
    c.header("set-cookie", "a=1")
    return c.text("mine")
  })
  app.get("/broken", () => {
    throw new Error("broken")
  })
  app.onError((error) => {
    throw error
  })
  return { fetch: app.fetch, calls: () => calls }
}

describe("webCache", () => {
  it("calls the handler once for all who ask, and answers from then on", async () => {
    await using pages = webCache(CacheMemory)
    const { calls, fetch } = application()
    const cached = pages.wrap(fetch)
    const responses = await Promise.all(Array.from({ length: 20 }, () => cached(new Request(`${site}/page/1`))))
    for (const response of responses) assert.deepStrictEqual(await response.json(), { n: "1" })
    const again = await cached(new Request(`${site}/page/1`))
    assert.deepStrictEqual(await again.json(), { n: "1" })
    assert.include(again.headers.get("cache-status"), "hit")
    const unchanged = await cached(new Request(`${site}/page/1`, { headers: { "if-none-match": `"v1"` } }))
    assert.strictEqual(unchanged.status, 304)
    assert.strictEqual(calls(), 1)
  })

  it("shares the cache of a client, and the handler answers when that is closed", async () => {
    const cache = makeClient(CacheMemory)
    const pages = webCache(cache.layer, { tags: true })
    const { calls, fetch } = application()
    const cached = pages.wrap(fetch)
    const ask = async () => assert.strictEqual((await cached(new Request(`${site}/page/1`))).status, 200)
    await ask()
    await ask()
    assert.strictEqual(calls(), 1)
    await cache.invalidateTags(["page:1"])
    await ask()
    assert.strictEqual(calls(), 2)
    await cache.close()
    await ask()
    assert.strictEqual(calls(), 3)
    await pages.close()

    await using late = webCache(cache.layer)
    const error: unknown = await late.purge("example.com/").catch((error: unknown) => error)
    assert.deepInclude(error, { _tag: "CacheConnectionError", phase: "closed" })
  })

  it("closes, and leaves the client that it shares open", async () => {
    await using cache = makeClient(CacheMemory)
    const pages = webCache(cache.layer)
    await pages.wrap(application().fetch)(new Request(`${site}/page/1`))
    await pages.close()
    assert.isAbove(await cache.clear(), 0)
  })

  it("passes on what the runtime adds, and what is for one visitor only", async () => {
    await using pages = webCache(CacheMemory)
    const { calls, fetch } = application()
    const cached = pages.wrap(fetch)
    for (let i = 0; i < 2; i++) {
      const response = await cached(new Request(`${site}/mine`), { binding: "x" })
      assert.strictEqual(response.headers.get("set-cookie"), "a=1")
    }
    assert.strictEqual(calls(), 2)
    const told = pages.wrap((_request: Request, environment: { readonly name: string }) => Response.json(environment))
    assert.deepStrictEqual(await (await told(new Request(`${site}/env`), { name: "x" })).json(), { name: "x" })
  })

  it("forgets pages", async () => {
    await using pages = webCache(CacheMemory)
    const { calls, fetch } = application()
    const cached = pages.wrap(fetch)
    for (const n of [1, 2, 3]) await cached(new Request(`${site}/page/${n}`))
    assert.isTrue(await pages.purge("example.com/page/1"))
    assert.isFalse(await pages.purge("example.com/page/1"))
    assert.isAtLeast(await pages.purgePrefix("example.com/page/"), 2)
    for (const n of [1, 2, 3]) await cached(new Request(`${site}/page/${n}`))
    assert.strictEqual(calls(), 6)
  })

  it("forgets pages by their tags, which nobody sees", async () => {
    await using pages = webCache(CacheMemory, { tags: true, staleFor: "1 minute" })
    const { calls, fetch } = application()
    const cached = pages.wrap(fetch)
    const ask = async (n: number) => (await cached(new Request(`${site}/page/${n}`))).headers
    const status = async (n: number) => (await ask(n)).get("cache-status")?.replace("effect-vcache; ", "")
    for (const n of [1, 2]) assert.isNull((await ask(n)).get("cache-tag"))
    await pages.invalidateTags(["page:1"])
    assert.deepStrictEqual([await status(1), await status(2)], ["fwd=uri-miss; stored", "hit"])
    await pages.invalidateTags(["all"], { mode: "stale" })
    assert.match((await status(2)) ?? "", /^hit/)
    assert.isAtLeast(calls(), 3)
  })

  it("rejects with what the handler throws, and lets it answer where the cache cannot", async () => {
    const nobody = Layer.provide(CacheLive, ValkeyStandalone.layer({ url: "valkey://127.0.0.1:1" }))
    for (const layer of [CacheMemory, nobody]) {
      await using pages = webCache(layer)
      const cached = pages.wrap(application().fetch)
      assert.deepStrictEqual(await (await cached(new Request(`${site}/page/1`))).json(), { n: "1" })
      const failure = await cached(new Request(`${site}/broken`)).catch((error: unknown) => error)
      assert.strictEqual(failure instanceof Error && failure.message, "broken")
    }
  })

  it("is only a handler after it was closed, and rejects where the layer cannot be built", async () => {
    const { calls, fetch } = application()
    const pages = webCache(CacheMemory)
    const cached = pages.wrap(fetch)
    await cached(new Request(`${site}/page/1`))
    await pages.close()
    assert.strictEqual((await cached(new Request(`${site}/page/1`))).status, 200)
    assert.strictEqual(calls(), 2)
    const broken = webCache(Layer.fresh(Layer.unwrap(Effect.fail("no such server"))))
    assert.strictEqual(
      await broken
        .wrap(fetch)(new Request(site))
        .catch((error: unknown) => error),
      "no such server"
    )
  })
})
