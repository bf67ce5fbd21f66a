/** Replies that no server should send, and honest ones that are too large: whose command fails, and what goes on. */
import type { Socket } from "node:net"
import { assert, describe } from "@effect/vitest"
import { Effect, Fiber, Result, Schedule, Stream } from "effect"
import { type CacheError, type ConnectionOptions, type ValkeyClient, ValkeyCluster } from "effect-vcache"
import { type Answer, type FakeServer, pong, startFake, startRaw } from "../support/FakeServer.ts"
import {
  assertNoSecrets,
  buildEager,
  connect,
  connectTo,
  expectConnection,
  expectTimeout,
  failureWithin,
  patient,
  profile,
  recovered,
  slack,
  test,
  timed,
  watchForTraces,
  withCache,
  within
} from "../support/faults.ts"
import { pause } from "../support/pause.ts"
import { until } from "../support/until.ts"
import { startServer } from "../support/ValkeyServer.ts"

watchForTraces()

type Client = ValkeyClient["Service"]

const ok = "+OK\r\n"

/** Answers GET of its own name with its name, and GET of `hostile` with these bytes. */
const answering =
  (hostile: string): Answer =>
  ([name, key = ""]) => {
    if (name !== "GET") return ok
    return key === "hostile" ? hostile : `$${key.length}\r\n${key}\r\n`
  }

const connected = (url: string, options: ConnectionOptions = {}) =>
  Effect.map(connect(url, options), ({ client }) => client)

const get = (client: Client, key: string) => client.send("GET", [key])

const reads: ReadonlySet<string> = new Set(["GET", "LRANGE"])

const expectTooLarge = (error: CacheError) => {
  assert.strictEqual(error._tag, "CacheServerError", String(error))
  if (error._tag !== "CacheServerError") return
  assert.strictEqual(error.code, "REPLY_TOO_LARGE")
  assert.strictEqual(error.mayHaveExecuted, !reads.has(error.operation))
  assert.match(error.reply, /^REPLY_TOO_LARGE .* of more than \d+ (?:bytes|deep|elements)$/)
}

describe("well-formed replies beyond a limit", () => {
  const large: Readonly<Record<string, string>> = {
    "10 000 lists in one another": `${"*1\r\n".repeat(10_000)}:1\r\n`,
    "10 000 lists side by side in one another": `${"*2\r\n:1\r\n".repeat(10_000)}:1\r\n`,
    "a status of two megabytes": `+${"x".repeat(2_000_000)}\r\n`,
    "an error of two megabytes": `-${"x".repeat(2_000_000)}\r\n`
  }
  for (const [name, hostile] of Object.entries(large)) {
    test(`${name}: its command fails, its neighbours have their values, the connection stays`, () =>
      Effect.gen(function* () {
        const sockets = new Set<Socket>()
        const fake = yield* startFake((command, socket) => {
          sockets.add(socket)
          return answering(hostile)(command, socket)
        })
        const client = yield* connected(fake.url)
        for (let round = 0; round < 3; round++) {
          const [before, error, after] = yield* within(
            profile.commandTimeout,
            Effect.all([get(client, "before"), Effect.flip(get(client, "hostile")), get(client, "after")], {
              concurrency: "unbounded"
            })
          )
          expectTooLarge(error)
          assert.deepStrictEqual([before, after], ["before", "after"])
        }
        assert.strictEqual(sockets.size, 1)
      }))
  }

  test("options say what is too large, in text and in bytes, for commands, pipelines, transactions and raw ones", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const limits = { stringBytes: 2000, elements: 1024, depth: 8, lineBytes: 1024 }
      const client = yield* connected(server.url, { replyLimits: limits })
      yield* client.send("SET", ["large", "x".repeat(2001)])
      yield* client.send("SET", ["small", "x".repeat(2000)])
      yield* client.send("RPUSH", ["list", ...Array.from({ length: 1025 }, (_, i) => i)])
      const id = yield* client.send("CLIENT", ["ID"])

      expectTooLarge(yield* Effect.flip(get(client, "large")))
      expectTooLarge(yield* Effect.flip(client.send("GET", ["large"], { reply: "buffer" })))
      expectTooLarge(yield* Effect.flip(client.send("LRANGE", ["list", 0, -1])))
      assert.lengthOf((yield* get(client, "small")) as string, 2000)

      const commands = ["small", "large", "small"].map((key) => ({ name: "GET", args: [key] }))
      const [first, second, third] = yield* client.pipeline(commands)
      assert.isTrue(Result.isSuccess(first!) && Result.isSuccess(third!))
      expectTooLarge(Result.getOrThrow(Result.flip(second!)))

      expectTooLarge(yield* Effect.flip(client.transaction(commands)))

      const [raw, ours] = yield* Effect.all(
        [
          client.use((raw) => Promise.allSettled([raw.get("small"), raw.get("large"), raw.lrange("list", 0, 1)])),
          get(client, "small")
        ],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        raw.map(({ status }) => status),
        ["fulfilled", "rejected", "fulfilled"]
      )
      assert.match(String(raw[1].status === "rejected" && raw[1].reason), /REPLY_TOO_LARGE/)
      assert.lengthOf(ours as string, 2000)
      assert.strictEqual(yield* client.send("CLIENT", ["ID"]), id, "the connection is the same")
    }))

  test("a script whose tables are 20 000 deep fails alone", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const client = yield* connected(server.url)
      yield* client.send("SET", ["k", "v"])
      const script = "local t = {1} for i = 1, 20000 do t = {t} end return t"
      const [deep, value] = yield* Effect.all([Effect.result(client.send("EVAL", [script, 0])), get(client, "k")], {
        concurrency: "unbounded"
      })
      // The server itself refuses some depths, in words of its own.
      assert.isTrue(Result.isFailure(deep))
      if (Result.isFailure(deep)) assert.strictEqual(deep.failure._tag, "CacheServerError")
      assert.strictEqual(value, "v")
    }))

  test("a script whose tables are 200 deep fails alone, with code REPLY_TOO_LARGE", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const client = yield* connected(server.url)
      const script = "local t = {1} for i = 1, tonumber(ARGV[1]) do t = {t} end return t"
      assert.isArray(yield* client.send("EVAL", [script, 0, 100]))
      expectTooLarge(yield* Effect.flip(client.send("EVAL", [script, 0, 200])))
      assert.strictEqual(yield* client.send("PING", []), "PONG")
    }))

  test("a message beyond a limit ends its subscription: dropping it would be silent", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const client = yield* connected(server.url, { replyLimits: { stringBytes: 2000 } })
      const messages: Array<string> = []
      const fiber = yield* Effect.forkChild(
        Effect.flip(
          Stream.runForEach(client.subscribe("news"), ({ message }) => Effect.sync(() => messages.push(message)))
        )
      )
      const publish = (text: string) =>
        client.send("PUBLISH", ["news", text]).pipe(
          Effect.filterOrFail((heard) => heard === 1),
          Effect.retry(Schedule.spaced("5 millis"))
        )
      yield* publish("x".repeat(100))
      yield* publish("x".repeat(2001))
      const error = yield* within(profile.commandTimeout, Fiber.join(fiber))
      expectConnection(error, "lost", false, "REPLY_TOO_LARGE")
      assert.lengthOf(messages, 1)
    }))
})

describe("what ends a connection", () => {
  const broken: Readonly<Record<string, string>> = {
    "an unknown kind of reply": "?SECRET\r\n",
    "a reply of a newer protocol": "%1\r\n+SECRET\r\n+b\r\n",
    "a length that is no number": "$SECRET\r\n",
    "a negative length": "$-5\r\n",
    "a string that is longer than it says": "$2\r\nSECRET\r\n",
    "a line that ends with a line feed": "+SECRET\n",
    "an integer": ":42\r\n",
    "a list": "*1\r\n$6\r\nSECRET\r\n",
    "a message of a channel": "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$6\r\nSECRET\r\n",
    "rubbish in a list": "*2\r\n:1\r\nSECRET\r\n"
  }
  for (const [name, hostile] of Object.entries(broken)) {
    test(`${name}: all that is under way fails, the state says why, the next connection serves`, () =>
      Effect.gen(function* () {
        const answer = answering(hostile)
        // What is asked behind it is never answered: it is the connection that ends it.
        const fake = yield* startFake((command, socket) =>
          command[1] === "behind" ? undefined : answer(command, socket)
        )
        const client = yield* connected(fake.url)
        assert.strictEqual(yield* get(client, "before"), "before")
        const [states, answers] = yield* within(
          100,
          Effect.all(
            [
              client.states.pipe(
                Stream.filter(({ _tag }) => _tag === "Degraded"),
                Stream.take(1),
                Stream.runCollect
              ),
              Effect.all(
                ["hostile", "behind", "behind"].map((key) => Effect.result(get(client, key))),
                { concurrency: "unbounded" }
              )
            ],
            { concurrency: "unbounded" }
          )
        )
        for (const answer of answers) {
          const error = Result.getOrThrow(Result.flip(answer))
          expectConnection(error, "lost", false, "PROTOCOL")
          assertNoSecrets(error)
        }
        const [state] = states
        assert.strictEqual(state?._tag === "Degraded" && state.reason?.code, "PROTOCOL")
        assertNoSecrets(state)
        yield* within(profile.reconnect.max * 2, recovered(get(client, "after")))
      }))
  }

  test("a reply that nobody asked for: the next command does not have it", () =>
    Effect.gen(function* () {
      const fake = yield* startFake((command, socket) => {
        if (command[1] === "hostile") setTimeout(() => socket.write("$6\r\nSECRET\r\n$-1\r\n"), 5)
        return answering("$1\r\n1\r\n")(command, socket)
      })
      const client = yield* connected(fake.url)
      for (let round = 0; round < 5; round++) {
        assert.strictEqual(yield* recovered(get(client, "hostile")), "1")
        yield* until("a connection that is left", client.state, ({ _tag }) => _tag !== "Ready", { every: 1 })
        assert.strictEqual(yield* recovered(get(client, `key ${round}`)), `key ${round}`)
      }
    }))

  test("a reply that comes with another one is not that of a command which the first one led to", () =>
    Effect.gen(function* () {
      const fake = yield* startFake(answering("$5\r\nfirst\r\n$6\r\nSECRET\r\n"))
      const client = yield* connected(fake.url)
      for (let round = 0; round < 5; round++) {
        const answers: Array<unknown> = []
        const next = Effect.flatMap(Effect.result(get(client, "next")), (answer) =>
          Effect.sync(() => answers.push(Result.isSuccess(answer) ? answer.success : answer.failure.message))
        )
        yield* recovered(client.request("GET", ["hostile"], () => next))
        assert.lengthOf(answers, 1)
        assert.match(String(answers[0]), /PROTOCOL/)
      }
    }))

  test("a server that answers more than it was asked in the handshake has no connection", () =>
    Effect.gen(function* () {
      const fake = yield* startRaw(([name]) => (name === "PING" ? "+PONG\r\n+PONG\r\n" : ok))
      const client = yield* connected(fake.url)
      const answers = yield* Effect.forEach(Array.from({ length: 5 }), () => Effect.result(get(client, "k")))
      for (const answer of answers) assert.isTrue(Result.isFailure(answer))
    }))

  for (const [name, reply] of [
    ["another word", "+HELLO\r\n"],
    ["a number", ":1\r\n"],
    ["nothing", "$-1\r\n"]
  ] as const) {
    test(`PING in the handshake that is answered with ${name} is refused`, () =>
      Effect.gen(function* () {
        const fake = yield* startRaw((command) => (command[0] === "PING" ? reply : ok))
        const error = yield* failureWithin(profile.connectTimeout, buildEager(fake.url))
        assert.strictEqual(error._tag, "CacheConnectionError")
        assert.strictEqual(error._tag === "CacheConnectionError" && error.code, "PROTOCOL")
      }))
  }

  test("a transaction whose commands are answered before EXEC is none", () =>
    Effect.gen(function* () {
      const fake = yield* startFake(([name]) =>
        name === "GET" ? "$6\r\nSECRET\r\n" : name === "EXEC" ? "*1\r\n+x\r\n" : ok
      )
      const client = yield* connected(fake.url)
      const error = yield* Effect.flip(client.transaction([{ name: "GET", args: ["k"] }]))
      expectConnection(error, "lost", true, "PROTOCOL")
    }))

  test("a connection whose replies have shifted is noticed by the word that it gives back", () =>
    Effect.gen(function* () {
      const words: Array<string | undefined> = []
      let previous: string | undefined
      // Every reply is that of the command before. All are texts, so that their kinds say nothing.
      const fake = yield* startRaw((command, socket) => {
        if (command[0] === "PING" && command[1] === undefined) {
          previous = undefined
          return pong(command)
        }
        if (command[0] === "PING") words.push(command[1])
        const own = command[0] === "PING" ? pong(command) : answering("")(command, socket)
        const reply = previous ?? "$5\r\nearly\r\n"
        previous = own
        return reply
      })
      const client = yield* connected(fake.url, { socketTimeout: 200 })
      yield* get(client, "a")
      assert.strictEqual(yield* get(client, "b"), "a", "the fake does what it says")
      yield* within(
        400,
        until("a connection that is left", client.state, ({ _tag }) => _tag !== "Ready")
      )
      assert.lengthOf(words, 1)
      const state = yield* client.state
      assert.strictEqual(state._tag === "Degraded" && state.reason?.code, "PROTOCOL")
    }))

  test("a connection in use is asked for its word now and then, an idle one is not", () =>
    Effect.gen(function* () {
      const fake = yield* startFake(answering(""))
      const client = yield* connected(fake.url, { socketTimeout: 100 })
      const asked = () => fake.commands.filter(([name, word]) => name === "PING" && word !== undefined).length
      yield* get(client, "a")
      yield* until("it is asked for what was read before", Effect.sync(asked), (times) => times > 0)
      yield* pause(350)
      assert.strictEqual(asked(), 1)
      const started = performance.now()
      yield* until(
        "it is asked while it is in use",
        Effect.tap(Effect.sync(asked), () => Effect.andThen(get(client, "b"), pause(5))),
        (times) => times >= 4
      )
      assert.isAtLeast(performance.now() - started, 200, "once in the time of a socket")
      assert.strictEqual((yield* client.state)._tag, "Ready")
    }))
})

describe("a reply that does not end", () => {
  const endless: Readonly<Record<string, readonly [start: string, drop: string]>> = {
    "a string of 2 000 000 000 bytes": ["$2000000000\r\n", "xxxxxxxxxx"],
    "a string within the limits": ["$100000000\r\n", "xxxxxxxxxx"],
    "a list of 1 000 000 000": ["*1000000000\r\n", ":1\r\n:2\r\n"],
    "a list within the limits": ["*10000000\r\n", ":1\r\n:2\r\n"],
    "a status": ["+", "xxxxxxxxxx"]
  }
  for (const [name, [start, drop]] of Object.entries(endless)) {
    test(`${name}: the connection is left though bytes come`, () =>
      Effect.gen(function* () {
        let dripped = 0
        const stuck = new Set<Socket>()
        const fake = yield* startRaw((command, socket) => {
          if (stuck.has(socket)) return undefined
          if (command[0] === "PING") return pong(command)
          if (command[1] !== "hostile") return answering("")(command, socket)
          stuck.add(socket)
          const timer = setInterval(() => {
            dripped++
            if (socket.writable) socket.write(drop)
            else clearInterval(timer)
          }, 10)
          socket.on("close", () => clearInterval(timer))
          return start
        })
        const client = yield* connected(fake.url, { commandTimeout: 200, socketTimeout: 300 })
        assert.strictEqual(yield* recovered(get(client, "before")), "before")
        const hostile = yield* failureWithin(200, get(client, "hostile"))
        if (start.includes("000000000\r\n")) expectTooLarge(hostile)
        else expectTimeout(hostile, "command", false)
        // Overdue by the socket timeout, it makes room for another connection.
        const [value, millis] = yield* timed(recovered(get(client, "after")))
        assert.strictEqual(value, "after")
        assert.isBelow(millis, 200 + 300 + 30 + profile.reconnect.max + slack)
        assert.isAtLeast(dripped, 5)
        assert.strictEqual(
          fake.commands.filter(([command, word]) => command === "PING" && word === undefined).length,
          2
        )
      }))
  }

  test("a slow reply within its time is waited for", () =>
    Effect.gen(function* () {
      let held: Array<string> | undefined
      const fake = yield* startRaw((command, socket) => {
        const reply = command[0] === "PING" ? pong(command) : (answering("")(command, socket) ?? "")
        if (command[1] !== "slow") {
          held?.push(reply)
          return held === undefined ? reply : undefined
        }
        const later = (held = new Array<string>())
        let left = 60
        const timer = setInterval(() => {
          socket.write("x".repeat(10))
          if (--left > 0) return
          clearInterval(timer)
          held = undefined
          socket.write(`\r\n${later.join("")}`)
        }, 10)
        socket.on("close", () => clearInterval(timer))
        return "$600\r\n"
      })
      const client = yield* connected(fake.url, { commandTimeout: 200, socketTimeout: 200 })
      const [slow, behind] = yield* Effect.all(
        [client.send("GET", ["slow"], { timeout: 2000 }), client.send("GET", ["behind"], { timeout: 2000 })],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual([slow, behind], ["x".repeat(600), "behind"])
    }))

  test("a command that was given up keeps its place", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const client = yield* connected(server.url)
      for (const key of ["a", "b", "c"]) yield* client.send("SET", [key, `value of ${key}`])
      for (let round = 0; round < 20; round++) {
        yield* server.freeze
        const given = yield* Effect.forkChild(get(client, "a"))
        const kept = yield* Effect.forkChild(Effect.all([get(client, "b"), get(client, "c")], { concurrency: 2 }))
        yield* pause(5)
        yield* Fiber.interrupt(given)
        yield* server.thaw
        assert.deepStrictEqual(yield* Fiber.join(kept), ["value of b", "value of c"])
      }
    }))
})

describe("clients that a program makes of the shared one", () => {
  test("a duplicate has a connection of its own, and the shared one lives on", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const client = yield* connected(server.url, { connectTimeout: 300 })
      yield* client.send("SET", ["k", "v"])
      const id = yield* client.send("CLIENT", ["ID"])
      const raw = yield* client.raw
      const duplicate = yield* Effect.acquireRelease(
        Effect.promise(async () => {
          const duplicate = "duplicate" in raw && raw.duplicate()
          if (duplicate === false || !("connect" in duplicate)) throw new Error("no client")
          await duplicate.connect()
          return duplicate
        }),
        (duplicate) => Effect.sync(() => duplicate.disconnect())
      )
      assert.strictEqual(yield* Effect.promise(() => duplicate.get("k")), "v")
      // As long as an attempt of the shared one may take.
      yield* pause(400)
      assert.strictEqual(yield* client.send("CLIENT", ["ID"]), id)
      assert.notStrictEqual(yield* Effect.promise(() => duplicate.client("ID")), id)
    }))

  test("subscriptions and monitors on duplicates, blocks and multis on the shared one", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const client = yield* connected(server.url)
      const heard = yield* client.use(async (raw) => {
        const subscriber = raw.duplicate()
        await subscriber.connect()
        const heard: Array<string> = []
        subscriber.on("message", (channel: string, message: string) => heard.push(`${channel}: ${message}`))
        subscriber.on("pmessage", (_: string, channel: string, message: string) => heard.push(`${channel}! ${message}`))
        await subscriber.subscribe("a", "b")
        await subscriber.psubscribe("c*")
        const monitor = await ("monitor" in raw ? raw.monitor() : assert.fail("a cluster"))
        monitor.on("monitor", (_: string, args: ReadonlyArray<string>) => heard.push(args.join(" ")))
        for (const channel of ["a", "b", "c1"]) await raw.publish(channel, `to ${channel}`)
        await Effect.runPromise(until("six messages", Effect.succeed(heard), ({ length }) => length === 6))
        const all = [...heard]
        await subscriber.unsubscribe("a", "b")
        await subscriber.punsubscribe()
        assert.strictEqual(await subscriber.ping(), "PONG")
        subscriber.disconnect()
        monitor.disconnect()
        return all
      })
      assert.sameMembers(heard, [
        "a: to a",
        "b: to b",
        "c1! to c1",
        "publish a to a",
        "publish b to b",
        "publish c1 to c1"
      ])
      assert.strictEqual(yield* client.send("PING", []), "PONG")
    }))

  test("a subscription on the shared one is everybody's, and its messages are no replies", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const client = yield* connected(server.url)
      const heard: Array<string> = []
      yield* client.use(async (raw) => {
        raw.on("message", (_, message) => heard.push(message))
        await raw.subscribe("a", "b")
      })
      yield* server.call("PUBLISH", "a", "1")
      yield* server.call("PUBLISH", "b", "2")
      const error = yield* Effect.flip(get(client, "k"))
      assert.strictEqual(error._tag, "CacheServerError")
      yield* server.call("PUBLISH", "a", "3")
      yield* client.use((raw) => raw.unsubscribe("a", "b"))
      assert.deepStrictEqual(heard, ["1", "2", "3"])
      assert.strictEqual(yield* client.send("PING", []), "PONG")
    }))

  test("messages on the shared one are the bytes that were published, also while others ask", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const client = yield* connected(server.url, { ...patient, socketTimeout: 1000 })
      const bytes = Buffer.from([0xff, 0xfe, 0, 13, 10])
      const publisher = yield* connected(server.url, patient)
      const heard: Array<Buffer> = []
      yield* client.use(async (raw) => {
        raw.on("messageBuffer", (_: Buffer, message: Buffer) => heard.push(message))
        await raw.subscribe("a")
      })
      // Subscribers may PING, and are answered with a list.
      let published = 0
      const started = performance.now()
      // Long enough for the connection to be asked for its word.
      while (performance.now() - started < 1300) {
        const [pong] = yield* Effect.all([client.send("PING", []), publisher.send("PUBLISH", ["a", bytes])], {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(pong, ["pong", ""])
        published++
        yield* pause(10)
      }
      yield* until("all messages", Effect.succeed(heard), ({ length }) => length === published)
      for (const message of heard) assert.isTrue(message.equals(bytes))
    }))

  for (const end of ["quit", "disconnect"] as const) {
    test(`${end} on the shared one closes a connection, not the client`, () =>
      Effect.gen(function* () {
        const server = yield* startServer()
        const client = yield* connected(server.url)
        yield* client.send("SET", ["k", "v"])
        for (let i = 0; i < 3; i++) {
          yield* client.use(async (raw) => void (await raw[end]()))
          assert.strictEqual(yield* recovered(get(client, "k")), "v")
        }
      }))
  }

  test("hostile replies end a duplicate's connection, not the process", () =>
    Effect.gen(function* () {
      const hostile = `${"*1\r\n".repeat(10_000)}:1\r\n`
      const fake = yield* startFake(([name, key], socket) =>
        name === "get" && key === "rubbish"
          ? "?x\r\n"
          : answering(hostile)([name?.toUpperCase() ?? "", key ?? ""], socket)
      )
      const client = yield* connected(fake.url)
      yield* client.use(async (raw) => {
        const duplicate = raw.duplicate()
        duplicate.on("error", () => {})
        await duplicate.connect()
        const answers = await Promise.allSettled(["a", "hostile", "b"].map((key) => duplicate.get(key)))
        assert.deepStrictEqual(
          answers.map((one) => (one.status === "fulfilled" ? one.value : String(one.reason).slice(0, 27))),
          ["a", "ReplyError: REPLY_TOO_LARGE", "b"]
        )
        await duplicate.get("rubbish").then(
          () => assert.fail("it has no reply"),
          () => {}
        )
        duplicate.disconnect()
      })
    }))

  test("a raw command cannot have the reply of another kind of command, nor those behind it", () =>
    Effect.gen(function* () {
      const fake = yield* startFake(([name, key]) =>
        name !== "get" ? "+OK\r\n" : key === "list" ? "*0\r\n" : "+text\r\n"
      )
      const client = yield* connected(fake.url)
      const answers = yield* client.use((raw) => Promise.allSettled(["a", "list", "b", "c"].map((key) => raw.get(key))))
      assert.deepStrictEqual(
        answers.map(({ status }) => status),
        ["fulfilled", "rejected", "rejected", "rejected"]
      )
      assert.strictEqual(yield* recovered(client.use((raw) => raw.get("d"))), "text")
    }))
})

describe("iovalkey's own cluster client", () => {
  const hostile: Readonly<Record<string, string>> = {
    "10 000 lists in one another": `${"*1\r\n".repeat(10_000)}:1\r\n`,
    "a list that is too long": "*4294967296\r\n",
    "a redirect to nowhere": "-MOVED\r\n",
    "a redirect to no port": "-ASK 1 127.0.0.1\r\n",
    "a redirect to no name": "-MOVED 1 ?:1\r\n",
    "another protocol": "HTTP/1.1 400 Bad Request\r\n\r\n"
  }
  const rightSlots = (port: number) =>
    `*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$9\r\n127.0.0.1\r\n:${port}\r\n$40\r\n${"a".repeat(40)}\r\n`
  const badSlots = [
    "*1\r\n*3\r\n:0\r\n:1000000000000000\r\n*2\r\n$9\r\n127.0.0.1\r\n:1\r\n",
    "$-1\r\n",
    ":1\r\n",
    "*1\r\n$-1\r\n"
  ]

  test("hostile replies end a connection, not the process", () =>
    Effect.gen(function* () {
      let answerToSlots: string | undefined
      let answerToInfo = "$17\r\nredis_version:7.2\r\n"
      const fake: FakeServer = yield* startFake(([name = "", key = ""]) => {
        switch (name.toUpperCase()) {
          case "CLUSTER":
            return key.toUpperCase() === "SLOTS"
              ? (answerToSlots ?? rightSlots(fake.port))
              : "$16\r\ncluster_state:ok\r\n"
          case "INFO":
            return answerToInfo
          case "GET":
            return hostile[key] ?? `+${key}\r\n`
          default:
            return ok
        }
      })
      const { client } = yield* connectTo(
        withCache(ValkeyCluster.layer({ ...profile, url: `cluster://127.0.0.1:${fake.port}` }))
      )
      const ask = (key: string) => client.use((raw) => raw.get(key))
      assert.strictEqual(yield* ask("a"), "a")
      for (const key of Object.keys(hostile)) {
        yield* Effect.flip(ask(key))
        assert.strictEqual(yield* recovered(ask("b")), "b", key)
      }
      // What waits for a server that is not ready is refused with what that one said.
      const rightInfo = answerToInfo
      answerToInfo = "-MOVED\r\n"
      yield* Effect.flip(ask("another protocol"))
      yield* Effect.all(
        Array.from({ length: 50 }, (_, i) => Effect.andThen(pause(i * 5), Effect.flip(ask("d")))),
        { concurrency: "unbounded" }
      )
      answerToInfo = rightInfo
      assert.strictEqual(yield* recovered(ask("d")), "d")
      for (const slots of badSlots) {
        answerToSlots = slots
        // It may take longer than a command may.
        yield* Effect.result(
          client.use((raw) =>
            "refreshSlotsCache" in raw
              ? new Promise((resolve) => raw.refreshSlotsCache(resolve))
              : assert.fail("it is no cluster")
          )
        )
        answerToSlots = undefined
        assert.strictEqual(yield* recovered(ask("c")), "c", slots)
      }
    }))
})
