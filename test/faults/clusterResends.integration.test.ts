/** What is sent again because a server of a cluster refused it: not over something newer, and not for ever. */
import { assert, describe } from "@effect/vitest"
import { Effect, Fiber, Option } from "effect"
import { type CacheError, type TypedCache, ValkeyCluster } from "effect-vcache"
import { slotOfKey } from "../../src/layers/connection/cluster/slot.ts"
import { type ClusterFleet, startCluster } from "../support/ClusterFleet.ts"
import { connector, expectConnection, profile, slack, test, timed, watchForTraces } from "../support/faults.ts"
import { startFake } from "../support/FakeServer.ts"
import { pause } from "../support/pause.ts"
import { until } from "../support/until.ts"

watchForTraces()

const { connect } = connector(ValkeyCluster.layer)

const bulk = (text: string | undefined) =>
  text === undefined ? "$-1\r\n" : `$${Buffer.byteLength(text)}\r\n${text}\r\n`

/** A cluster of one server, which refuses to store what is called old as long as it is down. */
const startRefusing = Effect.gen(function* () {
  const data = new Map<string, string>()
  const cluster = { isDown: false, refused: 0, port: 0 }
  const answer = ([name = "", key = "", value = "", ...more]: ReadonlyArray<string>): string => {
    switch (name) {
      case "CLUSTER":
        return `*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n${bulk("127.0.0.1")}:${cluster.port}\r\n${bulk("id")}`
      case "GET":
        return bulk(data.get(key))
      case "MGET":
        return `*${[key, value, ...more].filter((key) => key !== "").length}\r\n${[key, value, ...more]
          .filter((key) => key !== "")
          .map((key) => bulk(data.get(key)))
          .join("")}`
      case "SET":
        if (cluster.isDown && value.includes("old")) {
          cluster.refused++
          return "-CLUSTERDOWN The cluster is down\r\n"
        }
        data.set(key, value)
        return "+OK\r\n"
      case "UNLINK":
        return `:${Number(data.delete(key))}\r\n`
      case "SCAN":
        return `*2\r\n${bulk("0")}*${data.size}\r\n${[...data.keys()].map(bulk).join("")}`
      default:
        return "+OK\r\n"
    }
  }
  const { port } = yield* startFake(answer)
  cluster.port = port
  return cluster
})

/** Until it has refused to store something, and again what was sent again. */
const hasRefused = (cluster: { readonly refused: number }) =>
  until(
    "two refusals",
    Effect.sync(() => cluster.refused),
    (refused) => refused >= 2,
    { every: 1 }
  )

describe("a lookup's value that waits for the cluster is not stored over what is newer", () => {
  const old = Effect.as(Effect.sleep(20), "old")
  const lookups: Readonly<Record<string, (cache: TypedCache<unknown>) => Effect.Effect<unknown, CacheError>>> = {
    getOrSet: (cache) => cache.getOrSet("k", old),
    refresh: (cache) => cache.refresh("k", old),
    getOrSetMany: (cache) => cache.getOrSetMany(["k"], () => Effect.map(old, (value) => [["k", value] as const]))
  }
  const changes: Readonly<Record<string, (cache: TypedCache<unknown>) => Effect.Effect<unknown, CacheError>>> = {
    set: (cache) => cache.set("k", "new"),
    setMany: (cache) => cache.setMany({ k: "new" }),
    delete: (cache) => cache.delete("k"),
    clear: (cache) => cache.clear
  }
  for (const [asked, lookUp] of Object.entries(lookups)) {
    for (const [change, apply] of Object.entries(changes)) {
      test(`${asked}, ${change}`, () =>
        Effect.gen(function* () {
          const cluster = yield* startRefusing
          const { cache } = yield* connect({ nodes: [{ host: "127.0.0.1", port: cluster.port }] })
          yield* cache.set("warm", 1)
          cluster.isDown = true
          const asking = yield* Effect.forkChild(lookUp(cache))
          yield* hasRefused(cluster)
          yield* apply(cache)
          cluster.isDown = false
          // Who asked gets what was looked up, stored or not.
          const given = yield* Fiber.join(asking)
          assert.strictEqual(given instanceof Map ? given.get("k") : given, "old")
          yield* pause(150)
          const expected = change.startsWith("set") ? Option.some("new") : Option.none()
          assert.deepStrictEqual(yield* cache.get("k"), expected)
        }))
    }
  }

  test("and is stored where nothing has changed", () =>
    Effect.gen(function* () {
      const cluster = yield* startRefusing
      const { cache } = yield* connect({ nodes: [{ host: "127.0.0.1", port: cluster.port }] })
      cluster.isDown = true
      const asking = yield* Effect.forkChild(cache.getOrSet("k", old))
      yield* hasRefused(cluster)
      cluster.isDown = false
      yield* Fiber.join(asking)
      yield* until("the value is stored", cache.get("k"), Option.isSome)
      assert.deepStrictEqual(yield* cache.get("k"), Option.some("old"))
    }))
})

/** Two servers that name each other as the slot's owner, as in the middle of an unlucky move. */
const unsettle = Effect.fnUntraced(function* (fleet: ClusterFleet, slot: number) {
  const one = (yield* fleet.ownerOf(slot))!
  const other = fleet.servers.find((server) => server !== one)!
  const ids = [yield* fleet.idOf(one), yield* fleet.idOf(other)] as const
  yield* one.call("CLUSTER", "SETSLOT", slot, "NODE", ids[1])
  yield* other.call("CLUSTER", "SETSLOT", slot, "NODE", ids[0])
  return Effect.andThen(
    other.call("CLUSTER", "SETSLOT", slot, "NODE", ids[1]),
    one.call("CLUSTER", "SETSLOT", slot, "NODE", ids[1])
  )
})

describe("a slot that two servers send to each other", () => {
  test("is waited for within the deadline, by single commands, batches and transactions", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ replicas: 0 })
      const { cache, client } = yield* connect({ url: fleet.url, commandTimeout: 2000 })
      yield* cache.get("{t}0")
      const settle = yield* unsettle(fleet, slotOfKey("t"))
      const key = cache.makeKey("{t}counter")
      const work = Array.from({ length: 16 }, (_, i) =>
        Effect.gen(function* () {
          yield* cache.set(`{t}${i}`, i)
          assert.deepStrictEqual(yield* cache.get(`{t}${i}`), Option.some(i))
          yield* client.transaction([
            { name: "INCR", args: [key] },
            { name: "GET", args: [key] }
          ])
          assert.deepStrictEqual(yield* cache.getMany([`{t}${i}`]), new Map([[`{t}${i}`, i]]))
        })
      )
      const working = yield* Effect.forkChild(Effect.all(work, { concurrency: "unbounded" }))
      yield* pause(400)
      yield* settle
      yield* Fiber.join(working)
      // Each once, though they were sent again many times.
      assert.strictEqual(yield* client.send("GET", [key]), "16")
    }))

  test("is a typed failure when the deadline is over, and never MOVED", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ replicas: 0 })
      const { cache, client } = yield* connect({ url: fleet.url })
      yield* cache.get("{t}0")
      const settle = yield* unsettle(fleet, slotOfKey("t"))
      const key = cache.makeKey("{t}k")
      const failing: ReadonlyArray<Effect.Effect<unknown, CacheError>> = [
        cache.set("{t}k", 1),
        cache.getMany(["{t}a", "{t}b"]),
        client.transaction([{ name: "INCR", args: [key] }]),
        client.eval({ name: "count", lua: "return redis.call('INCR', KEYS[1])" }, [key], []),
        Effect.scoped(Effect.flatMap(client.dedicated, (own) => own.send("WATCH", [key])))
      ]
      const [errors, millis] = yield* timed(Effect.forEach(failing, Effect.flip, { concurrency: "unbounded" }))
      for (const error of errors) {
        // The deadline may meet it between two pauses.
        if (error._tag === "CacheTimeoutError") continue
        expectConnection(error, "connect", false, "SLOT_MOVING")
      }
      assert.include(
        errors.map(({ _tag }) => _tag),
        "CacheConnectionError"
      )
      assert.isBelow(millis, profile.commandTimeout + slack)
      yield* settle
      assert.isTrue(yield* cache.set("{t}k", 1))
    }))

  test("WATCH follows its key; a transaction that has begun elsewhere fails typed", () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ replicas: 0 })
      const { cache, client } = yield* connect({ url: fleet.url })
      const slot = slotOfKey("t")
      const key = cache.makeKey("{t}k")
      yield* cache.set("{t}k", 1)
      const from = (yield* fleet.ownerOf(slot))!
      const [to, next] = fleet.servers.filter((server) => server !== from)
      yield* fleet.move([slot], from, to!)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const own = yield* client.dedicated
          yield* own.send("WATCH", [key])
          yield* own.send("MULTI", [])
          assert.strictEqual(yield* own.send("SET", [key, 2]), "QUEUED")
          assert.deepStrictEqual(yield* own.send("EXEC", []), ["OK"])
          yield* own.send("WATCH", [key])
          yield* fleet.move([slot], to!, next!)
          expectConnection(yield* Effect.flip(own.send("GET", [key])), "connect", false, "SLOT_MOVING")
        })
      )
      assert.strictEqual(yield* client.send("GET", [key]), "2")
    }))
})
