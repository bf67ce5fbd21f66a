/** What is kept near, while servers fail, take each other's places, and hand slots to one another. */
import { assert, describe } from "@effect/vitest"
import { Effect, Exit, Layer, Option } from "effect"
import {
  CacheLive,
  ValkeyCluster,
  type ValkeyClientShape,
  ValkeyRing,
  ValkeySentinel,
  ValkeyStandalone
} from "effect-vcache"
import { slotOfKey } from "../../src/layers/connection/cluster/slot.ts"
import { startCluster } from "../support/ClusterFleet.ts"
import { connector, connectTo, profile, test, watchForTraces } from "../support/faults.ts"
import { maxStaleness, nearReader } from "../support/near/NearReader.ts"
import { pause } from "../support/pause.ts"
import { startRing } from "../support/RingFleet.ts"
import { startSentinelFleet } from "../support/SentinelFleet.ts"
import { until } from "../support/until.ts"
import { startServer, type ValkeyServer } from "../support/ValkeyServer.ts"

watchForTraces()

/** A key of a slot that this primary serves at first. */
const keyOf = (primary: 0 | 1 | 2, name: string): string => {
  for (let i = 0; ; i++) if (Math.min(2, Math.floor(slotOfKey(`${name}${i}`) / 5461)) === primary) return `${name}${i}`
}

/** Two processes, of which one is told of changes under the prefix and the other key by key. */
const nearReaders = Effect.fnUntraced(function* (client: ValkeyClientShape) {
  const each = [yield* nearReader(client, "n:"), yield* nearReader(client, "n:", "perKey")] as const
  return {
    each,
    events: each[0].events,
    holds: (key: string) =>
      Effect.map(
        Effect.forEach(each, ({ holds }) => holds(key), { concurrency: 2 }),
        ([read]) => read!
      ),
    staleAfterChange: (key: string, old: unknown) =>
      Effect.map(
        Effect.forEach(each, ({ staleAfterChange }) => staleAfterChange(key, old), { concurrency: 2 }),
        (stale) => stale.flat()
      )
  }
})

test("near values of one server whose connections are lost are changed unnoticed for no longer than is promised", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { client } = yield* connector(ValkeyStandalone.layer).connect({ url: server.url })
    const { holds, staleAfterChange } = yield* nearReaders(client)
    const ask = yield* server.session
    let value = 0
    yield* client.send("SET", ["n:k", value])
    for (const type of ["normal", "pubsub"]) {
      yield* holds("n:k")
      yield* ask("CLIENT", "KILL", "TYPE", type, "SKIPME", "yes")
      yield* ask("SET", "n:k", ++value)
      assert.deepStrictEqual(yield* staleAfterChange("n:k", String(value - 1)), [])
      assert.strictEqual((yield* holds("n:k")).value, String(value))
    }
  }))

test("near values of a server that ends a connection because too much was announced on it are no older than is promised", () =>
  Effect.gen(function* () {
    const server = yield* startServer("--client-output-buffer-limit", "pubsub 1000 1000 1")
    const { client } = yield* connector(ValkeyStandalone.layer).connect({ url: server.url })
    const { events, holds, staleAfterChange } = yield* nearReaders(client)
    yield* client.send("SET", ["n:k", "1"])
    yield* holds("n:k")
    const burst = "for i = 1, 5000 do redis.call('SET', 'n:' .. i, i) end redis.call('SET', KEYS[1], 2)"
    yield* server.call("EVAL", burst, 1, "n:k")
    assert.deepStrictEqual(yield* staleAfterChange("n:k", "1"), [])
    assert.strictEqual((yield* holds("n:k")).value, "2")
    assert.isTrue(events.some(({ _tag }) => _tag === "Down"))
  }))

test("near values are served while their server is frozen or gone, for as long as is wanted, and the state says so", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const near = { maxStaleness, whenDown: { serveFor: "3 seconds" } } as const
    const { cache } = yield* connectTo(
      Layer.provideMerge(CacheLive.layer({ near }), ValkeyStandalone.layer({ ...profile, url: server.url }))
    )
    const isDown = until("its silence", cache.near, (state) => state._tag === "Down" && state.servesUntil !== undefined)
    yield* cache.set("k", 1)
    yield* cache.set("own", 1)
    const holding = until(
      "both near",
      Effect.andThen(cache.getMany(["k", "own"]), cache.near),
      (state) => state._tag === "Live" && state.entries === 2
    )
    yield* holding
    yield* server.freeze
    yield* isDown
    assert.deepStrictEqual(yield* cache.get("k"), Option.some(1))
    // Whatever becomes of it.
    yield* Effect.exit(cache.set("own", 2))
    assert.strictEqual((yield* Effect.exit(cache.get("own")))._tag, "Failure")
    yield* server.kill
    yield* isDown
    assert.deepStrictEqual(yield* cache.get("k"), Option.some(1))
    yield* until("the end of it", Effect.exit(cache.get("k")), Exit.isFailure)
    const state = yield* cache.near
    assert.deepStrictEqual([state._tag, "servesUntil" in state], ["Down", false])
    yield* server.start
    yield* until("the server", Effect.exit(cache.get("k")), Exit.isSuccess)
    assert.deepStrictEqual(yield* cache.get("k"), Option.none())
  }))

test("a near cache that holds all keys reads them again after its channel was lost, and after a failover", () =>
  Effect.gen(function* () {
    const fleet = yield* startCluster()
    const { cache } = yield* connectTo(
      Layer.provideMerge(
        CacheLive.layer({ prefix: "n", near: { hold: "all", maxStaleness } }),
        ValkeyCluster.layer({ ...profile, url: fleet.url })
      )
    )
    const isWhole = until("all of it", cache.near, (state) => state._tag === "Live" && state.holds === "all")
    const key = keyOf(0, "n:1:k")
    const own = key.slice("n:1:".length)
    const [old, next] = [fleet.servers[0]!, fleet.servers[3]!]
    yield* isWhole
    assert.deepStrictEqual(yield* cache.get(own), Option.none())
    yield* old.call("SET", key, 1)
    yield* until("the value", cache.get(own), (value) => Option.isSome(value) && value.value === 1)
    yield* old.call("CLIENT", "KILL", "TYPE", "pubsub")
    yield* old.call("SET", key, 2)
    yield* until("the next value", cache.get(own), (value) => Option.isSome(value) && value.value === 2)
    yield* isWhole
    yield* next.call("CLUSTER", "FAILOVER")
    yield* until("the new primary", next.call("DEL", key), (reply) => reply === 1)
    yield* until("that it is gone", Effect.orElseSucceed(cache.get(own), Option.none), Option.isNone)
    yield* isWhole
    yield* next.call("SET", key, 3)
    yield* until("the last value", cache.get(own), (value) => Option.isSome(value) && value.value === 3)
  }))

describe("near values of a cluster", () => {
  const { connect } = connector(ValkeyCluster.layer)

  test("follow slots that move, and what is read on the way is not kept", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ replicas: 0 })
      const [from, to] = [fleet.servers[0]!, fleet.servers[1]!]
      const { client } = yield* connect({ url: fleet.url })
      const key = keyOf(0, "n:k")
      const slot = slotOfKey(key)
      const [tagged, created] = [`n:{${key}}:2`, `n:{${key}}:3`]
      yield* client.send("SET", [key, "1"])
      yield* client.send("SET", [tagged, "1"])
      const { each, holds, staleAfterChange } = yield* nearReaders(client)
      assert.strictEqual((yield* holds(key)).value, "1")
      // That a key does not exist is known by all servers' word together.
      assert.strictEqual((yield* holds(created)).value, null)

      yield* to.call("CLUSTER", "SETSLOT", slot, "IMPORTING", yield* fleet.idOf(from))
      yield* from.call("CLUSTER", "SETSLOT", slot, "MIGRATING", yield* fleet.idOf(to))
      yield* from.call("MIGRATE", "127.0.0.1", to.port, "", 0, 5000, "KEYS", key)
      const ask = yield* to.session
      yield* ask("ASKING")
      yield* ask("SET", created, "2")
      assert.deepStrictEqual(yield* staleAfterChange(created, null), [])
      for (let i = 0; i < 3; i++) {
        for (const { read } of each) assert.deepStrictEqual(yield* read(key), { value: "1", isNear: false })
      }
      const replies = yield* client.tracked([key, tagged, keyOf(2, "n:other")])
      assert.deepStrictEqual(
        replies.map(({ pttl, server, value }) => [value, pttl, server === undefined]),
        [
          ["1", -1, true],
          ["1", -1, false],
          [null, -2, false]
        ]
      )
      yield* from.call("MIGRATE", "127.0.0.1", to.port, "", 0, 5000, "KEYS", tagged)
      for (const server of [to, from]) yield* server.call("CLUSTER", "SETSLOT", slot, "NODE", yield* fleet.idOf(to))

      assert.strictEqual((yield* holds(key)).value, "1")
      yield* to.call("SET", key, "2")
      assert.deepStrictEqual(yield* staleAfterChange(key, "1"), [])
      assert.strictEqual((yield* holds(key)).value, "2")
    }))

  test("know that a key does not exist by the word of new servers, too, to which its slot may be moving", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ replicas: 0 })
      const [from] = fleet.servers
      const { client } = yield* connect({ url: fleet.url })
      const key = keyOf(0, "n:k")
      const { events, holds, staleAfterChange } = yield* nearReader(client, "n:")
      yield* holds(key)
      const to = yield* startServer("--cluster-enabled", "yes")
      const [, busPort = ""] = String(yield* from!.call("CONFIG", "GET", "cluster-port")).split(",")
      yield* to.call("CLUSTER", "MEET", "127.0.0.1", from!.port, busPort)
      yield* until(
        "its word",
        Effect.sync(() => events),
        (all) => all.some((event) => event._tag === "Proof" && event.server === to.node)
      )
      yield* holds(key)
      yield* to.call("CLUSTER", "SETSLOT", slotOfKey(key), "IMPORTING", yield* fleet.idOf(from!))
      yield* from!.call("CLUSTER", "SETSLOT", slotOfKey(key), "MIGRATING", yield* fleet.idOf(to))
      const ask = yield* to.session
      yield* until("a write", Effect.andThen(ask("ASKING"), ask("SET", key, "1")), (reply) => reply === "OK")
      assert.deepStrictEqual(yield* staleAfterChange(key, null), [])
    }))

  test("follow a failover that announces nothing and closes nothing", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster()
      const [old, next] = [fleet.servers[0]!, fleet.servers[3]!]
      const { client } = yield* connect({ url: fleet.url })
      const key = keyOf(0, "n:k")
      yield* client.send("SET", [key, "1"])
      const { events, holds, staleAfterChange } = yield* nearReaders(client)
      yield* holds(key)
      yield* next.call("CLUSTER", "FAILOVER")
      yield* until("the new primary", next.call("SET", key, "2"), (reply) => reply === "OK")
      assert.deepStrictEqual(yield* staleAfterChange(key, "1"), [])
      assert.strictEqual((yield* holds(key)).value, "2")
      yield* until(
        "the old one's leaving",
        Effect.sync(() => events),
        (all) => all.some((event) => event._tag === "Down" && event.cause === "left" && event.server === old.node)
      )
    }))

  test("of a primary that is frozen or cut off from its cluster are proven no more", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ downAfter: 500 })
      const [cut, ...others] = fleet.servers
      const { client } = yield* connect({ url: fleet.url })
      const key = keyOf(0, "n:k")
      yield* client.send("SET", [key, "1"])
      const { events, holds, staleAfterChange } = yield* nearReaders(client)
      yield* holds(key)

      yield* Effect.forEach(others, ({ freeze }) => freeze, { discard: true })
      yield* until(
        "its word that it is cut off",
        Effect.sync(() => events),
        (all) => all.some((event) => event._tag === "Everything" && event.reason === "CLUSTERDOWN")
      )
      const proofs = () => events.filter((event) => event._tag === "Proof" && event.server === cut!.node).length
      const before = proofs()
      yield* pause(300)
      assert.strictEqual(proofs(), before)
      yield* Effect.forEach(others, ({ thaw }) => thaw, { discard: true })
      yield* fleet.settled

      yield* holds(key)
      yield* cut!.freeze
      const next = others[2]!
      yield* until("the new primary", next.call("SET", key, "2"), (reply) => reply === "OK")
      assert.deepStrictEqual(yield* staleAfterChange(key, "1"), [])
      assert.strictEqual((yield* holds(key)).value, "2")
      yield* cut!.thaw
    }))
})

describe("near values of a primary with sentinels", () => {
  const { connect } = connector(ValkeySentinel.layer)

  test("follow the primary, whether it is replaced or frozen", () =>
    Effect.gen(function* () {
      const fleet = yield* startSentinelFleet({ downAfter: 500 })
      const { client } = yield* connect({ url: fleet.url })
      yield* client.send("SET", ["n:k", "0"])
      const { events, holds, staleAfterChange } = yield* nearReaders(client)
      const changesOn = Effect.fnUntraced(function* (old: ValkeyServer, value: string) {
        const before = (yield* holds("n:k")).value
        const next = yield* until("another primary", fleet.primary, ({ port }) => port !== old.port)
        yield* until("a write", next.call("SET", "n:k", value), (reply) => reply === "OK")
        assert.deepStrictEqual(yield* staleAfterChange("n:k", before), [])
        assert.strictEqual((yield* holds("n:k")).value, value)
        assert.isTrue(
          events.some((event) => event._tag === "Down" && event.cause === "left" && event.server === old.node)
        )
        return next
      })
      const first = yield* fleet.primary
      yield* holds("n:k")
      yield* fleet.sentinels[0]!.call("SENTINEL", "FAILOVER", fleet.name)
      const second = yield* changesOn(first, "1")
      yield* fleet.settled
      yield* holds("n:k")
      yield* second.freeze
      yield* changesOn(second, "2")
      yield* second.thaw
    }))
})

test("near values of a ring end with their server, and another that stands in for it is read each time", () =>
  Effect.gen(function* () {
    const fleet = yield* startRing()
    const { client } = yield* connector(ValkeyRing.layer).connect({
      urls: fleet.urls,
      whenDown: "next",
      probeInterval: 100
    })
    const { each, holds, staleAfterChange } = yield* nearReaders(client)
    for (let i = 0; i < 10; i++) yield* client.send("SET", [`n:k${i}`, "1"])
    const dead = fleet.named(client.serverOf!("n:k0").node)
    const other = ["n:k1", "n:k2", "n:k3", "n:k4", "n:k5", "n:k6"].find(
      (key) => client.serverOf!(key).node !== dead.node
    )!
    for (const key of ["n:k0", other]) yield* holds(key)
    yield* dead.kill
    yield* until("a write", Effect.exit(client.send("SET", ["n:k0", "2"])), Exit.isSuccess)
    assert.deepStrictEqual(yield* staleAfterChange("n:k0", "1"), [])
    for (const { read } of each) assert.deepStrictEqual(yield* read("n:k0"), { value: "2", isNear: false })
    yield* holds(other)

    yield* dead.start
    yield* holds("n:k0")
    yield* dead.call("SET", "n:k0", "3")
    assert.deepStrictEqual(yield* staleAfterChange("n:k0", null), [])
    assert.strictEqual((yield* holds("n:k0")).value, "3")
  }))
