/** A primary that has been replaced is left by every connection that there is, and nothing of what it says later counts. */
import { assert, describe } from "@effect/vitest"
import { Effect, Fiber, Option, type Scope, Stream } from "effect"
import { type CacheError, type ConnectionOptions, ValkeyStandalone } from "effect-vcache"
import { slotOfKey } from "../../src/layers/connection/cluster/slot.ts"
import { type ClusterFleet, startCluster } from "../support/ClusterFleet.ts"
import {
  connect,
  connectTo,
  expectConnection,
  profile,
  recovered,
  test,
  watchForTraces,
  withCache
} from "../support/faults.ts"
import { pause } from "../support/pause.ts"
import { startSentinelFleet } from "../support/SentinelFleet.ts"
import { until } from "../support/until.ts"
import { startServer, type ValkeyServer } from "../support/ValkeyServer.ts"

watchForTraces()

/** What both kinds of fleet are here: who serves a key now, and how an operator replaces that server. */
interface Fleet {
  readonly url: string
  readonly primaryOf: (key: string) => Effect.Effect<ValkeyServer>
  readonly replace: (primary: ValkeyServer) => Effect.Effect<unknown>
  readonly settled: Effect.Effect<void>
}

/** A frozen server is replaced soon, or never where the machine is merely busy. */
const soon = { downAfter: 500 }

type Start = (options?: typeof soon) => Effect.Effect<Fleet, never, Scope.Scope>

const sentinels: Start = (options) =>
  Effect.map(startSentinelFleet(options), (fleet) => ({
    url: fleet.url,
    primaryOf: () => fleet.primary,
    replace: () => fleet.sentinels[1]!.call("SENTINEL", "FAILOVER", fleet.name),
    settled: fleet.settled
  }))

const ownerNow = (fleet: ClusterFleet, key: string): Effect.Effect<ValkeyServer> => {
  const named = Effect.gen(function* () {
    for (const server of fleet.servers) {
      // One of them may be frozen.
      const owner = yield* Effect.timeoutOption(fleet.ownerOf(slotOfKey(key), server), 100)
      if (Option.isSome(owner) && owner.value !== undefined) return Option.some(owner.value)
    }
    return Option.none<ValkeyServer>()
  })
  return Effect.map(until(`a server that names the owner of ${key}`, named, Option.isSome), Option.getOrThrow)
}

const cluster: Start = (options) =>
  Effect.map(startCluster(options), (fleet) => ({
    url: fleet.url,
    primaryOf: (key) => ownerNow(fleet, key),
    replace: (primary) => fleet.servers[fleet.servers.indexOf(primary) + 3]!.call("CLUSTER", "FAILOVER"),
    settled: fleet.settled
  }))

/** Connections of that name at the server, by id. */
const namedAt = (server: ValkeyServer, name: string) =>
  Effect.map(
    server.call("CLIENT", "LIST"),
    (list) =>
      new Set(
        String(list)
          .split("\n")
          .filter((line) => line.includes(` name=${name} `))
          .map((line) => /id=(\d+)/.exec(line)?.[1])
      )
  )

const options = { clientName: "ours" } satisfies ConnectionOptions

for (const [topology, start] of [
  ["sentinels", sentinels],
  ["a cluster", cluster]
] as const) {
  describe(topology, () => {
    test("a follower of a stream misses nothing of what the new primary has, though the old one thaws", () =>
      Effect.gen(function* () {
        const fleet = yield* start(soon)
        const { cache } = yield* connect(fleet.url)
        const follower = yield* connect(fleet.url)
        const key = cache.makeKey("log")
        const log = cache.stream("log")
        const followed: Array<unknown> = []
        yield* log.add({ n: "first" })
        const following = yield* Effect.forkChild(
          Stream.runForEach(follower.cache.stream("log").follow({ after: "0" }), ({ fields, id }) =>
            Effect.sync(() => followed.push([id, fields.get("n")]))
          )
        )
        let isRunning = true
        const adding = yield* Effect.forkChild(
          Effect.gen(function* () {
            for (let n = 0; isRunning; n++) {
              // Not one after the other: some wait at the frozen server while others are added to the new one.
              yield* Effect.forkChild(Effect.ignore(log.add({ n })))
              yield* pause(20)
            }
          })
        )
        yield* pause(500)
        const old = yield* fleet.primaryOf(key)
        yield* old.freeze
        yield* until("a new primary", fleet.primaryOf(key), ({ port }) => port !== old.port)
        // Where nobody announces it, clients look each second: some of them have not looked yet.
        yield* pause(700)
        yield* old.thaw
        yield* pause(1500)
        yield* until("more than a hundred entries", recovered(log.size), (size) => size > 100)
        isRunning = false
        yield* Fiber.join(adding)
        yield* fleet.settled
        assert.notStrictEqual((yield* fleet.primaryOf(key)).port, old.port)
        const all = (yield* log.range()).map(({ fields, id }) => [id, fields.get("n")])
        const last = JSON.stringify(all.at(-1))
        yield* until(
          `the last entry, ${last},`,
          Effect.sync(() => JSON.stringify(followed.at(-1))),
          (seen) => seen === last
        )
        const seen = new Set(followed.map((entry) => JSON.stringify(entry)))
        assert.deepStrictEqual(
          all.filter((entry) => !seen.has(JSON.stringify(entry))),
          []
        )
        assert.strictEqual(seen.size, followed.length)
        yield* Fiber.interrupt(following)
      }))

    for (const fault of ["frozen", "replaced by an operator"] as const) {
      test(`${fault}: shared and dedicated connections and subscribers leave, all of them`, () =>
        Effect.gen(function* () {
          const fleet = yield* start(fault === "frozen" ? soon : undefined)
          const { cache, client } = yield* connect(fleet.url, options)
          const key = cache.makeKey("{k}")
          const old = yield* fleet.primaryOf(key)
          yield* cache.set("{k}", 1)
          /** Connected there, whoever else there is. */
          const onOld = <A>(open: Effect.Effect<Fiber.Fiber<A, CacheError>, never, Scope.Scope>) =>
            Effect.gen(function* () {
              for (let tries = 0; tries < 50; tries++) {
                const before = yield* namedAt(old, options.clientName)
                const fiber = yield* open
                yield* pause(100)
                if ((yield* namedAt(old, options.clientName)).size > before.size) return fiber
                yield* Fiber.interrupt(fiber)
              }
              return yield* Effect.die(new Error("none of 50 connections was one to the old primary"))
            })
          const listening = yield* onOld(Effect.forkChild(Stream.runDrain(client.subscribe("news"))))
          const blocked = yield* onOld(
            Effect.forkChild(
              Effect.scoped(Effect.flatMap(client.dedicated, (own) => own.send("BLPOP", [`${key}:list`, 0])))
            )
          )
          const own = yield* client.dedicated
          yield* own.send("WATCH", [key])
          const before = yield* namedAt(old, options.clientName)
          assert.isAtLeast(before.size, 4)

          if (fault === "frozen") yield* old.freeze
          else yield* fleet.replace(old)
          yield* until("a new primary", fleet.primaryOf(key), ({ port }) => port !== old.port)
          // Not one of them waits for the old one to come back.
          const lost = yield* Effect.all([Effect.flip(Fiber.join(listening)), Effect.flip(Fiber.join(blocked))], {
            concurrency: "unbounded"
          }).pipe(Effect.timeout(2500))
          for (const error of lost) {
            // A server that is asked to step down lets go of who waits, and says so.
            if (error._tag === "CacheServerError") assert.strictEqual(error.code, "UNBLOCKED")
            else expectConnection(error, "lost", error.operation === "BLPOP")
          }
          expectConnection(yield* Effect.flip(own.send("MULTI", [])), "lost", false)
          yield* recovered(cache.set("{k}", 2))
          if (fault === "frozen") yield* old.thaw
          const left = Effect.map(namedAt(old, options.clientName), (now) => [...now].filter((id) => before.has(id)))
          yield* until("the old connections to end", left, ({ length }) => length === 0)
        }))
    }
  })
}

test("a slot that only moves costs nobody a connection, but for those who listen to its sharded channels", () =>
  Effect.gen(function* () {
    const fleet = yield* startCluster()
    const { cache, client } = yield* connect(fleet.url, options)
    const list = cache.makeKey("{list}")
    const from = yield* ownerNow(fleet, list)
    const to = fleet.servers.slice(0, 3).find((server) => server !== from)!
    const blocked = yield* Effect.forkChild(
      Effect.scoped(Effect.flatMap(client.dedicated, (own) => own.send("BLPOP", [list, 0])))
    )
    const channel = "{list}:news"
    const listen = client.subscription(channel, { kind: "sharded" })
    const news = yield* listen
    yield* until("a client that waits", Effect.map(from.call("INFO", "clients"), String), (info) =>
      info.includes("blocked_clients:1\r")
    )
    const before = yield* namedAt(from, options.clientName)
    const slot = slotOfKey(list)
    const neighbour = (yield* fleet.ownerOf(slot + 1)) === from ? slot + 1 : slot - 1
    yield* fleet.move([neighbour], from, to)
    yield* pause(1500)
    assert.includeMembers([...(yield* namedAt(from, options.clientName))], [...before])
    yield* client.send("RPUSH", [list, "element"])
    assert.deepStrictEqual(yield* Fiber.join(blocked), [list, "element"])

    yield* fleet.move([slot], from, to)
    expectConnection(yield* Effect.flip(Stream.runDrain(news)), "lost", false, "SLOT_MOVED")
    // What the client knows of the cluster may be of before.
    const again = yield* listen
    assert.strictEqual(yield* client.send("SPUBLISH", [channel, "moved"]), 1)
    assert.deepStrictEqual(yield* Stream.runHead(again), Option.some({ channel, message: "moved" }))
  }))

test("what was watched on a connection that is lost is not written on the next", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { client } = yield* connectTo(withCache(ValkeyStandalone.layer({ ...profile, url: server.url })))
    yield* client.send("SET", ["k", "1"])
    const write = Effect.scoped(
      Effect.gen(function* () {
        const own = yield* client.dedicated
        yield* own.send("WATCH", ["k"])
        yield* server.call("CLIENT", "KILL", "TYPE", "normal")
        yield* recovered(client.send("SET", ["k", "somebody else's"]))
        yield* pause(200)
        yield* own.send("MULTI", [])
        yield* own.send("SET", ["k", "ours"])
        return yield* own.send("EXEC", [])
      })
    )
    expectConnection(yield* Effect.flip(write), "lost", false)
    assert.strictEqual(yield* client.send("GET", ["k"]), "somebody else's")
    // The next who asks gets a connection that works.
    yield* Effect.scoped(
      Effect.gen(function* () {
        const own = yield* client.dedicated
        assert.strictEqual(yield* own.send("MULTI", []), "OK")
        yield* own.send("SET", ["k", "ours"])
        assert.deepStrictEqual(yield* own.send("EXEC", []), ["OK"])
      })
    )
  }))
