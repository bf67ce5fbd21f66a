/** Followers and consumers over connections that break, and replies that are lost. */
import { assert } from "@effect/vitest"
import { Effect, Fiber, Result, Schema, Stream } from "effect"
import { connect, failureWithin, profile, test, watchForTraces, within } from "../support/faults.ts"
import { pause } from "../support/pause.ts"
import { startProxy } from "../support/Proxy.ts"
import { until } from "../support/until.ts"
import { startServer } from "../support/ValkeyServer.ts"

watchForTraces()

const total = 60

/** A cache behind a relay that loses replies and connections, and one that sees the server itself. */
const behindProxy = Effect.gen(function* () {
  const server = yield* startServer()
  const proxy = yield* startProxy(server.port)
  const shaky = (yield* connect(proxy.url)).cache.withSchema(Schema.Int)
  const steady = (yield* connect(server.url)).cache.withSchema(Schema.Int)
  const addThroughFaults = Effect.gen(function* () {
    for (let n = 0; n < total; n++) {
      yield* steady.stream("log").add({ n })
      if (n % 20 === 5) proxy.dropReplies = true
      if (n % 20 === 9) {
        proxy.dropReplies = false
        proxy.reset()
      }
      yield* pause(10)
    }
  })
  return { addThroughFaults, shaky, steady }
})

test("a follower has every entry once and in order, over resets and lost replies", () =>
  Effect.gen(function* () {
    const { addThroughFaults, shaky } = yield* behindProxy
    const seen: Array<number | undefined> = []
    const following = yield* Effect.forkChild(
      Stream.runForEach(Stream.take(shaky.stream("log").follow({ after: "0", count: 4 }), total), ({ fields }) =>
        Effect.sync(() => seen.push(fields.get("n")))
      )
    )
    yield* addThroughFaults
    yield* within(5000, Fiber.join(following))
    assert.deepStrictEqual(
      seen,
      Array.from({ length: total }, (_, n) => n)
    )
  }))

test("a consumer gets what a lost reply held; nothing is left", () =>
  Effect.gen(function* () {
    const { addThroughFaults, shaky, steady } = yield* behindProxy
    const group = steady.stream("log").group("g")
    yield* group.create()
    const seen = new Set<number | undefined>()
    const consuming = yield* Effect.forkChild(
      Stream.runForEach(shaky.stream("log").group("g").consume("c", { count: 4 }), ({ fields, id }) =>
        Effect.map(group.ack(id), () => seen.add(fields.get("n")))
      )
    )
    yield* addThroughFaults
    yield* until(
      "every entry",
      Effect.sync(() => seen.size),
      (size) => size === total
    )
    yield* Fiber.interrupt(consuming)
    assert.strictEqual((yield* group.pendingSummary).count, 0)
  }))

test("who is interrupted while he waits leaves at once, and the entry to others", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache } = yield* connect(server.url)
    const log = cache.withSchema(Schema.Int).stream("log")
    yield* log.group("g").create()
    const consuming = yield* Effect.forkChild(Stream.runDrain(log.group("g").consume("a")))
    const following = yield* Effect.forkChild(Stream.runDrain(log.follow()))
    yield* pause(100)
    yield* within(200, Fiber.interruptAll([consuming, following]))
    yield* pause(50)
    yield* log.add({ n: 1 })
    assert.strictEqual((yield* log.group("g").read("b")).length, 1)
  }))

test("who cannot begin is told in time", () =>
  Effect.gen(function* () {
    const { cache } = yield* connect("valkey://127.0.0.1:1")
    for (const stream of [
      cache.stream("log").follow(),
      cache.stream("log").follow({ after: "0" }),
      cache.stream("log").group("g").consume("c")
    ]) {
      const error = yield* failureWithin(profile.connectTimeout, Stream.runDrain(stream))
      assert.strictEqual(error._tag, "CacheConnectionError")
    }
  }))

test("more followers than connections: the others are told in time", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache } = yield* connect(server.url, { maxConnections: 1, poolTimeout: "200 millis" })
    const first = yield* Effect.forkChild(Effect.result(Stream.runDrain(cache.stream("a").follow())))
    yield* pause(100)
    const error = yield* failureWithin(200 + profile.commandTimeout, Stream.runDrain(cache.stream("b").follow()))
    assert.deepInclude(error, { _tag: "CacheTimeoutError", phase: "queue" })
    yield* Fiber.interrupt(first)
    assert.isTrue(Result.isSuccess(yield* Effect.result(cache.stream("a").size)))
  }))
