/** The handler for "use cache" of Next.js: its contract, tags and soft tags, lost records, outages. `npm run next-app` runs a real application. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, ManagedRuntime, Option } from "effect"
import {
  CacheLive,
  CacheMemory,
  CacheService,
  isCacheError,
  Serializer,
  ValkeyMemory,
  ValkeyStandalone
} from "effect-vcache"
import nextCacheHandler, { type NextCacheEntry, type NextCacheHandler } from "effect-vcache/next"
import { invalidate, readInvalidations } from "../../src/layers/next/invalidationScripts.ts"
import { digest } from "../../src/schema/digest.ts"
import { judge } from "../../src/layers/next/StoredEntry.ts"
import { Faults } from "effect-vcache/testing"
import { startFake } from "../support/FakeServer.ts"
import { startMemoryAndServer } from "../support/memoryAndServer.ts"
import { sharedInFile } from "../support/sharedInFile.ts"

const caches = await Effect.runPromise(sharedInFile(startMemoryAndServer))

const now = () => performance.timeOrigin + performance.now()
const passing = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

const streamOf = (...chunks: ReadonlyArray<string>) =>
  new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk))
      controller.close()
    }
  })

const made = (text: string, given: Partial<NextCacheEntry> = {}): Promise<NextCacheEntry> =>
  Promise.resolve({
    value: streamOf(text),
    tags: [],
    stale: 300,
    timestamp: now(),
    expire: 3600,
    revalidate: 900,
    ...given
  })

const textOf = (entry: NextCacheEntry | undefined) =>
  entry === undefined ? Promise.resolve(undefined) : new Response(entry.value).text()

/** Stores an entry as Next.js does: it asks for it first, and makes it a little later. */
const render = async (handler: NextCacheHandler, key: string, text: string, given: Partial<NextCacheEntry> = {}) => {
  await handler.get(key, [])
  await passing(2)
  const timestamp = now()
  await handler.set(key, made(text, { timestamp, ...given }))
}

/** Whether it resolved, or what it rejected with. */
const outcomeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "resolved",
    (error: unknown) => error
  )

for (const [name, cache] of [
  ["in memory", caches.memory],
  ["on a server", caches.server]
] as const) {
  let spaces = 0
  const space = () => cache.withOptions({ prefix: `next ${++spaces}`, serializer: Serializer.msgpack })
  const handlerOf = (over = space(), options = {}) => nextCacheHandler(Layer.succeed(CacheService, over), options)

  /** What a reader finds. */
  const seen = async (handler: NextCacheHandler, key: string, softTags: Array<string> = []) => {
    const entry = await handler.get(key, softTags)
    return entry === undefined ? "gone" : entry.revalidate === -1 ? "stale" : "live"
  }

  describe(`cacheHandlers of Next.js, ${name}`, () => {
    it("gives what was stored to each reader, with its lifetimes, for as long as it may be used", async () => {
      for (const serializer of [Serializer.json, Serializer.msgpack]) {
        const over = space().withOptions({ serializer })
        const handler = handlerOf(over)
        const given = { stale: 1, expire: 100, revalidate: 10, tags: ["posts", "π"] }
        const timestamp = now() - 40_000
        await render(handler, "k", "", { ...given, value: streamOf("part 1 ", "", "part 2") })
        for (let i = 0; i < 2; i++) {
          const { timestamp, value, ...rest } = (await handler.get("k", ["_N_T_/layout"])) ?? assert.fail("a miss")
          assert.strictEqual(await new Response(value).text(), "part 1 part 2")
          assert.deepStrictEqual(rest, given)
          assert.isBelow(timestamp, now())
          assert.isAbove(timestamp, now() - 5_000)
        }
        await render(handler, "old", "old", { ...given, timestamp })
        await render(handler, "for ever", "", { expire: Infinity })
        assert.deepStrictEqual(await textOf(await handler.get("for ever", [])), "")
        const left = (key: string) =>
          Effect.runPromise(Effect.map(over.ttl(`next:${digest(key)}`), Option.getOrThrow)).then(Duration.toSeconds)
        assert.closeTo(await left("k"), 100, 2)
        assert.closeTo(await left("old"), 60, 2)
        assert.isAbove(await left("for ever"), 3e9)
        // It was begun before the record of invalidations was.
        assert.isUndefined(await handler.get("old", []))
        assert.strictEqual(await handler.getExpiration(["posts"]), Infinity)
        await handler.refreshTags()
      }
    })

    it("has a reader wait for what is being stored, and not for ever", async () => {
      const handler = handlerOf(space(), { waitFor: 60 })
      await handler.get("k", [])
      await passing(2)
      let finish = () => {}
      const value = new ReadableStream<Uint8Array>({
        start: (controller) => {
          controller.enqueue(new TextEncoder().encode("slow"))
          finish = () => controller.close()
        }
      })
      const storing = handler.set("k", made("", { value }))
      assert.isUndefined(await handler.get("k", []))
      const waiting = handler.get("k", [])
      finish()
      assert.strictEqual(await textOf(await waiting), "slow")
      await storing
      // Of two that are stored at once, the later one is waited for.
      const [first, second] = [handler.set("k", made("first")), handler.set("k", made("second"))]
      assert.strictEqual(await textOf(await handler.get("k", [])), "second")
      await Promise.all([first, second])
    })

    it("forgets what bears a tag, and what is read under one, for all processes", async () => {
      const over = space()
      const [handler, other] = [handlerOf(over), handlerOf(over)]
      const path = "_N_T_/blog"
      for (const key of ["tagged", "both", "plain"]) {
        await render(handler, key, key, { tags: key === "plain" ? [] : ["posts", ...(key === "both" ? ["home"] : [])] })
      }
      await other.updateTags(["home"])
      assert.deepStrictEqual(await Promise.all(["tagged", "both", "plain"].map((key) => seen(handler, key))), [
        "live",
        "gone",
        "live"
      ])
      await other.updateTags(["posts", path])
      assert.strictEqual(await seen(handler, "tagged"), "gone")
      // What is shared by pages is forgotten for the one whose path was invalidated.
      assert.strictEqual(await seen(handler, "plain", ["_N_T_/layout", path]), "gone")
      assert.strictEqual(await seen(handler, "plain", ["_N_T_/layout"]), "live")
      await render(other, "tagged", "anew", { tags: ["posts"] })
      assert.strictEqual(await textOf(await handler.get("tagged", [path])), "anew")
    })

    it("does not serve what was begun before an invalidation and stored after it", async () => {
      const handler = handlerOf()
      await handler.get("k", [])
      const timestamp = now()
      await handler.updateTags(["posts"])
      await handler.set("k", made("old", { tags: ["posts"], timestamp }))
      assert.strictEqual(await seen(handler, "k"), "gone")
    })

    it("serves what is stale while it is made anew, until it expires, and never what was removed", async () => {
      const handler = handlerOf()
      for (const tag of ["max", "short", "removed"]) await render(handler, tag, tag, { tags: [tag] })
      await handler.updateTags(["max"], { expire: Infinity })
      await handler.updateTags(["max"], {})
      await handler.updateTags(["max"], { expire: 3600 })
      await handler.updateTags(["short"], { expire: 0.2 })
      await handler.updateTags(["removed"])
      await handler.updateTags(["removed"], { expire: 3600 })
      assert.deepStrictEqual(await Promise.all(["max", "short", "removed"].map((key) => seen(handler, key))), [
        "stale",
        "stale",
        "gone"
      ])
      // Its end is not put off by another invalidation.
      await handler.updateTags(["short"], { expire: 3600 })
      await passing(250)
      assert.strictEqual(await seen(handler, "short"), "gone")
      await handler.updateTags(["short"], { expire: 3600 })
      assert.strictEqual(await seen(handler, "short"), "gone")
      await render(handler, "short", "anew", { tags: ["short"] })
      assert.strictEqual(await seen(handler, "short"), "live")
    })

    it("stores nothing that is broken, too large, or over at once, and leaves its stream", async () => {
      const handler = handlerOf(space(), { maxEntryBytes: 10 })
      let left = 0
      const endless = () =>
        new ReadableStream<Uint8Array>({
          pull: (controller) => controller.enqueue(new Uint8Array(4)),
          cancel: () => void left++
        })
      const broken = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error("broken")) })
      for (const entry of [
        made("", { value: endless() }),
        made("", { value: endless(), expire: 0 }),
        made("", { value: broken }),
        undefined
      ]) {
        await handler.get("k", [])
        await handler.set("k", entry ?? Promise.reject(new Error("not made")))
        assert.isUndefined(await handler.get("k", []))
      }
      assert.strictEqual(left, 2)
      await render(handler, "k", "0123456789")
      assert.strictEqual(await textOf(await handler.get("k", [])), "0123456789")
    })

    it("invalidates under whatever name and for whatever time, and finds other entries afterwards", async () => {
      const handler = handlerOf()
      const [odd = "", ...many] = ["\ud800 odd", ...Array.from({ length: 3 }, (_, i) => String(i).padEnd(4096, "long"))]
      await render(handler, "k", "k")
      await render(handler, "many", "many", { tags: many })
      for (const key of ["k", "many"]) assert.strictEqual(await seen(handler, key), "live", key)
      await handler.updateTags([odd])
      await handler.updateTags(many, { expire: NaN })
      await handler.updateTags(["for long"], { expire: Number.MAX_VALUE })
      assert.strictEqual(await seen(handler, "k"), "live")
      assert.strictEqual(await seen(handler, "k", [odd]), "gone")
      assert.strictEqual(await seen(handler, "many"), "gone")
      await handler.updateTags(Array.from({ length: 10_001 }, (_, i) => `tag ${i}`))
      assert.strictEqual(await seen(handler, "k"), "gone")
      await render(handler, "k", "anew")
      assert.strictEqual(await seen(handler, "k"), "live")
    })

    it("forgets everything when the record of invalidations is lost, or is none", async () => {
      const over = space()
      const handler = handlerOf(over)
      await render(handler, "k", "k")
      assert.strictEqual(await seen(handler, "k"), "live")
      await Effect.runPromise(over.delete("next:invalidations"))
      assert.strictEqual(await seen(handler, "k"), "gone")
      await render(handler, "k", "anew")
      assert.strictEqual(await seen(handler, "k"), "live")
      await Effect.runPromise(over.set("next:invalidations", "no record"))
      assert.strictEqual(await seen(handler, "k"), "gone")
      assert.isTrue(isCacheError(await outcomeOf(handler.updateTags(["posts"]))))
    })

    it("lets go of the tags that were invalidated first, and of what is older", async () => {
      const over = space()
      const run = <A, E>(effect: Effect.Effect<A, E>) => Effect.runPromise(effect)
      const keys = { record: "r" }
      const read = (...tags: ReadonlyArray<string>) => run(over.script(readInvalidations, { keys, args: { tags } }))
      const births: Array<number> = []
      for (const tag of ["a", "b", "c", "d", "e"]) {
        const [, bornAt] = await read()
        births.push(bornAt)
        await passing(3)
        await run(
          over.script(invalidate, { keys, args: { tags: [tag], expire: tag === "b" ? 9e9 : null, maxTags: 4 } })
        )
        await passing(3)
      }
      const [era, , , fields] = await read("a", "b", "c", "d", "e")
      assert.deepStrictEqual(
        fields.map((field) => field !== ""),
        [false, false, false, true, true]
      )
      // What was born before "d" was invalidated, by the tags that it bears.
      const verdict = async (birth: number, ...tags: ReadonlyArray<string>) =>
        judge({ era, bornAt: births[birth] ?? 0 }, await read(...tags))
      assert.strictEqual(await verdict(0, "other"), "gone")
      assert.strictEqual(await verdict(2, "a"), "gone")
      assert.strictEqual(await verdict(3, "a", "c"), "live")
      assert.strictEqual(await verdict(3, "d"), "gone")
      assert.strictEqual(await verdict(4, "d"), "live")
      assert.strictEqual(await verdict(4, "e"), "gone")
    })
  })
}

describe("cacheHandlers of Next.js without a cache", () => {
  const options = { commandTimeout: 100, connectTimeout: 100 }
  const nobody = Layer.provide(CacheLive, ValkeyStandalone.layer({ url: "valkey://127.0.0.1:1", ...options }))
  const silent = Layer.provide(
    CacheLive,
    Layer.unwrap(
      Effect.map(
        startFake(() => undefined),
        ({ url }) => ValkeyStandalone.layer({ url, ...options })
      )
    )
  )

  it("has nothing, stores nothing and is heard where it cannot forget, and nobody waits for longer than a command may take", async () => {
    for (const layer of [nobody, silent]) {
      const handler = nextCacheHandler(layer)
      const begun = now()
      assert.isUndefined(await handler.get("k", ["_N_T_/"]))
      await handler.set("k", made("k"))
      assert.isTrue(isCacheError(await outcomeOf(handler.updateTags(["posts"]))))
      assert.isBelow(now() - begun, 5_000)
      await handler.close()
    }
  })

  it("makes up for an invalidation that it could not send, before it reads again", async () => {
    const layer = Layer.provideMerge(CacheLive, Layer.provideMerge(Faults.layer, ValkeyMemory.layer()))
    const runtime = ManagedRuntime.make(layer)
    const [cache, faults] = await runtime.runPromise(Effect.all([CacheService, Faults.Faults]))
    const [handler, other] = [0, 1].map(() => nextCacheHandler(Layer.succeed(CacheService, cache)))
    if (handler === undefined || other === undefined) return assert.fail()
    for (const tag of ["now", "later", "both"]) await render(handler, tag, tag, { tags: [tag] })
    await Effect.runPromise(faults.set({ commands: ["nextInvalidate"], failure: "refused" }))
    await outcomeOf(handler.updateTags(["later", "both"], { expire: 60 }))
    assert.strictEqual(
      await outcomeOf(handler.updateTags(["now", "both"]))
        .then(Object)
        .then((e) => e["_tag"]),
      "CacheConnectionError"
    )
    assert.isUndefined(await handler.get("later", []))
    assert.strictEqual((await other.get("later", []))?.revalidate, 900)
    await Effect.runPromise(faults.clear)
    assert.strictEqual((await handler.get("later", []))?.revalidate, -1)
    assert.strictEqual((await other.get("later", []))?.revalidate, -1)
    assert.isUndefined(await other.get("now", []))
    assert.isUndefined(await other.get("both", []))
    await runtime.dispose()
  })

  it("is only empty after it was closed, and rejects where the layer cannot be built", async () => {
    const handler = nextCacheHandler(CacheMemory)
    await render(handler, "k", "k")
    assert.isDefined(await handler.get("k", []))
    await handler.close()
    assert.isUndefined(await handler.get("k", []))
    await handler.set("k", made("k"))
    assert.isTrue(isCacheError(await outcomeOf(handler.updateTags(["posts"]))))
    const broken = nextCacheHandler(Layer.fresh(Layer.unwrap(Effect.fail("no such server"))))
    assert.strictEqual(await outcomeOf(broken.get("k", [])), "no such server")
    assert.throws(() => nextCacheHandler(CacheMemory, { waitFor: "soon" as never }), "waitFor")
    assert.throws(() => nextCacheHandler(CacheMemory, { maxEntryBytes: NaN }), "maxEntryBytes")
  })

  it("forgets nothing where nothing is stored", async () => {
    const handler = nextCacheHandler(CacheService.layerMemory({ enabled: false }))
    await render(handler, "k", "k")
    assert.isUndefined(await handler.get("k", []))
    await handler.updateTags(["posts"])
    await handler.close()
  })
})
