/** The admin pages: what they show, to whom, and what attackers get. */
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Option, Redacted } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { CacheLive, CacheService, layerFor, type TypedCache, ValkeyMemory } from "effect-vcache"
import { Admin } from "effect-vcache/admin"
import { fromThisMachine, may } from "../../src/layers/admin/access/access.ts"
import { html } from "../../src/layers/admin/kernel/Html.ts"
import { shortKey } from "../../src/layers/admin/pages/keyAddress.ts"
import { addressOf, pagesOver } from "../support/adminPages.ts"

class Shop extends Context.Service<Shop, TypedCache<unknown>>()("test/Shop") {}

const evil = `<script>alert(1)</script>"'&`
const odd = ["a/b", "..", "%2e%2e/%00", "a:b", evil, "🎉 emoji", "x".repeat(4096), "tab\tbell\u0007", "\u202egnp.exe"]

/** Ada may view; Eve is known, and may not. */
const authorize: Admin.Authorize<never> = ({ headers }) =>
  Effect.succeed(
    headers["authorization"] === "ada"
      ? { name: evil, rights: { view: true } }
      : headers["authorization"] === "eve"
        ? { name: "eve", rights: {} }
        : undefined
  )

const filled = Layer.effectDiscard(
  Effect.gen(function* () {
    const cache = yield* CacheService
    for (const key of odd) yield* cache.set(key, { key, evil })
    yield* cache.hash("hash").set(evil, evil)
    yield* cache.set("session:1", "SECRET")
    yield* (yield* Shop).set("other", "SHOP")
    yield* cache.withOptions({ version: 2 }).set("newer", "NEWER")
  })
)

const caches = Layer.mergeAll(CacheLive.layer({ prefix: "pages" }), layerFor(Shop, { prefix: "shop" }))
const routes = Layer.mergeAll(
  Admin.layer({ path: "/cache", caches: [CacheService], authorize, hide: (key) => key.startsWith("session:") }),
  Admin.layer({ path: "/local", caches: [CacheService, Shop] }),
  filled
)
const { dispose, handler } = HttpRouter.toWebHandler(
  routes.pipe(Layer.provide(caches), Layer.provide(ValkeyMemory.layer())),
  { disableLogger: true }
)
afterAll(dispose)

const ask = (path: string, init: RequestInit & { readonly as?: string } = {}) => {
  const headers = new Headers(init.headers)
  headers.set("authorization", init.as ?? "ada")
  return handler(new Request(`http://localhost${path}`, { ...init, headers }))
}

describe("the admin pages", () => {
  it("show caches and the keys of one, whatever is in a key", async () => {
    const overview = await ask("/cache")
    assert.strictEqual(overview.status, 200)
    assert.match(await overview.text(), /effect-vcache\/CacheService[^]*✓ It answers/)
    const keys = await (await ask("/cache/keys")).text()
    assert.match(keys, new RegExp(`${odd.length + 2} keys\\.`))
    assert.notMatch(keys, /newer|other/)
    for (const key of odd) {
      const response = await ask(addressOf(key))
      assert.strictEqual(response.status, 200, key)
      assert.include(keys, `k=${Buffer.from(key).toString("base64url")}`)
    }
    assert.match(await (await ask("/cache/keys?pattern=a%3F*&type=string")).text(), /2 keys\./)
    assert.match(await (await ask("/cache/keys?type=hash")).text(), /1 key\./)
  })

  it("send back what a hidden field holds, and not how it would be shown", async () => {
    const { as, cache, dispose, run, value } = await pagesOver(ValkeyMemory.layer(), "hidden-fields")
    const tag = "a\u200f\u061c<b>"
    await run(cache.set("k", 1, { tags: [tag] }))
    const { submit } = await as("deleter").open(`/cache/tags?tag=${encodeURIComponent(tag)}`)
    assert.strictEqual((await submit("invalidate", { mode: "remove" })).status, 303)
    assert.isUndefined(await value("k"))
    await dispose()
  })

  it("cut a long key between two characters", () => {
    const long = `${"x".repeat(199)}🎉${"x".repeat(99)}`
    assert.strictEqual(shortKey(long), `${"x".repeat(199)}… (300 characters)`)
    assert.strictEqual(shortKey(`x${long}`), `x${"x".repeat(199)}… (301 characters)`)
    assert.strictEqual(shortKey(`${"x".repeat(198)}🎉x`), `${"x".repeat(198)}🎉… (201 characters)`)
  })

  it("escape keys, values, fields and names", async () => {
    for (const path of [
      "/cache",
      "/cache/keys",
      addressOf(evil),
      addressOf("hash"),
      `/cache/keys?pattern=${encodeURIComponent(evil)}`
    ]) {
      const text = await (await ask(path)).text()
      // Our own, which has no text.
      assert.strictEqual(
        text.replaceAll(/<script src="\/cache\/admin\.js"[^>]*><\/script>/g, "").indexOf("<script"),
        -1,
        path
      )
      assert.notInclude(text, `"'&`, path)
    }
    // What would turn the text around, or ring, is shown as what it is.
    assert.include(await (await ask(addressOf("\u202egnp.exe"))).text(), "\\u202egnp.exe")
    assert.strictEqual(html`${"\u061ca\u2028b\u2029"}`.text, "\\u061ca\\u2028b\\u2029")
    assert.strictEqual(
      html`<a href="${`"><b>`}">${"<i>"}${html`<b></b>`}</a>`.text,
      '<a href="&quot;&gt;&lt;b&gt;">&lt;i&gt;<b></b></a>'
    )
  })

  it("let nothing run but their own file, and nothing be framed, kept or told to others", async () => {
    for (const path of [
      "/cache",
      "/cache/keys",
      "/cache/tags",
      "/cache/locks",
      "/cache/sessions",
      "/cache/servers",
      "/cache/danger",
      "/cache/admin.css",
      "/cache/admin.js",
      "/cache/nothing",
      addressOf("nobody")
    ]) {
      const { headers } = await ask(path)
      const policy = headers.get("content-security-policy") ?? ""
      assert.match(policy, /default-src 'none'/)
      assert.match(policy, /frame-ancestors 'none'/)
      assert.match(policy, /script-src 'self';/)
      assert.notMatch(policy, /unsafe|http|\*/)
      assert.strictEqual(headers.get("cache-control"), "no-store")
      assert.strictEqual(headers.get("referrer-policy"), "same-origin")
      assert.strictEqual(headers.get("x-content-type-options"), "nosniff")
    }
  })

  it("refuse strangers and those without the right, on every address and before anything else", async () => {
    for (const as of ["nobody", "eve"]) {
      for (const path of [
        "/cache",
        "/cache/keys",
        addressOf("a/b"),
        "/cache/admin.css",
        "/cache/events",
        "/cache/no"
      ]) {
        for (const method of ["GET", "POST", "DELETE"]) {
          const response = await ask(path, { as, method })
          assert.strictEqual(response.status, 403, `${method} ${path}`)
          assert.strictEqual(await response.text(), "You do not have the right to view this.\n")
        }
      }
    }
  })

  it("change nothing by another method than POST of a form", async () => {
    for (const method of ["PUT", "PATCH", "DELETE"]) {
      const response = await ask(addressOf("a/b"), { method })
      assert.strictEqual(response.status, 405, method)
      assert.strictEqual(response.headers.get("allow"), "GET, HEAD, POST")
    }
    assert.strictEqual((await ask("/cache", { method: "POST" })).status, 405)
    assert.strictEqual((await ask(addressOf("a/b"), { method: "POST" })).status, 400)
    assert.strictEqual((await ask(addressOf("a/b"))).status, 200)
  })

  it("take no form that is too long, and rights of a cache come before those of all", async () => {
    const body = `token=${"x".repeat(11 * 1024 * 1024)}`
    const headers = { "content-type": "application/x-www-form-urlencoded" }
    assert.strictEqual((await ask(addressOf("a/b"), { method: "POST", body, headers })).status, 400)
    const ada = { name: "ada", rights: { view: true, edit: true }, rightsOf: { A: { view: true }, B: { edit: true } } }
    assert.deepStrictEqual(
      ["A", "B", "C", "constructor", "__proto__"].map((cache) => may(ada, "edit", cache)),
      // In B she may edit and not view, which is nothing.
      [false, false, true, true, true]
    )
    assert.isFalse(may({ name: "eve", rights: { edit: true, flush: true } }, "flush", "A"))
  })

  it("show no key that is not of the cache, by whatever address", async () => {
    const refused = [
      "/cache/key",
      "/cache/key?k=",
      "/cache/key?k=%00",
      "/cache/key?k=_w", // no UTF-8
      addressOf("x".repeat(70_000)),
      "/cache/key?c=test%2FShop&k=b3RoZXI",
      "/cache/keys?c=nobody",
      "/cache/../local/keys",
      "/cache/%2e%2e/keys"
    ]
    for (const path of refused) {
      const response = await ask(path)
      assert.oneOf(response.status, [403, 404], path)
      assert.notInclude(await response.text(), "SHOP")
    }
    // A pattern leaves the prefix as little as a key does.
    for (const pattern of ["../*", "*shop*", "shop:1:*"]) {
      assert.match(await (await ask(`/cache/keys?pattern=${encodeURIComponent(pattern)}`)).text(), /0 keys\./)
    }
    assert.strictEqual((await ask(`/cache/keys?pattern=${"x".repeat(5000)}`)).status, 400)
  })

  it("hide the values that are to be hidden", async () => {
    const text = await (await ask(addressOf("session:1"))).text()
    assert.include(text, "The value is not shown here.")
    assert.notInclude(text, "SECRET")
  })

  it("are without authorize for direct visitors of this machine alone", async () => {
    // A web handler knows no peer.
    assert.strictEqual((await ask("/local")).status, 403)
    const isServed = (peer: string | undefined, headers: Record<string, string>, remote = peer) => {
      const request = HttpServerRequest.fromWeb(new Request("http://x/", { headers })).modify({
        peerAddress: Option.fromUndefinedOr(peer),
        remoteAddress: Option.fromUndefinedOr(remote)
      })
      return Effect.runSync(fromThisMachine(request)) !== undefined
    }
    for (const peer of ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"]) {
      for (const host of ["localhost", "localhost:3000", "127.0.0.1:80", "[::1]:3000"])
        assert.isTrue(isServed(peer, { host }))
    }
    const host = "localhost:3000"
    // Another machine; a name that leads here; a proxy on this machine, whichever header tells of it.
    for (const peer of ["10.0.0.1", "::ffff:10.0.0.1", "127.0.0.1.example", "", undefined])
      assert.isFalse(isServed(peer, { host }))
    assert.isFalse(isServed("10.0.0.1", { host }, "127.0.0.1"))
    assert.isFalse(isServed("127.0.0.1", { host }, "10.0.0.1"))
    for (const other of [
      "evil.example",
      "localhost.evil.example",
      "127.0.0.1.evil.example",
      "evil.example:127",
      "localhost@evil",
      ""
    ]) {
      assert.isFalse(isServed("127.0.0.1", { host: other }), other)
    }
    for (const name of ["forwarded", "via", "x-forwarded-for", "X-Forwarded-Host", "x-forwarded-proto", "x-real-ip"]) {
      assert.isFalse(isServed("127.0.0.1", { host, [name]: "x" }), name)
    }
  })

  it("are a function of a web request, for other frameworks, as long as their scope", async () => {
    const program = Effect.gen(function* () {
      const short = yield* Effect.flip(
        Admin.toWebHandler({ caches: [CacheService], authorize, secret: Redacted.make("short") })
      )
      assert.match(short.message, /secret must have 32 bytes/)
      const handler = yield* Admin.toWebHandler({ caches: [CacheService], authorize })
      const request = new Request("http://localhost/cache/keys", { headers: { authorization: "ada" } })
      const response = yield* Effect.promise(() => handler(request))
      assert.strictEqual(response.status, 200)
    })
    await Effect.runPromise(
      Effect.scoped(program).pipe(
        Effect.provide(CacheLive.layer({ prefix: "web" }).pipe(Layer.provide(ValkeyMemory.layer())))
      )
    )
  })
})
