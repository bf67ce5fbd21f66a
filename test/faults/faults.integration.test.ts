/** Faults of one server: what callers see, and how soon. */
import { inspect } from "node:util"
import { assert, describe } from "@effect/vitest"
import { Effect, Exit, Fiber, ManagedRuntime, Option, Redacted, Result, Stream } from "effect"
import { type CacheError, CacheService, type DedicatedClient, type TypedCache, ValkeyClient } from "effect-vcache"
import { startFake, startRaw } from "../support/FakeServer.ts"
import {
  buildEager,
  cacheOn,
  connect,
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
  within
} from "../support/faults.ts"
import { failures, slowest, startLoad } from "../support/load.ts"
import { pause } from "../support/pause.ts"
import { startProxy } from "../support/Proxy.ts"
import { freePort } from "../support/freePort.ts"
import { readSigned, writeSigned } from "../support/signed.ts"
import { until } from "../support/until.ts"
import { startServer } from "../support/ValkeyServer.ts"

watchForTraces()

describe("connecting", () => {
  test("nothing listens, eager: the layer fails with ECONNREFUSED", () =>
    Effect.gen(function* () {
      const port = yield* Effect.promise(freePort)
      const error = yield* failureWithin(200, buildEager(`valkey://127.0.0.1:${port}`))
      expectConnection(error, "connect", false, "ECONNREFUSED")
      assert.strictEqual(error._tag === "CacheConnectionError" ? error.cause?.code : "", "ECONNREFUSED")
    }))

  test("nothing listens, lazy: the operation fails at once, not sent", () =>
    Effect.gen(function* () {
      const port = yield* Effect.promise(freePort)
      const { cache } = yield* connect(`valkey://127.0.0.1:${port}`)
      for (let i = 0; i < 3; i++) {
        expectConnection(yield* failureWithin(50, cache.get("k")), "connect", false, "ECONNREFUSED")
      }
    }))

  test("a layer that is retried waits for its server", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      yield* server.kill
      const build = yield* Effect.forkChild(recovered(buildEager(server.url)))
      yield* pause(300)
      yield* server.start
      yield* within(300, Fiber.join(build))
    }))

  test("a host that does not exist: the layer fails, typed", () =>
    Effect.gen(function* () {
      const error = yield* failureWithin(profile.connectTimeout, buildEager("valkey://no-such.invalid"))
      expectConnection(error, "connect", false)
      assert.match(error._tag === "CacheConnectionError" ? String(error.code) : "", /ENOTFOUND|EAI_AGAIN/)
    }))

  test("a peer that accepts and is silent: connecting times out", () =>
    Effect.gen(function* () {
      const fake = yield* startRaw(() => undefined)
      const error = yield* failureWithin(profile.connectTimeout, buildEager(fake.url))
      expectTimeout(error, "connect", false)
      const { cache } = yield* connect(fake.url)
      expectTimeout(yield* failureWithin(profile.commandTimeout, cache.get("k")), "connect", false)
    }))

  test("a password is required and none is given: NOAUTH", () =>
    Effect.gen(function* () {
      const server = yield* startServer("--requirepass", "SECRETpassword")
      expectConnection(yield* failureWithin(300, buildEager(server.url)), "connect", false, "NOAUTH")
    }))

  test("a wrong password: WRONGPASS, shown nowhere", () =>
    Effect.gen(function* () {
      const server = yield* startServer("--requirepass", "right")
      const url = `valkey://:SECRETwrong@127.0.0.1:${server.port}`
      expectConnection(yield* failureWithin(300, buildEager(url)), "connect", false, "WRONGPASS")
      expectConnection(
        yield* failureWithin(
          300,
          buildEager(server.url, { username: "SECRETuser", password: Redacted.make("SECRET") })
        ),
        "connect",
        false,
        "WRONGPASS"
      )
      const { cache } = yield* connect(`valkey://:right@127.0.0.1:${server.port}/3`)
      assert.isTrue(yield* cache.set("k", 1))
    }))

  test("a password that the server does not ask for is no error", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { cache } = yield* connect(server.url, { password: "unneeded" })
      assert.isTrue(yield* cache.set("k", 1))
    }))

  test("a database that does not exist: nothing runs in database 0", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      expectConnection(yield* failureWithin(300, buildEager(`${server.url}/99`)), "connect", false, "ERR")
      const { cache } = yield* connect(`${server.url}/99`)
      yield* failureWithin(300, cache.set("k", 1))
      const zero = yield* connect(server.url)
      assert.isFalse(yield* zero.cache.has("k"))
      const seven = yield* connect(`${server.url}/7`)
      yield* seven.cache.set("k", 7)
      assert.isFalse(yield* zero.cache.has("k"))
      assert.deepStrictEqual(yield* seven.cache.get("k"), Option.some(7))
    }))

  test("the peer speaks HTTP: the layer fails with PROTOCOL", () =>
    Effect.gen(function* () {
      const fake = yield* startRaw(() => "HTTP/1.1 400 Bad Request\r\n\r\n")
      expectConnection(yield* failureWithin(300, buildEager(fake.url)), "lost", false, "PROTOCOL")
    }))

  test("a unix socket takes commands, and one that is not there is told so", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { cache } = yield* connect(`unix://${server.socket}?db=2`)
      yield* cache.set("k", 1)
      assert.deepStrictEqual(yield* cache.get("k"), Option.some(1))
      expectConnection(yield* failureWithin(300, buildEager("unix:///no/such/socket")), "connect", false, "ENOENT")
    }))
})

describe("a server that stops answering", () => {
  test("frozen: the operation times out; thawed: right values, no stale replies", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { cache } = yield* connect(server.url)
      const keys = Array.from({ length: 100 }, (_, i) => `k${i}`)
      assert.deepStrictEqual(yield* cache.setMany(keys.map((key, i) => [key, i] as const)), [])
      yield* server.freeze
      expectTimeout(yield* failureWithin(profile.commandTimeout, cache.get("k0")), "command", false)
      yield* pause(1600)
      yield* server.thaw
      yield* within(1000, recovered(cache.get("k0")))
      for (const [i, key] of keys.entries()) assert.deepStrictEqual(yield* cache.get(key), Option.some(i))
    }))

  test("frozen under load: nobody waits longer because others wait too", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      // Long enough that a deadline which waits for the next one is seen.
      const { cache } = yield* connect(server.url, { commandTimeout: 1000, socketTimeout: 30_000 })
      yield* writeSigned(cache, "k", "writer")
      const load = yield* startLoad(5, () => readSigned(cache, "k", "writer"))
      yield* pause(100)
      yield* server.freeze
      const frozenAt = load.now()
      const now = Effect.sync(load.now)
      const thawedAt = yield* until("two seconds of the load's own time", now, (now) => now > frozenAt + 2000)
      yield* server.thaw
      const outcomes = yield* load.stop
      assert.isBelow(slowest(outcomes), 1000 + slack)
      // Each that began when it could no longer be answered in time. A deadline may pass a turn of the event loop late, and one
      // that passes as the server thaws may have its answer.
      const late = outcomes.filter(({ startedAt }) => startedAt > frozenAt + 100 && startedAt < thawedAt - 1100)
      assert.isNotEmpty(late)
      assert.strictEqual(failures(late).length, late.length)
      for (const error of failures(outcomes)) expectTimeout(error, "command", false)
    }))

  test("a pause shorter than the deadline is waited for, a longer one is not", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { cache, client } = yield* connect(server.url, { commandTimeout: 1000, socketTimeout: 5000 })
      yield* cache.set("k", 1)
      yield* client.send("CLIENT", ["PAUSE", 200, "ALL"])
      assert.deepStrictEqual(yield* within(1000, cache.get("k")), Option.some(1))
      yield* client.send("CLIENT", ["PAUSE", 2000, "ALL"])
      expectTimeout(yield* failureWithin(1000, cache.get("k")), "command", false)
    }))

  test("a late reply is nobody else's", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { cache, client } = yield* connect(server.url, { commandTimeout: 1000, socketTimeout: 5000 })
      assert.deepStrictEqual(yield* cache.setMany({ a: "A", b: "B", c: "C" }), [])
      yield* client.send("CLIENT", ["PAUSE", 1300, "ALL"])
      expectTimeout(yield* failureWithin(1000, cache.get("a")), "command", false)
      assert.deepStrictEqual(yield* cache.get("b"), Option.some("B"))
      assert.deepStrictEqual(yield* cache.get("c"), Option.some("C"))
    }))

  test("a short stall of the server delays, and fails nobody", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { cache, client } = yield* connect(server.url, { commandTimeout: 1000 })
      yield* cache.set("k", 1)
      const stall = yield* Effect.forkChild(client.send("DEBUG", ["SLEEP", "0.2"]))
      const reads = Array.from({ length: 20 }, () => cache.get("k"))
      const values = yield* within(1000, Effect.all(reads, { concurrency: "unbounded" }))
      assert.isTrue(values.every(Option.isSome))
      yield* Fiber.join(stall)
    }))

  test("while a script keeps the server busy others are told so, and it goes on when the script is killed", () =>
    Effect.gen(function* () {
      const server = yield* startServer("--busy-reply-threshold", "50")
      const { cache, client } = yield* connect(server.url)
      const other = yield* connect(server.url)
      yield* cache.set("k", 1)
      yield* other.cache.get("k")
      const script = yield* Effect.forkChild(
        Effect.flip(client.eval({ name: "spin", lua: "while true do end" }, [], []))
      )
      yield* until("a server that is busy", Effect.result(other.cache.get("k")), Result.isFailure)
      const error = yield* failureWithin(400, other.cache.get("k"))
      assert.strictEqual(error._tag === "CacheServerError" ? error.code : error._tag, "BUSY")
      yield* other.client.send("SCRIPT", ["KILL"])
      yield* within(1000, recovered(cache.get("k")))
      yield* Fiber.join(script)
    }))

  test("half a reply and then silence: the operation times out, the socket is replaced", () =>
    Effect.gen(function* () {
      let sockets = 0
      let saidHalf = false
      const fake = yield* startRaw((command, socket) => {
        if (command[0] === "PING") {
          sockets++
          return "+PONG\r\n"
        }
        if (sockets === 1) {
          if (!saidHalf) socket.write("$100\r\nhalf")
          saidHalf = true
          return undefined
        }
        return "$1\r\n1\r\n"
      })
      const { cache } = yield* connect(fake.url)
      expectTimeout(yield* failureWithin(400, cache.get("k")), "command", false)
      assert.deepStrictEqual(yield* within(2 * profile.socketTimeout, recovered(cache.get("k"))), Option.some(1))
    }))

  test("a blocked event loop is not a time-out", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { cache } = yield* connect(server.url)
      yield* cache.set("k", 1)
      for (const later of [setImmediate, (f: () => void) => setTimeout(f, 1), (f: () => void) => queueMicrotask(f)]) {
        const read = yield* Effect.forkChild(cache.get("k"))
        yield* Effect.yieldNow
        yield* Effect.promise(
          () =>
            new Promise<void>((resolve) =>
              later(() => {
                const until = performance.now() + 1000
                while (performance.now() < until);
                resolve()
              })
            )
        )
        assert.deepStrictEqual(yield* Fiber.join(read), Option.some(1))
      }
    }))
})

describe("a connection that breaks", () => {
  test("killed with 50 writes in flight: each is told that it may have happened; restarted: recovers", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { cache } = yield* connect(server.url, { commandTimeout: 10_000, socketTimeout: 10_000 })
      yield* cache.set("k", 1)
      yield* server.freeze
      const writes = yield* Effect.forEach(Array.from({ length: 50 }), (_, i) =>
        Effect.forkChild(Effect.flip(cache.set(`k${i}`, i)))
      )
      yield* pause(50)
      yield* server.kill
      const errors = yield* within(200, Effect.forEach(writes, Fiber.join))
      for (const error of errors) expectConnection(error, "lost", true)
      yield* server.start
      yield* within(700, recovered(cache.set("k", 2)))
    }))

  test("a lost reply is not a lost write, and is never sent again", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const proxy = yield* startProxy(server.port)
      const { cache } = yield* connect(proxy.url, { commandTimeout: 10_000, socketTimeout: 10_000 })
      const direct = yield* connect(server.url)
      yield* cache.set("n", 0)
      yield* cache.incr("n")
      proxy.dropReplies = true
      const count = yield* Effect.forkChild(Effect.flip(cache.incr("n")))
      const lock = yield* Effect.forkChild(Effect.flip(cache.add("lock", "me", { timeToLive: "1 second" })))
      yield* until("a write that the server has done", direct.cache.has("lock"), Boolean)
      proxy.dropReplies = false
      proxy.reset()
      expectConnection(yield* within(200, Fiber.join(count)), "lost", true)
      expectConnection(yield* within(200, Fiber.join(lock)), "lost", true)
      yield* recovered(cache.get("n"))
      yield* pause(1000)
      assert.deepStrictEqual(yield* direct.cache.get("n"), Option.some(2))
      assert.isFalse(yield* direct.cache.has("lock"))
    }))

  test("connections killed in a loop of reads: only typed failures, and short ones", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { cache } = yield* connect(server.url)
      const killer = yield* connect(server.url)
      yield* writeSigned(cache, "k", "writer")
      const read = readSigned(cache, "k", "writer")
      const load = yield* startLoad(2, () => read)
      for (let i = 0; i < 4; i++) {
        yield* pause(150)
        assert.isAtLeast(Number(yield* killer.client.send("CLIENT", ["KILL", "TYPE", "normal", "SKIPME", "yes"])), 1)
        yield* within(300, recovered(read))
      }
      const outcomes = yield* load.stop
      for (const error of failures(outcomes)) assert.strictEqual(error._tag, "CacheConnectionError", String(error))
      assert.isBelow(slowest(outcomes), profile.commandTimeout + slack)
    }))

  test("a write that timed out during an outage does not land later", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { cache, client } = yield* connect(server.url)
      yield* cache.set("k", "old")
      yield* server.kill
      yield* until("a client that knows of the loss", client.state, ({ _tag }) => _tag !== "Ready")
      expectConnection(yield* failureWithin(50, cache.set("k", "stale")), "connect", false)
      yield* server.start
      const other = yield* connect(server.url, patient)
      yield* other.cache.set("k", "fresh")
      yield* within(700, recovered(cache.get("k")))
      yield* pause(500)
      assert.deepStrictEqual(yield* other.cache.get("k"), Option.some("fresh"))
    }))

  test("killed in the middle of setMany: every key has its outcome", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const proxy = yield* startProxy(server.port)
      const { cache, client } = yield* connect(proxy.url, { commandTimeout: 10_000, socketTimeout: 10_000 })
      yield* cache.set("k", 1)
      proxy.dropReplies = true
      const commands = Array.from({ length: 100 }, (_, i) => ({ name: "SET", args: [`k${i}`, i, "PX", 60_000] }))
      const pipeline = yield* Effect.forkChild(client.pipeline(commands))
      const batch = yield* Effect.forkChild(Effect.flip(cache.setMany(commands.map((_, i) => [`b${i}`, i] as const))))
      yield* pause(50)
      proxy.reset()
      const results = yield* within(300, Fiber.join(pipeline))
      assert.strictEqual(results.length, 100)
      for (const result of results) {
        if (Result.isFailure(result)) expectConnection(result.failure, "lost", true)
      }
      expectConnection(yield* Fiber.join(batch), "lost", true)
    }))

  test("a reconnecting client fails at once and comes back with the same database and name", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { cache, client } = yield* connect(`${server.url}/5`, { clientName: "reconnector" })
      yield* cache.set("k", 5)
      const killer = yield* connect(server.url)
      yield* killer.client.send("CLIENT", ["KILL", "TYPE", "normal", "SKIPME", "yes"])
      yield* within(700, recovered(cache.get("k")))
      assert.deepStrictEqual(yield* cache.get("k"), Option.some(5))
      assert.strictEqual(yield* client.send("CLIENT", ["GETNAME"]), "reconnector")
    }))

  test("a subscriber is told that its connection broke", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { client } = yield* connect(server.url)
      const messages = yield* Effect.forkChild(Effect.flip(Effect.scoped(drain(client, "news"))))
      yield* untilHeard(client, "news")
      yield* client.send("CLIENT", ["KILL", "TYPE", "pubsub"])
      expectConnection(yield* within(500, Fiber.join(messages)), "lost", false)
    }))

  test("a subscriber notices a frozen server without a message", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { client } = yield* connect(server.url)
      const messages = yield* Effect.forkChild(Effect.flip(Effect.scoped(drain(client, "news"))))
      yield* untilHeard(client, "news")
      yield* server.freeze
      expectConnection(yield* within(2 * profile.socketTimeout, Fiber.join(messages)), "lost", false, "ETIMEDOUT")
    }))
})

describe("errors of the server", () => {
  test("forbidden commands and keys fail with NOPERM, and alone", () =>
    Effect.gen(function* () {
      const server = yield* startServer("--user", "app", "on", ">pw", "~app:*", "+get", "+ping")
      const { client } = yield* connect(`valkey://app:pw@127.0.0.1:${server.port}`)
      assert.isNull(yield* client.send("GET", ["app:x"]))
      for (const command of [client.send("GET", ["other"]), client.send("SET", ["app:x", 1])]) {
        const error = yield* failureWithin(50, command)
        assert.strictEqual(error._tag === "CacheServerError" ? error.code : error._tag, "NOPERM")
      }
      assert.isNull(yield* client.send("GET", ["app:x"]))
    }))

  test("another type under the key: an error from get, a miss in getMany", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { cache, client } = yield* connect(server.url)
      yield* client.send("LPUSH", [cache.makeKey("list"), "x"])
      const error = yield* failureWithin(50, cache.get("list"))
      assert.strictEqual(error._tag === "CacheServerError" ? error.code : error._tag, "WRONGTYPE")
      const keys = Array.from({ length: 1000 }, (_, i) => (i === 500 ? "list" : `k${i}`))
      assert.deepStrictEqual(
        yield* cache.setMany(keys.filter((key) => key !== "list").map((key) => [key, key] as const)),
        []
      )
      const found = yield* cache.getMany([...keys, "k1", "k1"])
      assert.deepStrictEqual(
        [...found.keys()],
        keys.filter((key) => key !== "list")
      )
      assert.deepStrictEqual(yield* cache.set("list", "now a value"), true)
      assert.strictEqual((yield* cache.getMany(["list"])).get("list"), "now a value")
    }))

  test("out of memory: writes fail, reads and deletes work", () =>
    Effect.gen(function* () {
      const server = yield* startServer("--maxmemory", "3mb", "--maxmemory-policy", "noeviction")
      const { cache } = yield* connect(server.url)
      yield* cache.set("first", 1)
      const fill = Effect.forEach(Array.from({ length: 100 }), (_, i) => cache.set(`k${i}`, "x".repeat(100_000)), {
        discard: true
      })
      const error = yield* failureWithin(5000, fill)
      assert.strictEqual(error._tag === "CacheServerError" ? error.code : error._tag, "OOM")
      assert.deepStrictEqual(yield* cache.get("first"), Option.some(1))
      assert.isTrue(yield* cache.delete("k0"))
    }))

  test("a value over the limit is refused before anything is sent, and hurts nobody", () =>
    Effect.gen(function* () {
      const server = yield* startServer("--proto-max-bulk-len", "1mb")
      const { cache } = yield* connect(server.url, { maxValueBytes: 1_000_000 })
      yield* cache.set("k", 1)
      const reads = yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: 20 }, () => cache.get("k")),
          { concurrency: 20 }
        )
      )
      const error = yield* failureWithin(50, cache.set("big", "SECRET".repeat(1_000_000)))
      assert.strictEqual(error._tag, "CacheInputError")
      assert.isTrue((yield* Fiber.join(reads)).every(Option.isSome))
    }))

  test("bytes come back as they were", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { client } = yield* connect(server.url)
      const bytes = Uint8Array.from({ length: 1024 * 1024 }, (_, i) => i % 256)
      yield* client.send("SET", ["bytes", bytes])
      const back = yield* client.send("GET", ["bytes"], { reply: "buffer" })
      assert.isTrue(Buffer.isBuffer(back) && Buffer.compare(back, bytes) === 0)
    }))

  test("a reply that the command cannot have is an error, not a value", () =>
    Effect.gen(function* () {
      const fake = yield* startFake((command) => (command[0] === "GET" ? ":42\r\n" : "+OK\r\n"))
      // Each on a connection of its own: one that has given such a reply is closed.
      const onItsOwn = Effect.fnUntraced(function* <A>(
        ask: (cache: TypedCache<unknown>) => Effect.Effect<A, CacheError>
      ) {
        const { cache } = yield* connect(fake.url)
        expectConnection(yield* failureWithin(50, ask(cache)), "lost", false, "PROTOCOL")
      })
      yield* onItsOwn((cache) => cache.get("k"))
      yield* onItsOwn((cache) => cache.getMany(["k"]))
      yield* onItsOwn((cache) => cache.has("k"))
      yield* onItsOwn((cache) => cache.ttl("k"))
    }))

  test("a reply that nobody asked for does not crash, and shows no value", () =>
    Effect.gen(function* () {
      const fake = yield* startFake((command, socket) => {
        if (command[0] !== "GET") return "+OK\r\n"
        setTimeout(() => socket.write("$6\r\nSECRET\r\n"), 5)
        return "$1\r\n1\r\n"
      })
      const { cache } = yield* connect(fake.url)
      assert.deepStrictEqual(yield* cache.get("k"), Option.some(1))
      yield* pause(30)
      yield* Effect.result(cache.get("k"))
    }))
})

describe("back-pressure", () => {
  test("beyond maxInFlight commands wait, and go on", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { client } = yield* connect(server.url, { maxInFlight: 10 })
      const replies = yield* Effect.forEach(Array.from({ length: 1000 }), (_, i) => client.send("ECHO", [i]), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(
        replies,
        replies.map((_, i) => String(i))
      )
    }))

  test("a place in flight that does not come in time is a time-out of the queue, never sent", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { client } = yield* connect(server.url, { maxInFlight: 5 })
      yield* client.send("PING", [])
      yield* server.freeze
      const all = yield* Effect.forEach(Array.from({ length: 20 }), () =>
        Effect.forkChild(Effect.flip(client.send("INCR", ["n"])))
      )
      const errors = yield* within(profile.commandTimeout, Effect.forEach(all, Fiber.join))
      errors.forEach((error, i) => expectTimeout(error, i < 5 ? "command" : "queue", i < 5))
      yield* server.thaw
      yield* within(1500, recovered(client.send("PING", [])))
      assert.strictEqual(yield* client.send("GET", ["n"]), "5")
    }))

  test("commands of one turn go out together", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const proxy = yield* startProxy(server.port)
      const { client } = yield* connect(proxy.url)
      yield* client.send("PING", [])
      proxy.writes = 0
      yield* Effect.forEach(Array.from({ length: 30 }), () => client.send("GET", ["k"]), { concurrency: "unbounded" })
      assert.strictEqual(proxy.writes, 1)
      proxy.writes = 0
      yield* client.pipeline(Array.from({ length: 500 }, () => ({ name: "GET", args: ["k"] })))
      assert.strictEqual(proxy.writes, 1)
    }))
})

describe("dedicated connections", () => {
  test("a blocking command waits as long as it asks, and everybody else goes on", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { client } = yield* connect(server.url)
      const pop = yield* Effect.forkChild(
        Effect.scoped(Effect.flatMap(client.dedicated, (own) => own.send("BLPOP", ["queue", 5])))
      )
      yield* pause(profile.commandTimeout + 200)
      yield* within(50, client.send("RPUSH", ["queue", "item"]))
      assert.deepStrictEqual(yield* within(100, Fiber.join(pop)), ["queue", "item"])
    }))

  test("WATCH and MULTI work on one's own connection", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { client } = yield* connect(server.url)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const own = yield* client.dedicated
          yield* own.send("WATCH", ["k"])
          yield* client.send("SET", ["k", "changed"])
          yield* own.send("MULTI", [])
          yield* own.send("SET", ["k", "mine"])
          assert.isNull(yield* own.send("EXEC", []))
        })
      )
      assert.strictEqual(yield* client.send("GET", ["k"]), "changed")
    }))

  test("an interrupted blocking command takes nothing later", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { client } = yield* connect(server.url)
      const pop = yield* Effect.forkChild(
        Effect.scoped(Effect.flatMap(client.dedicated, (own) => own.send("BLPOP", ["queue", 0])))
      )
      yield* pause(100)
      yield* within(200, Fiber.interrupt(pop))
      yield* client.send("RPUSH", ["queue", "kept"])
      assert.strictEqual(yield* client.send("LLEN", ["queue"]), 1)
    }))

  test("no more than maxConnections; the next one waits poolTimeout", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { client } = yield* connect(server.url, { maxConnections: 2, poolTimeout: 200 })
      const held = yield* Effect.scoped(
        Effect.gen(function* () {
          yield* client.dedicated
          yield* client.dedicated
          return yield* failureWithin(200, Effect.scoped(client.dedicated))
        })
      )
      expectTimeout(held, "queue", false)
      yield* Effect.scoped(Effect.flatMap(client.dedicated, (own) => own.send("PING", [])))
    }))

  test("what one borrower began, the next one does not find", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { client } = yield* connect(server.url, { maxConnections: 1 })
      const borrow = <A>(body: (own: DedicatedClient) => Effect.Effect<A, CacheError>) =>
        Effect.scoped(Effect.flatMap(client.dedicated, body))
      yield* borrow((own) => own.send("MULTI", []))
      assert.strictEqual(yield* borrow((own) => own.send("SET", ["k", "v"])), "OK")
      yield* borrow((own) => own.pipeline([{ name: "WATCH", args: ["k"] }]))
      yield* client.send("SET", ["k", "changed"])
      const replies = borrow((own) =>
        Effect.andThen(Effect.andThen(own.send("MULTI", []), own.send("GET", ["k"])), own.send("EXEC", []))
      )
      assert.deepStrictEqual(yield* replies, ["changed"])
      const id = borrow((own) => own.send("PING", []))
      assert.deepStrictEqual([yield* id, yield* id], ["PONG", "PONG"])
    }))

  test("while the server is away borrowing fails, typed and soon; afterwards it works", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { client } = yield* connect(server.url, { maxConnections: 1 })
      const ping = Effect.scoped(Effect.flatMap(client.dedicated, (own) => own.send("PING", [])))
      yield* ping
      yield* server.kill
      for (let i = 0; i < 3; i++) {
        assert.strictEqual((yield* failureWithin(profile.commandTimeout, ping))._tag, "CacheConnectionError")
      }
      yield* server.start
      assert.strictEqual(yield* within(1000, recovered(ping)), "PONG")
    }))

  test("raw and use give iovalkey's own client, ready", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { client } = yield* connect(server.url)
      const raw = yield* client.raw
      assert.strictEqual(raw.status, "ready")
      assert.strictEqual(yield* client.use((redis) => redis.set("k", "v")), "OK")
      const error = yield* Effect.flip(client.use((redis) => redis.incr("k")))
      assert.strictEqual(error._tag, "CacheServerError")
      const exit = yield* Effect.exit(client.use(() => Promise.reject(new Error("the caller's own"))))
      assert.isTrue(Exit.isFailure(exit) && Exit.hasDies(exit))
      expectTimeout(
        yield* failureWithin(
          400,
          client.use(() => new Promise(() => {}))
        ),
        "command",
        true
      )
    }))

  test("one connection per layer, dedicated ones only while they are used", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { cache, client } = yield* connect(server.url, { clientName: "counted" })
      const connections = Effect.map(
        client.send("CLIENT", ["LIST"]),
        (list) => String(list).split("name=counted").length - 1
      )
      yield* Effect.forEach(Array.from({ length: 200 }), (_, i) => cache.set(`k${i}`, i), { concurrency: "unbounded" })
      assert.strictEqual(yield* connections, 1)
      yield* Effect.scoped(
        Effect.andThen(
          client.dedicated,
          Effect.map(connections, (n) => assert.strictEqual(n, 2))
        )
      )
    }))
})

describe("closing", () => {
  test("after the close everything fails at once; closing twice is closing once", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const runtime = ManagedRuntime.make(cacheOn(server.url))
      const cache = yield* Effect.promise(() => runtime.runPromise(CacheService))
      yield* cache.set("k", 1)
      yield* within(
        profile.closeTimeout,
        Effect.promise(() => Promise.all(Array.from({ length: 10 }, () => runtime.dispose())))
      )
      yield* Effect.promise(() => runtime.dispose())
      const operations: ReadonlyArray<Effect.Effect<unknown, CacheError>> = [
        cache.get("k"),
        cache.set("k", 2),
        cache.incr("k"),
        cache.client.raw
      ]
      for (const operation of operations) {
        expectConnection(yield* failureWithin(5, operation), "closed", false)
      }
      const neverOpened = ManagedRuntime.make(cacheOn(server.url))
      yield* Effect.promise(() => neverOpened.runPromise(CacheService))
      yield* within(
        5,
        Effect.promise(() => neverOpened.dispose())
      )
    }))

  test("what is in flight when the layer closes is still answered", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const runtime = ManagedRuntime.make(cacheOn(server.url))
      const cache = yield* Effect.promise(() => runtime.runPromise(CacheService))
      yield* cache.set("k", 1)
      const reads = yield* Effect.forEach(Array.from({ length: 100 }), () => Effect.forkChild(cache.get("k")))
      yield* Effect.yieldNow
      yield* Effect.promise(() => runtime.dispose())
      for (const read of reads) assert.deepStrictEqual(yield* Fiber.join(read), Option.some(1))
    }))

  test("frozen with commands in flight, reconnecting, connecting: each closes in time and settles all", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const silent = yield* startRaw(() => undefined)
      const gone = yield* Effect.promise(freePort)
      const frozen = ManagedRuntime.make(cacheOn(server.url, { commandTimeout: 5000 }))
      const cache = yield* Effect.promise(() => frozen.runPromise(CacheService))
      yield* cache.set("k", 1)
      yield* server.freeze
      const read = yield* Effect.forkChild(Effect.flip(cache.get("k")))
      yield* pause(20)
      yield* within(
        profile.closeTimeout + 100,
        Effect.promise(() => frozen.dispose())
      )
      expectConnection(yield* Fiber.join(read), "closed", false)

      for (const url of [`valkey://127.0.0.1:${gone}`, silent.url]) {
        const runtime = ManagedRuntime.make(cacheOn(url))
        const cache = yield* Effect.promise(() => runtime.runPromise(CacheService))
        const pending = yield* Effect.forkChild(Effect.flip(cache.get("k")))
        yield* pause(30)
        yield* within(
          profile.closeTimeout + 100,
          Effect.promise(() => runtime.dispose())
        )
        assert.strictEqual((yield* Fiber.join(pending))._tag, "CacheConnectionError")
      }
    }))

  test("the process ends by itself within a second of the close", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const gone = yield* Effect.promise(freePort)
      for (const url of [server.url, `valkey://127.0.0.1:${gone}`]) {
        const [outcome, millis] = yield* Effect.promise(() => runChild(url))
        assert.deepStrictEqual(outcome, { code: 0, stdout: "closed\n", stderr: "" })
        assert.isBelow(millis, 1000 + slack)
      }
    }))
})

test("what a caller's own function throws is the caller's, and hurts nobody else", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache, client } = yield* connect(server.url)
    yield* cache.set("k", 1)
    const boom = (): never => {
      throw new Error("the caller's own")
    }
    const exit = yield* Effect.exit(client.request("GET", ["k"], (): Effect.Effect<never> => boom()))
    assert.isTrue(Exit.isFailure(exit) && Exit.hasDies(exit))
    const hostile = cache.withOptions({ keyFunction: { make: boom, reverse: boom } })
    const error = yield* Effect.flip(hostile.get("k"))
    assert.strictEqual(error._tag, "CacheInputError")
    assert.notInclude(`${String(error)} ${inspect(error, { depth: 10, showHidden: true })}`, "the caller's own")
    assert.deepStrictEqual(yield* cache.get("k"), Option.some(1))
  }))

test("an interrupted operation ends at once, whatever the server does", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache } = yield* connect(server.url)
    yield* cache.set("k", 1)
    yield* server.freeze
    const read = yield* Effect.forkChild(cache.get("k"))
    yield* pause(20)
    yield* within(20, Fiber.interrupt(read))
    yield* server.thaw
    yield* pause(50)
    assert.deepStrictEqual(yield* cache.get("k"), Option.some(1))
  }))

const drain = (client: ValkeyClient["Service"], channel: string) => Stream.runDrain(client.subscribe(channel))

const untilHeard = (client: ValkeyClient["Service"], channel: string) =>
  until(`a subscriber of ${channel}`, client.send("PUBLISH", [channel, "probe"]), (heard) => heard === 1)

test("health and state: ready, not ready with the reason, ready again, closed", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const runtime = ManagedRuntime.make(cacheOn(server.url))
    const cache = yield* Effect.promise(() => runtime.runPromise(CacheService))
    const { client } = cache
    assert.deepStrictEqual(yield* client.state, { _tag: "Idle" })
    const states: Array<string> = []
    const watcher = yield* Effect.forkChild(
      Stream.runForEach(client.states, ({ _tag }) => Effect.sync(() => states.push(_tag)))
    )
    yield* until(
      "a first state",
      Effect.sync(() => states.length),
      (count) => count > 0
    )
    const healthy = yield* cache.health
    assert.isTrue(healthy.ready)
    assert.isTrue(Option.isNone(healthy.error))
    yield* server.kill
    yield* until(
      "a reason why there is no connection",
      client.state,
      (state) => state._tag === "Degraded" && state.reason?.code === "ECONNREFUSED"
    )
    const sick = yield* within(100, cache.health)
    assert.isFalse(sick.ready)
    expectConnection(Option.getOrThrow(sick.error), "connect", false, "ECONNREFUSED")
    assert.strictEqual(sick.state._tag === "Degraded" ? sick.state.reason?.code : sick.state._tag, "ECONNREFUSED")
    yield* server.start
    yield* within(
      700,
      until("a healthy cache", cache.health, ({ ready }) => ready)
    )
    yield* server.freeze
    assert.isFalse((yield* within(profile.commandTimeout, cache.health)).ready)
    yield* server.thaw
    yield* Effect.promise(() => runtime.dispose())
    yield* Fiber.join(watcher)
    assert.deepStrictEqual(yield* client.state, { _tag: "Closed" })
    assert.deepStrictEqual([...new Set(states)], ["Idle", "Connecting", "Ready", "Degraded", "Closed"])
  }))
