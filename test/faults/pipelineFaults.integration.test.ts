/** Pipelines and transactions when servers are away, replies are lost, and callers leave. */
import { assert } from "@effect/vitest"
import { Effect, Fiber, Result } from "effect"
import type { CacheError } from "effect-vcache"
import { connect, failureWithin, profile, test, watchForTraces, within } from "../support/faults.ts"
import { pause } from "../support/pause.ts"
import { startProxy } from "../support/Proxy.ts"
import { startServer } from "../support/ValkeyServer.ts"

watchForTraces()

test("a server that is not there: each is told, in time", () =>
  Effect.gen(function* () {
    const { cache } = yield* connect("valkey://127.0.0.1:1")
    const results: ReadonlyArray<Result.Result<unknown, CacheError>> = yield* within(
      profile.connectTimeout,
      cache.pipeline((queue) => [queue.set("a", 1), queue.get("a"), queue.incr("n")], { mode: "result" })
    )
    for (const result of results) {
      assert.isTrue(Result.isFailure(result))
      if (Result.isFailure(result)) assert.strictEqual(result.failure._tag, "CacheConnectionError")
    }
    const error = yield* failureWithin(
      profile.connectTimeout,
      cache.transaction((queue) => [queue.set("a", 1)])
    )
    assert.deepInclude(error, { _tag: "CacheConnectionError", mayHaveExecuted: false })
  }))

test("a lost reply: it may have been executed, and was, as a whole", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const proxy = yield* startProxy(server.port)
    const shaky = (yield* connect(proxy.url)).cache
    const steady = (yield* connect(server.url)).cache
    yield* shaky.get("warm")
    proxy.dropReplies = true
    const error = yield* failureWithin(
      profile.commandTimeout,
      shaky.transaction((queue) => [queue.set("a", 1), queue.set("b", 2), queue.list("l").pushRight(1)])
    )
    assert.deepInclude(error, { _tag: "CacheTimeoutError", mayHaveExecuted: true })
    assert.deepStrictEqual(
      yield* steady.getMany(["a", "b"]),
      new Map([
        ["a", 1],
        ["b", 2]
      ])
    )
    const results = yield* within(
      profile.commandTimeout + 100,
      shaky.pipeline((queue) => [queue.set("c", 3), queue.get("c")], { mode: "result" })
    )
    assert.isTrue(results.every((result: Result.Result<unknown, unknown>) => Result.isFailure(result)))
    assert.isTrue(yield* steady.has("c"))
  }))

test("who leaves leaves nothing behind", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache } = yield* connect(server.url)
    yield* cache.get("warm")
    yield* server.freeze
    const leaving = yield* Effect.forkChild(
      cache.pipeline((queue) => Array.from({ length: 100 }, (_, i) => queue.set(`k${i}`, i)))
    )
    yield* pause(50)
    yield* within(100, Fiber.interrupt(leaving))
    yield* server.thaw
    const [answer] = yield* cache.pipeline((queue) => [queue.has("k0")])
    assert.isBoolean(answer)
  }))
