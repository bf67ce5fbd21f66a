/** Cached responses of Fastify: injected requests, and connections where they matter. */
import { once } from "node:events"
import { connect } from "node:net"
import { Readable } from "node:stream"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import fastify, { type FastifyInstance } from "fastify"
import { CacheLive, CacheMemory, ValkeyStandalone } from "effect-vcache"
import { type FastifyCache, fastifyCache } from "effect-vcache/fastify"
import { startFake } from "../support/FakeServer.ts"
import { soon } from "../support/until.ts"

const page = { "cache-control": "public, max-age=60" }

/** An application whose routes are behind a cache, until the end of the block. */
const cachedApp = async (
  build: (app: FastifyInstance) => void,
  pages: FastifyCache = fastifyCache(CacheMemory),
  app: FastifyInstance = fastify()
) => {
  await app.register(pages.plugin)
  build(app)
  return app
}

describe("fastifyCache", () => {
  it("runs the route once for all who ask, with what its hooks and serializers add, and answers from then on", async () => {
    let calls = 0
    const pages = fastifyCache(CacheMemory)
    await using app = await cachedApp((app) => {
      app.addHook("onSend", async (_request, reply, payload) => {
        reply.header("x-hook", "1")
        return payload
      })
      app.get<{ Params: { n: string } }>("/pages/:n", async ({ params, query }, reply) => {
        calls++
        await new Promise((resolve) => setTimeout(resolve, 30))
        reply.headers({ ...page, etag: `"v1"` })
        return { n: params.n, query }
      })
    }, pages)
    const expected = JSON.stringify({ n: "1", query: { a: "b" } })
    const all = await Promise.all(Array.from({ length: 200 }, () => app.inject("/pages/1?a=b")))
    assert.deepStrictEqual(new Set(all.map(({ body }) => body)), new Set([expected]))
    const hit = await app.inject("/pages/1?a=b")
    assert.include(hit.headers["cache-status"], "hit")
    assert.deepStrictEqual(
      [hit.statusCode, hit.headers["content-type"], hit.headers["x-hook"], hit.body],
      [200, "application/json; charset=utf-8", "1", expected]
    )
    const statusOf = async (headers: Record<string, string>) =>
      (await app.inject({ url: "/pages/1?a=b", headers })).statusCode
    assert.strictEqual(await statusOf({ "if-none-match": `"v1"` }), 304)
    assert.strictEqual(await statusOf({ range: "bytes=0-3" }), 206)
    const head = await app.inject({ url: "/pages/1?a=b", method: "HEAD" })
    assert.deepStrictEqual([head.headers["content-length"], head.body], [String(expected.length), ""])
    assert.strictEqual(calls, 1)
    assert.isTrue(await pages.purge("localhost:80/pages/1?a=b"))
    await app.inject("/pages/1?a=b")
    assert.strictEqual(calls, 2)
  })

  it("shares nothing that is for one visitor", async () => {
    await using app = await cachedApp((app) => {
      for (const [path, headers] of Object.entries({
        "/cookie": { ...page, "set-cookie": "a=1" },
        "/private": { "cache-control": "private, max-age=60" },
        "/says-nothing": {},
        "/max-age": { "cache-control": "max-age=60" },
        "/vary": { ...page, vary: "Authorization" }
      })) {
        app.get(path, ({ headers: { authorization } }, reply) => reply.headers(headers).send(authorization))
      }
    })
    const as = (url: string) => async (authorization: string) =>
      (await app.inject({ url, headers: { authorization } })).body
    for (const path of ["/cookie", "/private", "/says-nothing", "/max-age", "/vary"]) {
      const users = Array.from({ length: 10 }, (_, i) => `user${i}`)
      assert.deepStrictEqual(await Promise.all(users.map(as(path))), users, path)
    }
    assert.strictEqual((await app.inject("/cookie")).headers["set-cookie"], "a=1")
  })

  it("runs hooks before the cache for each request, and caches the routes of its scope only", async () => {
    const seen: Array<string> = []
    let calls = 0
    const root = fastify({ rewriteUrl: ({ url = "" }) => url.replace(/^\/v1/, "") })
    root.addHook("onRequest", async ({ url, headers }, reply) => {
      seen.push(url)
      if (headers["x-blocked"] !== undefined) return reply.code(403).send("blocked")
      return undefined
    })
    await root.register(async (scope) => {
      await scope.register(fastifyCache(CacheMemory).plugin)
      scope.get("/cached", (_request, reply) => reply.headers(page).send(`cached ${++calls}`))
    })
    root.get("/plain", (_request, reply) => reply.headers(page).send(`plain ${++calls}`))
    await using app = root
    const bodies = []
    for (const url of ["/v1/cached", "/v1/cached", "/plain", "/plain"]) bodies.push((await app.inject(url)).body)
    assert.deepStrictEqual(bodies, ["cached 1", "cached 1", "plain 2", "plain 3"])
    assert.deepStrictEqual(seen, ["/cached", "/cached", "/cached", "/plain", "/plain"])
    assert.strictEqual((await app.inject({ url: "/v1/cached", headers: { "x-blocked": "1" } })).statusCode, 403)
  })

  it("serves a stale page and makes it anew; gives routes their bodies, and forgets the page that they change", async () => {
    let text = "first"
    await using app = await cachedApp((app) => {
      app.get("/stale", (_request, reply) => {
        reply.header("cache-control", "max-age=0, stale-while-revalidate=60").send(text)
      })
      app.get("/text", (_request, reply) => reply.headers(page).send(text))
      app.put<{ Body: { text: string } }>("/text", ({ body }, reply) => {
        text = body.text
        reply.code(204).send()
      })
    })
    const bodyOf = async (url: string) => (await app.inject(url)).body
    assert.deepStrictEqual([await bodyOf("/text"), await bodyOf("/stale")], ["first", "first"])
    text = "second"
    assert.deepStrictEqual([await bodyOf("/text"), await bodyOf("/stale")], ["first", "first"])
    await soon("the new page", async () => (await bodyOf("/stale")) === "second")
    assert.strictEqual((await app.inject({ url: "/text", method: "PUT", body: { text: "third" } })).statusCode, 204)
    assert.strictEqual(await bodyOf("/text"), "third")
  })

  it("answers errors as Fastify does, and serves an old page in place of them", async () => {
    let isBroken = true
    await using app = await cachedApp(
      (app) => {
        app.setErrorHandler((error, _request, reply) => reply.code(500).send(`failed: ${String(error)}`))
        app.get("/", async (_request, reply) => {
          if (isBroken) throw new Error("broken")
          reply.header("cache-control", "max-age=0")
          return "page"
        })
      },
      fastifyCache(CacheMemory, { staleIfError: "1 minute" })
    )
    assert.strictEqual((await app.inject("/")).body, "failed: Error: broken")
    assert.strictEqual((await app.inject("/nowhere")).statusCode, 404)
    isBroken = false
    await app.inject("/")
    isBroken = true
    assert.strictEqual((await app.inject("/")).body, "page")
  })

  it("lets pass what streams, tells the route when nobody reads, and goes on for others", async () => {
    const large = Buffer.alloc(3_000_000, "0123456789")
    const closed: Array<string> = []
    let calls = 0
    let finish = () => {}
    // By itself Fastify would wait for connections that clients keep.
    const server = fastify({ forceCloseConnections: true })
    await using app = await cachedApp(
      (app) => {
        app.get("/large", (_request, reply) => reply.headers(page).send(Readable.from([large, large])))
        app.get("/events", (request, reply) => {
          reply.raw.on("close", () => closed.push("response"))
          request.raw.on("close", () => closed.push("request"))
          const events = new Readable({ read() {} })
          events.on("close", () => closed.push("stream")).push("data: 1\n\n")
          return reply.header("content-type", "text/event-stream").send(events)
        })
        app.get("/slow", (_request, reply) => {
          calls++
          finish = () => void reply.headers(page).send("page")
        })
      },
      fastifyCache(CacheMemory),
      server
    )
    const at = await app.listen({ port: 0, host: "127.0.0.1" })
    const body = Buffer.from(await (await fetch(`${at}/large`)).arrayBuffer())
    assert.isTrue(body.equals(Buffer.concat([large, large])))
    const leaving = new AbortController()
    const events = await fetch(`${at}/events`, { signal: leaving.signal })
    assert.strictEqual(new TextDecoder().decode((await events.body?.getReader().read())?.value), "data: 1\n\n")
    const first = fetch(`${at}/slow`, { signal: leaving.signal }).catch(() => "gone")
    await soon("the first run", () => calls === 1)
    const others = Array.from({ length: 5 }, () => fetch(`${at}/slow`))
    leaving.abort()
    assert.strictEqual(await first, "gone")
    await soon("all to be closed", () => closed.length === 3)
    assert.sameMembers(closed, ["stream", "response", "request"])
    finish()
    for (const response of await Promise.all(others)) assert.strictEqual(await response.text(), "page")
    assert.strictEqual(calls, 1)
    // A target that a URL would not say so is the route's, and not the cache's.
    const socket = connect(Number(new URL(at).port), "127.0.0.1")
    await once(socket, "connect")
    socket.end(`GET /a/../slow HTTP/1.1\r\nHost: ${new URL(at).host}\r\nConnection: close\r\n\r\n`)
    const [status = ""] = Buffer.concat(await socket.toArray())
      .toString()
      .split("\r\n")
    assert.include(status, "404")
  })

  it("lets the route answer where the cache cannot, and fails where there is none", async () => {
    const build = (app: FastifyInstance) => void app.get("/", (_request, reply) => reply.headers(page).send("page"))
    const over = (url: string) =>
      Layer.provide(CacheLive, ValkeyStandalone.layer({ url, commandTimeout: 100, connectTimeout: 100 }))
    const silent = Effect.map(
      startFake(() => undefined),
      ({ url }) => over(url)
    )
    for (const layer of [over("valkey://127.0.0.1:1"), Layer.unwrap(silent)]) {
      const pages = fastifyCache(layer)
      await using app = await cachedApp(build, pages)
      const begun = performance.now()
      assert.strictEqual((await app.inject("/")).body, "page")
      assert.isBelow(performance.now() - begun, 5_000)
      await pages.close()
      assert.strictEqual((await app.inject("/")).body, "page")
    }
    await using broken = await cachedApp(build, fastifyCache(Layer.fresh(Layer.unwrap(Effect.fail(new Error("none"))))))
    assert.strictEqual((await broken.inject("/")).statusCode, 500)
  })
})
