/** Servers of `ValkeyReplicated` that are not what their place in the list says. */
import { assert } from "@effect/vitest"
import { Effect, Fiber, Option, Stream } from "effect"
import { ValkeyReplicated, ValkeyStandalone } from "effect-vcache"
import {
  connector,
  connectTo,
  expectConnection,
  recovered,
  test,
  watchForTraces,
  withCache
} from "../support/faults.ts"
import { failures, startLoad } from "../support/load.ts"
import { pause } from "../support/pause.ts"
import { writeSigned } from "../support/signed.ts"
import { until } from "../support/until.ts"
import { startServer, type ValkeyServer } from "../support/ValkeyServer.ts"

watchForTraces()

const { connect } = connector(ValkeyReplicated.layer)

const statistic = (server: ValkeyServer, section: string, pattern: RegExp) =>
  Effect.map(server.call("INFO", section), (text) => Number(pattern.exec(String(text))?.[1] ?? 0))

test("a primary that becomes a replica is left once, by all connections; nobody is told that a refused write was lost", () =>
  Effect.gen(function* () {
    const primary = yield* startServer()
    const replica = yield* startServer("--replicaof", `127.0.0.1 ${primary.port}`)
    yield* primary.replicated(1)
    const { cache, client } = yield* connect({ urls: [primary.url, replica.url] })
    yield* cache.set("k", 1)
    const received = statistic(primary, "stats", /total_connections_received:(\d+)/)
    const listening = yield* Effect.forkChild(Stream.runDrain(client.subscribe("news")))
    const own = yield* client.dedicated
    yield* own.send("WATCH", ["k"])
    yield* until(
      "a subscriber",
      Effect.map(primary.call("PUBSUB", "NUMSUB", "news"), String),
      (counts) => counts === "news,1"
    )
    yield* replica.call("REPLICAOF", "NO", "ONE")
    yield* primary.call("REPLICAOF", "127.0.0.1", replica.port)
    const before = yield* received
    const load = yield* startLoad(1, (i) => writeSigned(cache, `k${i}`, "load", i))
    yield* pause(1500)
    const outcomes = yield* load.stop
    assert.isNotEmpty(outcomes)
    assert.strictEqual(failures(outcomes).length, outcomes.length)
    for (const error of failures(outcomes)) {
      if (error._tag === "CacheServerError") {
        assert.strictEqual(error.code, "READONLY")
        assert.isFalse(error.mayHaveExecuted)
      } else expectConnection(error, "connect", false, "NOT_PRIMARY")
    }
    // With the delays of `reconnect`, of which the longest here is 200 ms, for two connections; `call` makes one for each question.
    assert.isBelow((yield* received) - before, 40)
    assert.strictEqual((yield* client.state)._tag, "Degraded")
    expectConnection(yield* Effect.flip(Fiber.join(listening)), "lost", false)
    expectConnection(yield* Effect.flip(own.send("MULTI", [])), "lost", false)
    // Reads go on, at the server that was promoted.
    assert.deepStrictEqual(yield* cache.get("k"), Option.some(1))
    yield* primary.call("REPLICAOF", "NO", "ONE")
    yield* recovered(cache.set("k", 2))
    assert.strictEqual((yield* client.state)._tag, "Ready")
  }))

test("a replica that has no link to its primary is not read", () =>
  Effect.gen(function* () {
    const primary = yield* startServer("--requirepass", "SECRET")
    const files = ["--requirepass", "SECRET", "--replicaof", `127.0.0.1 ${primary.port}`]
    const replica = yield* startServer(...files)
    const url = (server: ValkeyServer) => `valkey://:SECRET@${server.node}`
    const { cache, client } = yield* connect({ urls: [url(primary), url(replica)] })
    let lookups = 0
    for (let i = 0; i < 20; i++) {
      yield* cache.set(`k${i}`, i)
      assert.deepStrictEqual(yield* cache.get(`k${i}`), Option.some(i))
      yield* cache.getOrSet(
        "looked",
        Effect.sync(() => ++lookups)
      )
    }
    assert.strictEqual(lookups, 1)
    const state = yield* client.state
    assert.strictEqual(state._tag === "Degraded" ? state.reason?.code : state._tag, "NOT_SYNCHRONISED")
    // It is read as soon as it has what the primary has.
    const admin = yield* connectTo(withCache(ValkeyStandalone.layer({ url: url(replica) })))
    yield* admin.client.send("CONFIG", ["SET", "masterauth", "SECRET"])
    const isRead = Effect.gen(function* () {
      yield* cache.get("k1")
      return [...(yield* admin.client.info("commandstats")).values()].some((fields) => fields.has("cmdstat_get"))
    })
    yield* until("a read at the replica", isRead, Boolean)
  }))
