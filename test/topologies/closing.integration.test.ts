/** One ending: whatever waits on a layer that closes fails with `CacheConnectionError` and phase `closed`. */
import { assert } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Option, Scope, Stream } from "effect"
import { CacheConnectionError } from "effect-vcache"
import { connectTo, patient, test, watchForTraces, withCache } from "../support/faults.ts"
import { stormyTopologies } from "../support/stormyTopologies.ts"
import { until } from "../support/until.ts"

watchForTraces()

/** In one word. */
const ending = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return "ended"
  const error = Cause.findErrorOption(exit.cause)
  if (Option.isNone(error)) return "interrupted, or dead"
  return error.value instanceof CacheConnectionError ? error.value.phase : String(error.value)
}

for (const [topology, start] of Object.entries(stormyTopologies)) {
  test(`${topology}: everybody who waits is told that it is closed`, () =>
    Effect.gen(function* () {
      const { client: layer, servers } = yield* start({})
      const scope = yield* Scope.make()
      const { cache, client } = yield* Scope.provide(
        connectTo(withCache(layer({ ...patient, clientName: "closing", maxConnections: 7, poolTimeout: "1 minute" }))),
        scope
      )
      yield* cache.stream("s").group("g").create({ from: "0", createStream: true })
      const held = cache.lock("held", { lease: "30 seconds" })
      const blocked = Effect.scoped(Effect.flatMap(client.dedicated, (own) => own.send("BLPOP", ["n", 0])))
      const waits = {
        getOrSet: cache.getOrSet("a", Effect.never),
        "getOrSet, shared": cache.getOrSet("a", Effect.never),
        "getOrSet, cluster": cache.getOrSet("b", Effect.never, { singleFlight: "cluster" }),
        refresh: cache.refresh("c", Effect.never),
        lock: cache.lock("held", { wait: "1 minute" }).withLock(Effect.void),
        "lock, behind another": cache.lock("held", { wait: "1 minute" }).withLock(Effect.void),
        semaphore: cache.semaphore("sem", { permits: 1, wait: "1 minute" }).withPermits(1)(Effect.void),
        awaitLeft: cache.list("q").awaitLeft("Infinity"),
        "several lists": cache.lists(["{q}1", "{q}2"]).pop({ timeout: "Infinity" }),
        dedicated: blocked,
        follow: Stream.runDrain(cache.stream("s").follow()),
        "several streams": Stream.runDrain(cache.streams(["{s}1", "{s}2"]).follow()),
        "a bounded read": cache.stream("s").read({ timeout: "Infinity" }),
        consume: Stream.runDrain(cache.stream("s").group("g").consume("c")),
        // All connections are lent by now; in memory there is no limit to them.
        "dedicated, in the queue": Effect.delay(blocked, 200),
        subscribe: Stream.runDrain(client.subscribe("news")),
        "a pattern": Stream.runDrain(Stream.unwrap(client.subscription("n*", { kind: "pattern" }))),
        "a sharded channel": Stream.runDrain(Stream.unwrap(client.subscription("n", { kind: "sharded" })))
      }
      const states = yield* Effect.forkChild(Stream.runDrain(client.states))
      const changes = yield* Effect.forkChild(Stream.runDrain(client.changes([""])))
      const lost = yield* Effect.forkChild(Effect.scoped(Effect.flatMap(held.acquire, (lock) => lock.lost)))
      const permit = yield* Effect.forkChild(cache.semaphore("sem", { permits: 1 }).withPermits(1)(Effect.never))
      yield* until("a held lock", held.isLocked, Boolean)
      yield* until("no free permit", cache.semaphore("sem", { permits: 1 }).available, (free) => free === 0)
      const fibers = yield* Effect.forEach(Object.entries(waits), ([name, effect]) =>
        Effect.map(Effect.forkChild(effect), (fiber) => [name, fiber] as const)
      )
      yield* Effect.sleep(300)
      yield* Scope.close(scope, Exit.void)

      const endings = yield* Effect.forEach(fibers, ([name, fiber]) =>
        Effect.map(Effect.timeout(Fiber.await(fiber), "20 seconds"), (exit) => [name, ending(exit)])
      )
      assert.deepStrictEqual(
        Object.fromEntries(endings),
        Object.fromEntries(Object.keys(waits).map((name) => [name, "closed"]))
      )
      for (const fiber of [states, changes]) {
        assert.strictEqual(ending(yield* Effect.timeout(Fiber.await(fiber), "2 seconds")), "ended")
      }
      // What is held is not renewed any more.
      for (const fiber of [lost, permit]) {
        assert.strictEqual((yield* Effect.flip(Fiber.join(fiber)))._tag, "LockLost")
      }
      // And whoever comes later.
      const later: Readonly<Record<string, Effect.Effect<unknown, unknown>>> = {
        get: cache.get("a"),
        getOrSet: cache.getOrSet("a", Effect.succeed(1)),
        lock: cache.lock("free", { wait: "1 minute" }).withLock(Effect.void),
        dedicated: Effect.scoped(client.dedicated),
        subscribe: Stream.runDrain(client.subscribe("news")),
        follow: Stream.runDrain(cache.stream("s").follow())
      }
      for (const [name, effect] of Object.entries(later)) {
        assert.strictEqual(ending(yield* Effect.exit(effect)), "closed", name)
      }
      assert.deepStrictEqual(yield* client.state, { _tag: "Closed" })
      // Nothing of it is left on the servers.
      for (const server of servers) {
        yield* until(
          `no client of ours at ${server.node}`,
          server.call("CLIENT", "LIST"),
          (list) => !String(list).includes("name=closing")
        )
      }
    }))
}
