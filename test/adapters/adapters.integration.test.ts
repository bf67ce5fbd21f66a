/** Plain Promise code: our own client, Keyv by its published suite, cache-manager, express-session. */
import * as vitest from "vitest"
import { keyvIteratorTests } from "@keyv/test-suite"
import keyvTestSuite from "@keyv/test-suite"
import { assert, describe, it } from "@effect/vitest"
import { createCache } from "cache-manager"
import { Context, Duration, Effect, Exit, Layer, Option, Schema, Scope } from "effect"
import express from "express"
import session, { type SessionData } from "express-session"
import { Keyv } from "keyv"
import { CacheLive, CacheMemory, CacheService, makeClient, ValkeyUrl } from "effect-vcache"
import ExpressSessionStore from "effect-vcache/express-session"
import KeyvStore from "effect-vcache/keyv"
import { startServer } from "../support/ValkeyServer.ts"

const scope = Scope.makeUnsafe()
const caches = await Effect.runPromise(
  Scope.provide(
    Effect.gen(function* () {
      const { url } = yield* startServer()
      const onServer = yield* Layer.build(Layer.provide(CacheLive, ValkeyUrl.layer(url)))
      const inMemory = yield* Layer.build(CacheMemory)
      return { url, server: Context.get(onServer, CacheService), memory: Context.get(inMemory, CacheService) }
    }),
    scope
  )
)
vitest.afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

for (const [name, cache] of [
  ["in memory", caches.memory],
  ["on a server", caches.server]
] as const) {
  const shared = Layer.succeed(CacheService, cache.withOptions({ prefix: "keyv" }))

  describe(`Keyv's own suite ${name}`, () => {
    const store = () => new KeyvStore(shared)
    // Typed for the vitest that it brings.
    keyvTestSuite(vitest as never, Keyv, store)
    keyvIteratorTests(vitest as never, Keyv, store)
  })

  describe(`Keyv ${name}, besides`, () => {
    it("many at once, only its own namespace, typed errors", async () => {
      const keyv = new Keyv({ store: new KeyvStore(shared), namespace: "many*" })
      const other = new Keyv({ store: new KeyvStore(shared), namespace: "many*other" })
      await other.set("a", 1)
      await keyv.setMany([
        { key: "a", value: { n: 1 } },
        { key: "b", value: [2], ttl: 60_000 }
      ])
      assert.deepStrictEqual(await keyv.getMany(["a", "x", "b"]), [{ n: 1 }, undefined, [2]])
      assert.deepStrictEqual(await keyv.hasMany(["a", "x"]), [true, false])
      assert.isTrue(await keyv.deleteMany(["a", "x"]))
      await keyv.clear()
      assert.isUndefined(await keyv.get("b"))
      assert.strictEqual(await other.get("a"), 1)
      await Effect.runPromise(cache.withOptions({ prefix: "keyv" }).hash("many*:hash").set("f", 1))
      const error: unknown = await new KeyvStore(shared).get("many*:hash").catch((error: unknown) => error)
      assert.deepInclude(error, { _tag: "CacheServerError", code: "WRONGTYPE" })
    })

    it("disconnected, it is closed", async () => {
      const store = new KeyvStore(shared)
      await store.set("k", "v")
      await store.disconnect()
      assert.isDefined(await store.get("k").catch((error: unknown) => error))
    })

    it("cache-manager over it", async () => {
      const manager = createCache({ stores: [new Keyv({ store: new KeyvStore(shared), namespace: "manager" })] })
      let lookups = 0
      const wrapped = () => manager.wrap("k", async () => ({ n: ++lookups }), 60_000)
      assert.deepStrictEqual(await Promise.all([wrapped(), wrapped()]), [{ n: 1 }, { n: 1 }])
      assert.deepStrictEqual(await wrapped(), { n: 1 })
      await manager.mset([
        { key: "a", value: 1 },
        { key: "b", value: 2, ttl: 60_000 }
      ])
      assert.deepStrictEqual(await manager.mget(["a", "b", "c"]), [1, 2, undefined])
      await manager.mdel(["a", "b"])
      assert.isUndefined(await manager.get("a"))
      await manager.set("soon", 1, 50)
      await new Promise((resolve) => setTimeout(resolve, 80))
      assert.isUndefined(await manager.get("soon"))
      await manager.clear()
      assert.isUndefined(await manager.get("k"))
    })
  })

  describe(`a Promise client ${name}`, () => {
    it("the operations, typed errors as rejections, misses undefined", async () => {
      await using client = makeClient(Layer.succeed(CacheService, cache.withOptions({ prefix: "promises" })))
      assert.isUndefined(await client.get("k"))
      assert.isTrue(await client.set("k", { n: 1 }))
      assert.deepStrictEqual(await client.get("k"), { n: 1 })
      assert.isFalse(await client.add("k", 2))
      assert.deepStrictEqual(await client.setMany({ a: 1, b: 2 }), [])
      assert.deepStrictEqual(
        await client.getMany(["a", "x", "b"]),
        new Map([
          ["a", 1],
          ["b", 2]
        ])
      )
      assert.strictEqual(await client.incr("a", 5), 6)
      assert.isTrue((await client.ttl("a"))! > 0)
      assert.isTrue(await client.touch("a", { timeToLive: "Infinity" }))
      assert.strictEqual(await client.ttl("a"), Infinity)
      assert.isUndefined(await client.ttl("x"))
      assert.strictEqual(await client.deleteMany(["a", "b"]), 2)
      let lookups = 0
      const lookup = async () => ({ found: ++lookups })
      const both = await Promise.all([client.getOrSet("l", lookup), client.getOrSet("l", lookup)])
      vitest.expectTypeOf(both[0]).toEqualTypeOf<{ found: number }>()
      assert.deepStrictEqual(both, [{ found: 1 }, { found: 1 }])
      const own = new Error("mine")
      assert.strictEqual(
        await client
          .getOrSet("fails", () => {
            throw own
          })
          .catch((error: unknown) => error),
        own
      )
      const refused: unknown = await client.get("").catch((error: unknown) => error)
      assert.deepInclude(refused, { _tag: "CacheInputError" })
      const numbers = client.withSchema(Schema.Int)
      assert.isTrue(await numbers.set("int", 5))
      vitest.expectTypeOf(numbers.get).returns.resolves.toEqualTypeOf<number | undefined>()
      assert.strictEqual(await client.run(CacheService.use((cache) => cache.list("list").pushRight(1, 2))), 2)
      assert.isAbove(await client.clear(), 0)
    })
  })

  describe(`express-session ${name}`, () => {
    const storeOf = (prefix: string) =>
      new ExpressSessionStore(Layer.succeed(CacheService, cache.withOptions({ prefix: "express store" })), { prefix })

    const ask = <A>(operation: (done: (error: unknown, found?: A) => void) => void): Promise<A | undefined> =>
      new Promise((resolve, reject) => operation((error, found) => (error ? reject(error) : resolve(found))))

    it("all, counted, cleared; those of its prefix", async () => {
      const [store, other] = [storeOf("a*:"), storeOf("a*b:")]
      const data = { cookie: { originalMaxAge: null } } as SessionData
      for (const id of ["1", "2"]) await ask((done) => store.set(id, data, done))
      await ask((done) => other.set("3", data, done))
      assert.strictEqual(await ask<number>((done) => store.length(done)), 2)
      assert.deepStrictEqual(await ask<Array<SessionData>>((done) => store.all((e, found) => done(e, found ?? []))), [
        data,
        data
      ])
      await ask((done) => store.clear(done))
      assert.strictEqual(await ask<number>((done) => store.length(done)), 0)
      assert.strictEqual(await ask<number>((done) => other.length(done)), 1)
    })

    it("touched, a session lives as long as its cookie; a closed store says so", async () => {
      const store = storeOf("touched:")
      const cookieFor = (maxAge: number) => ({ cookie: { originalMaxAge: maxAge, maxAge } }) as SessionData
      await ask((done) => store.set("1", cookieFor(60_000), done))
      await ask((done) => store.touch("1", cookieFor(3_600_000), () => done(undefined)))
      const [key = ""] = await Effect.runPromise(cache.withOptions({ prefix: "express store" }).keys("touched:*"))
      const left = await Effect.runPromise(cache.withOptions({ prefix: "express store" }).ttl(key))
      assert.isAbove(Duration.toMillis(Option.getOrThrow(left)), 3_000_000)
      await store.close()
      const failing: ReadonlyArray<(done: (error: unknown) => void) => void> = [
        (done) => store.get("1", done),
        (done) => store.set("1", cookieFor(1), done),
        (done) => store.all(done),
        (done) => store.length(done),
        (done) => store.clear(done)
      ]
      for (const operation of failing) {
        assert.isDefined(await new Promise(operation))
      }
    })

    it("what is no JSON is an error of the store, not of the request; a cookie without an end is none", async () => {
      const store = storeOf("odd:")
      const cookie = { originalMaxAge: null, maxAge: false } as never
      await ask((done) => store.set("1", { cookie }, done))
      assert.deepInclude(await ask<SessionData | null>((done) => store.get("1", done)), { cookie })
      const endless: Record<string, unknown> = { cookie }
      endless["self"] = endless
      const error: unknown = await ask((done) => store.set("1", endless as never, done)).catch((error) => error)
      assert.instanceOf(error, TypeError)
    })

    it("keeps what a visitor did, and nothing that somebody could use", async () => {
      const sessions = cache.withOptions({ prefix: "express" })
      const app = express()
      app.use(
        session({
          secret: "a secret",
          resave: false,
          saveUninitialized: false,
          cookie: { maxAge: 60_000 },
          store: new ExpressSessionStore(Layer.succeed(CacheService, sessions))
        })
      )
      app.get("/", (request, response) => {
        const visits = Number(Reflect.get(request.session, "visits") ?? 0) + 1
        Reflect.set(request.session, "visits", visits)
        response.send(String(visits))
      })
      app.get("/out", (request, response) => request.session.destroy(() => response.send("bye")))
      const server = app.listen(0)
      try {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        let cookie = ""
        const ask = async (path: string) => {
          const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie } })
          cookie = response.headers.get("set-cookie")?.split(";")[0] ?? cookie
          return response.text()
        }
        assert.deepStrictEqual([await ask("/"), await ask("/"), await ask("/")], ["1", "2", "3"])
        const keys = await Effect.runPromise(sessions.keys())
        assert.strictEqual(keys.length, 1)
        const id = decodeURIComponent(cookie).replace(/^.*s:([^.]*).*$/, "$1")
        assert.notInclude(keys[0], id)
        await ask("/out")
        assert.strictEqual(await ask("/"), "1")
      } finally {
        await new Promise((resolve) => server.close(resolve))
      }
    })
  })
}

it("a client whose server is away rejects in time, and closes", async () => {
  const client = makeClient(
    Layer.provide(CacheLive, ValkeyUrl.layer("valkey://127.0.0.1:1", { connectTimeout: "300 millis" }))
  )
  const error: unknown = await client.get("k").catch((error: unknown) => error)
  assert.deepInclude(error, { _tag: "CacheConnectionError" })
  await client.close()
  const closed: unknown = await client.get("k").catch((error: unknown) => error)
  assert.isDefined(closed)
})
