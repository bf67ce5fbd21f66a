/** Where spans say that commands went, when servers send them on, do not answer, or are not there. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { Tracing, ValkeyCluster, ValkeyStandalone } from "effect-vcache"
import { slotOfKey } from "../../src/layers/connection/cluster/slot.ts"
import { cacheOverLayer } from "../support/cacheOver.ts"
import { placeOf, startFakeNode } from "../support/FakeCluster.ts"
import { startPrimary } from "../support/fakePrimaries.ts"
import { test } from "../support/faults.ts"
import { failure } from "../support/resp.ts"
import { spanRecorder } from "../support/spanRecorder.ts"

/** What the spans of an effect say of places. */
const placesOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const { spans, tracer } = spanRecorder()
    yield* Effect.exit(Effect.withTracer(effect, tracer))
    return spans.map(({ attributes }) =>
      ["server.address", "server.port", "network.peer.address", "network.peer.port"].map((name) => attributes.get(name))
    )
  })

const traced = <E>(client: Parameters<typeof cacheOverLayer<E>>[0]) =>
  cacheOverLayer(client, { policies: [Tracing.policy()] })

const host = "127.0.0.1"

test("a command that a server sends on is told of where it was answered", () =>
  Effect.gen(function* () {
    const [first, second] = yield* Effect.all([startFakeNode("a"), startFakeNode("b")])
    for (const node of [first, second]) node.view = { epoch: 1, ranges: [[0, 16_383, placeOf(first)]] }
    first.answer = failure(`MOVED ${slotOfKey(":1:k")} ${host}:${second.port}`)
    const cache = yield* traced(ValkeyCluster.layer({ nodes: [{ host, port: first.port }] }))
    assert.deepStrictEqual(yield* placesOf(cache.set("k", 1)), [[host, first.port, host, second.port]])
  }))

test("a server that closes the connection, or is not there, is named by the error", () =>
  Effect.gen(function* () {
    const fake = yield* startPrimary(([name], socket) => (name === "SET" ? (socket.destroy(), "") : undefined))
    const lost = yield* traced(ValkeyStandalone.layer({ url: fake.url }))
    assert.deepStrictEqual(yield* placesOf(lost.set("k", 1)), [[host, fake.port, host, fake.port]])
    const nowhere = yield* traced(ValkeyStandalone.layer({ url: "valkey://localhost:1" }))
    assert.deepStrictEqual(yield* placesOf(nowhere.get("k")), [["localhost", 1, "localhost", 1]])
  }))
