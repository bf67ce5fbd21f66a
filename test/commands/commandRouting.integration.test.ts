/** Where the table of commands sends them, on real servers. */
import { assert } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer } from "effect"
import { ValkeyClient, ValkeyCluster, ValkeyReplicated, ValkeyStandalone } from "effect-vcache"
import { startCluster } from "../support/ClusterFleet.ts"
import { test } from "../support/faults.ts"
import { until } from "../support/until.ts"
import { startServer } from "../support/ValkeyServer.ts"
import { startReplicatedServers } from "../support/ReplicatedServers.ts"

const connect = <E>(layer: Layer.Layer<ValkeyClient, E>) =>
  Effect.map(Layer.build(layer), (context) => Context.get(context, ValkeyClient))

test("a cursor stays with the server that gave it: a scan over replicas misses nothing", () =>
  Effect.gen(function* () {
    const servers = yield* startReplicatedServers()
    const client = yield* connect(ValkeyReplicated.layer({ urls: servers.map(({ url }) => url) }))
    const names = Array.from({ length: 3000 }, (_, i) => `field ${i}`)
    yield* client.send("HSET", ["hash", ...names.flatMap((name) => [name, "1"])])
    yield* client.send("SADD", ["set", ...names])
    yield* client.send("ZADD", ["zset", ...names.flatMap((name) => ["1", name])])
    yield* servers[0].replicated(2)
    for (const [command, key, step] of [
      ["HSCAN", "hash", 2],
      ["SSCAN", "set", 1],
      ["ZSCAN", "zset", 2]
    ] as const) {
      const seen = new Set<string>()
      let cursor = "0"
      do {
        const page = yield* client.send(command, [key, cursor, "COUNT", 100])
        const [next, items] = Array.isArray(page) ? page : []
        cursor = String(next)
        if (Array.isArray(items)) items.forEach((item, i) => i % step === 0 && seen.add(String(item)))
      } while (cursor !== "0")
      assert.strictEqual(seen.size, names.length, command)
    }
  }))

test("in a cluster, patterns are no keys, and what concerns every server reaches every server", () =>
  Effect.gen(function* () {
    const { servers, url } = yield* startCluster({ replicas: 0 })
    const client = yield* connect(ValkeyCluster.layer({ url }))
    yield* client.send("RPUSH", ["list", "2", "1"])
    assert.deepStrictEqual(yield* client.send("SORT", ["list", "BY", "nosort"]), ["2", "1"])

    yield* client.send("ACL", ["SETUSER", "ada", "on", "nopass", "+get", "~*"])
    for (const server of servers) assert.include(String(yield* server.call("ACL", "USERS")), "ada")

    const sha = String(yield* client.send("SCRIPT", ["LOAD", "return 1"]))
    const other = String(yield* servers[0]!.call("SCRIPT", "LOAD", "return 2"))
    assert.deepStrictEqual(yield* client.send("script", ["exists", sha, other]), [1, 0])

    for (const server of servers) yield* server.call("CONFIG", "SET", "slowlog-log-slower-than", 0)
    const slow = yield* Effect.forEach(servers, (server) => server.call("SLOWLOG", "LEN"))
    assert.isAtLeast(
      Number(yield* client.send("SLOWLOG", ["LEN"])),
      slow.map(Number).reduce((a, b) => a + b)
    )

    // Where one server runs a script, the others have nothing to end, which is no failure.
    yield* servers[1]!.call("CONFIG", "SET", "busy-reply-threshold", 50)
    const running = yield* Effect.forkChild(Effect.exit(servers[1]!.call("EVAL", "while true do end", 0)))
    yield* until("a script that is ended", Effect.exit(client.send("SCRIPT", ["KILL"])), Exit.isSuccess)
    yield* Fiber.await(running)
  }))

test("what changes a connection has one of its own, which nobody gets after it", () =>
  Effect.gen(function* () {
    const { url } = yield* startServer()
    const client = yield* connect(ValkeyStandalone.layer({ url }))
    const onDedicated = (name: string, args: ReadonlyArray<string>) =>
      Effect.scoped(
        Effect.flatMap(client.dedicated, ({ send }) =>
          Effect.andThen(Effect.exit(send(name, args)), (exit) =>
            Effect.map(send("CLIENT", ["ID"]), (id) => ({ exit, id }))
          )
        )
      )
    let before = yield* onDedicated("CLIENT", ["INFO"])
    assert.strictEqual((yield* onDedicated("CLIENT", ["LIST"])).id, before.id)
    for (const [name, ...args] of [
      ["CLIENT", "NO-TOUCH", "ON"],
      ["CLIENT", "NO-EVICT", "ON"],
      ["client", "setname", "other"],
      ["CLIENT", "SETINFO", "LIB-NAME", "other"],
      ["CLIENT", "CAPA", "redirect"],
      ["CLIENT", "TRACKING", "ON"]
    ]) {
      const used = yield* onDedicated(name!, args)
      assert.isTrue(Exit.isSuccess(used.exit), `${name} ${args.join(" ")}`)
      before = yield* onDedicated("CLIENT", ["INFO"])
      assert.notStrictEqual(before.id, used.id, `${name} ${args.join(" ")}`)
    }
    for (const [name, ...args] of [["SCRIPT", "DEBUG", "YES"], ["CLIENT", "REPLY", "OFF"], ["HELLO", "3"], ["RESET"]]) {
      const { exit } = yield* onDedicated(name!, args)
      assert.include(String(exit), "CacheInputError")
    }
  }))
