/** A second cache while the first is down. */
import { assert } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Option } from "effect"
import {
  CacheInputError,
  CacheLive,
  CacheService,
  type ConnectionOptions,
  type TypedCache,
  ValkeyClient,
  ValkeyFallback,
  ValkeyMemory,
  ValkeyStandalone
} from "effect-vcache"
import { profile, test } from "../support/faults.ts"
import { pause } from "../support/pause.ts"
import { until } from "../support/until.ts"
import { startServer } from "../support/ValkeyServer.ts"

const build = (url: string, options: ConnectionOptions = {}) =>
  Effect.map(
    Layer.build(
      Layer.provideMerge(
        Layer.fresh(CacheLive),
        ValkeyFallback.layer({
          first: ValkeyStandalone.layer({ ...profile, ...options, url }),
          second: ValkeyMemory.layer(),
          probeInterval: "50 millis"
        })
      )
    ),
    (context) => ({ cache: Context.get(context, CacheService), client: Context.get(context, ValkeyClient) })
  )

test("reads and writes go to the second while the first is killed, and back; nothing older comes back", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache, client } = yield* build(server.url)
    const direct = yield* Layer.build(ValkeyStandalone.layer({ url: server.url, ...profile })).pipe(
      Effect.map(Context.get(ValkeyClient))
    )
    yield* cache.setMany({ kept: 1, changed: "old", deleted: "old", counter: 5 })
    assert.strictEqual(yield* direct.send("GET", [":1:kept"]), "1")

    yield* server.freeze
    // The first to notice waits for its deadline; from then on the second answers.
    assert.deepStrictEqual(yield* cache.get("kept"), Option.none())
    yield* cache.set("changed", "new")
    yield* cache.delete("deleted")
    assert.strictEqual(yield* cache.incr("counter", 1, { initial: 0 }), 1)
    assert.deepStrictEqual(yield* cache.getMany(["changed", "kept"]), new Map([["changed", "new"]]))
    assert.deepStrictEqual(yield* cache.keys("ch*"), ["changed"])
    assert.deepStrictEqual(yield* client.transaction([{ name: "GET", args: [":1:changed"] }]), ['"new"'])
    assert.strictEqual(yield* cache.getOrSet("looked", Effect.succeed("up"), { singleFlight: "cluster" }), "up")

    yield* server.thaw
    yield* until("a value of the first", cache.get("kept"), Option.isSome)
    assert.deepStrictEqual(
      yield* cache.getMany(["kept", "changed", "deleted", "counter", "looked"]),
      new Map([["kept", 1]])
    )
    assert.strictEqual(yield* direct.send("EXISTS", [":1:changed", ":1:deleted", ":1:counter"]), 0)
    yield* cache.set("after", 1)
    assert.strictEqual(yield* direct.send("GET", [":1:after"]), "1")
  }))

test("a flush meanwhile empties the first when it is back; pipelines and scans turn, too", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache, client } = yield* build(server.url)
    yield* cache.set("k", "old")
    yield* server.freeze
    const results = yield* client.pipeline([
      { name: "SET", args: [":1:p", "1"] },
      { name: "GET", args: [":1:p"] }
    ])
    assert.deepStrictEqual(
      results.map((result) => result._tag === "Success" && result.success),
      ["OK", "1"]
    )
    yield* cache.flushAll
    assert.deepStrictEqual(yield* cache.keys(), [])
    yield* server.thaw
    // The memory client has but one node, of that name.
    yield* until("the first client", client.info(), (nodes) => !nodes.has("memory"))
    assert.deepStrictEqual(yield* cache.get("k"), Option.none())
    assert.strictEqual((yield* client.state)._tag, "Ready")
  }))

test("the server's own errors and bad input stay the first's", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache, client } = yield* build(server.url)
    yield* client.send("LPUSH", [":1:list", "x"])
    assert.strictEqual((yield* Effect.flip(cache.get("list")))._tag, "CacheServerError")
    assert.instanceOf(yield* Effect.flip(cache.get("")), CacheInputError)
    assert.strictEqual(client.topology, "standalone")
  }))

test("a scan and a script that meet the outage first turn, too; a lock does not", () =>
  Effect.gen(function* () {
    for (const [meet, expected] of [
      [(cache: TypedCache<unknown>) => cache.keys(), []],
      [(cache: TypedCache<unknown>) => cache.incrFloat("n", 0.5, { initial: 1 }), 1.5]
    ] as const) {
      const server = yield* startServer()
      const { cache, client } = yield* build(server.url)
      yield* cache.set("k", 1)
      yield* server.kill
      assert.deepStrictEqual(yield* meet(cache), expected)
      assert.isTrue((yield* client.info()).has("memory"))
      const error = yield* Effect.flip(Effect.scoped(cache.lock("l").acquire))
      assert.strictEqual(error._tag, "CacheConnectionError")
    }
  }))

test("what a lookup gave is not stored in the second over what is newer there", () =>
  Effect.gen(function* () {
    for (const many of [false, true]) {
      const server = yield* startServer()
      const { cache } = yield* build(server.url, { commandTimeout: 1200, socketTimeout: 5000 })
      const begun = yield* Deferred.make<void>()
      const found = yield* Deferred.make<"old">()
      const old = Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(found))
      const asking = yield* Effect.forkChild(
        many ? cache.getOrSetMany(["k"], () => Effect.map(old, (v) => [["k", v] as const])) : cache.getOrSet("k", old)
      )
      yield* Deferred.await(begun)
      yield* server.freeze
      // Is told that the first does not answer while the store of what was looked up still waits for it.
      const other = yield* Effect.forkChild(cache.get("other"))
      yield* pause(600)
      yield* Deferred.succeed(found, "old")
      yield* Fiber.join(other)
      yield* cache.set("k", "new")
      yield* Fiber.join(asking)
      assert.deepStrictEqual(yield* cache.get("k"), Option.some("new"))
    }
  }))

test("a probe that would never come is refused", () =>
  Effect.gen(function* () {
    for (const probeInterval of [0, Infinity, Number.NaN]) {
      const memory = ValkeyMemory.layer()
      const exit = yield* Effect.exit(
        Layer.build(ValkeyFallback.layer({ first: memory, second: memory, probeInterval }))
      )
      assert.isTrue(Exit.hasDies(exit))
      assert.match(String(exit), /above zero and finite/)
    }
  }))
