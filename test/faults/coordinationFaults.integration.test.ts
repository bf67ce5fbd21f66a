/** Locks and semaphores when replies are lost, servers die, and holders with them. */
import { assert } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer } from "effect"
import { CacheLive, CacheService, IgnoreExceptions, ValkeyUrl } from "effect-vcache"
import { coordinationKey } from "../support/coordinationKey.ts"
import { connect, profile, recovered, test, watchForTraces, within } from "../support/faults.ts"
import { pause } from "../support/pause.ts"
import { startProxy } from "../support/Proxy.ts"
import { torture } from "../support/torture.ts"
import { until } from "../support/until.ts"
import { startServer } from "../support/ValkeyServer.ts"

watchForTraces()

/** A cache behind a relay, and one that sees the server itself. */
const behindProxy = Effect.gen(function* () {
  const server = yield* startServer()
  const proxy = yield* startProxy(server.port)
  const shaky = (yield* connect(proxy.url)).cache
  const steady = (yield* connect(server.url)).cache
  // The server knows the scripts.
  yield* shaky.lock("warm").withLock(Effect.void)
  yield* shaky.semaphore("warm", { permits: 1 }).withPermits(1)(Effect.void)
  return { proxy, server, shaky, steady }
})

test("a lost reply: whether it was acquired is unknown, and it is not held for longer than its lease", () =>
  Effect.gen(function* () {
    const { proxy, shaky, steady } = yield* behindProxy
    let ran = false
    proxy.dropReplies = true
    const error = yield* within(
      profile.commandTimeout,
      Effect.flip(
        shaky.lock("job", { lease: "2 seconds" }).withLock(
          Effect.sync(() => {
            ran = true
          })
        )
      )
    )
    assert.deepInclude(error, { _tag: "CacheTimeoutError", mayHaveExecuted: true })
    assert.isFalse(ran)
    // Given back in the background, or by its end.
    yield* within(2500, steady.lock("job", { wait: "5 seconds" }).withLock(Effect.void))
    proxy.dropReplies = false
  }))

test("who waits gets what a lost reply had given him", () =>
  Effect.gen(function* () {
    const { proxy, shaky, steady } = yield* behindProxy
    proxy.dropReplies = true
    const waiting = yield* Effect.forkChild(
      shaky.lock("job", { wait: "10 seconds", lease: "1 minute" }).withLock(Effect.succeed("in"))
    )
    const permits = yield* Effect.forkChild(
      shaky.semaphore("pool", { permits: 1, wait: "10 seconds", lease: "1 minute" }).withPermits(1)(
        Effect.succeed("in")
      )
    )
    yield* until("a lock that is held", steady.lock("job").isLocked, Boolean)
    yield* until("a permit that is held", steady.semaphore("pool", { permits: 1 }).available, (free) => free === 0)
    proxy.dropReplies = false
    proxy.reset()
    yield* within(3000, Fiber.join(waiting))
    yield* within(3000, Fiber.join(permits))
    assert.isFalse(yield* steady.lock("job").isLocked)
    assert.strictEqual(yield* steady.semaphore("pool", { permits: 1 }).available, 1)
  }))

test("that it may have been acquired is told, though the last attempt was refused", () =>
  Effect.gen(function* () {
    const { proxy, server, shaky } = yield* behindProxy
    proxy.dropReplies = true
    const waiting = yield* Effect.forkChild(
      Effect.flip(shaky.lock("job", { wait: "1500 millis" }).withLock(Effect.void))
    )
    yield* pause(600)
    yield* server.kill
    proxy.reset()
    const error = yield* within(2000 + profile.commandTimeout, Fiber.join(waiting))
    assert.deepInclude(error, { mayHaveExecuted: true })
  }))

test("a reply of the release that is lost changes nothing for the work", () =>
  Effect.gen(function* () {
    const { proxy, shaky, steady } = yield* behindProxy
    const result = yield* within(
      profile.commandTimeout + 100,
      shaky.lock("job").withLock(
        Effect.sync(() => {
          proxy.dropReplies = true
          return "done"
        })
      )
    )
    assert.strictEqual(result, "done")
    assert.isFalse(yield* steady.lock("job").isLocked)
  }))

test("a server that stays away: the work ends with its lease, and not before", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache } = yield* connect(server.url)
    for (const [lease, hold] of [
      [1500, (work: Effect.Effect<void>) => cache.lock("job", { lease: 1500 }).withLock(work)],
      [1500, (work: Effect.Effect<void>) => cache.semaphore("pool", { permits: 1, lease: 1500 }).withPermits(1)(work)]
    ] as const) {
      const startedAt = performance.now()
      const error = yield* within(
        lease + profile.commandTimeout + 250,
        Effect.flip(hold(Effect.andThen(server.kill, Effect.never)))
      )
      assert.strictEqual(error._tag, "LockLost")
      assert.isAtLeast(performance.now() - startedAt, lease - 50)
      yield* server.start
      yield* recovered(cache.get("warm"))
    }
  }))

test("a server that comes back empty: the loss is noticed at the next renewal", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache } = yield* connect(server.url)
    const restart = Effect.andThen(server.kill, server.start)
    const error = yield* within(
      3000,
      Effect.flip(cache.lock("job", { lease: "3 seconds" }).withLock(Effect.andThen(restart, Effect.never)))
    )
    assert.strictEqual(error._tag, "LockLost")
  }))

test("who waits goes on over a server that dies and comes back; who does not is told at once", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache } = yield* connect(server.url)
    yield* cache.client.send("SET", [coordinationKey(cache, "job", "lock"), "somebody", "PX", 60_000])
    const waiting = yield* Effect.forkChild(cache.lock("job", { wait: "20 seconds" }).withLock(Effect.succeed("in")))
    const impatient = yield* Effect.forkChild(
      Effect.flip(cache.lock("job", { wait: "700 millis" }).withLock(Effect.void))
    )
    yield* pause(200)
    yield* server.kill
    const error = yield* within(profile.connectTimeout, Effect.flip(cache.lock("job").withLock(Effect.void)))
    assert.strictEqual(error._tag, "CacheConnectionError")
    // Nobody knows whether it is held, and nobody says so.
    assert.include(
      ["CacheConnectionError", "CacheTimeoutError", "LockUnavailable"],
      (yield* Fiber.join(impatient))._tag
    )
    yield* server.start
    yield* within(3000, Fiber.join(waiting))
  }))

test("an outage is no lock, whatever policy there is", () =>
  Effect.gen(function* () {
    const live = CacheLive.pipe(
      Layer.provide(IgnoreExceptions.layer({ log: false })),
      Layer.provide(ValkeyUrl.layer("valkey://127.0.0.1:1", profile))
    )
    const context = yield* Layer.build(live)
    const cache = Effect.runSync(Effect.provideContext(CacheService, context))
    for (const effect of [
      cache.lock("job").withLock(Effect.void),
      cache.lock("job").isLocked,
      cache.semaphore("pool", { permits: 1 }).withPermits(1)(Effect.void),
      cache.semaphore("pool", { permits: 1 }).available
    ]) {
      const exit = yield* Effect.exit<unknown, { readonly _tag: string }, never>(effect)
      assert.isTrue(Exit.isFailure(exit))
    }
  }))

const manyWaiters = () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache } = yield* connect(server.url, { commandTimeout: "30 seconds", socketTimeout: "30 seconds" })
    let working = 0
    let most = 0
    const work = Effect.acquireUseRelease(
      Effect.sync(() => {
        most = Math.max(most, ++working)
      }),
      () => Effect.sync(() => {}),
      () => Effect.sync(() => working--)
    )
    const times = (count: number) => Array.from({ length: count })
    yield* Effect.forEach(times(2000), () => cache.lock("job", { wait: "5 minutes" }).withLock(work), {
      concurrency: "unbounded"
    })
    assert.strictEqual(most, 1)
    const pool = cache.semaphore("pool", { permits: 10, wait: "5 minutes" })
    yield* Effect.forEach(times(5000), () => pool.withPermits(1)(work), { concurrency: "unbounded" })
    assert.isAtMost(most, 10)
    assert.strictEqual(yield* pool.available, 10)
  })
test("2 000 wait for one lock, 5 000 for ten permits", manyWaiters, 300_000)

for (const [name, permits, acquisitions] of [
  ["a lock", undefined, 4000],
  ["a semaphore", 3, 2000]
] as const) {
  test(
    `${acquisitions} acquisitions of ${name} by processes that are killed, paused, cut off, with clocks that jump: no two at a time`,
    () =>
      Effect.gen(function* () {
        const report = yield* torture({ acquisitions, permits, atMost: 300_000 })
        assert.isAtLeast(report.acquisitions, acquisitions)
        assert.isAbove(report.takeovers, 0)
        assert.isAbove(report.lost, 0)
        assert.deepStrictEqual(report.violations, { overlaps: 0, fences: 0, lostUpdates: 0 })
      }),
    360_000
  )
}
