/** What requests may say: conditions, ranges, HEAD, methods that change, and what forgets pages. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, ManagedRuntime, Stream } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { CacheMemory, CacheService } from "effect-vcache"
import { HttpCache } from "effect-vcache/http"
import { httpDateIn, pagesOf, saying } from "../support/httpPages.ts"

const fresh = { "cache-control": "max-age=60" }

describe("conditions", () => {
  it.effect("are for responses with status 200", () =>
    Effect.gen(function* () {
      for (const status of [301, 404, 410]) {
        const { ask } = yield* pagesOf(saying({ ...fresh, location: "/a", etag: '"a"' }, status))
        yield* ask()
        for (const conditions of [
          { "if-none-match": "*" },
          { "if-none-match": '"a"' },
          { "if-modified-since": yield* httpDateIn(60) }
        ]) {
          const { cached, status: answered } = yield* ask(conditions)
          assert.deepStrictEqual([answered, cached], [status, "hit"])
        }
      }
    })
  )

  it.effect("a generated ETag covers all that clients make of a response", () =>
    Effect.gen(function* () {
      const tagOf = (headers: Readonly<Record<string, string>>, text = "x") =>
        Effect.flatMap(
          pagesOf(() => Effect.succeed(HttpServerResponse.text(text, { headers: { ...fresh, ...headers } }))),
          ({ ask }) => Effect.map(ask(), ({ headers }) => headers.get("etag"))
        )
      const tags = [
        yield* tagOf({}),
        yield* tagOf({}, "y"),
        yield* tagOf({ "content-language": "fr" }),
        yield* tagOf({ "content-encoding": "identity" }),
        yield* tagOf({ link: "</a>; rel=next" })
      ]
      assert.strictEqual(new Set(tags).size, tags.length)
      assert.strictEqual(yield* tagOf({ "x-request-id": "1" }), tags[0])
      const redirect = yield* pagesOf(saying({ ...fresh, location: "/a" }, 301))
      assert.isNull((yield* redirect.ask()).headers.get("etag"))
    })
  )

  it.effect("by the book: any tag of several, weakly; * for whatever there is; dates where there is no tag", () =>
    Effect.gen(function* () {
      const modified = yield* httpDateIn(-100)
      const { ask } = yield* pagesOf(saying({ ...fresh, etag: 'W/"a,b"', "last-modified": modified }))
      yield* ask()
      const before = yield* httpDateIn(-101)
      for (const [conditions, status] of [
        [{ "if-none-match": '"x", "a,b"' }, 304],
        [{ "if-none-match": "*" }, 304],
        [{ "if-none-match": 'W/"a"' }, 200],
        [{ "if-none-match": '"x"', "if-modified-since": modified }, 200],
        [{ "if-modified-since": modified }, 304],
        [{ "if-modified-since": before }, 200],
        [{ "if-modified-since": "yesterday" }, 200]
      ] as const) {
        const answer = yield* ask(conditions)
        assert.strictEqual(answer.status, status, JSON.stringify(conditions))
        if (status === 304) assert.deepStrictEqual([answer.headers.get("etag"), answer.text], ['W/"a,b"', ""])
      }
    })
  )

  it.effect("those for changes go to the handler", () =>
    Effect.gen(function* () {
      for (const name of ["if-match", "if-unmodified-since"]) {
        const { ask, calls } = yield* pagesOf(saying(fresh))
        yield* ask()
        yield* ask({ [name]: "*" })
        assert.strictEqual(calls(), 2)
      }
    })
  )
})

describe("parts", () => {
  it.effect("of a stored page come from the cache; others from the handler, and are not stored", () =>
    Effect.gen(function* () {
      const { ask, calls } = yield* pagesOf((request) =>
        Effect.succeed(
          request.headers["range"] === undefined
            ? HttpServerResponse.text("0123456789", { headers: { ...fresh, etag: '"a"' } })
            : HttpServerResponse.text("part", { status: 206, headers: fresh })
        )
      )
      const first = yield* ask({ range: "bytes=0-1" })
      assert.deepStrictEqual([first.status, first.text, first.cached], [206, "part", undefined])
      assert.strictEqual((yield* ask()).text, "0123456789")
      for (const [range, status, text, part] of [
        ["bytes=0-1", 206, "01", "bytes 0-1/10"],
        ["bytes=8-", 206, "89", "bytes 8-9/10"],
        ["bytes=8-99", 206, "89", "bytes 8-9/10"],
        ["bytes=-3", 206, "789", "bytes 7-9/10"],
        ["bytes=-30", 206, "0123456789", "bytes 0-9/10"],
        ["bytes=10-", 416, "", "bytes */10"],
        ["bytes=-0", 416, "", "bytes */10"],
        ["bytes=3-2", 200, "0123456789", null],
        ["bytes=0-1,4-5", 200, "0123456789", null],
        ["lines=1-2", 200, "0123456789", null]
      ] as const) {
        const answer = yield* ask({ range })
        assert.deepStrictEqual(
          [answer.status, answer.text, answer.headers.get("content-range")],
          [status, text, part],
          range
        )
      }
      for (const [condition, status] of [
        ['"a"', 206],
        ['"b"', 200],
        ['W/"a"', 200]
      ] as const) {
        assert.strictEqual((yield* ask({ range: "bytes=0-1", "if-range": condition })).status, status, condition)
      }
      assert.strictEqual(calls(), 2)
    })
  )
})

describe("methods", () => {
  it.effect("HEAD is answered from the cache, and stores nothing", () =>
    Effect.gen(function* () {
      const { ask, calls } = yield* pagesOf(saying(fresh))
      const head = () => ask({}, "/p", { method: "HEAD" })
      yield* head()
      yield* head()
      assert.strictEqual(calls(), 2)
      yield* ask()
      const { cached, headers, text } = yield* head()
      assert.deepStrictEqual([cached, headers.get("content-length"), text], ["hit", "2", ""])
    })
  )

  it.effect("only-if-cached: what is cached, or 504", () =>
    Effect.gen(function* () {
      const { ask, calls } = yield* pagesOf(saying({ ...fresh, vary: "Accept" }))
      const only = { "cache-control": "only-if-cached" }
      assert.strictEqual((yield* ask(only)).status, 504)
      yield* ask()
      assert.strictEqual((yield* ask(only)).text, "v1")
      yield* TestClock.adjust("61 seconds")
      assert.strictEqual((yield* ask(only)).status, 504)
      assert.strictEqual(calls(), 1)
    })
  )

  it.effect("each method that is not known to be safe forgets the page, unless it fails", () =>
    Effect.gen(function* () {
      for (const [method, status, isForgotten] of [
        ["POST", 200, true],
        ["PUT", 201, true],
        ["PATCH", 303, true],
        ["DELETE", 200, true],
        ["M-SEARCH", 200, true],
        ["PURGE", 200, true],
        ["POST", 400, false],
        ["DELETE", 500, false],
        ["OPTIONS", 200, false],
        ["PROPFIND", 207, false]
      ] as const) {
        const { ask } = yield* pagesOf((request, count) =>
          saying(fresh, request.method === "GET" ? 200 : status)(request, count)
        )
        yield* ask()
        yield* ask({}, "/p", { method })
        assert.strictEqual((yield* ask()).cached !== "hit", isForgotten, `${method} ${status}`)
      }
    })
  )

  it.effect("a GET with a body is not of the cache", () =>
    Effect.gen(function* () {
      const { ask, calls } = yield* pagesOf(saying(fresh))
      yield* ask({ "content-length": "3" })
      yield* ask({ "transfer-encoding": "chunked" })
      yield* ask()
      assert.strictEqual(calls(), 3)
      yield* ask({ "content-length": "0" })
      assert.strictEqual(calls(), 3)
    })
  )
})

describe("stored pages", () => {
  it.effect("that are damaged, or of another form, are misses", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const context = yield* Layer.build(Layer.fresh(CacheMemory))
        const cache = Context.get(context, CacheService)
        const layer = Layer.succeed(CacheService, cache)
        for (const vary of ["", "Accept"]) {
          const { ask } = yield* pagesOf(saying({ ...fresh, vary }), { prefix: `damaged${vary}:` }, layer)
          yield* ask()
          const keys = yield* Stream.runCollect(cache.client.scan())
          for (const damage of [
            "",
            "garbage",
            '{"_tag":"Response/3","status":200}',
            '{"_tag":"Response/2","status":200}'
          ]) {
            for (const key of keys) yield* cache.client.send("SET", [key, damage])
            assert.strictEqual((yield* ask()).status, 200, damage)
            assert.strictEqual((yield* ask()).cached, "hit", damage)
          }
        }
      })
    )
  )
})

class Site extends HttpCache.Service<Site>()("test/Site", { staleFor: "1 hour" }) {}

it("a page is forgotten from outside of the application, in memory as well", async () => {
  let made = 0
  const SiteLive = Site.layer.pipe(Layer.provide(CacheMemory))
  const runtime = ManagedRuntime.make(SiteLive)
  const routes = HttpRouter.add(
    "GET",
    "/*",
    Effect.sync(() => HttpServerResponse.text(`v${++made}`, { headers: fresh }))
  ).pipe(Layer.provide(Site.routes), Layer.provide(SiteLive))
  const { dispose, handler } = HttpRouter.toWebHandler(routes, { disableLogger: true, memoMap: runtime.memoMap })
  const text = async (path: string) => (await handler(new Request(`http://site.test${path}`))).text()
  assert.deepStrictEqual([await text("/a"), await text("/a"), await text("/b")], ["v1", "v1", "v2"])
  const purged = (page: string) => runtime.runPromise(Site.use(({ purge }) => purge(page)))
  assert.isTrue(await purged("site.test/a"))
  assert.isFalse(await purged("site.test/a"))
  assert.deepStrictEqual([await text("/a"), await text("/b")], ["v3", "v2"])
  assert.isAtLeast(await runtime.runPromise(Site.use(({ purgePrefix }) => purgePrefix("site.test/"))), 2)
  assert.deepStrictEqual([await text("/a"), await text("/b")], ["v4", "v5"])
  await dispose()
  await runtime.dispose()
})

it.effect("requests are answered without a router", () =>
  Effect.scoped(
    Effect.gen(function* () {
      const pages = yield* Site
      let made = 0
      const ask = (path: string) =>
        Effect.map(
          Effect.scoped(
            pages.handle(HttpServerRequest.fromWeb(new Request(`http://site.test${path}`)), () =>
              Effect.sync(() => HttpServerResponse.text(`v${++made}`, { headers: fresh }))
            )
          ),
          ({ headers }) => headers["cache-status"]
        )
      assert.deepStrictEqual(
        [yield* ask("/"), yield* ask("/")],
        ["effect-vcache; fwd=uri-miss; stored", "effect-vcache; hit"]
      )
    }).pipe(Effect.provide(Site.layer.pipe(Layer.provide(Layer.fresh(CacheMemory)))))
  )
)

it.effect("web requests are answered without a router; their responses are read where they may be stored", () =>
  Effect.gen(function* () {
    const { handleWeb, purge } = yield* Site
    const asked: Array<Request> = []
    const ask = (path: string, init?: RequestInit) =>
      Effect.gen(function* () {
        const response = yield* handleWeb(new Request(`http://site.test${path}`, init), (request) =>
          Effect.sync(() => {
            asked.push(request)
            const control = path.startsWith("/private") ? "private" : "max-age=60"
            return request.headers.get("if-none-match") === '"one"'
              ? new Response(null, { status: 304 })
              : new Response(`v${asked.length}`, { headers: { "cache-control": control, etag: '"one"' } })
          })
        )
        return [yield* Effect.promise(() => response.text()), response.headers.get("cache-status")]
      })
    assert.deepStrictEqual(yield* ask("/"), ["v1", "effect-vcache; fwd=uri-miss; stored"])
    assert.deepStrictEqual(yield* ask("/"), ["v1", "effect-vcache; hit"])
    assert.deepStrictEqual(yield* ask("/", { method: "HEAD" }), ["", "effect-vcache; hit"])
    yield* TestClock.adjust("61 seconds")
    assert.strictEqual((yield* ask("/"))[0], "v1")
    assert.strictEqual(asked[1]?.headers.get("if-none-match"), '"one"')
    assert.deepStrictEqual(
      [yield* ask("/private"), yield* ask("/private")],
      [
        ["v3", null],
        ["v4", null]
      ]
    )
    assert.isTrue(yield* purge("site.test/"))
    assert.strictEqual((yield* ask("/"))[0], "v5")
  }).pipe(Effect.provide(Site.layer.pipe(Layer.provide(Layer.fresh(CacheMemory)))))
)
