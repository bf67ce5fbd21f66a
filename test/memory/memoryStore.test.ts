/** What the memory store has of its own: bounds, eviction, the clock, synchrony. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Option } from "effect"
import { CacheLive, CacheMemory, CacheService, type MemoryOptions, ValkeyClient, ValkeyMemory } from "effect-vcache"
import { TestClock } from "effect/testing"

const withStore = <A, E>(options: MemoryOptions, body: (client: ValkeyClient["Service"]) => Effect.Effect<A, E>) =>
  Effect.provide(Effect.flatMap(ValkeyClient, body), ValkeyMemory.layer(options))

const present = (client: ValkeyClient["Service"], ...keys: ReadonlyArray<string>) =>
  Effect.map(
    Effect.forEach(keys, (key) => client.send("TYPE", [key])),
    (types) => keys.filter((_, i) => types[i] !== "none")
  )

describe("bounds", () => {
  it.effect("the least recently used entry goes; get, set and incr count as use", () =>
    withStore({ maxEntries: 3 }, (client) =>
      Effect.gen(function* () {
        for (const key of ["a", "b", "c"]) yield* client.send("SET", [key, 1])
        yield* client.send("GET", ["a"])
        yield* client.send("SET", ["d", 1])
        assert.deepStrictEqual(yield* present(client, "a", "b", "c", "d"), ["a", "c", "d"])
        yield* client.send("INCR", ["c"])
        yield* client.send("SET", ["a", 2])
        yield* client.send("SET", ["e", 1])
        assert.deepStrictEqual(yield* present(client, "a", "c", "d", "e"), ["a", "c", "e"])
      })
    )
  )

  it.effect("bytes are bounded; what fits nowhere is refused and evicts nothing", () =>
    withStore({ maxBytes: 1000 }, (client) =>
      Effect.gen(function* () {
        yield* client.send("SET", ["a", "x".repeat(400)])
        yield* client.send("SET", ["b", "x".repeat(400)])
        const error = yield* Effect.flip(client.send("SET", ["c", "x".repeat(1100)]))
        assert.strictEqual(error._tag === "CacheServerError" ? error.code : error._tag, "OOM")
        assert.deepStrictEqual(yield* present(client, "a", "b"), ["a", "b"])
        yield* client.send("SET", ["c", "x".repeat(400)])
        assert.deepStrictEqual(yield* present(client, "a", "b", "c"), ["b", "c"])
        const used = [...(yield* client.info()).values()][0]?.get("used_memory")
        assert.strictEqual(Number(used), 802)
      })
    )
  )

  it.effect("without eviction writes are refused, once what has expired is gone", () =>
    withStore({ maxEntries: 2, eviction: "none" }, (client) =>
      Effect.gen(function* () {
        yield* client.send("SET", ["a", 1, "PX", 100])
        yield* client.send("SET", ["b", 1])
        const error = yield* Effect.flip(client.send("SET", ["c", 1]))
        assert.strictEqual(error._tag === "CacheServerError" ? error.code : error._tag, "OOM")
        assert.strictEqual(yield* client.send("SET", ["b", 2]), "OK")
        yield* TestClock.adjust(100)
        assert.strictEqual(yield* client.send("SET", ["c", 1]), "OK")
      })
    )
  )

  it.effect("locks and semaphores go last; fences that nobody holds go as values do", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      for (let i = 0; i < 50; i++) yield* cache.lock(`finished ${i}`).withLock(Effect.void)
      yield* cache.set("session", "kept")
      yield* cache.lock("job").withLock(
        cache.semaphore("pool", { permits: 2 }).withPermits(1)(
          Effect.gen(function* () {
            for (let i = 0; i < 100; i++) yield* cache.set(`k${i}`, i)
            assert.isTrue(yield* cache.lock("job").isLocked)
            assert.strictEqual(yield* cache.semaphore("pool", { permits: 2 }).available, 1)
            assert.deepStrictEqual(yield* cache.get("session"), Option.some("kept"))
            assert.deepStrictEqual(yield* cache.get("k99"), Option.some(99))
          })
        )
      )
    }).pipe(
      Effect.provide(
        Layer.provide(CacheLive, ValkeyMemory.layer({ maxEntries: 10, evictLast: (key) => key.endsWith("session") }))
      )
    )
  )

  it.effect("a key is renamed where there is no room for a longer one", () =>
    withStore({ maxBytes: 3, eviction: "none" }, (client) =>
      Effect.gen(function* () {
        yield* client.send("SET", ["k", "v1"])
        assert.strictEqual(yield* client.send("RENAME", ["k", "longer"]), "OK")
        assert.strictEqual(yield* client.send("GET", ["longer"]), "v1")
      })
    )
  )

  it.effect("limits that are no limits are a defect", () =>
    Effect.gen(function* () {
      for (const options of [{ maxEntries: 0 }, { maxBytes: Number.NaN }]) {
        const exit = yield* Effect.exit(withStore(options, (client) => client.send("PING", [])))
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      }
    })
  )
})

it("runs under runSync, every operation of the cache", () => {
  const program = Effect.gen(function* () {
    const cache = yield* CacheService
    yield* cache.set("a", 1)
    yield* cache.setMany({ b: 2, c: 3 })
    yield* cache.incr("a")
    yield* cache.getOrSet(
      "d",
      Effect.sync(() => 4)
    )
    yield* cache.rename("d", "e")
    yield* cache.touch("e", { timeToLive: "Infinity" })
    return [yield* cache.get("a"), (yield* cache.keys()).length, yield* cache.deletePattern("?"), yield* cache.clear]
  })
  assert.deepStrictEqual(Effect.runSync(Effect.provide(program, CacheMemory)), [Option.some(2), 4, 4, 0])
})

it("two programs have a store each; two parts of one program share it", () => {
  const set = Effect.flatMap(CacheService, (cache) => cache.set("k", 1))
  const get = Effect.flatMap(CacheService, (cache) => cache.get("k"))
  Effect.runSync(Effect.provide(set, CacheMemory))
  assert.deepStrictEqual(Effect.runSync(Effect.provide(get, CacheMemory)), Option.none())
  assert.deepStrictEqual(Effect.runSync(Effect.provide(Effect.andThen(set, get), CacheMemory)), Option.some(1))
})

it("a program may have a cache in memory beside another one", () => {
  const program = Effect.gen(function* () {
    const outer = yield* CacheService
    yield* outer.set("k", "outer")
    const inner = CacheService.use((cache) => cache.get("k"))
    return [yield* outer.get("k"), yield* Effect.provide(inner, CacheMemory)]
  })
  const live = Layer.provide(CacheLive, ValkeyMemory.layer())
  assert.deepStrictEqual(Effect.runSync(Effect.provide(program, live)), [Option.some("outer"), Option.none()])
})

it.effect("time is the clock's: an hour passes in no time", () =>
  Effect.gen(function* () {
    const cache = yield* CacheService
    yield* cache.set("k", 1, { timeToLive: "1 hour" })
    yield* TestClock.adjust("59 minutes")
    assert.isTrue(yield* cache.has("k"))
    yield* TestClock.adjust("1 minute")
    assert.isFalse(yield* cache.has("k"))
  }).pipe(Effect.provide(CacheMemory))
)

it.effect("a cache that outlives its layer, over a client that has not closed, looks up without sharing", () =>
  Effect.gen(function* () {
    const cache = yield* Effect.provide(CacheService, CacheLive)
    const stale = { timeToLive: "1 second", staleFor: "1 hour", softTimeout: "1 hour" } as const
    assert.strictEqual(yield* cache.getOrSet("k", Effect.succeed(1), stale), 1)
    yield* TestClock.adjust("2 seconds")
    assert.strictEqual(yield* cache.getOrSet("k", Effect.succeed(2), stale), 1)
    assert.strictEqual(yield* cache.getOrSet("l", Effect.succeed(3), { singleFlight: "cluster" }), 3)
  }).pipe(Effect.provide(ValkeyMemory.layer()))
)

it.effect("who waits for a list is woken in the order of arrival, and once", () =>
  Effect.gen(function* () {
    const client = yield* ValkeyClient
    const { send } = yield* client.dedicated
    const waiters = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(send("BLPOP", ["a", "b", 0])))
    yield* Effect.yieldNow
    yield* client.send("RPUSH", ["b", "first", "second"])
    yield* client.transaction([
      { name: "SET", args: ["a", "not a list"] },
      { name: "DEL", args: ["a"] },
      { name: "LPUSH", args: ["a", "third"] }
    ])
    const replies = yield* Effect.forEach(waiters, (waiter) => Fiber.join(waiter))
    assert.deepStrictEqual(replies, [
      ["b", "first"],
      ["b", "second"],
      ["a", "third"]
    ])
    const late = yield* Effect.forkChild(send("BRPOP", ["a", 0.5]))
    yield* TestClock.adjust("499 millis")
    assert.isUndefined(late.pollUnsafe())
    yield* TestClock.adjust("1 millis")
    assert.isNull(yield* Fiber.join(late))
    const left = yield* Effect.forkChild(send("BLPOP", ["a", 0]))
    yield* Effect.yieldNow
    yield* Fiber.interrupt(left)
    yield* client.send("RPUSH", ["a", "kept"])
    assert.strictEqual(yield* client.send("LLEN", ["a"]), 1)
  }).pipe(Effect.scoped, Effect.provide(ValkeyMemory.layer()))
)

it.effect("a clock that stands between two milliseconds is no trouble", () =>
  Effect.gen(function* () {
    yield* TestClock.adjust(0.5)
    const client = yield* ValkeyClient
    yield* client.send("SET", ["k", "v", "PX", 10])
    yield* TestClock.adjust(9.2)
    assert.strictEqual(yield* client.send("PTTL", ["k"]), 1)
  }).pipe(Effect.provide(ValkeyMemory.layer()))
)

it.effect("bytes that the caller changes later stay as they were stored", () =>
  withStore({}, (client) =>
    Effect.gen(function* () {
      const bytes = Buffer.from("before")
      yield* client.send("SET", ["k", bytes])
      bytes.fill(0)
      const read = yield* client.send("GET", ["k"], { reply: "buffer" })
      assert.isTrue(Buffer.isBuffer(read))
      if (Buffer.isBuffer(read)) read.fill(0)
      assert.strictEqual(yield* client.send("GET", ["k"]), "before")
    })
  )
)

it.effect("what only a server can do is unsupported, and says so", () =>
  withStore({}, (client) =>
    Effect.gen(function* () {
      const unsupported: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>> = [
        client.raw,
        client.use(() => Promise.resolve(1)),
        client.send("DUMP", ["k"]),
        client.send("COPY", ["a", "b", "DB", 1]),
        client.send("GET", [Uint8Array.of(0xff)]),
        client.eval({ name: "twinless", lua: "return 1" }, [], [])
      ]
      for (const effect of unsupported) assert.strictEqual((yield* Effect.flip(effect))._tag, "CacheUnsupportedError")
    })
  )
)

it.effect("CacheLive over a store of given bounds", () =>
  Effect.gen(function* () {
    const cache = yield* CacheService
    yield* cache.setMany(Array.from({ length: 10 }, (_, i) => [`k${i}`, i] as const))
    assert.strictEqual((yield* cache.keys()).length, 4)
  }).pipe(Effect.provide(Layer.provide(CacheLive, ValkeyMemory.layer({ maxEntries: 4 }))))
)

describe("chance and listeners", () => {
  it.effect("a random key is one of those that there are, each now and then", () =>
    withStore({}, (client) =>
      Effect.gen(function* () {
        assert.isNull(yield* client.send("RANDOMKEY", []))
        for (let i = 0; i < 50; i++) yield* client.send("SET", [`k${i}`, i])
        for (let i = 5; i < 50; i++) yield* client.send("DEL", [`k${i}`])
        const found = new Set<unknown>()
        for (let i = 0; i < 300; i++) found.add(yield* client.send("RANDOMKEY", []))
        assert.deepStrictEqual([...found].map(String).toSorted(), ["k0", "k1", "k2", "k3", "k4"])
      })
    )
  )

  it.effect("PUBSUB tells who listens", () =>
    withStore({}, (client) =>
      Effect.scoped(
        Effect.gen(function* () {
          yield* client.subscription(["news", "other"])
          yield* client.subscription("news")
          yield* client.subscription("n*", { kind: "pattern" })
          yield* client.subscription("shard", { kind: "sharded" })
          assert.deepStrictEqual(yield* client.send("PUBSUB", ["CHANNELS"]), ["news", "other"])
          assert.deepStrictEqual(yield* client.send("PUBSUB", ["CHANNELS", "n*"]), ["news"])
          assert.deepStrictEqual(yield* client.send("PUBSUB", ["NUMSUB", "news", "none"]), ["news", 2, "none", 0])
          assert.strictEqual(yield* client.send("PUBSUB", ["NUMPAT"]), 1)
          assert.deepStrictEqual(yield* client.send("PUBSUB", ["SHARDCHANNELS"]), ["shard"])
          assert.deepStrictEqual(yield* client.send("PUBSUB", ["SHARDNUMSUB", "shard"]), ["shard", 1])
        })
      )
    )
  )

  it.effect("a field that ends leaves the bytes of its hash, and a scan never meets it", () =>
    withStore({}, (client) =>
      Effect.gen(function* () {
        yield* client.send("HSET", ["h", "gone", "x".repeat(100), "stays", "y"])
        yield* client.send("HPEXPIRE", ["h", 1000, "FIELDS", 1, "gone"])
        yield* client.send("HSET", ["all", "f", "1"])
        yield* client.send("HPEXPIRE", ["all", 1000, "FIELDS", 1, "f"])
        yield* client.send("PEXPIRE", ["h", 5000])
        yield* TestClock.adjust(999)
        assert.deepStrictEqual(yield* client.send("HLEN", ["h"]), 2)
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(yield* client.send("SCAN", ["0"]), ["0", ["h"]])
        assert.strictEqual(yield* client.send("DBSIZE", []), 1)
        assert.deepStrictEqual(yield* client.send("HGETALL", ["h"]), ["stays", "y"])
        assert.strictEqual(yield* client.send("PTTL", ["h"]), 4000)
        const used = [...(yield* client.info()).values()][0]?.get("used_memory")
        assert.strictEqual(Number(used), 1 + 5 + 1)
        yield* TestClock.adjust(4000)
        assert.strictEqual(yield* client.send("EXISTS", ["h"]), 0)
      })
    )
  )
})
