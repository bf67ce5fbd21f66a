/** A replica that sentinels make the primary is followed as soon as it is one, before they name it. */
import { isDeepStrictEqual } from "node:util"
import { assert } from "@effect/vitest"
import { Effect, Fiber, Result } from "effect"
import { ValkeySentinel } from "effect-vcache"
import { allTyped, connector, slack, test, watchForTraces } from "../support/faults.ts"
import { startFakeSentinel } from "../support/FakeSentinel.ts"
import { failures, startLoad } from "../support/load.ts"
import { pause } from "../support/pause.ts"
import { startSentinelFleet } from "../support/SentinelFleet.ts"
import { signed, writeSigned } from "../support/signed.ts"
import { until } from "../support/until.ts"
import { startServer } from "../support/ValkeyServer.ts"

watchForTraces()

const { connect } = connector(ValkeySentinel.layer)

test("every connection leaves once it is promoted, and not before", () =>
  Effect.gen(function* () {
    const primary = yield* startServer()
    const replica = yield* startServer("--replicaof", `127.0.0.1 ${primary.port}`)
    yield* primary.replicated(1)
    const sentinel = yield* startFakeSentinel({ host: "127.0.0.1", port: primary.port })
    const { cache, client } = yield* connect({ name: "main", sentinels: [sentinel.endpoint] })
    yield* cache.set("k", 0)
    yield* until("a subscriber", sentinel.isHeard, Boolean)
    const blocked = yield* Effect.forkChild(
      Effect.scoped(Effect.flatMap(client.dedicated, (own) => own.send("BLPOP", ["list", 0])))
    )
    const where = Effect.map(client.info("server"), (nodes) => [...nodes.keys()][0])
    const announce = (name: string) =>
      sentinel.says(
        "+failover-state-wait-promotion",
        `slave ${replica.node} 127.0.0.1 ${replica.port} @ ${name} 127.0.0.1 ${primary.port}`
      )

    // Of another primary.
    yield* announce("other")
    yield* announce("main")
    for (let i = 1; i <= 20; i++) {
      assert.isTrue(yield* cache.set("k", i))
      yield* pause(10)
    }
    assert.strictEqual(yield* where, primary.node)
    yield* primary.replicated(1)

    yield* replica.call("REPLICAOF", "NO", "ONE")
    yield* announce("main")
    yield* until("the replica's name", Effect.result(where), (seen) => Result.getOrUndefined(seen) === replica.node)
    assert.strictEqual((yield* Effect.flip(Fiber.join(blocked)))._tag, "CacheConnectionError")
    assert.strictEqual(yield* cache.incr("k"), 21)
    assert.strictEqual(yield* replica.call("GET", ":1:k"), "21")
    // Also for who connects now, though the sentinel has heard of nothing.
    yield* Effect.scoped(
      Effect.flatMap(client.dedicated, (own) =>
        Effect.map(own.send("ROLE", []), (role) => assert.include(role, "master"))
      )
    )
    const tcpPort = Effect.scoped(
      Effect.flatMap(client.dedicated, (own) => Effect.map(own.send("INFO", ["server"]), String))
    )
    assert.include(yield* tcpPort, `tcp_port:${replica.port}\r`)
  }))

test("one that is called off is not waited for; one that is made a replica again is left", () =>
  Effect.gen(function* () {
    const primary = yield* startServer()
    const replica = yield* startServer("--replicaof", `127.0.0.1 ${primary.port}`)
    yield* primary.replicated(1)
    const sentinel = yield* startFakeSentinel({ host: "127.0.0.1", port: primary.port })
    const { cache, client } = yield* connect({ name: "main", sentinels: [sentinel.endpoint] })
    yield* cache.set("k", 0)
    yield* until("a subscriber", sentinel.isHeard, Boolean)
    const where = Effect.map(client.info("server"), (nodes) => [...nodes.keys()][0])
    const message = `slave ${replica.node} 127.0.0.1 ${replica.port} @ main 127.0.0.1 ${primary.port}`
    yield* sentinel.says("+failover-state-wait-promotion", message)
    yield* sentinel.says("-failover-abort-slave-timeout", `master main 127.0.0.1 ${primary.port}`)
    yield* pause(50)
    yield* replica.call("REPLICAOF", "NO", "ONE")
    yield* pause(200)
    assert.strictEqual(yield* where, primary.node)

    yield* sentinel.says("+failover-state-wait-promotion", message)
    yield* until("the replica's name", Effect.result(where), (seen) => Result.getOrUndefined(seen) === replica.node)
    yield* replica.call("REPLICAOF", "127.0.0.1", primary.port)
    yield* until("a write that is done", Effect.result(cache.set("k", 1)), Result.isSuccess)
    assert.strictEqual(yield* where, primary.node)
  }))

test("SENTINEL FAILOVER takes with it next to nothing of what was confirmed", () =>
  Effect.gen(function* () {
    const fleet = yield* startSentinelFleet()
    const { cache } = yield* connect({ url: fleet.url })
    const load = yield* startLoad(2, (i) => writeSigned(cache, `k${i}`, "load", i))
    yield* pause(300)
    const before = yield* fleet.primary
    yield* fleet.sentinels[0]!.call("SENTINEL", "FAILOVER", fleet.name)
    yield* until("another primary", fleet.primary, ({ port }) => port !== before.port)
    yield* pause(500)
    const outcomes = yield* load.stop
    yield* fleet.settled
    allTyped(failures(outcomes))
    const done = outcomes.filter(({ result }) => Result.isSuccess(result))
    const found = yield* cache.getMany(done.map(({ index }) => `k${index}`))
    const lost = done.filter(
      ({ index }) => !isDeepStrictEqual(found.get(`k${index}`), signed(`k${index}`, "load", index))
    )
    // From the replica's promotion until we hear of it; the sentinels themselves need about a second.
    const span = lost.length === 0 ? 0 : lost.at(-1)!.startedAt - lost[0]!.startedAt
    assert.isBelow(span, 250 + slack, `${lost.length} of ${done.length} are lost`)
  }))
