/** Claims on keys, by the test clock: holders that die, dally, or are left. */
import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { CacheLive, CacheMemory, CacheService, IgnoreExceptions, ValkeyClient, ValkeyMemory } from "effect-vcache"
import { bareClaim } from "../../src/schema/frame.ts"

const options = { singleFlight: "cluster" } as const

const test = (name: string, body: Effect.Effect<unknown, unknown, CacheService>) =>
  it.effect(name, () => Effect.provide(body, Layer.fresh(CacheMemory)))

/** What a process leaves behind that dies while it looks the key up. */
const abandon = (key: string, millis: number) =>
  CacheService.use((cache) =>
    cache.client.send("SET", [cache.makeKey(key), bareClaim({ until: millis, token: "dead" }), "PX", millis])
  )

test(
  "a dead holder is waited for no longer than its claim",
  Effect.gen(function* () {
    const cache = yield* CacheService
    yield* abandon("k", 10_000)
    const fiber = yield* Effect.forkChild(cache.getOrSet("k", Effect.succeed("mine"), options))
    yield* TestClock.adjust("9900 millis")
    assert.isUndefined(fiber.pollUnsafe())
    yield* TestClock.adjust("400 millis")
    assert.strictEqual(yield* Fiber.join(fiber), "mine")
    assert.deepStrictEqual(yield* cache.get("k"), Option.some("mine"))
  })
)

test(
  "a holder that goes on is waited for for half a minute; then the value is looked up, and not stored",
  Effect.gen(function* () {
    const cache = yield* CacheService
    yield* abandon("k", 100_000)
    const fiber = yield* Effect.forkChild(cache.getOrSet("k", Effect.succeed("mine"), options))
    yield* TestClock.adjust("29 seconds")
    assert.isUndefined(fiber.pollUnsafe())
    yield* TestClock.adjust("2 seconds")
    assert.strictEqual(yield* Fiber.join(fiber), "mine")
    assert.deepStrictEqual(yield* cache.get("k"), Option.none())
  })
)

test(
  "what the holder stores is what the others get",
  Effect.gen(function* () {
    const cache = yield* CacheService
    yield* abandon("k", 10_000)
    const fiber = yield* Effect.forkChild(cache.getOrSet("k", Effect.die("must not run"), options))
    yield* TestClock.adjust("100 millis")
    yield* cache.client.send("SET", [cache.makeKey("k"), '"theirs"'])
    yield* TestClock.adjust("200 millis")
    assert.strictEqual(yield* Fiber.join(fiber), "theirs")
  })
)

for (const stale of [false, true]) {
  test(
    `a lookup that takes long keeps its claim (${stale ? "beside a stale value" : "on a cold key"})`,
    Effect.gen(function* () {
      const cache = yield* CacheService
      const timed = { ...options, timeToLive: "1 second", staleFor: "1 hour" } as const
      if (stale) {
        yield* cache.set("k", "old", timed)
        yield* TestClock.adjust("2 seconds")
      }
      const gate = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(cache.getOrSet("k", Effect.as(Deferred.await(gate), "new"), timed))
      for (let i = 0; i < 100; i++) {
        yield* TestClock.adjust("1 second")
        const stored = String(yield* cache.client.send("GET", [cache.makeKey("k")]))
        const until = Number.parseInt(/!([0-9a-z]+)\./.exec(stored)?.[1] ?? "", 36)
        assert.isAbove(until, yield* Effect.clockWith((clock) => clock.currentTimeMillis))
      }
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Fiber.join(fiber), stale ? "old" : "new")
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* cache.getOrSet("k", Effect.never, timed), "new")
    })
  )
}

test(
  "a claim that was lost stores nothing, and its renewal ends",
  Effect.gen(function* () {
    const cache = yield* CacheService
    const gate = yield* Deferred.make<void>()
    const fiber = yield* Effect.forkChild(cache.getOrSet("k", Effect.as(Deferred.await(gate), "older"), options))
    yield* TestClock.adjust("1 second")
    yield* cache.client.send("DEL", [cache.makeKey("k")])
    yield* abandon("k", 3_600_000)
    yield* TestClock.adjust("1 minute")
    yield* Deferred.succeed(gate, undefined)
    assert.strictEqual(yield* Fiber.join(fiber), "older")
    assert.deepStrictEqual(yield* cache.get("k"), Option.none())
    assert.isTrue(yield* cache.has("k"))
  })
)

it.effect("a server that cannot be asked for a claim does not keep the lookup from running", () =>
  Effect.gen(function* () {
    const memory = yield* ValkeyClient
    let down = false
    const failing = Layer.succeed(ValkeyClient, {
      ...memory,
      send: (name, args, sendOptions) =>
        down ? memory.send("NOSUCHCOMMAND", []) : memory.send(name, args, sendOptions),
      request: (name, args, use, sendOptions) => {
        const request = memory.request(name, args, use, sendOptions)
        return Effect.tap(request, () => Effect.sync(() => (down = name === "GET")))
      }
    })
    const value = CacheService.use((cache) => cache.getOrSet("k", Effect.succeed(1), options))
    assert.strictEqual(yield* Effect.provide(value, Layer.provide(Layer.fresh(CacheLive), failing)), 1)
    const ignoring = Layer.provide(Layer.fresh(CacheLive), IgnoreExceptions.layer())
    down = false
    assert.strictEqual(yield* Effect.provide(value, Layer.provide(ignoring, failing)), 1)
  }).pipe(Effect.provide(ValkeyMemory.layer()))
)

it("claims work under runSync", () => {
  const program = CacheService.use((cache) =>
    Effect.all([
      cache.getOrSet("k", Effect.succeed(1), options),
      cache.getOrSet("k", Effect.succeed(2), options),
      cache.getOrSet("s", Effect.succeed(3), { ...options, staleFor: 5, earlyRefresh: { _tag: "xfetch" } })
    ])
  )
  assert.deepStrictEqual(Effect.runSync(Effect.provide(program, Layer.fresh(CacheMemory))), [1, 1, 3])
})
