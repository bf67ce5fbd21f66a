/** What locks and semaphores do, whatever the cache stands on. */
import { assert, describe, layer } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, type Layer, Option, Stream } from "effect"
import { TestClock } from "effect/testing"
import {
  type CacheError,
  CacheService,
  type HeldLock,
  type KeyFunction,
  type LockLost,
  type LockOptions,
  type LockUnavailable,
  type TypedCache
} from "effect-vcache"
import { coordinationKey } from "../support/coordinationKey.ts"
import { fresh } from "../support/freshCache.ts"
import { until } from "../support/until.ts"

/** On the machine's clock, which the server has, too. */
const live = TestClock.withLive

/** How many run at the same time, at most. */
const meter = () => {
  const state = { now: 0, most: 0, runs: 0 }
  const work = Effect.acquireUseRelease(
    Effect.sync(() => {
      state.runs++
      state.most = Math.max(state.most, ++state.now)
    }),
    () => Effect.sleep("5 millis"),
    () => Effect.sync(() => state.now--)
  )
  return { state, work }
}

/** Where those who wait for permits stand. */
const waiting = (cache: TypedCache<unknown>, key: string) =>
  Effect.map(cache.client.send("ZCARD", [coordinationKey(cache, key, "row")]), Number)

export const coordinationContract = (name: string, cacheLayer: Layer.Layer<CacheService, unknown>): void => {
  layer(cacheLayer)(`${name}: coordination`, (it) => {
    describe("lock", () => {
      it.effect("one holder at a time; free again after the work, its failure, its interruption", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            const lock = cache.lock("job")
            assert.isFalse(yield* lock.isLocked)
            assert.strictEqual(yield* lock.withLock(Effect.andThen(lock.isLocked, Effect.succeed("done"))), "done")
            const inner = yield* lock.withLock(
              Effect.gen(function* () {
                assert.isTrue(yield* lock.isLocked)
                assert.isFalse(yield* cache.lock("job", { version: 2 }).isLocked)
                return yield* Effect.flip(cache.lock("job").withLock(Effect.void))
              })
            )
            assert.deepInclude(inner, { _tag: "LockUnavailable", key: "job" })
            assert.isFalse(yield* lock.isLocked)
            assert.strictEqual(yield* Effect.flip(lock.withLock(Effect.fail("mine"))), "mine")
            assert.isFalse(yield* lock.isLocked)
            const begun = yield* Deferred.make<void>()
            const fiber = yield* Effect.forkChild(
              lock.withLock(Effect.andThen(Deferred.succeed(begun, undefined), Effect.never))
            )
            yield* Deferred.await(begun)
            yield* Fiber.interrupt(fiber)
            assert.isFalse(yield* lock.isLocked)
          })
        )
      )

      it.effect("held for a scope; each acquisition has a token of its own and a greater fence", () =>
        live(
          Effect.gen(function* () {
            const lock = (yield* fresh()).lock("{job}:1")
            const tokens = new Set<string>()
            let last = 0n
            for (let i = 0; i < 50; i++) {
              const { fence, token } = yield* Effect.scoped(lock.acquire)
              assert.isTrue(fence > last)
              last = fence
              tokens.add(token)
            }
            assert.strictEqual(tokens.size, 50)
            assert.isFalse(yield* lock.isLocked)
          })
        )
      )

      it.effect("who waits is told when it is free, each in his turn", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            const lock = cache.lock("job", { wait: "20 seconds" })
            const { state, work } = meter()
            let last = 0n
            yield* Effect.forEach(
              Array.from({ length: 30 }),
              () =>
                Effect.scoped(
                  Effect.flatMap(lock.acquire, ({ fence }) => {
                    assert.isTrue(fence > last)
                    last = fence
                    return work
                  })
                ),
              { concurrency: "unbounded" }
            )
            assert.deepStrictEqual([state.most, state.runs], [1, 30])
          })
        )
      )

      it.effect("who waits too long is told so, in time", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            const outcome = yield* cache.lock("job").withLock(
              Effect.timed(
                Effect.flip(
                  Effect.all(
                    [1, 2, 3].map(() => cache.lock("job", { wait: "200 millis" }).withLock(Effect.void)),
                    { concurrency: "unbounded" }
                  )
                )
              )
            )
            const [elapsed, error] = outcome
            assert.deepInclude(error, { _tag: "LockUnavailable", wait: 200 })
            assert.isTrue(Duration.toMillis(elapsed) >= 190)
            assert.isFalse(yield* cache.lock("job").isLocked)
          })
        )
      )

      it.effect("is renewed while it is held, and is free when a dead holder's lease is over", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            const short = cache.lock("job", { lease: "900 millis" })
            yield* short.withLock(
              Effect.gen(function* () {
                yield* Effect.sleep("1500 millis")
                assert.isTrue(yield* short.isLocked)
              })
            )
            // A holder of another process that died.
            yield* cache.client.send("SET", [coordinationKey(cache, "job", "lock"), "dead", "PX", 200])
            assert.strictEqual(yield* cache.lock("job", { wait: "5 seconds" }).withLock(Effect.succeed(1)), 1)
          })
        )
      )

      it.effect("work is interrupted when the lock is lost", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            const final = coordinationKey(cache, "job", "lock")
            for (const steal of [
              cache.client.send("DEL", [final]),
              cache.client.send("SET", [final, "somebody", "PX", 60_000])
            ]) {
              yield* cache.client.send("DEL", [final])
              let interrupted = false
              const error = yield* Effect.flip(
                cache.lock("job", { lease: "600 millis" }).withLock(
                  Effect.onInterrupt(Effect.andThen(steal, Effect.sleep("20 seconds")), () =>
                    Effect.sync(() => {
                      interrupted = true
                    })
                  )
                )
              )
              assert.deepInclude(error, { _tag: "LockLost", key: "job" })
              assert.isTrue(interrupted)
            }
            // What another holds is his.
            assert.isTrue(yield* cache.lock("job").isLocked)
          })
        )
      )

      it.effect("loss is told at the latest when the work is done", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            const error = yield* Effect.flip(
              cache.lock("job").withLock(cache.client.send("DEL", [coordinationKey(cache, "job", "lock")]))
            )
            assert.strictEqual(error._tag, "LockLost")
          })
        )
      )

      it.effect("without renewal the lease is the end, unless it is extended", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            const options: LockOptions = { lease: "600 millis", renew: false }
            const error = yield* Effect.flip(cache.lock("job", options).withLock(Effect.sleep("10 seconds")))
            assert.strictEqual(error._tag, "LockLost")
            yield* Effect.scoped(
              Effect.gen(function* () {
                const held = yield* cache.lock("job", { ...options, wait: "1 second" }).acquire
                yield* held.extend("20 seconds")
                const left = Number(yield* cache.client.send("PTTL", [coordinationKey(cache, "job", "lock")]))
                assert.isTrue(left > 20_000 && left <= 20_600)
                assert.isTrue(Option.isNone(yield* Effect.timeoutOption(held.lost, "800 millis")))
                yield* cache.client.send("DEL", [coordinationKey(cache, "job", "lock")])
                assert.strictEqual((yield* Effect.flip(held.extend("1 second")))._tag, "LockLost")
                assert.strictEqual((yield* Effect.flip(held.lost))._tag, "LockLost")
              })
            )
          })
        )
      )

      it.effect("a lease without end lasts until it is released", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            const lock = cache.lock("job", { lease: "Infinity" })
            yield* Effect.scoped(
              Effect.gen(function* () {
                const held = yield* lock.acquire
                yield* held.extend("1 second")
                assert.strictEqual(yield* cache.client.send("PTTL", [coordinationKey(cache, "job", "lock")]), -1)
              })
            )
            assert.isFalse(yield* lock.isLocked)
          })
        )
      )

      it.effect("whoever gives up waiting holds nothing", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            const lock = cache.lock("job", { wait: "Infinity" })
            const holder = yield* Effect.forkChild(lock.withLock(Effect.sleep("150 millis")))
            const quitters = yield* Effect.forEach([1, 2, 3, 4, 5], () => Effect.forkChild(lock.withLock(Effect.never)))
            yield* Effect.sleep("50 millis")
            yield* Fiber.interruptAll(quitters)
            yield* Fiber.join(holder)
            assert.strictEqual(yield* cache.lock("job", { wait: "1 second" }).withLock(Effect.succeed(1)), 1)
          })
        )
      )

      it.effect("is handed over by its token, with its fence, and released by whoever has it then", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            const lock = cache.lock("job", { lease: "20 seconds" })
            const place = coordinationKey(cache, "job", "lock")
            const { fence, token } = yield* Effect.scoped(
              Effect.gen(function* () {
                const held = yield* lock.acquire
                yield* cache.client.send("PEXPIRE", [place, 5_000])
                const token = yield* held.handOver
                assert.isAbove(Number(yield* cache.client.send("PTTL", [place])), 15_000)
                return { fence: held.fence, token }
              })
            )
            // Left by the first, and not given to anybody else.
            assert.isTrue(yield* lock.isLocked)
            assert.strictEqual((yield* Effect.flip(lock.withLock(Effect.void)))._tag, "LockUnavailable")
            yield* Effect.scoped(
              Effect.gen(function* () {
                const held = yield* cache.lock("job", { lease: "600 millis" }).restore(token)
                assert.deepStrictEqual([held.fence, held.token], [fence, token])
                assert.isAbove(Number(yield* cache.client.send("PTTL", [place])), 15_000)
                yield* held.extend("1 second")
              })
            )
            assert.isFalse(yield* lock.isLocked)
            assert.deepInclude(yield* Effect.flip(Effect.scoped(lock.restore(token))), { _tag: "LockLost", key: "job" })
            yield* Effect.scoped(Effect.andThen(lock.acquire, Effect.flip(lock.restore("another"))))
            const next = yield* lock.withLock(({ fence, handOver }) => Effect.as(handOver, fence))
            assert.isTrue(next > fence && (yield* lock.isLocked))
          })
        )
      )

      it.effect("a label is a part of the token, and nothing else depends on it", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            const label = `web-2: the report & 👩‍👩‍👧 ${"x".repeat(38)}`
            const lock = cache.lock("job", { label, lease: "20 seconds", wait: "20 seconds" })
            const place = coordinationKey(cache, "job", "lock")
            const plain = yield* Effect.scoped(cache.lock("job").acquire)
            const { fence, token } = yield* lock.withLock((held) =>
              Effect.gen(function* () {
                assert.strictEqual(yield* cache.client.send("GET", [place]), held.token)
                assert.strictEqual(held.token.slice(held.token.indexOf(" ") + 1), label)
                assert.match(held.token, new RegExp(`^${plain.token.replace(/\d+$/, "")}\\d+ `))
                yield* held.extend("20 seconds")
                assert.isAbove(Number(yield* cache.client.send("PTTL", [place])), 30_000)
                return { fence: held.fence, token: yield* held.handOver }
              })
            )
            assert.isTrue(fence > plain.fence)
            const waiter = yield* Effect.forkChild(lock.withLock(({ token }) => Effect.succeed(token)))
            // Who restores it keeps the label that it was acquired with.
            const restored = yield* Effect.scoped(cache.lock("job", { label: "another" }).restore(token))
            assert.deepStrictEqual([restored.token, restored.fence], [token, fence])
            assert.notStrictEqual(yield* Fiber.join(waiter), token)
            const lost = yield* Effect.flip(lock.withLock(cache.lock("job").forceRelease))
            assert.strictEqual(lost._tag, "LockLost")
            assert.isFalse(yield* lock.isLocked)

            const labelled = cache.semaphore("pool", { permits: 3, label: "mail:2", wait: "20 seconds" })
            const next = yield* Effect.scoped(
              Effect.gen(function* () {
                const { token } = yield* labelled.acquire(2)
                const holders = yield* cache.client.send("ZRANGE", [coordinationKey(cache, "pool", "holders"), 0, -1])
                assert.deepStrictEqual(holders, [`${token}:2`])
                assert.match(token, / mail:2$/)
                const next = yield* Effect.forkChild(labelled.withPermits(2)(labelled.available))
                yield* until("somebody who waits", waiting(cache, "pool"), (count) => count === 1)
                return next
              })
            )
            assert.strictEqual(yield* Fiber.join(next), 1)
            assert.strictEqual(yield* labelled.available, 3)
          })
        )
      )

      it.effect("what was restored is renewed, and lost like what was acquired", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            const forever = cache.lock("job", { lease: "Infinity" })
            const token = yield* Effect.scoped(Effect.flatMap(forever.acquire, ({ handOver }) => handOver))
            const place = coordinationKey(cache, "job", "lock")
            assert.strictEqual(yield* cache.client.send("PTTL", [place]), -1)
            yield* Effect.scoped(
              Effect.gen(function* () {
                const held = yield* cache.lock("job", { lease: "600 millis" }).restore(token)
                assert.isAtMost(Number(yield* cache.client.send("PTTL", [place])), 600)
                assert.isTrue(Option.isNone(yield* Effect.timeoutOption(held.lost, "800 millis")))
                yield* cache.client.send("DEL", [place])
                assert.strictEqual((yield* Effect.flip(held.lost))._tag, "LockLost")
                assert.strictEqual((yield* Effect.flip(held.handOver))._tag, "LockLost")
              })
            )
          })
        )
      )

      it.effect("released by force: the holder finds it lost, who waits has it at once, with a greater fence", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            const lock = cache.lock("job", { lease: "900 millis" })
            assert.isFalse(yield* lock.forceRelease)
            let first = 0n
            const holder = yield* Effect.forkChild(
              Effect.flip(
                lock.withLock(({ fence }) => {
                  first = fence
                  return Effect.never
                })
              )
            )
            yield* until("a held lock", lock.isLocked, Boolean)
            const waiter = yield* Effect.forkChild(
              cache.lock("job", { wait: "20 seconds" }).withLock(({ fence }) => Effect.succeed(fence))
            )
            yield* until(
              "somebody who waits",
              cache.client.send("GET", [coordinationKey(cache, "job", "fence")]),
              (fence) => String(fence).endsWith("w")
            )
            assert.isTrue(yield* lock.forceRelease)
            assert.isTrue((yield* Fiber.join(waiter)) > first)
            assert.deepInclude(yield* Fiber.join(holder), { _tag: "LockLost", key: "job" })
          })
        )
      )

      it.effect("bad input and other types", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const refuse = (effect: Effect.Effect<unknown, CacheError | LockUnavailable | LockLost>) =>
            Effect.map(Effect.flip(effect), (error) => assert.strictEqual(error._tag, "CacheInputError"))
          for (const options of [{ lease: 0 }, { lease: Number.NaN }, { wait: Number.NaN }, { version: 0.5 }]) {
            yield* refuse(cache.lock("job", options).withLock(Effect.void))
          }
          for (const label of ["", "x".repeat(65), "two\nlines", "\ud800", 1 as never]) {
            yield* refuse(cache.lock("job", { label }).withLock(Effect.void))
            yield* refuse(cache.semaphore("job", { permits: 1, label }).withPermits(1)(Effect.void))
          }
          yield* refuse(cache.lock("").withLock(Effect.void))
          yield* refuse(cache.lock("a}b").withLock(Effect.void))
          yield* refuse(cache.lock("a}b").forceRelease)
          yield* refuse(Effect.scoped(cache.lock("x").restore("")))
          for (const by of ["Infinity", 0, -1000, "-1 second", Number.NaN] as const) {
            const lock = cache.lock("x", { wait: "5 seconds" })
            yield* refuse(live(Effect.scoped(Effect.flatMap(lock.acquire, (held) => held.extend(by)))))
            const permits = cache.semaphore("x", { permits: 1, wait: "5 seconds" })
            yield* refuse(live(Effect.scoped(Effect.flatMap(permits.acquire(1), (held) => held.extend(by)))))
          }
          yield* cache.client.send("HSET", [coordinationKey(cache, "hash", "lock"), "f", "1"])
          assert.deepInclude(yield* Effect.flip(cache.lock("hash").withLock(Effect.void)), { code: "WRONGTYPE" })
        })
      )
    })

    describe("beside values", () => {
      const names: KeyFunction = { make: ({ key }) => key, reverse: (final) => final }

      it.effect("a lock, a semaphore and a value of one key have nothing to do with each other", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            const permits = cache.semaphore("k", { permits: 1 })
            const locked = cache.lock("k").withLock(
              permits.withPermits(1)(
                Effect.gen(function* () {
                  assert.isFalse(yield* cache.has("k"))
                  assert.deepStrictEqual(yield* cache.get("k"), Option.none())
                  assert.isTrue(yield* cache.add("k", "value"))
                  assert.strictEqual(yield* cache.getOrSet("k", Effect.succeed("other")), "value")
                  yield* cache.set("k", "new")
                  assert.isTrue(yield* cache.lock("k").isLocked)
                  assert.strictEqual(yield* permits.available, 0)
                })
              )
            )
            yield* locked
            assert.isFalse(yield* cache.lock("k").isLocked)
            assert.strictEqual(yield* permits.available, 1)
            assert.deepStrictEqual(yield* cache.get("k"), Option.some("new"))
            yield* cache.delete("k")
            yield* locked
          })
        )
      )

      it.effect("the work of many under one lock is looked up once", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            let lookups = 0
            const once = cache.lock("user:1", { lease: "2 seconds", wait: "20 seconds" }).withLock(
              cache.getOrSet(
                "user:1",
                Effect.sync(() => ++lookups)
              )
            )
            assert.deepStrictEqual(
              yield* Effect.forEach([1, 2, 3, 4, 5], () => once, { concurrency: "unbounded" }),
              [1, 1, 1, 1, 1]
            )
          })
        )
      )

      it.effect("keys and scans do not show what coordinates, clearing and patterns do not release it", () =>
        live(
          Effect.gen(function* () {
            const prefixed = yield* fresh()
            // With these names whatever the server holds is a key of the cache.
            for (const cache of [prefixed, prefixed.withOptions({ keyFunction: names })]) {
              const permits = cache.semaphore("k", { permits: 2 })
              yield* cache.lock("k").withLock(
                permits.withPermits(1)(
                  Effect.gen(function* () {
                    yield* cache.set("k", 1)
                    const all = [...(yield* cache.keys()), ...(yield* Stream.runCollect(cache.scan()))]
                    assert.deepStrictEqual(
                      all.filter((key) => /fence|lock|holders|facts|row/.test(key)),
                      []
                    )
                    yield* cache.deletePattern("*")
                    yield* cache.clear
                    yield* cache.clearAllVersions
                    assert.isTrue(yield* cache.lock("k").isLocked)
                    assert.strictEqual(yield* permits.available, 1)
                  })
                )
              )
            }
          })
        )
      )

      it.effect("no value's final key begins as theirs do, whatever the key function", () =>
        Effect.gen(function* () {
          const cache = (yield* fresh()).withOptions({ keyFunction: names })
          const stolen = coordinationKey(cache, "k", "lock")
          const effects: ReadonlyArray<Effect.Effect<unknown, CacheError | LockUnavailable | LockLost>> = [
            cache.get(stolen),
            cache.set(stolen, 1),
            cache.delete(stolen),
            cache.getOrSet(stolen, Effect.succeed(1)),
            cache.setMany({ [stolen]: 1 }),
            cache.rename("k", stolen),
            cache.list("k").moveTo(stolen),
            cache.hash(stolen).set("f", 1),
            cache.lock(stolen).withLock(Effect.void)
          ]
          for (const effect of effects) {
            const error = yield* Effect.flip(effect)
            assert.strictEqual(error._tag, "CacheInputError")
          }
          // The default key function never makes one.
          const own = yield* fresh()
          yield* own.set(stolen, 1)
          assert.deepStrictEqual(yield* own.get(stolen), Option.some(1))
          assert.strictEqual(
            yield* own
              .withOptions({ prefix: stolen })
              .keys("*")
              .pipe(Effect.map((keys) => keys.length)),
            0
          )
        })
      )

      it.effect("no two keys share a lock, with hash tags and without", () =>
        live(
          Effect.gen(function* () {
            const cache = (yield* fresh()).withOptions({ keyFunction: names })
            const keys = ["a", "{a}", "{a}b", "b{a}", ":a", ":{a}", "a:fence", "{a}:fence"]
            const distinct = new Set(
              keys.flatMap((key) => (["lock", "fence"] as const).map((kind) => coordinationKey(cache, key, kind)))
            )
            assert.strictEqual(distinct.size, keys.length * 2)
            const nested = keys.reduce<Effect.Effect<unknown, CacheError | LockUnavailable | LockLost>>(
              (work, key) => cache.lock(key, { wait: "20 seconds" }).withLock(work),
              Effect.void
            )
            yield* nested
          })
        )
      )
    })

    describe("semaphore", () => {
      it.effect("so many at a time, however many come", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            const semaphore = cache.semaphore("pool", { permits: 3, wait: "20 seconds" })
            assert.strictEqual(yield* semaphore.available, 3)
            const { state, work } = meter()
            yield* Effect.forEach(Array.from({ length: 30 }), () => semaphore.withPermits(1)(work), {
              concurrency: "unbounded"
            })
            assert.deepStrictEqual([state.most, state.runs], [3, 30])
            assert.strictEqual(yield* semaphore.available, 3)
            // Nothing stays when nobody holds or waits.
            const left = (["holders", "row", "facts"] as const).map((kind) => coordinationKey(cache, "pool", kind))
            assert.strictEqual(yield* cache.client.send("EXISTS", left), 0)
          })
        )
      )

      it.effect("weighted, and first come, first served", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            const semaphore = cache.semaphore("pool", { permits: 5, wait: "20 seconds" })
            const order: Array<string> = []
            const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
            yield* Effect.scoped(
              Effect.gen(function* () {
                yield* semaphore.acquire(3)
                for (const [name, weight, millis] of [
                  ["big", 5, 50],
                  ["fits", 2, 10],
                  ["last", 1, 10]
                ] as const) {
                  const noted = Effect.sync(() => order.push(name))
                  const taken = semaphore.withPermits(weight)(Effect.andThen(noted, Effect.sleep(millis)))
                  fibers.push(yield* Effect.forkChild(taken))
                  yield* until("a waiter in the row", waiting(cache, "pool"), (count) => count === fibers.length)
                }
                assert.strictEqual(yield* semaphore.available, 2)
                assert.deepStrictEqual(order, [])
              })
            )
            yield* Fiber.joinAll(fibers)
            assert.deepStrictEqual(order, ["big", "fits", "last"])
          })
        )
      )

      it.effect("who waits too long is told, and does not stand in the way", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            const semaphore = cache.semaphore("pool", { permits: 2, wait: "300 millis" })
            yield* semaphore.withPermits(1)(
              Effect.gen(function* () {
                const patient = cache.semaphore("pool", { permits: 2, wait: "10 seconds" })
                const big = yield* Effect.forkChild(Effect.flip(semaphore.withPermits(2)(Effect.void)))
                yield* until(
                  "a waiter in the row, or one that has given up",
                  Effect.map(waiting(cache, "pool"), (count) => count > 0 || big.pollUnsafe() !== undefined),
                  Boolean
                )
                const small = yield* Effect.forkChild(patient.withPermits(1)(Effect.succeed("in")))
                assert.deepInclude(yield* Fiber.join(big), { _tag: "LockUnavailable", key: "pool" })
                assert.strictEqual(yield* Fiber.join(small), "in")
                const now = cache.semaphore("pool", { permits: 1 })
                assert.strictEqual((yield* Effect.flip(now.withPermits(1)(Effect.void)))._tag, "LockUnavailable")
              })
            )
          })
        )
      )

      it.effect("permits of the dead come back, and so does the place of a dead waiter", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
            // What a process that died left behind: a lease that is nearly over, and a waiter nobody has heard of lately.
            yield* cache.client.send("ZADD", [
              coordinationKey(cache, "pool", "holders"),
              Math.floor(now) + 1000,
              "dead:2"
            ])
            yield* cache.client.send("ZADD", [coordinationKey(cache, "pool", "row"), 1, "gone:2"])
            const semaphore = cache.semaphore("pool", { permits: 2, wait: "10 seconds" })
            assert.strictEqual(yield* semaphore.available, 0)
            assert.strictEqual(yield* semaphore.withPermits(2)(Effect.succeed("in")), "in")
          })
        )
      )

      it.effect("renewed while held; lost when somebody takes it away", () =>
        live(
          Effect.gen(function* () {
            const cache = yield* fresh()
            const semaphore = cache.semaphore("pool", { permits: 1, lease: "900 millis" })
            yield* semaphore.withPermits(1)(
              Effect.gen(function* () {
                yield* Effect.sleep("1500 millis")
                assert.strictEqual(yield* semaphore.available, 0)
              })
            )
            const error = yield* Effect.flip(
              semaphore.withPermits(1)(
                Effect.andThen(
                  cache.client.send("DEL", [coordinationKey(cache, "pool", "holders")]),
                  Effect.sleep("10 seconds")
                )
              )
            )
            assert.deepInclude(error, { _tag: "LockLost", key: "pool" })
            assert.strictEqual(yield* semaphore.available, 1)
            const endless = cache.semaphore("pool", { permits: 1, lease: "Infinity" })
            yield* Effect.scoped(
              Effect.gen(function* () {
                const held = yield* endless.acquire(1)
                yield* held.extend("1 second")
                assert.strictEqual(yield* semaphore.available, 0)
              })
            )
            assert.strictEqual(yield* endless.available, 1)
          })
        )
      )

      it.effect("bad input", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          for (const [permits, count] of [
            [0, 1],
            [1.5, 1],
            [2, 0],
            [2, 3],
            [2, Number.NaN]
          ] as const) {
            const error = yield* Effect.flip(cache.semaphore("pool", { permits }).withPermits(count)(Effect.void))
            assert.strictEqual(error._tag, "CacheInputError")
          }
        })
      )
    })
  })
}

/** Inference without annotations. */
export const types = Effect.gen(function* () {
  const cache = yield* CacheService
  const held: HeldLock = yield* cache.lock("x").acquire
  const exit: Exit.Exit<1, "mine" | CacheError | LockUnavailable | LockLost> = yield* Effect.exit(
    cache.lock("x").withLock(Effect.as(Effect.fail("mine" as const), 1 as const))
  )
  return [held, exit]
})
