/** Cached responses, through Effect's own router. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Schema, Stream } from "effect"
import { HttpEffect, HttpRouter, HttpServer, HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { CacheLive, CacheService, ValkeyClient, ValkeyMemory } from "effect-vcache"
import { HttpCache, HttpSessions } from "effect-vcache/http"
import { Faults } from "effect-vcache/testing"
import { browserOf } from "../support/browser.ts"

const secret = Redacted.make("0123456789abcdef0123456789abcdef")

class Visit extends HttpSessions.Service<Visit>()("test/Visit", {
  data: Schema.Struct({ user: Schema.String, visits: Schema.Int }),
  secrets: [secret]
}) {}

/** An application that counts how often its handlers run. */
const counting = () => {
  const calls = new Map<string, number>()
  const count = (name: string) => {
    calls.set(name, (calls.get(name) ?? 0) + 1)
    return calls.get(name) ?? 0
  }
  const page = (name: string, headers: Record<string, string>, body = name) =>
    HttpRouter.route(
      "GET",
      `/${name}`,
      Effect.map(
        Effect.delay(
          Effect.sync(() => count(name)),
          "5 millis"
        ),
        (n) => HttpServerResponse.text(`${body} ${n}`, { headers })
      )
    )
  const pages = HttpCache.make()
  const fresh = { "cache-control": "public, max-age=60" }
  const routes = HttpRouter.addAll([
    page("fresh", fresh),
    page("query", fresh),
    page("private", { "cache-control": "private, max-age=60" }),
    page("nothing", {}),
    page("none", { "cache-control": "no-store" }),
    page("cookie", { ...fresh, "set-cookie": "a=b" }),
    page("star", { ...fresh, vary: "*" }),
    page("tagged", { ...fresh, etag: '"v1"', "last-modified": "Sat, 21 Nov 2026 00:00:00 GMT" }),
    HttpRouter.route(
      "GET",
      "/varied",
      Effect.map(HttpServerRequest.HttpServerRequest, ({ headers }) =>
        HttpServerResponse.text(`${headers["accept-language"] ?? "-"} ${count("varied")}`, {
          headers: { ...fresh, vary: "Accept-Language" }
        })
      )
    ),
    HttpRouter.route(
      "GET",
      "/stream",
      Effect.sync(() =>
        HttpServerResponse.stream(Stream.succeed(new TextEncoder().encode(`part ${count("stream")}`)), {
          headers: fresh
        })
      )
    ),
    HttpRouter.route(
      "GET",
      "/fails",
      Effect.suspend(() => Effect.die(`failed ${count("fails")}`))
    ),
    HttpRouter.route("POST", "/fresh", Effect.succeed(HttpServerResponse.text("changed"))),
    HttpRouter.route("DELETE", "/fresh", Effect.succeed(HttpServerResponse.empty({ status: 403 }))),
    HttpRouter.route(
      "GET",
      "/empty",
      Effect.sync(() =>
        HttpServerResponse.empty({ status: 200, headers: { ...fresh, "x-count": `${count("empty")}` } })
      )
    ),
    HttpRouter.route(
      "GET",
      "/visit",
      Effect.gen(function* () {
        const visit = yield* Visit
        yield* Effect.orDie(visit.get)
        return HttpServerResponse.text(`visit ${count("visit")}`, { headers: fresh })
      })
    )
  ]).pipe(Layer.provide(Visit.layer), Layer.provide(pages.layer))
  // It is no page itself.
  const purge = HttpRouter.addAll(
    Effect.map(CacheService, (cache) => [
      HttpRouter.route(
        "GET",
        "/purge",
        Effect.map(Effect.orDie(Effect.provideService(pages.purgePrefix("test/"), CacheService, cache)), (count) =>
          HttpServerResponse.text(`${count}`)
        )
      )
    ])
  )
  return { calls, routes: Layer.merge(routes, purge) }
}

describe("cached responses", () => {
  const twice = async (path: string, first: RequestInit = {}, second = first) => {
    const { calls, routes } = counting()
    const { ask, dispose } = await browserOf(routes)
    const a = await ask(path, first)
    const b = await ask(path, second)
    const texts = [await a.text(), await b.text()]
    await dispose()
    return { a, b, texts, calls }
  }

  it("what may be stored is made once", async () => {
    const { a, b, texts } = await twice("/fresh")
    assert.deepStrictEqual(texts, ["fresh 1", "fresh 1"])
    assert.match(a.headers.get("cache-status") ?? "", /fwd=uri-miss/)
    assert.strictEqual(b.headers.get("cache-status"), "effect-vcache; hit")
    assert.strictEqual(b.headers.get("content-type"), a.headers.get("content-type"))
    assert.strictEqual(b.headers.get("age"), "0")
  })

  for (const path of ["/private", "/nothing", "/none", "/cookie", "/star", "/stream", "/visit"]) {
    it(`${path} is never stored`, async () => {
      const { a, b, texts } = await twice(path)
      assert.deepStrictEqual([a.status, b.status], [200, 200])
      assert.match(texts[0] ?? "", / 1$/)
      assert.match(texts[1] ?? "", / 2$/)
      assert.isNull(b.headers.get("cache-status"))
    })
  }

  it("so is one without a body", async () => {
    const { b, texts } = await twice("/empty")
    assert.deepStrictEqual([texts[1], b.headers.get("x-count")], ["", "1"])
  })

  it("the client may ask for a new one, or for nothing to be stored", async () => {
    const again = await twice("/fresh", {}, { headers: { "cache-control": "no-cache" } })
    assert.deepStrictEqual(again.texts, ["fresh 1", "fresh 2"])
    const unstored = await twice("/fresh", { headers: { "cache-control": "no-store" } }, {})
    assert.deepStrictEqual(unstored.texts, ["fresh 1", "fresh 2"])
  })

  it("variants by what the response varies on", async () => {
    const { routes } = counting()
    const { ask, dispose } = await browserOf(routes)
    const text = async (language: string) => (await ask("/varied", { headers: { "accept-language": language } })).text()
    assert.deepStrictEqual(
      [await text("en"), await text("en"), await text("fr"), await text("en"), await text("fr")],
      ["en 1", "en 1", "fr 2", "en 1", "fr 2"]
    )
    await dispose()
  })

  it("a page may come to vary by something else, or by nothing", async () => {
    let made = 0
    let vary = "Accept-Language"
    const routes = HttpRouter.add(
      "GET",
      "/page",
      Effect.sync(() => HttpServerResponse.text(`${++made}`, { headers: { "cache-control": "max-age=60", vary } }))
    ).pipe(Layer.provide(HttpCache.make().layer))
    const { ask, dispose } = await browserOf(routes)
    const text = async (language: string, more: Readonly<Record<string, string>> = {}) =>
      (await ask("/page", { headers: { "accept-language": language, ...more } })).text()
    const anew = { "cache-control": "no-cache" }
    assert.deepStrictEqual([await text("en"), await text("fr"), await text("en")], ["1", "2", "1"])
    vary = "X-Theme"
    assert.deepStrictEqual([await text("en", anew), await text("fr")], ["3", "3"])
    assert.deepStrictEqual([await text("fr", { "x-theme": "dark" }), await text("fr")], ["4", "3"])
    vary = ""
    assert.deepStrictEqual([await text("en", anew), await text("fr", { "x-theme": "dark" })], ["5", "5"])
    await dispose()
  })

  it("a new variant is made once; a handler that fails is asked once", async () => {
    const { calls, routes } = counting()
    const { ask, dispose } = await browserOf(routes)
    const headers = { "accept-language": "en" }
    await ask("/varied", { headers })
    const again = await ask("/varied", { headers: { ...headers, "cache-control": "no-cache" } })
    assert.strictEqual(await again.text(), "en 2")
    assert.strictEqual(await (await ask("/varied", { headers })).text(), "en 2")
    assert.strictEqual((await ask("/fails")).status, 500)
    assert.strictEqual(calls.get("fails"), 1)
    await dispose()
  })

  it("304 where the client has it already", async () => {
    for (const headers of [
      { "if-none-match": '"v1"' },
      { "if-none-match": 'W/"v0", W/"v1"' },
      { "if-modified-since": "Sat, 21 Nov 2026 00:00:00 GMT" }
    ]) {
      const { a, b, texts } = await twice("/tagged", {}, { headers })
      assert.deepStrictEqual([a.status, b.status, texts[1]], [200, 304, ""])
      assert.strictEqual(b.headers.get("etag"), '"v1"')
    }
    const made = await twice("/fresh")
    assert.match(made.b.headers.get("etag") ?? "", /^"[\w-]{27}"$/)
  })

  it("one call for all who ask for a cold page; none of them gets another's own", async () => {
    const { calls, routes } = counting()
    const { ask, dispose } = await browserOf(routes)
    const texts = await Promise.all(Array.from({ length: 50 }, async () => (await ask("/fresh")).text()))
    assert.deepStrictEqual([new Set(texts).size, calls.get("fresh")], [1, 1])
    const own = await Promise.all(Array.from({ length: 20 }, async () => (await ask("/private")).text()))
    assert.strictEqual(new Set(own).size, 20)
    await dispose()
  })

  it("a failure is one visitor's own: who waits for it is answered by his own handler, once", async () => {
    let calls = 0
    const pages = HttpCache.make()
    const routes = HttpRouter.add(
      "GET",
      "/guarded",
      Effect.gen(function* () {
        const request = yield* HttpServerRequest.HttpServerRequest
        calls++
        yield* Effect.sleep("20 millis")
        if (request.headers["x-user"] === undefined) {
          return yield* new HttpServerError.HttpServerError({
            reason: new HttpServerError.RequestParseError({ request })
          })
        }
        return HttpServerResponse.text("welcome", { headers: { "cache-control": "public, max-age=60" } })
      })
    ).pipe(Layer.provide(pages.layer))
    const { ask, dispose } = await browserOf(routes)
    const answers = await Promise.all([
      ask("/guarded"),
      ask("/guarded"),
      ask("/guarded", { headers: { "x-user": "ada" } })
    ])
    assert.deepStrictEqual(
      answers.map(({ status }) => status),
      [400, 400, 200]
    )
    assert.strictEqual(calls, 3)
    await dispose()
  })

  it("forgotten after a change, and when it is purged", async () => {
    const { routes } = counting()
    const { ask, dispose } = await browserOf(routes)
    const text = async (path: string) => (await ask(path)).text()
    assert.strictEqual(await text("/fresh"), "fresh 1")
    await ask("/fresh", { method: "DELETE" })
    assert.strictEqual(await text("/fresh"), "fresh 1", "nothing was changed")
    await ask("/fresh", { method: "POST" })
    assert.strictEqual(await text("/fresh"), "fresh 2")
    await text("/query?a=1")
    assert.strictEqual(await text("/purge"), "2")
    assert.strictEqual(await text("/fresh"), "fresh 3")
    assert.strictEqual(await text("/query?a=1"), "query 2")
    await dispose()
  })

  it("a stale one is served while it is made anew", async () => {
    let made = 0
    const pages = HttpCache.make({ staleFor: "1 minute" })
    const routes = HttpRouter.add(
      "GET",
      "/soon",
      Effect.sync(() => HttpServerResponse.text(`${++made}`, { headers: { "cache-control": "max-age=1" } }))
    ).pipe(Layer.provide(pages.layer))
    const { ask, dispose } = await browserOf(routes)
    assert.strictEqual(await (await ask("/soon")).text(), "1")
    await new Promise((resolve) => setTimeout(resolve, 1200))
    const stale = await ask("/soon")
    assert.deepStrictEqual(
      [await stale.text(), stale.headers.get("cache-status")],
      ["1", "effect-vcache; hit; detail=stale"]
    )
    assert.isAtLeast(Number(stale.headers.get("age")), 1)
    let text = ""
    for (let i = 0; i < 100 && text !== "2"; i++) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      text = await (await ask("/soon")).text()
    }
    assert.strictEqual(text, "2")
    await dispose()
  })

  it("one that must be revalidated is never served stale; who asks for it then waits for one call", async () => {
    let made = 0
    const pages = HttpCache.make({ staleFor: "1 minute" })
    const routes = HttpRouter.add(
      "GET",
      "/strict",
      Effect.map(
        Effect.delay(
          Effect.sync(() => ++made),
          "20 millis"
        ),
        (n) => HttpServerResponse.text(`${n}`, { headers: { "cache-control": "max-age=1, Must-Revalidate" } })
      )
    ).pipe(Layer.provide(pages.layer))
    const { ask, dispose } = await browserOf(routes)
    const text = async () => (await ask("/strict")).text()
    assert.deepStrictEqual([await text(), await text()], ["1", "1"])
    await new Promise((resolve) => setTimeout(resolve, 1200))
    assert.deepStrictEqual(await Promise.all([text(), text(), text()]), ["2", "2", "2"])
    assert.strictEqual(made, 2)
    await dispose()
  })

  it("when the cache fails the handler answers", async () => {
    const { calls, routes } = counting()
    const broken = CacheLive.pipe(
      Layer.provide(
        Layer.effect(
          ValkeyClient,
          Effect.gen(function* () {
            yield* (yield* Faults.Faults).set({ failure: "refused" })
            return yield* ValkeyClient
          })
        )
      ),
      Layer.provide(Faults.layer),
      Layer.provide(ValkeyMemory.layer())
    )
    const { dispose, handler } = HttpRouter.toWebHandler(routes.pipe(Layer.provide(broken)), { disableLogger: true })
    for (let i = 1; i <= 3; i++) {
      assert.strictEqual(await (await handler(new Request("http://test/fresh"))).text(), `fresh ${i}`)
    }
    assert.strictEqual(calls.get("fresh"), 3)
    await dispose()
  })

  it("in an HttpApi, too", async () => {
    let made = 0
    const pages = HttpCache.make()
    const Api = HttpApi.make("api").add(
      HttpApiGroup.make("users").add(HttpApiEndpoint.get("user", "/users/:id", { success: Schema.String }))
    )
    const handlers = HttpApiBuilder.group(Api, "users", (handlers) =>
      handlers.handle("user", () =>
        HttpEffect.withPreResponseHandler(
          Effect.sync(() => `user ${++made}`),
          (_, response) => Effect.succeed(HttpServerResponse.setHeader(response, "x-served", "yes"))
        )
      )
    )
    const cacheable = HttpRouter.middleware((handler) =>
      Effect.map(handler, HttpServerResponse.setHeader("cache-control", "max-age=60"))
    ).layer
    const routes = HttpApiBuilder.layer(Api).pipe(
      Layer.provide(handlers),
      Layer.provide(cacheable),
      Layer.provide(pages.layer),
      Layer.provide(HttpServer.layerServices)
    )
    const { ask, dispose } = await browserOf(routes)
    assert.deepStrictEqual(
      [await (await ask("/users/1")).json(), await (await ask("/users/1")).json()],
      ["user 1", "user 1"]
    )
    assert.strictEqual(await (await ask("/users/2")).json(), "user 2")
    await dispose()
  })
})
