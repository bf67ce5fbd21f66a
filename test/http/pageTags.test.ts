/** Pages that say by `Cache-Tag` what they were made from. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Layer } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { CacheMemory, CacheService } from "effect-vcache"
import { HttpCache } from "effect-vcache/http"
import { type Headers, type Page, pagesOf, saying } from "../support/httpPages.ts"

const fresh = { "cache-control": "public, max-age=60" }
const tagged = { ...fresh, "cache-tag": "product:1, list ,  product:2" }

/** Pages over a cache whose tags can be invalidated. */
const taggedPages = (page: Page, options: HttpCache.HttpCacheOptions = {}) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(Layer.fresh(CacheMemory))
    const cache = Context.get(context, CacheService)
    const pages = yield* pagesOf(page, { tags: true, ...options }, Layer.succeed(CacheService, cache))
    return { ...pages, cache }
  })

describe("pages with tags", () => {
  it.effect("are forgotten with each of them, and nobody outside sees the header", () =>
    Effect.gen(function* () {
      const { ask, cache } = yield* taggedPages(saying(tagged))
      for (const tag of ["product:1", "list", "product:2"]) {
        const made = yield* ask()
        const hit = yield* ask()
        assert.strictEqual(hit.cached, "hit")
        assert.strictEqual(hit.text, made.text)
        for (const { headers } of [made, hit, yield* ask({}, "/p", { method: "HEAD" })]) {
          assert.isNull(headers.get("cache-tag"))
        }
        yield* cache.invalidateTags(["product:3"])
        assert.strictEqual((yield* ask()).cached, "hit")
        yield* cache.invalidateTags([tag])
        assert.notStrictEqual((yield* ask()).text, made.text)
      }
    })
  )

  it.effect("lose the header also where they are not stored", () =>
    Effect.gen(function* () {
      for (const headers of [{ "cache-tag": "a" }, { ...tagged, "set-cookie": "a=b" }, { ...tagged, vary: "*" }]) {
        const { ask } = yield* taggedPages(saying(headers))
        for (const method of ["GET", "HEAD", "POST"]) {
          assert.isNull((yield* ask({}, "/p", { method })).headers.get("cache-tag"))
        }
      }
      const plain = yield* taggedPages(saying(tagged), { tags: false })
      for (const _ of [1, 2]) assert.strictEqual((yield* plain.ask()).headers.get("cache-tag"), tagged["cache-tag"])
    })
  )

  it.effect("go out and are not stored where their tags are none, or too many", () =>
    Effect.gen(function* () {
      const many = Array.from({ length: 65 }, (_, i) => `t${i}`).join()
      for (const tags of [many, "x".repeat(1025)]) {
        const { ask, calls } = yield* taggedPages(saying({ ...fresh, "cache-tag": tags }))
        for (const _ of [1, 2]) assert.strictEqual((yield* ask()).status, 200)
        assert.strictEqual(calls(), 2)
      }
      const none = yield* taggedPages(saying({ ...fresh, "cache-tag": " , " }))
      yield* none.ask()
      assert.strictEqual((yield* none.ask()).cached, "hit")
    })
  )

  it.effect("that are invalidated while they are made are not served afterwards", () =>
    Effect.gen(function* () {
      const [begun, gate] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      let isSlow = true
      const { ask, cache } = yield* taggedPages((request, count) =>
        Effect.gen(function* () {
          yield* Deferred.succeed(begun, undefined)
          if (isSlow) yield* Deferred.await(gate)
          return yield* saying(tagged)(request, count)
        })
      )
      // Its tags are known from now on.
      yield* cache.set("other", 1, { tags: ["list", "product:1", "product:2"] })
      const first = yield* Effect.forkChild(ask())
      yield* Deferred.await(begun)
      yield* cache.invalidateTags(["list"])
      isSlow = false
      assert.strictEqual((yield* ask()).text, "v2")
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual((yield* Fiber.join(first)).text, "v1")
      const after = yield* ask()
      assert.deepStrictEqual([after.text, after.cached], ["v2", "hit"])
    })
  )

  it.effect("are forgotten in all their variants", () =>
    Effect.gen(function* () {
      const { ask, cache, calls } = yield* taggedPages(saying({ ...tagged, vary: "accept-language" }))
      const languages = ["en", "fr"].map((language): Headers => ({ "accept-language": language }))
      // The first time nobody knows what tells them apart.
      for (const _ of [1, 2]) for (const language of languages) yield* ask(language)
      const before = calls()
      for (const language of languages) assert.strictEqual((yield* ask(language)).cached, "hit")
      assert.strictEqual(calls(), before)
      yield* cache.invalidateTags(["list"])
      for (const language of languages) assert.notStrictEqual((yield* ask(language)).cached, "hit")
      for (const language of languages) assert.strictEqual((yield* ask(language)).cached, "hit")
    })
  )

  it.effect(
    "are served while they are made anew where they are stale, and in place of a failure, until they are removed",
    () =>
      Effect.gen(function* () {
        let fails = false
        const { ask, cache } = yield* taggedPages(
          (request, count) => (fails ? Effect.fail("the source is down") : saying(tagged)(request, count)),
          { staleFor: "1 hour" }
        )
        yield* ask()
        yield* cache.invalidateTags(["list"], { mode: "stale" })
        assert.strictEqual((yield* ask()).text, "v1")
        yield* TestClock.adjust(1)
        assert.strictEqual((yield* ask()).text, "v2")
        fails = true
        yield* TestClock.adjust("2 minutes")
        for (const _ of [1, 2]) assert.strictEqual((yield* ask()).text, "v2")
        yield* cache.invalidateTags(["product:1"])
        assert.strictEqual((yield* ask()).status, 500)
      })
  )

  it.effect("keep their tags when a 304 confirms them, unless that has others", () =>
    Effect.gen(function* () {
      let tags = "a"
      const { ask, cache } = yield* taggedPages((request) => {
        const isKnown = request.headers["if-none-match"] === '"1"'
        const headers = { ...fresh, etag: '"1"', ...(isKnown && tags === "" ? {} : { "cache-tag": tags }) }
        return Effect.succeed(HttpServerResponse.text(isKnown ? "" : "text", { status: isKnown ? 304 : 200, headers }))
      })
      yield* ask()
      tags = ""
      yield* TestClock.adjust("61 seconds")
      assert.match((yield* ask()).cached ?? "", /304/)
      assert.strictEqual((yield* ask()).cached, "hit")
      yield* cache.invalidateTags(["a"])
      tags = "b"
      assert.strictEqual((yield* ask()).cached, "fwd=uri-miss; stored")
      tags = "c"
      yield* TestClock.adjust("61 seconds")
      assert.match((yield* ask()).cached ?? "", /304/)
      yield* cache.invalidateTags(["b"])
      assert.strictEqual((yield* ask()).cached, "hit")
      yield* cache.invalidateTags(["c"])
      assert.notStrictEqual((yield* ask()).cached, "hit")
    })
  )

  it.effect("are known to a service, and lose the header as web responses, too", () =>
    Effect.gen(function* () {
      class Site extends HttpCache.Service<Site>()("test/TaggedSite", { tags: true }) {}
      const built = yield* Layer.build(Layer.provide(Site.layer, Layer.fresh(CacheMemory)))
      const site = Context.get(built, Site)
      let made = 0
      const ask = (headers: Headers) =>
        site.handleWeb(new Request("http://shop.test/p"), () =>
          Effect.sync(() => new Response(`v${++made}`, { status: 201 - Number(headers === tagged), headers }))
        )
      for (const expected of ["v1", "v1"]) {
        const response = yield* ask(tagged)
        assert.isNull(response.headers.get("cache-tag"))
        assert.strictEqual(yield* Effect.promise(() => response.text()), expected)
      }
      yield* site.invalidateTags(["list"])
      const unstored = yield* ask({ "cache-tag": "a" })
      assert.isNull(unstored.headers.get("cache-tag"))
      assert.strictEqual(unstored.status, 201)
      assert.strictEqual(yield* Effect.promise(() => unstored.text()), "v2")
      const request = HttpServerRequest.fromWeb(new Request("http://shop.test/q"))
      const handled = yield* Effect.scoped(
        site.handle(request, () => Effect.succeed(HttpServerResponse.text("x", { headers: tagged })))
      )
      assert.isUndefined(handled.headers["cache-tag"])
    })
  )
})
