/** The figures from which the charts are drawn, as they come each second. */
import { once } from "node:events"
import { createServer, get, type IncomingMessage } from "node:http"
import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Result, Scope } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import {
  CacheLive,
  CacheMemory,
  CacheService,
  CacheTimeoutError,
  type CommandError,
  layerFor,
  Metrics,
  type Reply,
  type TypedCache,
  ValkeyClient,
  ValkeyMemory
} from "effect-vcache"
import { Admin } from "effect-vcache/admin"
import { figuresBetween, type Reading } from "../../src/layers/admin/charts/figures.ts"

class Other extends Context.Service<Other, TypedCache<unknown>>()("test/Other") {}

class Address extends Context.Service<Address, string>()("test/Address") {}

const reading = (at: number, more: Partial<Reading>): Reading => ({
  at,
  hits: undefined,
  misses: undefined,
  nearHits: undefined,
  durations: [],
  servers: undefined,
  ...more
})

describe("the figures of a cache", () => {
  it("are of what happened between two looks", () => {
    const before = reading(1000, {
      hits: 10,
      misses: 10,
      durations: [
        [0.001, 5],
        [0.01, 10],
        [0.1, 10]
      ],
      servers: { memory: 5, evicted: new Map([["a", 10]]) }
    })
    const now = reading(3000, {
      hits: 13,
      misses: 11,
      nearHits: 4,
      durations: [
        [0.001, 55],
        [0.01, 108],
        [0.1, 110]
      ],
      servers: {
        memory: 7,
        evicted: new Map([
          ["a", 16],
          // It did not answer before: what it has evicted since it was started is not what happened in between.
          ["b", 1000]
        ])
      }
    })
    assert.deepStrictEqual(figuresBetween(before, now), {
      hitRate: 75,
      operations: 50,
      median: 1,
      p99: 100,
      memory: 7,
      evicted: 3,
      near: 2
    })
  })

  it("are null where nothing happened, or nothing is counted: no rate is made up", () => {
    const none = { hitRate: null, operations: null, median: null, p99: null, memory: null, evicted: null, near: null }
    assert.deepStrictEqual(figuresBetween(reading(0, {}), reading(1000, {})), none)
    const idle = { hits: 1, misses: 1, durations: [[0.001, 5]] as const }
    assert.deepStrictEqual(figuresBetween(reading(0, idle), reading(1000, idle)), { ...none, operations: 0 })
    assert.deepStrictEqual(figuresBetween(reading(5, idle), reading(5, idle)), none)
  })
})

describe("the overview", () => {
  it("asks the servers once for all caches over one client, and for all who look within a second", async () => {
    const asked: Array<string> = []
    const answers = new Map<string, Result.Result<Reply, CommandError>>([
      ["a:1", Result.succeed("valkey_version:8.0.1\r\nused_memory:2048\r\n")],
      [
        "<b>:2",
        Result.fail(new CacheTimeoutError({ operation: "INFO", phase: "command", timeout: 9, mayHaveExecuted: true }))
      ]
    ])
    const counted = Layer.effect(
      ValkeyClient,
      Effect.map(ValkeyClient, (client) => ({
        ...client,
        topology: "cluster" as const,
        sendToEach: (name: string) => {
          asked.push(name)
          return Effect.delay(Effect.succeed(name === "INFO" ? answers : new Map()), "20 millis")
        }
      }))
    ).pipe(Layer.provide(ValkeyMemory.layer()))
    const caches = Layer.mergeAll(CacheLive.layer(), layerFor(Other, { prefix: "other" }))
    const { dispose, handler } = HttpRouter.toWebHandler(
      Admin.layer({
        caches: [CacheService, Other],
        authorize: () => Effect.succeed({ name: "ada", rights: { view: true } })
      }).pipe(Layer.provide(caches), Layer.provide(counted)),
      { disableLogger: true }
    )
    const look = async () => (await handler(new Request("http://localhost/cache"))).text()
    // A visitor who leaves does not take the answer away from the others.
    const leaving = new AbortController()
    const left = handler(new Request("http://localhost/cache", { signal: leaving.signal })).catch(() => undefined)
    const looks = Promise.all([look(), look(), look()])
    leaving.abort()
    const pages = await looks
    await left
    assert.deepStrictEqual(asked.toSorted(), ["CONFIG", "INFO"])
    for (const page of pages) {
      assert.match(page, /<th scope="row">a:1<\/th>[^]*?2\.0 KiB/)
      assert.match(page, /&lt;b&gt;:2<\/th>\s*<td class="problem"/)
      assert.match(page, /Its servers are those of effect-vcache\/CacheService/)
    }
    await dispose()
  })
})

describe("the stream of the charts", () => {
  it("comes each second with the caches that may be viewed, to so many at once, until the pages end", async () => {
    const authorize: Admin.Authorize<never> = ({ headers }) =>
      Effect.succeed(
        headers["authorization"] === "ada"
          ? { name: "ada", rights: {}, rightsOf: { [CacheService.key]: { view: true } } }
          : undefined
      )
    const caches = Layer.mergeAll(
      CacheLive.layer({ policies: [Metrics.policy()] }),
      layerFor(Other, { prefix: "other" })
    )
    let cache: TypedCache<unknown> | undefined
    const routes = Layer.merge(
      Admin.layer({ caches: [CacheService, Other], authorize, maxStreams: 2 }),
      Layer.effectDiscard(Effect.map(CacheService, (service) => void (cache = service)))
    )
    const { dispose, handler } = HttpRouter.toWebHandler(
      routes.pipe(Layer.provide(caches), Layer.provide(ValkeyMemory.layer())),
      { disableLogger: true }
    )
    const watch = (as: string) =>
      handler(new Request("http://localhost/cache/events", { headers: { authorization: as } }))
    assert.strictEqual((await watch("nobody")).status, 403)

    const first = await watch("ada")
    assert.strictEqual(first.headers.get("content-type"), "text/event-stream")
    assert.strictEqual(first.headers.get("cache-control"), "no-store")
    const reader = first.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ""
    while (!text.includes("data: ")) text += (await reader?.read())?.value ?? ""
    if (cache === undefined) throw new Error("there is no cache")
    const own = cache
    await Effect.runPromise(Effect.andThen(own.set("k", 1), Effect.andThen(own.get("k"), own.get("nothing"))))
    while (!text.includes('"hitRate":50')) text += (await reader?.read())?.value ?? ""
    assert.notInclude(text, "test/Other")

    const second = await watch("ada")
    const others = second.body?.getReader()
    await others?.read()
    assert.strictEqual((await watch("ada")).status, 503)
    await others?.cancel()
    const again = await watch("ada")
    assert.strictEqual(again.status, 200, "a place is free again")
    const last = again.body?.getReader()
    await last?.read()
    await dispose()
    for (let end = false; !end;) end = (await reader?.read())?.done ?? true
    for (let end = false; !end;) end = (await last?.read())?.done ?? true
  })

  it("ends when the server begins to close, which waits for it", async () => {
    const scope = Scope.makeUnsafe()
    const pages = HttpRouter.serve(Admin.layer({ caches: [CacheService] }), {
      disableListenLog: true,
      disableLogger: true
    })
    const listening = Layer.merge(pages, Layer.effect(Address, HttpServer.addressFormattedWith(Effect.succeed))).pipe(
      Layer.provide(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })),
      Layer.provide(CacheMemory)
    )
    const context = await Effect.runPromise(Layer.buildWithScope(listening, scope))
    // Its connection is closed with it: a browser's would be kept for the next request, five seconds.
    const asking = get(`${Context.get(context, Address)}/cache/events`, { agent: false })
    const [watched]: ReadonlyArray<IncomingMessage> = await once(asking, "response")
    const stream = watched!.setEncoding("utf8")[Symbol.asyncIterator]()
    assert.include((await stream.next()).value, "retry")
    const ended = Effect.runPromise(Effect.timeout(Scope.close(scope, Exit.void), "15 seconds"))
    for (let end = false; !end;) end = (await stream.next()).done === true
    await ended
  })
})
