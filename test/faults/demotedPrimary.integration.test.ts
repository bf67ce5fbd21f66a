/** A primary that becomes a replica behind a name that leads to another server from then on. */
import type { Socket } from "node:net"
import { assert, describe } from "@effect/vitest"
import { Effect, Fiber, Result, Stream } from "effect"
import type { CacheError } from "effect-vcache"
import { startPrimary, topologiesOf } from "../support/fakePrimaries.ts"
import { connectTo, expectConnection, patient, test, watchForTraces, withCache } from "../support/faults.ts"
import { until } from "../support/until.ts"

watchForTraces()

const readOnly = "READONLY You can't write against a read only replica."
const writes = new Set(["SET", "INCR", "EVAL", "EVALSHA", "FLUSHDB"])

/** One address, whose older connections lead to a replica as soon as it is demoted. */
const startName = Effect.gen(function* () {
  const name = {
    generation: 0,
    /** New connections lead to a replica, too. */
    hasPrimary: true,
    /** Where EXEC itself, and none of the commands before it, is refused. */
    refusesExec: false
  }
  const generations = new Map<Socket, number>()
  const aborted = new Set<Socket>()
  const queued = new Map<Socket, number>()
  const subscribers = new Set<Socket>()
  const server = yield* startPrimary(([command = "", ...args], socket) => {
    if (!generations.has(socket)) generations.set(socket, name.generation)
    const isReplica = !name.hasPrimary || generations.get(socket) !== name.generation
    const count = queued.get(socket)
    switch (command) {
      case "ROLE":
        return isReplica ? "*5\r\n$5\r\nslave\r\n$1\r\nh\r\n:1\r\n$9\r\nconnected\r\n:1\r\n" : undefined
      case "SUBSCRIBE":
        subscribers.add(socket)
        return "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n"
      case "MULTI":
        queued.set(socket, 0)
        return "+OK\r\n"
      case "EXEC":
        queued.delete(socket)
        if (aborted.delete(socket)) return "-EXECABORT Transaction discarded because of previous errors.\r\n"
        return isReplica
          ? `-EXECABORT Transaction discarded because of: ${readOnly}\r\n`
          : `*${count}\r\n${"+OK\r\n".repeat(count ?? 0)}`
      case "GET":
        setTimeout(() => socket.write("$1\r\n1\r\n"), 30)
        return ""
      case "EVALSHA":
      case "EVAL":
        if (args[0] === "return says") return `-${readOnly}\r\n`
    }
    if (!writes.has(command)) return undefined
    if (isReplica && !(name.refusesExec && count !== undefined)) {
      if (count !== undefined) aborted.add(socket)
      return `-${readOnly}\r\n`
    }
    if (count !== undefined) queued.set(socket, count + 1)
    if (count !== undefined) return "+QUEUED\r\n"
    return command === "FLUSHDB" ? "+OK\r\n" : ":1\r\n"
  })
  return {
    ...server,
    name,
    subscribers,
    sent: (command: string) => server.commands.filter(([name]) => name === command).length,
    connections: () => generations.size
  }
})

const isReadOnly = (error: CacheError) => {
  assert.strictEqual(error._tag === "CacheServerError" ? error.code : String(error), "READONLY")
  assert.isFalse("mayHaveExecuted" in error && error.mayHaveExecuted)
}

const { cluster: _, ...topologies } = topologiesOf

for (const [topology, layerOf] of Object.entries(topologies)) {
  const open = Effect.gen(function* () {
    const server = yield* startName
    const { client } = yield* connectTo(withCache(yield* layerOf(server, patient)))
    yield* client.send("INCR", ["ready"])
    return { ...server, client }
  })

  describe(`${topology}: a demoted primary`, () => {
    test("is left with what it still answers, and what it refused is done elsewhere, once", () =>
      Effect.gen(function* () {
        const { client, connections, name, sent } = yield* open
        const before = connections()
        name.generation++
        const many = Array.from({ length: 50 }, () => client.send("INCR", ["k"]))
        // Its answer comes when the others are told of the next connection.
        const all = yield* Effect.all([...many, client.send("GET", ["k"])], { concurrency: "unbounded" })
        assert.deepStrictEqual(all, [...many.map(() => 1), "1"])
        assert.strictEqual(sent("INCR"), 1 + 50 + 50)
        assert.strictEqual(sent("GET"), 1)
        assert.strictEqual(connections() - before, 1)
        assert.strictEqual((yield* client.state)._tag, "Ready")
      }))

    test("is not flushed: the next server is", () =>
      Effect.gen(function* () {
        const { client, name, sent } = yield* open
        name.generation++
        assert.strictEqual(yield* client.send("FLUSHDB", []), "OK")
        assert.strictEqual(sent("FLUSHDB"), 2)
      }))

    test("runs no transaction, and the next server runs the whole of it", () =>
      Effect.gen(function* () {
        for (const refusesExec of [false, true]) {
          const { client, name, sent } = yield* open
          name.refusesExec = refusesExec
          name.generation++
          const sets = ["a", "b"].map((key) => ({ name: "SET", args: [key, 1] }))
          assert.deepStrictEqual(yield* client.transaction(sets), ["OK", "OK"])
          assert.deepStrictEqual([sent("MULTI"), sent("SET"), sent("EXEC")], [2, 4, 2])
        }
      }))

    test("runs no script; a primary may say so in a script that has written", () =>
      Effect.gen(function* () {
        const { client, connections, name, sent } = yield* open
        const before = connections()
        isReadOnly(yield* Effect.flip(client.send("EVAL", ["return says", 0])))
        assert.deepStrictEqual([sent("EVAL"), connections() - before], [1, 0])
        name.generation++
        // What was just asked is not asked again at once, so that it is another command that leaves it.
        assert.strictEqual(yield* client.send("INCR", ["k"]), 1)
        const other = yield* open
        other.name.generation++
        assert.strictEqual(yield* other.client.send("EVAL", ["return 1", 0]), 1)
        assert.strictEqual(other.sent("EVAL"), 2)
      }))

    test("is not told again what is not to be done any more", () =>
      Effect.gen(function* () {
        const { client, name, sent } = yield* open
        name.generation++
        isReadOnly(yield* Effect.flip(client.send("INCR", ["k"], { resendIf: () => false })))
        assert.strictEqual(sent("INCR"), 2)
        assert.strictEqual(yield* client.send("INCR", ["k"]), 1)
      }))

    test("with no other in its place is left once: who writes to a replica makes no storm", () =>
      Effect.gen(function* () {
        const { client, connections, name } = yield* open
        const before = connections()
        name.hasPrimary = false
        for (let i = 0; i < 20; i++) {
          const error = yield* Effect.flip(client.send("INCR", ["k"]))
          // Where a primary is asked for, the connection is refused next.
          if (i === 0 || topology === "standalone") isReadOnly(error)
          else expectConnection(error, "connect", false, "NOT_PRIMARY")
        }
        const results = yield* client.pipeline(Array.from({ length: 20 }, () => ({ name: "INCR", args: ["k"] })))
        assert.isTrue(results.every(Result.isFailure))
        assert.isAtMost(connections() - before, topology === "standalone" ? 1 : 6)
      }))

    test("is left by subscribers and by connections of one's own", () =>
      Effect.gen(function* () {
        const { client, name, subscribers } = yield* open
        const listening = yield* Effect.forkChild(Effect.flip(Stream.runDrain(client.subscribe("news"))))
        yield* until(
          "a subscriber",
          Effect.sync(() => subscribers.size),
          (count) => count === 1
        )
        const own = yield* client.dedicated
        assert.strictEqual(yield* own.send("INCR", ["k"]), 1)
        name.generation++
        isReadOnly(yield* Effect.flip(own.send("INCR", ["k"])))
        expectConnection(yield* Fiber.join(listening), "lost", false)
        assert.strictEqual(yield* Effect.flatMap(client.dedicated, (next) => next.send("INCR", ["k"])), 1)
      }))
  })
}
