/** Searches and work that a page ends in time, and cursors that belong to one cache. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Result } from "effect"
import { HttpRouter } from "effect/http"
import { TestClock } from "effect/testing"
import {
  CacheLive,
  CacheService,
  layerFor,
  type TypedCache,
  ValkeyClient,
  ValkeyMemory,
  ValkeySentinel
} from "effect-vcache"
import { Admin } from "effect-vcache/admin"
import { inTime } from "../../src/layers/admin/pages/inTime.ts"
import { sample, search } from "../../src/layers/admin/pages/search.ts"
import { pagesOver } from "../support/adminPages.ts"

class Other extends Context.Service<Other, TypedCache<unknown>>()("test/Other") {}

describe("a search", () => {
  it.effect("is given up after 3 seconds, and goes on where it has ended", () =>
    Effect.gen(function* () {
      const client = yield* ValkeyClient
      const asked: Array<number | undefined> = []
      const slow: typeof client = {
        ...client,
        scanPage: (cursor = "0", options) => {
          asked.push(options?.count)
          return Effect.delay(Effect.succeed({ keys: [`k${cursor}`], next: String(Number(cursor) + 1) }), "1 second")
        }
      }
      const odd = (finals: ReadonlyArray<string>) =>
        Effect.succeed(finals.map((final) => (/[13579]$/.test(final) ? final : undefined)))
      const first = yield* Effect.forkChild(search(slow, { match: "*", most: 100 }, odd))
      yield* TestClock.adjust("3 seconds")
      const { found, gaveUp, next } = yield* Fiber.join(first)
      assert.deepStrictEqual([...found.keys()], ["k1"])
      assert.deepStrictEqual([gaveUp, next], [true, "3"])
      // The search for something rare takes larger steps.
      assert.deepStrictEqual(asked, [100, 500, 500])
      const second = yield* Effect.forkChild(search(slow, { match: "*", most: 1, from: next }, odd))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([...(yield* Fiber.join(second)).found.keys()], ["k3"])
    }).pipe(Effect.provide(ValkeyMemory.layer()))
  )

  it.effect("says that it has shown all only where it has", () =>
    Effect.gen(function* () {
      const client = yield* ValkeyClient
      const keys = Array.from({ length: 150 }, (_, i) => `k${i}`)
      const generous: typeof client = { ...client, scanPage: () => Effect.succeed({ keys, next: undefined }) }
      for (const [most, isAll] of [
        [100, false],
        [150, true]
      ] as const) {
        const result = yield* sample(generous, { match: "*", most }, (final) => final)
        assert.deepStrictEqual([result.found.length, result.isAll], [most, isAll])
      }
    }).pipe(Effect.provide(ValkeyMemory.layer()))
  )
})

describe("work on many things", () => {
  it.effect("begins none of them any more after 10 seconds, and says which", () =>
    Effect.gen(function* () {
      const items = Array.from({ length: 1000 }, (_, i) => i)
      const work = yield* Effect.forkChild(inTime(items, (i) => Effect.delay(Effect.succeed(i), "3 seconds")))
      yield* TestClock.adjust("15 seconds")
      const done = yield* Fiber.join(work)
      assert.strictEqual(done.length, 1000)
      // 20 at a time, begun at 0, 3, 6 and 9 seconds.
      assert.deepStrictEqual(
        done.filter((one) => one !== undefined),
        items.slice(0, 80)
      )
    })
  )
})

describe("the servers", () => {
  it("are none without a name where no sentinel tells of a primary", async () => {
    const { as, dispose } = await pagesOver(ValkeySentinel.layer({ url: "sentinel://127.0.0.1:1/main" }), "nobody")
    const servers = await as("viewer").ask("/cache/servers")
    assert.strictEqual(servers.status, 503)
    assert.notInclude(await servers.text(), "<h2></h2>")
    assert.notInclude(await (await as("viewer").ask("/cache")).text(), '<th scope="row"></th>')
    await dispose()
  })
})

describe("keys to delete", () => {
  it("that are of a type which is not known here are told to stay, and not to be gone", async () => {
    const withModule = Layer.effect(
      ValkeyClient,
      Effect.map(ValkeyClient, (client) => ({
        ...client,
        pipeline: (commands: Parameters<typeof client.pipeline>[0]) =>
          Effect.map(client.pipeline(commands), (replies) =>
            replies.map((reply, at) => (commands[at]?.name === "TYPE" ? Result.succeed("ReJSON-RL") : reply))
          )
      }))
    ).pipe(Layer.provide(ValkeyMemory.layer()))
    const { as, cache, dispose, run } = await pagesOver(withModule, "module")
    await run(cache.set("document", 1))
    const { submit } = await as("deleter").open("/cache/keys")
    const page = await (await submit("choose", { k: Buffer.from("document").toString("base64url") })).text()
    assert.include(page, "1 key could not be read, and stays.")
    assert.notInclude(page, "None of them exists any more")
    await dispose()
  })
})

describe("a cursor", () => {
  it("is of one cache, and not of its neighbour on the same pages", async () => {
    let cache: TypedCache<unknown> | undefined
    const { dispose, handler } = HttpRouter.toWebHandler(
      Layer.merge(
        Admin.layer({
          caches: [CacheService, Other],
          authorize: () =>
            Effect.succeed({ name: "ada", rights: { view: true }, rightsOf: { [Other.key]: { view: true } } })
        }),
        Layer.effectDiscard(Effect.map(CacheService, (service) => void (cache = service)))
      ).pipe(
        Layer.provide(Layer.mergeAll(CacheLive.layer({ prefix: "own" }), layerFor(Other, { prefix: "other" }))),
        Layer.provide(ValkeyMemory.layer())
      ),
      { disableLogger: true }
    )
    const ask = (path: string) => handler(new Request(`http://localhost${path}`))
    await ask("/cache")
    await Effect.runPromise(
      cache?.setMany(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i]))) ?? Effect.void
    )
    const page = await (await ask(`/cache/keys?c=${encodeURIComponent(CacheService.key)}`)).text()
    const next = /<a href="([^"]*)">Look further/.exec(page)?.[1]?.replaceAll("&amp;", "&") ?? ""
    assert.strictEqual((await ask(next)).status, 200)
    const neighbour = next.replace(encodeURIComponent(CacheService.key), encodeURIComponent(Other.key))
    assert.notStrictEqual(neighbour, next)
    assert.strictEqual((await ask(neighbour)).status, 400)
    await dispose()
  })
})
