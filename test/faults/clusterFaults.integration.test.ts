/** Faults of a cluster. */
import { isDeepStrictEqual } from "node:util"
import { assert, describe } from "@effect/vitest"
import { Duration, Effect, Fiber, Option, Result, Stream } from "effect"
import { type CacheError, ValkeyCluster } from "effect-vcache"
import { slotOfKey } from "../../src/layers/connection/cluster/slot.ts"
import { type ClusterFleet, startCluster } from "../support/ClusterFleet.ts"
import {
  allTyped,
  connector,
  connectTo,
  expectConnection,
  expectTimeout,
  failureWithin,
  patient,
  profile,
  recovered,
  runChild,
  slack,
  test,
  watchForTraces,
  withCache,
  within
} from "../support/faults.ts"
import { startRaw } from "../support/FakeServer.ts"
import { failures, longestGap, slowest, startLoad } from "../support/load.ts"
import { pause } from "../support/pause.ts"
import { startProxy } from "../support/Proxy.ts"
import { freePort } from "../support/freePort.ts"
import { readSigned, signed, writeSigned } from "../support/signed.ts"
import { until } from "../support/until.ts"
import { startServer } from "../support/ValkeyServer.ts"

watchForTraces()

const { buildEager, connect } = connector(ValkeyCluster.layer)

/** A key of a slot that this primary serves at first. */
const keyOf = (primary: 0 | 1 | 2, name = "k"): string => {
  for (let i = 0; ; i++)
    if (Math.min(2, Math.floor(slotOfKey(`:1:${name}${i}`) / 5461)) === primary) return `${name}${i}`
}

/** Opens the slot between two primaries as a migration does, and moves some of its keys. */
const halfMove = Effect.fnUntraced(function* (fleet: ClusterFleet, slot: number, moved: ReadonlyArray<string>) {
  const from = (yield* fleet.ownerOf(slot))!
  const to = fleet.servers.slice(0, 3).find((server) => server !== from)!
  yield* to.call("CLUSTER", "SETSLOT", slot, "IMPORTING", yield* fleet.idOf(from))
  yield* from.call("CLUSTER", "SETSLOT", slot, "MIGRATING", yield* fleet.idOf(to))
  if (moved.length > 0) yield* from.call("MIGRATE", "127.0.0.1", to.port, "", 0, 5000, "KEYS", ...moved)
})

/** Until the others see the first primary's replica in its place. */
const replaced = (fleet: ClusterFleet) =>
  Effect.forEach(
    [1, 2],
    (asked) =>
      until(
        "a replica in its primary's place",
        fleet.ownerOf(0, fleet.servers[asked]),
        (owner) => owner === fleet.servers[3]
      ),
    { discard: true }
  )

describe("a cluster that cannot be entered", () => {
  test("all servers are down, or are no cluster, or want a password, or say nothing", () =>
    Effect.gen(function* () {
      const ports = yield* Effect.promise(() => Promise.all([freePort(), freePort()]))
      const nodes = ports.map((port) => ({ host: "127.0.0.1", port }))
      expectConnection(
        yield* failureWithin(profile.connectTimeout, buildEager({ nodes })),
        "connect",
        false,
        "NO_NODES"
      )
      const { cache, client } = yield* connect({ nodes })
      for (let i = 0; i < 3; i++) {
        expectConnection(yield* failureWithin(50, cache.get("k")), "connect", false, "NO_NODES")
        expectConnection(yield* failureWithin(50, cache.keys()), "connect", false, "NO_NODES")
      }
      assert.strictEqual((yield* client.state)._tag, "Degraded")
      assert.isFalse((yield* cache.health).ready)

      const single = yield* startServer()
      expectConnection(yield* failureWithin(300, buildEager({ nodes: [single] })), "connect", false, "NOT_A_CLUSTER")
      const locked = yield* startServer("--cluster-enabled", "yes", "--requirepass", "SECRET")
      expectConnection(yield* failureWithin(300, buildEager({ nodes: [locked] })), "connect", false, "NOAUTH")
      const wrong = { nodes: [locked], password: "SECRETwrong" }
      expectConnection(yield* failureWithin(300, buildEager(wrong)), "connect", false, "WRONGPASS")
      const empty = { nodes: [locked], password: "SECRET" }
      expectConnection(yield* failureWithin(300, buildEager(empty)), "connect", false, "CLUSTERDOWN")

      const silent = yield* startRaw(() => undefined)
      const mute = { nodes: [{ host: "127.0.0.1", port: silent.port }] }
      assert.strictEqual((yield* failureWithin(profile.connectTimeout, buildEager(mute)))._tag, "CacheConnectionError")
      const waiting = yield* connect(mute)
      expectTimeout(yield* failureWithin(profile.commandTimeout, waiting.cache.get("k")), "connect", false)
    }))

  test("one server that answers is enough, and a frozen one delays by a hedge only", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ replicas: 0 })
      const gone = yield* Effect.promise(freePort)
      const silent = yield* startRaw(() => undefined)
      const nodes = [
        { host: "127.0.0.1", port: gone },
        { host: "127.0.0.1", port: silent.port },
        { host: "127.0.0.1", port: fleet.servers[2]!.port }
      ]
      const { cache } = yield* within(500, buildEager({ nodes }))
      for (const primary of [0, 1, 2] as const) assert.isTrue(yield* cache.set(keyOf(primary), primary))
      assert.isTrue((yield* cache.health).ready)
    }))
})

test("a server without the host name that the cluster prefers is found by its address", () =>
  Effect.gen(function* () {
    const fleet = yield* startCluster({ replicas: 0 })
    for (const [i, server] of fleet.servers.entries()) {
      yield* server.call("CONFIG", "SET", "cluster-preferred-endpoint-type", "hostname")
      if (i < 2) yield* server.call("CONFIG", "SET", "cluster-announce-hostname", "localhost")
    }
    yield* until(
      "the names of two servers, and of one none",
      Effect.map(fleet.servers[0]!.call("CLUSTER", "SLOTS"), JSON.stringify),
      (slots) => slots.split('"localhost"').length === 3 && slots.includes('"?"')
    )
    const { cache, client } = yield* connect({ url: fleet.url })
    for (const primary of [0, 1, 2] as const) assert.isTrue(yield* cache.set(keyOf(primary), primary))
    assert.deepStrictEqual(yield* client.state, { _tag: "Ready" })
  }))

test("slots of a server whose address nobody knows fail alone", () =>
  Effect.gen(function* () {
    const server: { port: number } = yield* startRaw(([name, second]) => {
      if (name === "PING") return "+PONG\r\n"
      if (name === "GET") return "$-1\r\n"
      if (name !== "CLUSTER" || second !== "SLOTS") return "+OK\r\n"
      const range = (start: number, end: number, host: string) =>
        `*3\r\n:${start}\r\n:${end}\r\n*3\r\n$${host.length}\r\n${host}\r\n:${server.port}\r\n$1\r\nx\r\n`
      return `*2\r\n${range(0, 8191, "127.0.0.1")}${range(8192, 16_383, "?")}`
    })
    const { cache, client } = yield* connect({ nodes: [{ host: "127.0.0.1", port: server.port }] })
    assert.deepStrictEqual(yield* cache.get(keyOf(0)), Option.none())
    assert.strictEqual((yield* client.state)._tag, "Degraded")
  }))

describe("keys and slots", () => {
  test("batches, scans and whole-server commands reach every primary, in order, each key once", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ replicas: 0 })
      const { cache, client } = yield* connect({ ...patient, url: fleet.url })
      const entries = Array.from({ length: 3000 }, (_, i) => [`k${i}`, i] as const)
      assert.deepStrictEqual(yield* cache.setMany(entries), [])
      const found = yield* cache.getMany(["missing", ...entries.map(([key]) => key)])
      assert.deepStrictEqual(new Map<string, unknown>(found), new Map<string, unknown>(entries))
      assert.deepStrictEqual(
        [...found.keys()],
        entries.map(([key]) => key)
      )
      for (const server of fleet.servers) assert.isAbove(Number(yield* server.call("DBSIZE")), 500)
      assert.strictEqual(yield* client.send("DBSIZE", []), 3000)
      assert.strictEqual((yield* cache.keys()).length, 3000)
      assert.strictEqual((yield* Stream.runCollect(cache.scan("k1*"))).length, 1111)
      assert.deepStrictEqual(
        [...(yield* client.info("server")).keys()].toSorted(),
        fleet.servers.map(({ node }) => node).toSorted()
      )
      assert.strictEqual(yield* cache.deleteMany(["k0", "k1", "k2", "missing"]), 3)
      assert.strictEqual(yield* cache.deletePattern("k1*"), 1110)
      assert.deepStrictEqual(
        yield* client.send(
          "MGET",
          ["k3", "nobody", "k4", "k3"].map((key) => cache.makeKey(key))
        ),
        ["3", null, "4", "3"]
      )
      assert.strictEqual(
        yield* client.send(
          "EXISTS",
          ["k3", "k4", "nobody"].map((key) => cache.makeKey(key))
        ),
        2
      )
      assert.strictEqual(yield* client.send("MSET", ["a", 1, "b", 2, "c", 3]), "OK")
      const odd = yield* Effect.flip(client.send("MSET", ["a", 1, "b"]))
      assert.strictEqual(odd._tag, "CacheInputError")
      yield* cache.withOptions({ prefix: "other" }).set("k", 1)
      assert.isAbove(yield* cache.clear, 1800)
      assert.strictEqual(yield* cache.withOptions({ prefix: "other" }).clear, 1)
      yield* cache.flushAll
      for (const server of fleet.servers) assert.strictEqual(yield* server.call("DBSIZE"), 0)
    }))

  test("each primary's part of a batch goes out in one write", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ replicas: 0 })
      const proxies = yield* Effect.forEach(fleet.servers, ({ port }) => startProxy(port))
      const natMap = Object.fromEntries(
        fleet.servers.map(({ node }, i) => [node, { host: "127.0.0.1", port: proxies[i]!.port }])
      )
      const nodes = proxies.map(({ port }) => ({ host: "127.0.0.1", port }))
      const { cache, client } = yield* connect({ ...patient, nodes, natMap })
      const entries = Array.from({ length: 300 }, (_, i) => [`k${i}`, i] as const)
      assert.deepStrictEqual(yield* cache.setMany(entries.map(([key]) => [key, "warm"] as const)), [])
      const writesOf = (effect: Effect.Effect<unknown, CacheError>) =>
        Effect.gen(function* () {
          for (const proxy of proxies) proxy.writes = 0
          yield* effect
          return proxies.map(({ writes }) => writes)
        })
      for (const batch of [
        cache.setMany(entries),
        cache.getMany(entries.map(([key]) => key)),
        client.pipeline(entries.map(([key]) => ({ name: "GET", args: [cache.makeKey(key)] }))),
        cache.deleteMany(entries.map(([key]) => key))
      ]) {
        assert.deepStrictEqual(yield* writesOf(batch), [1, 1, 1])
      }
      assert.deepStrictEqual([...(yield* client.info("server")).keys()].length, 3)
    }))

  test("what needs one slot says so where there are several, before anything is sent", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ replicas: 0 })
      const { cache, client } = yield* connect({ ...patient, url: fleet.url })
      const [a, b] = [keyOf(0), keyOf(1)]
      assert.deepStrictEqual(yield* cache.setMany({ [a]: 1, [b]: 2 }), [])
      const both = [cache.makeKey(a), cache.makeKey(b)]
      const script = { name: "both", lua: "return redis.call('SET', KEYS[1], 9)" }
      for (const operation of [
        client.transaction(both.map((key) => ({ name: "SET", args: [key, 9] }))),
        client.eval(script, both, []),
        client.send("RENAME", both),
        client.send("SINTERSTORE", both),
        client.send("MSETNX", [both[0]!, 1, both[1]!, 2])
      ]) {
        const error = yield* Effect.flip(operation)
        assert.strictEqual(error._tag, "CacheUnsupportedError")
        assert.include(error.message, "{tag}")
      }
      assert.deepStrictEqual(
        [...(yield* cache.getMany([a, b]))],
        [
          [a, 1],
          [b, 2]
        ]
      )
      // Within a slot all of it works.
      const tagged = ["{t}a", "{t}b"].map((key) => cache.makeKey(key))
      assert.deepStrictEqual(yield* client.transaction(tagged.map((key) => ({ name: "SET", args: [key, 9] }))), [
        "OK",
        "OK"
      ])
      assert.strictEqual(yield* client.eval(script, tagged, []), "OK")
      assert.strictEqual(yield* client.send("RENAME", tagged), "OK")
    }))

  test("a value moves between slots with its lifetime, and no write to it is lost", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ replicas: 0 })
      const { cache } = yield* connect({ ...patient, url: fleet.url })
      const [a, b] = [keyOf(0), keyOf(1)]
      yield* cache.set(a, "value", { timeToLive: "1 minute" })
      assert.isTrue(yield* cache.rename(a, b))
      assert.isFalse(yield* cache.has(a))
      assert.deepStrictEqual(yield* cache.get(b), Option.some("value"))
      const lifetime = Duration.toSeconds(Option.getOrThrow(yield* cache.ttl(b)))
      assert.isTrue(lifetime > 50 && lifetime <= 60)
      yield* cache.set(a, "other", { timeToLive: "Infinity" })
      assert.isFalse(yield* cache.rename(b, a, { overwrite: false }))
      assert.deepStrictEqual(yield* cache.get(b), Option.some("value"))
      assert.strictEqual((yield* Effect.flip(cache.rename("nobody", a)))._tag, "CacheMissError")
      // Counted while it moves to and fro: every count is somewhere.
      yield* cache.set("n", 0)
      const counting = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 200 }), () => cache.incr("n", 1, { initial: 0 }), { discard: true })
      )
      yield* Effect.forEach([1, 2, 3], (i) => Effect.ignore(cache.rename("n", `moved${i}`)))
      yield* Fiber.join(counting)
      const counts = yield* cache.getMany(["n", "moved1", "moved2", "moved3"])
      assert.strictEqual(
        [...counts.values()].reduce<number>((sum, count) => sum + Number(count), 0),
        200
      )
    }))

  test("WATCH and MULTI on a connection of one's own stay on one server", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ replicas: 0 })
      const { client } = yield* connect({ ...patient, url: fleet.url })
      yield* Effect.scoped(
        Effect.gen(function* () {
          const own = yield* client.dedicated
          for (const key of ["a", "b", "c", "d"]) {
            yield* own.send("WATCH", [key])
            yield* own.send("MULTI", [])
            assert.strictEqual(yield* own.send("SET", [key, 1]), "QUEUED")
            assert.deepStrictEqual(yield* own.send("EXEC", []), ["OK"])
            yield* own.send("WATCH", [key])
            yield* client.send("SET", [key, 2])
            yield* own.send("MULTI", [])
            yield* own.send("SET", [key, 3])
            assert.isNull(yield* own.send("EXEC", []))
            assert.strictEqual(yield* own.send("GET", [key]), "2")
          }
          assert.strictEqual((yield* Effect.flip(own.send("MULTI", [])))._tag, "CacheUnsupportedError")
        })
      )
    }))
})

describe("slots that move", () => {
  test("in the middle of a move every key is found where it is, alone and in batches", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ replicas: 0 })
      const { cache, client } = yield* connect({ url: fleet.url, commandTimeout: 2000 })
      const keys = Array.from({ length: 20 }, (_, i) => `{half}${i}`)
      assert.deepStrictEqual(yield* cache.setMany(keys.map((key, i) => [key, i] as const)), [])
      const moved = keys.slice(0, 10).map((key) => cache.makeKey(key))
      yield* halfMove(fleet, slotOfKey("half"), moved)
      assert.deepStrictEqual(
        [...(yield* cache.getMany(keys)).values()],
        keys.map((_, i) => i)
      )
      for (const [i, key] of keys.entries()) assert.deepStrictEqual(yield* cache.get(key), Option.some(i))
      const piped = yield* client.pipeline(keys.map((key) => ({ name: "GET", args: [cache.makeKey(key)] })))
      assert.deepStrictEqual(
        piped.map((result) => Result.getOrThrow(result)),
        keys.map((_, i) => String(i))
      )
      // A transaction over keys that are in two places must wait for the move, and says so.
      const both = [keys[0]!, keys[15]!].map((key) => ({ name: "INCR", args: [cache.makeKey(key)] }))
      const error = yield* failureWithin(2000, client.transaction(both))
      // Where the machine is slow the deadline meets it while it is asked for once more.
      assert.include(["TRYAGAIN", "SLOT_MOVING", "CacheTimeoutError"], "code" in error ? error.code : error._tag)
      // One over keys that have moved does not.
      const there = [keys[0]!, keys[1]!].map((key) => ({ name: "INCR", args: [cache.makeKey(key)] }))
      assert.deepStrictEqual(yield* client.transaction(there), [1, 2])
      yield* cache.set(keys[3]!, "new")
      assert.strictEqual(yield* cache.incr(keys[4]!), 5)
      assert.deepStrictEqual((yield* Stream.runCollect(cache.scan("{half}*"))).toSorted(), keys.toSorted())
      assert.strictEqual(yield* cache.deleteMany(keys), 20)
    }))

  test("two hundred slots under load: no failure, no wrong value, no key that is missed", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ replicas: 0 })
      const { cache, client } = yield* connect({ url: fleet.url, commandTimeout: 2000 })
      const keys = Array.from({ length: 2000 }, (_, i) => `k${i}`)
      const written = keys.map((key) => [key, signed(key, "test")] as const)
      assert.deepStrictEqual(yield* cache.setMany(written), [])
      let isRunning = true
      let operations = 0
      const problems: Array<unknown> = []
      const isWrong = (value: unknown, key: string) => !isDeepStrictEqual(value, signed(key, "test"))
      const worker = (seed: number) =>
        Effect.gen(function* () {
          for (let i = seed; isRunning; i += 7) {
            const key = keys[i % keys.length]!
            const batch = [0, 1, 2, 3, 4].map((j) => keys[(i + j * 31) % keys.length]!)
            const one = yield* Effect.result(cache.get(key))
            if (Result.isFailure(one) || isWrong(Option.getOrUndefined(one.success), key)) problems.push([key, one])
            const many = yield* Effect.result(cache.getMany(batch))
            if (Result.isFailure(many) || batch.some((key) => isWrong(many.success.get(key), key)))
              problems.push([batch, many])
            const set = yield* Effect.result(writeSigned(cache, key, "test"))
            if (Result.isFailure(set)) problems.push([key, set])
            // A number of this key and this writer alone.
            const own = `w${seed}:${i}`
            const number = i * 10 + seed
            const swap = yield* Effect.result(
              Effect.andThen(cache.set(own, number), Effect.andThen(cache.incr(own), cache.getAndDelete(own)))
            )
            if (Result.isFailure(swap) || Option.getOrUndefined(swap.success) !== number + 1) problems.push([own, swap])
            const final = cache.makeKey(`{tx${i % 50}}`)
            const transaction = yield* Effect.result(
              client.transaction([
                { name: "SET", args: [final, number] },
                { name: "INCR", args: [final] }
              ])
            )
            if (Result.isFailure(transaction) || transaction.success[1] !== number + 1)
              problems.push([final, transaction])
            operations += 8
          }
        })
      const workers = yield* Effect.forkChild(
        Effect.forEach([0, 1, 2, 3, 4], worker, { concurrency: "unbounded", discard: true })
      )
      yield* pause(100)
      const slots = Array.from({ length: 200 }, (_, i) => i)
      yield* fleet.move(slots, fleet.servers[0]!, fleet.servers[1]!)
      const found = yield* cache.keys("k*")
      assert.strictEqual(new Set(found).size, keys.length)
      yield* fleet.move(slots, fleet.servers[1]!, fleet.servers[2]!)
      yield* until(
        "1000 operations",
        Effect.sync(() => operations),
        (count) => count >= 1000
      )
      isRunning = false
      yield* Fiber.join(workers)
      assert.deepStrictEqual(problems.slice(0, 3), [])
    }))
})

describe("servers that fail", () => {
  test("a primary is killed: typed failures in time, its replica takes over, the others go on", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ fullCoverage: "no" })
      const { cache, client } = yield* connect({ url: fleet.url })
      const [lost, healthy] = [keyOf(0), keyOf(1)]
      for (const key of [lost, healthy]) yield* writeSigned(cache, key, "test")
      yield* fleet.servers[0]!.replicated(1)
      const loads = yield* Effect.forEach([lost, healthy], (key) =>
        startLoad(20, (i) => writeSigned(cache, `{${key}}${i}`, "load", i))
      )
      const onLost = yield* startLoad(20, () => readSigned(cache, lost, "test"))
      const onHealthy = yield* startLoad(20, () => readSigned(cache, healthy, "test"))
      yield* pause(300)
      yield* fleet.setDownAfter(1000)
      yield* fleet.servers[0]!.kill
      yield* replaced(fleet)
      yield* within(1000, recovered(readSigned(cache, lost, "test")))
      yield* pause(300)
      const outcomes = (yield* Effect.forEach(loads, ({ stop }) => stop)).flat()
      const reads = yield* onLost.stop
      assert.deepStrictEqual(failures(yield* onHealthy.stop), [])
      allTyped([...failures(outcomes), ...failures(reads)])
      assert.isBelow(Math.max(slowest(outcomes), slowest(reads)), profile.commandTimeout + slack)
      // A value that was replicated is never a miss.
      for (const { result } of reads) {
        if (Result.isSuccess(result)) assert.isTrue(Option.isSome(result.success))
      }
      assert.deepStrictEqual(yield* client.state, { _tag: "Ready" })
      assert.isTrue((yield* cache.health).ready)
    }))

  test("frozen: operations time out until its replica takes over", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ fullCoverage: "no" })
      const { cache } = yield* connect({ url: fleet.url })
      const key = keyOf(0)
      yield* writeSigned(cache, key, "test")
      yield* fleet.servers[0]!.replicated(1)
      yield* fleet.setDownAfter(1000)
      yield* fleet.servers[0]!.freeze
      const read = readSigned(cache, key, "test")
      const load = yield* startLoad(50, () => read)
      yield* replaced(fleet)
      yield* within(1000, recovered(read))
      const outcomes = yield* load.stop
      allTyped(failures(outcomes))
      assert.isBelow(slowest(outcomes), profile.commandTimeout + slack)
      yield* fleet.servers[0]!.thaw
      for (let i = 0; i < 20; i++) {
        assert.isTrue(Option.isSome(yield* recovered(read)))
        yield* pause(10)
      }
    }))

  test("a failover by an operator: next to nothing is noticed", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster()
      const { cache } = yield* connect({ ...patient, url: fleet.url })
      const load = yield* startLoad(5, (i) => writeSigned(cache, `k${i}`, "load", i))
      yield* pause(200)
      yield* fleet.servers[3]!.call("CLUSTER", "FAILOVER")
      yield* pause(1000)
      const outcomes = yield* load.stop
      allTyped(failures(outcomes))
      assert.isAtMost(failures(outcomes).length, outcomes.length / 100)
      assert.isBelow(longestGap(outcomes), 100 + slack)
      for (const { index, result } of outcomes) {
        if (Result.isFailure(result)) continue
        assert.deepStrictEqual(yield* cache.get(`k${index}`), Option.some(signed(`k${index}`, "load", index)))
      }
    }))

  test("slots that nobody serves fail alone where the cluster allows it, and the state says so", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ replicas: 0, fullCoverage: "no" })
      const { cache, client } = yield* connect({ url: fleet.url })
      const [lost, healthy] = [keyOf(2), keyOf(1)]
      assert.deepStrictEqual(yield* cache.setMany({ [lost]: 1, [healthy]: 2 }), [])
      yield* fleet.setDownAfter(500)
      yield* fleet.servers[2]!.kill
      for (let i = 0; i < 20; i++) {
        const error = yield* failureWithin(100 + 385, cache.get(lost))
        assert.match(error._tag, /^Cache(?:Connection|Server)Error$/)
        assert.deepStrictEqual(yield* cache.get(healthy), Option.some(2))
        yield* pause(50)
      }
      // The whole fails where a part must: a batch is not silently shorter.
      assert.match((yield* Effect.flip(cache.getMany([lost, healthy])))._tag, /^Cache(?:Connection|Server)Error$/)
      assert.strictEqual((yield* client.state)._tag, "Degraded")
      assert.isFalse((yield* cache.health).ready)
      yield* fleet.servers[2]!.start
      yield* fleet.settled
      yield* within(1000, recovered(cache.set(lost, 3)))
    }))

  test("a server that is known to be down is the reason, also where the others are too slow to name another one", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ replicas: 0, fullCoverage: "no" })
      const { cache, client } = yield* connect({ url: fleet.url })
      const [lost, healthy] = [keyOf(2), keyOf(1)]
      assert.deepStrictEqual(yield* cache.setMany({ [lost]: 1, [healthy]: 2 }), [])
      yield* fleet.servers[2]!.kill
      expectConnection(yield* failureWithin(485, Effect.andThen(pause(100), cache.get(lost))), "connect", false)
      for (const server of fleet.servers.slice(0, 2)) yield* server.freeze
      // What was just asked is not asked for again.
      yield* pause(100)
      const failing = [cache.get(lost), cache.set(lost, 2), client.send("INCR", [cache.makeKey(lost)])]
      const errors = yield* within(
        profile.commandTimeout,
        Effect.forEach(failing, (operation) => Effect.flip<unknown, CacheError, never>(operation), {
          concurrency: "unbounded"
        })
      )
      for (const error of errors) expectConnection(error, "connect", false, "ECONNREFUSED")
      for (const server of fleet.servers.slice(0, 2)) yield* server.thaw
    }))

  test("reads from replicas, from the primary where there is none", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ fullCoverage: "no" })
      const writer = yield* connect({ url: fleet.url })
      const key = keyOf(0)
      yield* writer.cache.set(key, "v")
      yield* until("a key at the replica", fleet.servers[3]!.call("DBSIZE"), (keys) => keys === 1)
      const reader = yield* connect({ url: fleet.url, readFrom: "replica" })
      const preferring = yield* connect({ url: fleet.url, readFrom: "preferReplica" })
      for (const { cache } of [reader, preferring]) {
        for (let i = 0; i < 10; i++) assert.deepStrictEqual(yield* cache.get(key), Option.some("v"))
      }
      const calls = Number(
        /cmdstat_get:calls=(\d+)/.exec(String(yield* fleet.servers[3]!.call("INFO", "commandstats")))?.[1]
      )
      assert.strictEqual(calls, 20)
      yield* fleet.servers[3]!.kill
      yield* within(1000, recovered(preferring.cache.get(key)))
      const error = yield* failureWithin(100, Effect.andThen(pause(20), reader.cache.get(key)))
      assert.strictEqual(error._tag, "CacheConnectionError")
      assert.isTrue(yield* reader.cache.set(key, "w"))
    }))

  test("closing while servers are frozen, and the process after it", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ replicas: 0 })
      const [outcome, millis] = yield* Effect.promise(() => runChild(fleet.url))
      assert.deepStrictEqual(outcome, { code: 0, stdout: "closed\n", stderr: "" })
      assert.isBelow(millis, 1000 + slack)
      for (const server of fleet.servers) yield* server.freeze
      const [frozen, afterFrozen] = yield* Effect.promise(() => runChild(fleet.url))
      assert.deepStrictEqual(frozen, { code: 0, stdout: "closed\n", stderr: "" })
      assert.isBelow(afterFrozen, 1000 + slack)
    }))

  test("raw is iovalkey's own cluster client", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ replicas: 0 })
      const { cache, client } = yield* connect({ url: fleet.url })
      yield* cache.set("k", 1)
      const raw = yield* client.raw
      assert.isTrue(raw.isCluster)
      assert.strictEqual(yield* client.use((raw) => raw.get(":1:k")), "1")
      const gone = yield* connect({ nodes: [{ host: "127.0.0.1", port: yield* Effect.promise(freePort) }] })
      assert.strictEqual((yield* failureWithin(profile.connectTimeout, gone.client.raw))._tag, "CacheConnectionError")
    }))
})

test("slots are those of the server, for keys of every form", () =>
  Effect.gen(function* () {
    const server = yield* startServer("--cluster-enabled", "yes")
    const { client } = yield* connectTo(withCache(ValkeyCluster.layer({ ...profile, nodes: [server] })))
    yield* server.call("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
    const keys = [
      "",
      "a",
      "{",
      "}",
      "{}",
      "{}a}",
      "{}{a}",
      "a{b}c",
      "{{a}}",
      "a}{b}",
      "{ü}x",
      "ключ",
      "𝕏{",
      "{a}{b}",
      "k{}{}"
    ]
    for (const key of keys) {
      assert.strictEqual(slotOfKey(key), yield* server.call("CLUSTER", "KEYSLOT", key), key)
      assert.strictEqual(slotOfKey(Buffer.from(key)), slotOfKey(key), key)
    }
    assert.strictEqual(client.topology, "cluster")
  }))
