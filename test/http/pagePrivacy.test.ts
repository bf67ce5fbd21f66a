/** Whose pages are whose: what is stored of requests, what tells pages apart, what nobody else may have. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Option, Redacted, Schema, Stream } from "effect"
import { HttpMiddleware, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { CacheMemory, CacheService, SessionStore } from "effect-vcache"
import { HttpCache, HttpSessions } from "effect-vcache/http"
import { type Headers, type Page, pagesOf, saying } from "../support/httpPages.ts"

const fresh = { "cache-control": "public, max-age=60" }

/** A cache in memory that the test can look into. */
const sharedCache = Effect.map(Layer.build(Layer.fresh(CacheMemory)), (context) => ({
  cache: Context.get(context, CacheService),
  layer: Layer.succeed(CacheService, Context.get(context, CacheService))
}))

/** What another request gets after one with these headers. */
const afterwards = (page: Page, first: Headers, second: Headers = {}) =>
  Effect.gen(function* () {
    const { ask } = yield* pagesOf(page)
    yield* ask(first)
    return yield* ask(second)
  })

describe("what is stored of a request", () => {
  it.effect("nothing but digests: no cookie, no token, no header that the page varies by", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { cache, layer } = yield* sharedCache
        const { ask } = yield* pagesOf(saying({ ...fresh, vary: "Accept-Encoding, Cookie, X-Secret" }), {}, layer)
        const secrets = { cookie: "session=stolen", authorization: "Bearer TOP-SECRET", "x-secret": "hidden" }
        yield* ask(secrets)
        assert.strictEqual((yield* ask(secrets)).cached, "hit")
        const keys = yield* Stream.runCollect(cache.client.scan())
        const values = yield* Effect.forEach(keys, (key) => cache.client.send("GET", [key]))
        assert.isAtLeast(values.length, 2)
        for (const text of [...keys, ...values.map(String)]) assert.notMatch(text, /stolen|TOP-SECRET|hidden/)
      })
    )
  )
})

describe("what tells pages apart", () => {
  const named: Page = (request, count) =>
    Effect.succeed(
      HttpServerResponse.text(
        `${request.headers["host"]} ${request.headers["x-forwarded-host"]} ${request.protocol} ${count}`,
        { headers: fresh }
      )
    )

  it.effect("the host, the scheme and what proxies forward of them, fresh or stale; a purge forgets all of it", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { cache, layer } = yield* sharedCache
        const { ask, calls } = yield* pagesOf(named, { staleFor: "1 hour" }, layer)
        const host = { host: "backend" }
        const asked: ReadonlyArray<readonly [Headers, string?]> = [
          [{ ...host, "x-forwarded-host": "evil.test" }],
          [{ ...host, "x-forwarded-host": "shop.test" }],
          [{ ...host, "x-forwarded-proto": "https" }],
          [{ ...host, "x-forwarded-port": "8443" }],
          [{ ...host, "x-forwarded-prefix": "/a" }],
          [{ ...host, forwarded: "for=192.0.2.1;host=evil.test;proto=https" }],
          [{ ...host, forwarded: 'for=192.0.2.2;proto=http, for="[2001:db8::1]"' }],
          [host],
          [host, "https://shop.test/p"],
          [{ host: "backend/p" }, "http://shop.test"]
        ]
        const texts = []
        for (const [headers, url] of asked) texts.push((yield* ask(headers, url)).text)
        assert.strictEqual(calls(), asked.length)
        // The first page is made once more when the second comes.
        for (const [headers, url] of asked) yield* ask(headers, url)
        const before = calls()
        for (const [at, [headers, url]] of asked.entries()) {
          const { cached, text } = yield* ask(headers, url)
          assert.strictEqual(cached, "hit")
          assert.strictEqual(text.replace(/\d+$/, ""), texts[at]?.replace(/\d+$/, ""))
        }
        assert.strictEqual(calls(), before)
        const same = { ...host, forwarded: "for=203.0.113.9;host=evil.test;proto=https" }
        assert.strictEqual((yield* ask(same)).cached, "hit", "the client's own address changes nothing")
        assert.notStrictEqual((yield* ask({ host: "BACKEND" })).cached, "hit")
        const { purge } = HttpCache.make()
        assert.isTrue(yield* Effect.provideService(purge("backend/p"), CacheService, cache))
        for (const [headers, url] of asked.slice(0, 9)) assert.notStrictEqual((yield* ask(headers, url)).cached, "hit")
      })
    )
  )

  it.effect("a host that middleware took from a trusted proxy", () =>
    Effect.gen(function* () {
      const app = yield* HttpRouter.toHttpEffect(
        HttpRouter.add(
          "GET",
          "/*",
          Effect.map(HttpServerRequest.HttpServerRequest, ({ headers }) =>
            HttpServerResponse.text(`page of ${headers["host"]}`, { headers: fresh })
          )
        ).pipe(Layer.provide(HttpCache.make({ staleFor: "1 hour" }).layer), Layer.provide(Layer.fresh(CacheMemory)))
      )
      const ask = (host: string) =>
        Effect.scoped(
          Effect.gen(function* () {
            const request = HttpServerRequest.fromWeb(
              new Request("http://backend/p", {
                headers: { host: "backend", "x-forwarded-host": host, "x-forwarded-for": "198.51.100.7" }
              })
            ).modify({ remoteAddress: Option.some("192.0.2.1") })
            const trusting = HttpMiddleware.xForwardedHeaders({ trustedProxies: () => true })(app)
            const response = yield* Effect.provideService(trusting, HttpServerRequest.HttpServerRequest, request)
            return yield* Effect.promise(() => HttpServerResponse.toWeb(response).text())
          })
        )
      for (const host of ["evil.test", "shop.test", "evil.test", "shop.test"]) {
        assert.strictEqual(yield* ask(host), `page of ${host}`)
      }
    })
  )

  it.effect("key is in place of path and query; hosts stay apart", () =>
    Effect.gen(function* () {
      const { ask } = yield* pagesOf(named, {
        key: ({ url }) => url.replace(/[?&]utm_\w+=[^&]*/g, "")
      })
      assert.strictEqual(
        (yield* ask({ host: "a" }, "/p?utm_source=x")).text,
        (yield* ask({ host: "a" }, "/p?utm_id=y")).text
      )
      assert.notStrictEqual((yield* ask({ host: "b" }, "/p")).cached, "hit")
      assert.notStrictEqual((yield* ask({ host: "a" }, "/p?q=1")).cached, "hit")
    })
  )
})

describe("what nobody else may have", () => {
  it.effect("a response to a request with credentials, unless it says public or s-maxage", () =>
    Effect.gen(function* () {
      for (const credentials of [{ cookie: "a=b" }, { authorization: "Bearer x" }]) {
        const isStored = (control: string) =>
          Effect.map(afterwards(saying({ "cache-control": control }), credentials), ({ cached }) => cached === "hit")
        for (const control of ["max-age=60", "max-age=60, must-revalidate", "max-age=60, private, public"]) {
          assert.isFalse(yield* isStored(control), control)
        }
        for (const control of ["max-age=60, public", "s-maxage=60"]) assert.isTrue(yield* isStored(control), control)
      }
      const anonymous = yield* afterwards(saying({ "cache-control": "max-age=60" }), {}, { cookie: "a=b" })
      assert.strictEqual(anonymous.cached, "hit", "what was made for nobody in particular is for all")
    })
  )

  class Visit extends HttpSessions.Service<Visit>()("test/PrivateVisit", {
    data: Schema.Struct({ user: Schema.String }),
    secrets: [Redacted.make("0123456789abcdef0123456789abcdef")]
  }) {}

  type Asked = Effect.Effect<Option.Option<{ readonly user: string }>>

  const json = (value: unknown) => HttpServerResponse.jsonUnsafe(value, { headers: fresh })

  for (const [how, ask] of [
    ["in its own fiber", (get: Asked) => get],
    ["in a runtime of its own", (get: Asked) => Effect.promise(() => Effect.runPromise(get))],
    ["in a fiber that it forks", (get: Asked) => Effect.flatMap(Effect.forkDetach(get), Fiber.join)]
  ] as const) {
    it(`a page whose handler asked for its session ${how}, though it says public`, async () => {
      const routes = HttpRouter.addAll([
        HttpRouter.route(
          "GET",
          "/login",
          Effect.gen(function* () {
            yield* Effect.orDie((yield* Visit).set({ user: "ada" }))
            return HttpServerResponse.text("in")
          })
        ),
        HttpRouter.route(
          "GET",
          "/me",
          Effect.gen(function* () {
            const visit = yield* Visit
            return json(Option.getOrNull(yield* ask(Effect.orDie(visit.get))))
          })
        )
      ]).pipe(Layer.provide(Visit.layer), Layer.provide(HttpCache.make().layer))
      const { dispose, handler } = HttpRouter.toWebHandler(routes.pipe(Layer.provide(CacheMemory)), {
        disableLogger: true
      })
      const login = await handler(new Request("http://t/login"))
      const cookie = login.headers.get("set-cookie")?.split(";")[0] ?? ""
      const text = async (headers: Headers) => (await handler(new Request("http://t/me", { headers }))).text()
      assert.strictEqual(await text({ cookie }), '{"user":"ada"}')
      assert.strictEqual(await text({}), "null")
      await dispose()
    })
  }

  it("a page that was read through SessionStore by hand, unless it says public", async () => {
    const routes = HttpRouter.addAll(
      Effect.map(SessionStore.make({ data: Schema.String }), (store) => [
        HttpRouter.route(
          "GET",
          "/me",
          Effect.gen(function* () {
            const { cookies } = yield* HttpServerRequest.HttpServerRequest
            const found = yield* Effect.orDie(store.load(Redacted.make(cookies["id"] ?? "none")))
            return HttpServerResponse.jsonUnsafe(Option.getOrNull(Option.map(found, ({ data }) => data)), {
              headers: { "cache-control": "max-age=60" }
            })
          })
        )
      ])
    ).pipe(Layer.provide(HttpCache.make().layer), Layer.provide(CacheMemory))
    const { dispose, handler } = HttpRouter.toWebHandler(routes, { disableLogger: true })
    const said = async (headers: Headers) =>
      (await handler(new Request("http://t/me", { headers }))).headers.get("cache-status")
    assert.deepStrictEqual([await said({ cookie: "id=a" }), await said({ cookie: "id=b" })], [null, null])
    await dispose()
  })
})
