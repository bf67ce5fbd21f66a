/** Locks and semaphores by the clock, synchronously, and under policies. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Fiber, Layer, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import { CacheLive, CacheMemory, CachePolicy, CacheService, ValkeyMemory } from "effect-vcache"

it("locks, permits and queues work under runSync", () => {
  const program = Effect.gen(function* () {
    const cache = yield* CacheService
    const first = yield* cache.lock("job").withLock(({ fence }) => Effect.succeed(fence))
    const second = yield* cache.lock("job").withLock(({ fence }) => Effect.succeed(fence))
    assert.isTrue(second > first)
    const pool = cache.semaphore("pool", { permits: 2 })
    assert.strictEqual(yield* pool.withPermits(2)(pool.available), 0)
    assert.strictEqual(yield* pool.available, 2)
    assert.deepStrictEqual(
      yield* cache.pipeline((queue) => [queue.set("a", 1), queue.incr("a"), queue.withSchema(Schema.Int).get("a")]),
      [true, 2, Option.some(2)]
    )
    assert.deepStrictEqual(yield* cache.transaction((queue) => ({ n: queue.incr("a", 3), has: queue.has("b") })), {
      n: 5,
      has: false
    })
    return yield* cache.lock("job").withLock(Effect.flip(cache.lock("job").withLock(Effect.void)))
  })
  assert.strictEqual(Effect.runSync(Effect.provide(program, CacheMemory))._tag, "LockUnavailable")
})

describe("by the clock", () => {
  it.effect("a lock lives as long as its holder, and no longer", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const holder = yield* Effect.forkChild(cache.lock("job", { lease: "30 seconds" }).withLock(Effect.never))
      yield* TestClock.adjust("10 minutes")
      assert.isTrue(yield* cache.lock("job").isLocked)
      yield* Fiber.interrupt(holder)
      assert.isFalse(yield* cache.lock("job").isLocked)
    }).pipe(Effect.provide(CacheMemory))
  )

  it.effect("a clock that is set does not end a lease, nor make it longer", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const clock = yield* Clock.Clock
      let shift = 0
      const jumpy: Clock.Clock = {
        currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + shift,
        currentTimeMillis: Effect.map(clock.currentTimeMillis, (millis) => millis + shift),
        currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe() + BigInt(shift) * 1_000_000n,
        currentTimeNanos: Effect.map(clock.currentTimeNanos, (nanos) => nanos + BigInt(shift) * 1_000_000n),
        monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
        monotonicTimeNanos: clock.monotonicTimeNanos,
        sleep: (duration) => clock.sleep(duration)
      }
      const working = yield* Effect.forkChild(
        Effect.exit(
          Effect.provideService(
            cache.lock("job", { lease: "30 seconds", renew: false }).withLock(
              Effect.sync(() => {
                shift = -3_600_000
              }).pipe(Effect.andThen(Effect.never))
            ),
            Clock.Clock,
            jumpy
          )
        )
      )
      yield* TestClock.adjust("29 seconds")
      assert.isUndefined(working.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      assert.isDefined(working.pollUnsafe())
    }).pipe(Effect.provide(CacheMemory))
  )

  it.effect("fences grow though the server's clock is set back, and after the last one is forgotten", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const fence = cache.lock("job").withLock((held) => Effect.succeed(held.fence))
      yield* TestClock.setTime(1_700_000_000_000)
      const first = yield* fence
      yield* TestClock.setTime(1_600_000_000_000)
      const second = yield* fence
      assert.strictEqual(second, first + 1n)
      yield* TestClock.setTime(1_700_000_000_001)
      yield* cache.client.send("FLUSHALL", [])
      assert.isTrue((yield* fence) > second)
    }).pipe(Effect.provide(CacheMemory))
  )

  it.effect("a dead holder's permits come back when their lease ends", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const pool = cache.semaphore("pool", { permits: 1, lease: "30 seconds", renew: false, wait: "1 minute" })
      const dead = yield* Effect.forkChild(
        Effect.exit(pool.withPermits(1)(Effect.uninterruptible(Effect.sleep("1 hour"))))
      )
      yield* TestClock.adjust("1 second")
      const waiting = yield* Effect.forkChild(pool.withPermits(1)(Effect.succeed("in")))
      yield* TestClock.adjust("20 seconds")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(yield* Fiber.join(waiting), "in")
      yield* TestClock.adjust("2 hours")
      yield* Fiber.join(dead)
    }).pipe(Effect.provide(CacheMemory))
  )

  it.effect("2 000 locks are held at the same time, and renewed", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const holders = yield* Effect.forEach(Array.from({ length: 2000 }), (_, i) =>
        Effect.forkChild(cache.lock(`job ${i}`, { lease: `${10 + (i % 20)} seconds` }).withLock(Effect.never))
      )
      // Second by second: so much work is more than a test clock waits for.
      for (let second = 0; second < 120; second++) yield* TestClock.adjust("1 second")
      assert.isTrue(holders.every((holder) => holder.pollUnsafe() === undefined))
      assert.isTrue(yield* cache.lock("job 1999").isLocked)
      yield* Fiber.interruptAll(holders)
      assert.isFalse(yield* cache.lock("job 1999").isLocked)
    }).pipe(Effect.provide(CacheMemory))
  )

  it.effect("2 000 for a hundred permits", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const pool = cache.semaphore("pool", { permits: 100, wait: "1 hour" })
      let working = 0
      let most = 0
      const work = Effect.suspend(() => {
        most = Math.max(most, ++working)
        return Effect.ensuring(
          Effect.sleep("1 second"),
          Effect.sync(() => working--)
        )
      })
      const all = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 2000 }), () => pool.withPermits(1)(work), { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("10 minutes")
      yield* Fiber.join(all)
      assert.strictEqual(most, 100)
      assert.strictEqual(yield* pool.available, 100)
    }).pipe(Effect.provide(CacheMemory))
  )
})

it.effect("each of their commands passes the policy, and has nothing to pretend", () =>
  Effect.gen(function* () {
    const passed: Array<string> = []
    const policy = CachePolicy.layer((operation, effect) =>
      Effect.suspend(() => {
        passed.push(`${operation.name} ${operation.key} ${operation.neutral._tag}`)
        return effect
      })
    )
    const live = CacheLive.pipe(Layer.fresh, Layer.provide(policy), Layer.provide(ValkeyMemory.layer()))
    const cache = Context.get(yield* Layer.build(live), CacheService)
    yield* cache.lock("job").withLock((held) => held.extend("1 second"))
    yield* cache.lock("job").isLocked
    yield* cache.semaphore("pool", { permits: 1 }).withPermits(1)(Effect.void)
    yield* cache.semaphore("pool", { permits: 1 }).available
    assert.deepStrictEqual(passed, [
      "lock.acquire job None",
      "lock.extend job None",
      "lock.release job None",
      "lock.isLocked job None",
      "semaphore.acquire pool None",
      "semaphore.release pool None",
      "semaphore.available pool None"
    ])
  })
)
