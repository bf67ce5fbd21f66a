/** A ring of three servers, of which one is down, frozen, back after writes, or new. */
import { assert, describe } from "@effect/vitest"
import { Effect, Fiber, Option, Result, Stream } from "effect"
import { type CacheError, type TypedCache, ValkeyRing } from "effect-vcache"
import { coordinationKey } from "../support/coordinationKey.ts"
import {
  connector,
  expectConnection,
  failureWithin,
  profile,
  recovered,
  test,
  watchForTraces,
  within
} from "../support/faults.ts"
import { startRing } from "../support/RingFleet.ts"
import { until } from "../support/until.ts"
import { startServer, type ValkeyServer } from "../support/ValkeyServer.ts"

watchForTraces()

const { buildEager, connect } = connector(ValkeyRing.layer)

/** Short, so that a server comes back soon after it answers. */
const next = { whenDown: "next", probeInterval: 100 } as const

const nodeOf = (error: CacheError) => ("node" in error ? error.node : undefined)

const setAll = (cache: TypedCache<unknown>, keys: ReadonlyArray<string>, value: unknown) =>
  Effect.map(cache.setMany(keys.map((key) => [key, value] as const)), (failed) => assert.deepStrictEqual(failed, []))

const valuesOf = (cache: TypedCache<unknown>, keys: ReadonlyArray<string>) =>
  Effect.map(cache.getMany(keys), (found) => keys.map((key) => found.get(key)))

/** What the server itself holds under the keys. */
const heldBy = (server: ValkeyServer, keys: ReadonlyArray<string>) =>
  Effect.map(server.call("EXISTS", ...keys.map((key) => `:1:${key}`)), Number)

const some = Array.from({ length: 60 }, (_, i) => `k${i}`)

describe("a server that is down", () => {
  test("fails its own keys with an error that names it, and nothing else", () =>
    Effect.gen(function* () {
      const fleet = yield* startRing()
      const [dead, ...alive] = fleet.servers
      const { cache, client } = yield* connect({ urls: fleet.urls })
      yield* setAll(cache, some, 1)
      const isDead = (key: string) => client.serverOf?.(`:1:${key}`).node === dead.node
      const [lost, kept] = [some.filter(isDead), some.filter((key) => !isDead(key))]
      assert.isAbove(lost.length, 5)
      assert.isAbove(kept.length, 10)
      yield* dead.kill
      for (const key of lost.slice(0, 3)) {
        const error = yield* failureWithin(profile.commandTimeout, cache.get(key))
        assert.strictEqual(error._tag, "CacheConnectionError")
        assert.strictEqual(nodeOf(error), dead.node)
      }
      assert.deepStrictEqual(
        yield* valuesOf(cache, kept),
        kept.map(() => 1)
      )
      assert.strictEqual(nodeOf(yield* Effect.flip(cache.getMany(some))), dead.node)
      assert.sameMembers([...(yield* cache.setMany(some.map((key) => [key, 2] as const)))], lost)
      const results = yield* cache.pipeline((queue) => some.map((key) => queue.get(key)), { mode: "result" })
      results.forEach((result, i) => assert.strictEqual(Result.isSuccess(result), !isDead(some[i]!)))

      const state = yield* client.state
      assert.deepStrictEqual(state._tag === "Degraded" ? state.down?.map(({ node }) => node) : state._tag, [dead.node])
      const health = yield* cache.health
      assert.isFalse(health.ready)
      assert.strictEqual(nodeOf(Option.getOrThrow(health.error)), dead.node)

      // What a scan cannot reach it says after all else.
      const seen: Array<string> = []
      const scanned = Stream.runForEach(cache.scan(), (key) => Effect.sync(() => seen.push(key)))
      assert.strictEqual(nodeOf(yield* Effect.flip(scanned)), dead.node)
      assert.sameMembers(seen, kept)
      assert.strictEqual(nodeOf(yield* Effect.flip(cache.clear)), dead.node)
      for (const server of alive) assert.strictEqual(yield* server.call("DBSIZE"), 0)
      expectConnection(yield* Effect.flip(buildEager({ urls: fleet.urls })), "connect", false, "ECONNREFUSED")

      yield* dead.start
      yield* recovered(cache.set(lost[0]!, 3))
      assert.deepStrictEqual(yield* cache.get(lost[0]!), Option.some(3))
      assert.isTrue((yield* cache.health).ready)
    }))

  test("frozen: its keys fail by their deadline, all others are answered meanwhile", () =>
    Effect.gen(function* () {
      const fleet = yield* startRing()
      const [frozen] = fleet.servers
      const { cache, client } = yield* connect({ urls: fleet.urls })
      yield* setAll(cache, some, 1)
      const [mine = ""] = fleet.keysOf(client, frozen, 1)
      const others = some.filter((key) => client.serverOf?.(`:1:${key}`).node !== frozen.node)
      yield* frozen.freeze
      const waiting = yield* Effect.forkChild(failureWithin(profile.commandTimeout, cache.get(mine)))
      yield* within(
        100,
        Effect.forEach(others, (key) => cache.get(key), { concurrency: "unbounded" })
      )
      const error = yield* Fiber.join(waiting)
      assert.deepInclude(error, { _tag: "CacheTimeoutError", node: frozen.node })
      // The timeout of the call holds for parts on several servers, too.
      const some3 = [mine, ...others.slice(0, 5)].map((key) => `:1:${key}`)
      const late = yield* failureWithin(150, client.send("MGET", some3, { timeout: 150 }))
      assert.deepInclude(late, { _tag: "CacheTimeoutError", node: frozen.node, timeout: 150 })
      yield* frozen.thaw
      yield* recovered(cache.get(mine))
    }))
})

describe("with `next`", () => {
  test("a frozen server's keys are served by others; when it is back, nothing older is read, and nothing is left elsewhere", () =>
    Effect.gen(function* () {
      const fleet = yield* startRing()
      const [frozen, ...others] = fleet.servers
      const { cache, client } = yield* connect({ ...next, urls: fleet.urls })
      const keys = fleet.keysOf(client, frozen, 12)
      const [changed, deleted, read, counted] = [
        keys.slice(0, 4),
        keys.slice(4, 6),
        keys.slice(6, 8),
        keys.slice(8, 12)
      ]
      yield* setAll(cache, [...changed, ...deleted, ...read, ...counted], 1)
      yield* frozen.freeze
      yield* cache.set(changed[0]!, 2)
      yield* setAll(cache, changed, 2)
      yield* cache.deleteMany(deleted)
      yield* Effect.forEach(counted, (key) => cache.incr(key, 1, { initial: 100 }))
      yield* valuesOf(cache, read)
      assert.deepStrictEqual(yield* valuesOf(cache, [...changed, ...deleted]), [2, 2, 2, 2, undefined, undefined])
      // Each key has its own next server.
      const held = yield* Effect.forEach(others, (server) => heldBy(server, changed))
      assert.strictEqual(held[0]! + held[1]!, changed.length)
      assert.isTrue((yield* cache.health).ready)
      assert.sameMembers([...(yield* cache.keys())], [...changed, ...counted])
      yield* frozen.thaw
      yield* until("the keys that were only read", valuesOf(cache, read), ([value]) => value === 1)
      assert.deepStrictEqual(
        yield* valuesOf(cache, [...changed, ...deleted, ...counted]),
        Array.from({ length: 10 }, () => undefined)
      )
      for (const server of others) assert.strictEqual(yield* heldBy(server, keys), 0)
      // The next outage begins without what was left of this one.
      yield* setAll(cache, changed, 3)
      yield* frozen.kill
      yield* Effect.ignore(cache.get(changed[0]!))
      assert.deepStrictEqual(
        yield* valuesOf(cache, changed),
        changed.map(() => undefined)
      )
      yield* frozen.start
      yield* until(
        "the server back",
        Effect.andThen(cache.set(changed[0]!, 4), heldBy(frozen, changed.slice(0, 1))),
        (count) => count === 1
      )
    }))

  test("two of three down: the last one has everything; none left: the error names a server", () =>
    Effect.gen(function* () {
      const fleet = yield* startRing()
      const [one, two, three] = fleet.servers
      const { cache, client } = yield* connect({ ...next, urls: fleet.urls })
      yield* setAll(cache, some, 1)
      yield* Effect.all([one.kill, two.kill])
      yield* setAll(cache, some, 2)
      assert.deepStrictEqual(
        yield* valuesOf(cache, some),
        some.map(() => 2)
      )
      assert.strictEqual(yield* heldBy(three, some), some.length)
      const { ready, state } = yield* cache.health
      assert.isTrue(ready)
      assert.sameMembers(
        (state._tag === "Degraded" ? (state.down ?? []) : []).map(({ node }) => node),
        [one.node, two.node]
      )
      assert.strictEqual((yield* cache.keys()).length, some.length)
      assert.strictEqual(yield* client.send("DBSIZE", []), some.length)
      assert.deepStrictEqual([...(yield* client.info()).keys()], [three.node])
      yield* cache.flushAll
      assert.strictEqual(yield* three.call("DBSIZE"), 0)
      yield* three.kill
      for (const failing of [cache.get("k1"), cache.keys(), cache.clear, cache.flushAll, client.info()]) {
        const error = yield* failureWithin(3 * profile.commandTimeout, failing)
        assert.strictEqual(error._tag, "CacheConnectionError", String(error))
        assert.include(
          fleet.servers.map(({ node }) => node),
          nodeOf(error)
        )
      }
      assert.isFalse((yield* cache.health).ready)
      yield* Effect.all([one.start, two.start, three.start])
      yield* recovered(setAll(cache, some, 3))
      yield* until("each key on its own server", heldBy(three, some), (count) => count < some.length)
    }))

  test("locks, permits and structures fail rather than move; those of other servers go on", () =>
    Effect.gen(function* () {
      const fleet = yield* startRing()
      const [dead, alive] = fleet.servers
      const { cache, client } = yield* connect({ ...next, urls: fleet.urls })
      const [mine = "", other = ""] = [dead, alive].flatMap((server) => fleet.keysOf(client, server, 1))
      yield* cache.list(mine).pushRight("job")
      yield* dead.kill
      yield* cache.set(mine, "elsewhere")
      const all: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        cache.lock(mine, { wait: 0 }).withLock(Effect.void),
        cache.lock(mine, { wait: 300 }).withLock(Effect.void),
        cache.semaphore(mine, { permits: 2 }).withPermits(1)(Effect.void),
        cache.list(mine).pushRight("job"),
        cache.hash(mine).set("field", 1)
      ]
      for (const failing of all) {
        const error = yield* Effect.flip(failing)
        assert.deepInclude(error, { _tag: "CacheConnectionError", node: dead.node, mayHaveExecuted: false })
      }
      yield* cache.lock(other).withLock(cache.hash(other).set("field", 1))
      yield* cache.semaphore(other, { permits: 2 }).withPermits(1)(Effect.void)
    }))

  test("an eager layer opens where a server answers, and fails where none does", () =>
    Effect.gen(function* () {
      const fleet = yield* startRing()
      const [one, two, three] = fleet.servers
      yield* Effect.all([one.kill, two.kill])
      const { cache } = yield* buildEager({ ...next, urls: fleet.urls })
      yield* cache.set("k", 1)
      yield* three.kill
      const error = yield* Effect.flip(buildEager({ ...next, urls: fleet.urls }))
      expectConnection(error, "connect", false, "ECONNREFUSED")
      assert.strictEqual(error.operation, "connect")
    }))
})

test("those who wait for a lock listen to the server of that lock", () =>
  Effect.gen(function* () {
    const fleet = yield* startRing()
    const { cache, client } = yield* connect({ urls: fleet.urls })
    for (const server of fleet.servers) {
      const key = Array.from({ length: 100 }, (_, i) => `job${i}`).find(
        (name) => client.serverOf?.(coordinationKey(cache, name, "lock")).node === server.node
      )!
      const lock = cache.lock(key, { wait: "10 seconds" })
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* lock.acquire
          const waiter = yield* Effect.forkChild(Effect.scoped(lock.acquire))
          yield* until("a listener at the lock's server", server.call("PUBSUB", "CHANNELS"), (channels) =>
            String(channels).includes("wake-ups")
          )
          return waiter
        })
      ).pipe(Effect.flatMap(Fiber.join))
    }
  }))

test("keys of several servers: transactions, scripts and WATCH are refused before anything is sent", () =>
  Effect.gen(function* () {
    const fleet = yield* startRing()
    const { cache, client } = yield* connect({ urls: fleet.urls })
    const [a = "", b = ""] = fleet.servers
      .flatMap((server) => fleet.keysOf(client, server, 1))
      .map((key) => `:1:${key}`)
    const script = { name: "both", lua: "return redis.call('SET', KEYS[1], KEYS[2])" }
    const several: ReadonlyArray<Effect.Effect<unknown, CacheError>> = [
      client.transaction([a, b].map((key) => ({ name: "SET", args: [key, 1] }))),
      client.transaction([
        { name: "SET", args: [a, 1] },
        { name: "PUBLISH", args: [b, 1] }
      ]),
      client.eval(script, [a, b], []),
      client.send("SUNIONSTORE", [a, b]),
      client.send("SCAN", [0]),
      client.use((raw) => raw.get(a)),
      client.raw
    ]
    for (const refused of several) {
      const error = yield* Effect.flip(refused)
      assert.deepInclude(error, { _tag: "CacheUnsupportedError", topology: "ring" })
    }
    const own = yield* client.dedicated
    for (const refused of [own.send("MULTI", []), own.send("WATCH", [a, b])]) {
      assert.strictEqual((yield* Effect.flip(refused))._tag, "CacheUnsupportedError")
    }
    yield* own.send("WATCH", [a])
    // Not on the server of the watched key, which has another value of it, or none.
    assert.strictEqual((yield* Effect.flip(own.send("GET", [b])))._tag, "CacheUnsupportedError")
    yield* own.send("MULTI", [])
    yield* own.send("SET", [a, "in"])
    assert.deepStrictEqual(yield* own.send("EXEC", []), ["OK"])
    assert.deepStrictEqual(yield* own.send("MGET", [a, b]), ["in", null])
    assert.strictEqual(yield* client.serverOf!(a).use((raw) => raw.get(a)), "in")
    // Between servers a value is copied, and its source deleted.
    yield* cache.set(b.slice(3), "moved", { timeToLive: "1 hour" })
    assert.isTrue(yield* cache.rename(b.slice(3), a.slice(3)))
    assert.deepStrictEqual(yield* cache.getMany([a.slice(3), b.slice(3)]), new Map([[a.slice(3), "moved"]]))
  }))

test("a server that is added takes its share; `clear` deletes what the others have left of it", () =>
  Effect.gen(function* () {
    const fleet = yield* startRing()
    const { cache: before } = yield* connect({ urls: fleet.urls })
    const keys = Array.from({ length: 300 }, (_, i) => `k${i}`)
    yield* setAll(before, keys, 1)
    const added = yield* startServer()
    const { cache, client } = yield* connect({ urls: [...fleet.urls, added.url] })
    const moved = keys.filter((key) => client.serverOf?.(`:1:${key}`).node === added.node)
    assert.isTrue(moved.length > 30 && moved.length < 130, String(moved.length))
    const found = yield* cache.getMany(keys)
    assert.sameMembers(
      [...found.keys()],
      keys.filter((key) => !moved.includes(key))
    )
    assert.strictEqual((yield* cache.keys()).length, found.size)
    // The old place of such a key is not looked at by anybody.
    yield* setAll(cache, moved, 2)
    assert.strictEqual((yield* cache.keys()).length, keys.length)
    assert.strictEqual(yield* cache.clear, keys.length)
    for (const server of [...fleet.servers, added]) assert.strictEqual(yield* server.call("DBSIZE"), 0)
  }))
