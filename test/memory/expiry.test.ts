/** When expired entries go, and what they cost others meanwhile. */
import { assert, describe, it, vi } from "@effect/vitest"
import { Effect, Layer, ManagedRuntime, Stream } from "effect"
import { CacheLive, CacheService, type MemoryOptions, ValkeyClient, ValkeyMemory } from "effect-vcache"
import { TestClock } from "effect/testing"

const used = Effect.flatMap(ValkeyClient, (client) =>
  Effect.map(client.info(), (info) => Number([...info.values()][0]?.get("used_memory")))
)

const layer = (options: MemoryOptions = {}) => Layer.provideMerge(CacheLive, ValkeyMemory.layer(options))

describe("expired entries", () => {
  it.effect("make room before anything that lives is evicted, however recently they were used", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      for (let i = 0; i < 10; i++) yield* cache.set(`live:${i}`, i, { timeToLive: "1 hour" })
      for (let i = 0; i < 90; i++) yield* cache.set(`dead:${i}`, i, { timeToLive: "1 second" })
      yield* TestClock.adjust("2 seconds")
      for (let i = 0; i < 90; i++) yield* cache.set(`new:${i}`, i, { timeToLive: "1 hour" })
      assert.lengthOf(yield* cache.keys("live:*"), 10)
      yield* cache.set("one more", 1)
      assert.lengthOf(yield* cache.keys("live:*"), 9)
    }).pipe(Effect.provide(layer({ maxEntries: 100 })))
  )

  it.effect("are not counted, nor listed", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const client = yield* ValkeyClient
      for (let i = 0; i < 100; i++) yield* cache.set(`dead:${i}`, i, { timeToLive: "1 second" })
      yield* cache.set("live", 1, { timeToLive: "1 hour" })
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* client.send("DBSIZE", []), 1)
      assert.deepStrictEqual(yield* cache.keys(), ["live"])
    }).pipe(Effect.provide(layer()))
  )

  it.effect("go a few with each command", () =>
    Effect.gen(function* () {
      const client = yield* ValkeyClient
      for (let i = 0; i < 100; i++) yield* client.send("SET", [`dead:${i}`, "x".repeat(93), "PX", 1000])
      yield* client.send("SET", ["live", "x".repeat(96)])
      yield* TestClock.adjust("2 seconds")
      const before = yield* used
      assert.isAbove(before, 9000)
      yield* client.send("PING", [])
      assert.isBelow(yield* used, before)
      for (let i = 0; i < 20; i++) yield* client.send("PING", [])
      assert.strictEqual(yield* used, 100)
    }).pipe(Effect.provide(layer()))
  )

  it("go while no command comes, too", () => {
    vi.useFakeTimers()
    const runtime = ManagedRuntime.make(layer())
    try {
      const client = runtime.runSync(ValkeyClient)
      for (let i = 0; i < 5000; i++) runtime.runSync(client.send("SET", [`dead:${i}`, "x", "PX", 500]))
      vi.advanceTimersByTime(2000)
      assert.strictEqual(runtime.runSync(used), 0)
    } finally {
      vi.useRealTimers()
      runtime.disposeEffect.pipe(Effect.runSync)
    }
  })

  it.live("go in an idle process, which no other timer wakes", () =>
    Effect.gen(function* () {
      const client = yield* ValkeyClient
      for (let i = 0; i < 5000; i++) yield* client.send("SET", [`dead:${i}`, "x", "PX", 500])
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 2000)))
      assert.strictEqual(yield* used, 0)
    }).pipe(Effect.provide(layer()))
  )

  it.live("keep no process alive, and no timer once the layer is closed", () =>
    Effect.gen(function* () {
      const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout" || name === "Immediate")
      const timeouts = vi.spyOn(globalThis, "setTimeout")
      const cleared = vi.spyOn(globalThis, "clearTimeout")
      yield* Effect.addFinalizer(() => Effect.sync(() => vi.restoreAllMocks()))
      const before = timers().length
      yield* Effect.gen(function* () {
        const client = yield* ValkeyClient
        yield* client.send("SET", ["k", "v", "PX", 60_000])
        assert.strictEqual(timeouts.mock.calls.length, 1)
        assert.strictEqual(timers().length, before)
      }).pipe(Effect.provide(layer()))
      assert.strictEqual(cleared.mock.calls.length, 1)
    }).pipe(Effect.scoped)
  )
})

/** How many turns the event loop made meanwhile. */
const turns = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<number, E, R> =>
  Effect.suspend(() => {
    let count = 0
    let pending: NodeJS.Immediate
    const turn = () => {
      count++
      pending = setImmediate(turn)
    }
    pending = setImmediate(turn)
    return Effect.ensuring(
      Effect.map(effect, () => count),
      Effect.sync(() => clearImmediate(pending))
    )
  })

describe("what goes over all keys", () => {
  const fill = Effect.flatMap(CacheService, (cache) =>
    cache.setMany(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, i] as const))
  )

  for (const [name, operation] of [
    ["keys", (cache: CacheService["Service"]) => cache.keys()],
    ["scan", (cache: CacheService["Service"]) => Stream.runDrain(cache.scan())],
    ["scan by large pages", (cache: CacheService["Service"]) => Stream.runDrain(cache.scan("*", { count: 1_000_000 }))],
    ["deletePattern", (cache: CacheService["Service"]) => cache.deletePattern("k*")],
    ["clear", (cache: CacheService["Service"]) => cache.clear]
  ] as const) {
    it.effect(`lets others have their turn after each thousand: ${name}`, () =>
      Effect.gen(function* () {
        yield* fill
        assert.isAtLeast(yield* turns(operation(yield* CacheService)), 9)
      }).pipe(Effect.provide(layer()))
    )
  }

  it("works under runSync, in many pages", () => {
    const program = Effect.gen(function* () {
      yield* fill
      const cache = yield* CacheService
      return [(yield* cache.keys()).length, yield* cache.clear]
    })
    assert.deepStrictEqual(Effect.runSync(Effect.provide(program, Layer.fresh(layer()))), [10_000, 10_000])
  })
})
