/** Waiting for elements while servers come and go. */
import { assert } from "@effect/vitest"
import { Effect, Fiber, Option, Result } from "effect"
import { connect, expectTimeout, profile, recovered, test, watchForTraces, within } from "../support/faults.ts"
import { pause } from "../support/pause.ts"
import { until } from "../support/until.ts"
import { startServer, type ValkeyServer } from "../support/ValkeyServer.ts"

watchForTraces()

/** Until somebody waits there. */
const isBlocked = (server: ValkeyServer) =>
  until("a client that waits", Effect.map(server.call("INFO", "clients"), String), (info) =>
    info.includes("blocked_clients:1\r")
  )

test("a waiter goes on over a server that is killed and comes back", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache } = yield* connect(server.url)
    const waiting = yield* Effect.forkChild(cache.list("queue").awaitLeft("30 seconds"))
    yield* isBlocked(server)
    yield* server.kill
    yield* pause(300)
    yield* server.start
    yield* recovered(cache.list("queue").pushRight("job"))
    assert.deepStrictEqual(yield* within(3000, Fiber.join(waiting)), Option.some("job"))
    assert.strictEqual(yield* cache.list("queue").size, 0)
  }))

test("a waiter on a server that stays away ends with its time, typed or with nothing", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache } = yield* connect(server.url)
    yield* cache.list("queue").size
    const waiting = yield* Effect.forkChild(Effect.result(cache.list("queue").awaitLeft("1500 millis")))
    yield* isBlocked(server)
    yield* server.kill
    const outcome = yield* within(3300, Fiber.join(waiting))
    assert.isTrue(
      Result.isFailure(outcome) ? outcome.failure._tag === "CacheConnectionError" : Option.isNone(outcome.success)
    )
  }))

test("waiters that give up at any moment lose no element", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache } = yield* connect(server.url, { maxConnections: 4 })
    const queue = cache.list("queue")
    const taken: Array<unknown> = []
    const total = 200
    const worker = Effect.gen(function* () {
      for (;;) {
        const waiting = queue
          .awaitLeft("1 second")
          .pipe(Effect.tap((found) => Effect.sync(() => Option.isSome(found) && taken.push(found.value))))
        // Interrupted now and then in the middle of it; what was taken was told.
        yield* Effect.timeoutOption(waiting, 1 + (taken.length % 7))
      }
    })
    const workers = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(worker))
    for (let i = 0; i < total; i++) {
      yield* queue.pushRight(i)
      if (i % 5 === 0) yield* pause(2)
    }
    yield* pause(500)
    yield* Fiber.interruptAll(workers)
    const left = yield* queue.range()
    // An element is in the list, or was taken; nobody took it twice.
    const all = [...taken, ...left]
    assert.strictEqual(new Set(all).size, all.length)
    assert.strictEqual(all.length, total)
  }))

test("more waiters than connections: the others get a typed error in time", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache } = yield* connect(server.url, { maxConnections: 1, poolTimeout: "200 millis" })
    const first = yield* Effect.forkChild(cache.list("a").awaitLeft("10 seconds"))
    yield* isBlocked(server)
    const error = yield* within(
      200 + profile.commandTimeout,
      Effect.flip(cache.list("b").moveTo("c", { timeout: "5 seconds" }))
    )
    expectTimeout(error, "queue", false)
    yield* cache.list("a").pushRight(1)
    assert.deepStrictEqual(yield* Fiber.join(first), Option.some(1))
  }))

test("who waits for several lists and gives up at any moment loses no element", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache } = yield* connect(server.url, { maxConnections: 12 })
    const lists = cache.lists(["a", "b"])
    const taken: Array<unknown> = []
    const total = 200
    const worker = Effect.gen(function* () {
      for (;;) {
        const waiting = lists
          .pop({ count: 2, timeout: "1 second" })
          .pipe(Effect.tap((found) => Effect.sync(() => Option.isSome(found) && taken.push(...found.value.values))))
        yield* Effect.timeoutOption(Effect.ignore(waiting), 1 + (taken.length % 7))
      }
    })
    const workers = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(worker))
    for (let i = 0; i < total; i++) {
      yield* cache.list(i % 2 === 0 ? "a" : "b").pushRight(i)
      if (i % 5 === 0) yield* pause(2)
    }
    yield* Fiber.interruptAll(workers)
    const left = Effect.all([cache.list("a").range(), cache.list("b").range()]).pipe(Effect.map((all) => all.flat()))
    // An element was taken, or is in its list again once the last steps of those who gave up are over.
    const all = yield* until(
      "every element",
      Effect.map(left, (left) => [...taken, ...left]),
      ({ length }) => length >= total
    )
    assert.strictEqual(new Set(all).size, total)
    assert.strictEqual(all.length, total)
  }))

test("who waits for several lists is told when a lost connection may have cost an element", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache } = yield* connect(server.url)
    const waiting = yield* Effect.forkChild(Effect.flip(cache.lists(["a", "b"]).pop({ timeout: "30 seconds" })))
    yield* isBlocked(server)
    yield* server.kill
    const error = yield* within(3000, Fiber.join(waiting))
    assert.deepInclude(error, { _tag: "CacheConnectionError", mayHaveExecuted: true })
  }))
