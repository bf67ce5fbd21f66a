/** Connections that a server closes, and those that are slow only because the process was. */
import type { Socket } from "node:net"
import { afterEach, assert, describe, vi } from "@effect/vitest"
import { Effect, Fiber, Option, Result, type Scope, Stream } from "effect"
import { type CacheError, type ValkeyClient, ValkeyFallback, ValkeyMemory } from "effect-vcache"
import { startPrimary, topologiesOf } from "../support/fakePrimaries.ts"
import {
  connect,
  connectTo,
  expectConnection,
  patient,
  profile,
  test,
  watchForTraces,
  withCache
} from "../support/faults.ts"
import { pause } from "../support/pause.ts"
import { until } from "../support/until.ts"

watchForTraces()
afterEach(() => void vi.restoreAllMocks())

/** A clock that a test sets forward. */
const startClock = () => {
  const now = performance.now.bind(performance)
  const clock = { ahead: 0 }
  vi.spyOn(performance, "now").mockImplementation(() => now() + clock.ahead)
  return clock
}

/** A server with one value, and the connections over which it was asked for. */
const startCounting = Effect.gen(function* () {
  const sockets = new Set<Socket>()
  const server = yield* startPrimary(([name], socket) => {
    if (name !== "GET") return undefined
    sockets.add(socket)
    return "$1\r\n1\r\n"
  })
  return { ...server, sockets, last: () => [...sockets].at(-1)! }
})

const isClosed = (socket: Socket) =>
  until(
    "a closed connection",
    Effect.sync(() => socket.closed),
    Boolean,
    { every: 1 }
  )

describe("an idle connection that the server closes", () => {
  for (const [topology, layerOf] of Object.entries(topologiesOf)) {
    test(`${topology}: is made anew at once, and nobody is failed`, () =>
      Effect.gen(function* () {
        const clock = startClock()
        const server = yield* startCounting
        const { cache, client } = yield* connectTo(withCache(yield* layerOf(server, profile)))
        const states: Array<string> = []
        yield* Effect.forkChild(Stream.runForEach(client.states, ({ _tag }) => Effect.sync(() => states.push(_tag))))
        for (let i = 1; i <= 8; i++) {
          assert.deepStrictEqual(yield* cache.get("k"), Option.some(1))
          assert.strictEqual(server.sockets.size, i)
          clock.ahead += 1500
          server.last().end()
          yield* isClosed(server.last())
        }
        assert.notInclude(states, "Degraded")
      }))
  }
})

test("connections that are closed as soon as they are ready are made after growing delays", () =>
  Effect.gen(function* () {
    const sockets: Array<Socket> = []
    const server = yield* startPrimary(([name], socket) => {
      if (name === "PING") {
        sockets.push(socket)
        setTimeout(() => socket.end(), 5)
      }
      return undefined
    })
    const { client } = yield* connect(server.url)
    yield* Effect.ignore(client.send("ECHO", ["k"]))
    yield* until("a client that waits", client.state, ({ _tag }) => _tag === "Degraded")
    const before = sockets.length
    yield* pause(600)
    // 50, 100, 200, 200 milliseconds, and a fifth less.
    assert.isAtMost(sockets.length - before, 5)
  }))

describe("an event loop that is blocked for longer than connectTimeout", () => {
  for (const [topology, layerOf] of Object.entries(topologiesOf)) {
    test(`${topology}: ends no connection that is being made`, () =>
      Effect.gen(function* () {
        const server = yield* startCounting
        const options = { ...profile, connectTimeout: 100, commandTimeout: 10_000 }
        const { cache } = yield* connectTo(withCache(yield* layerOf(server, options)))
        const reading = yield* Effect.forkChild(cache.get("k"))
        for (const turns of [0, 1, 2]) {
          for (let i = 0; i < turns; i++) yield* Effect.promise(() => new Promise(setImmediate))
          const end = performance.now() + 150
          while (performance.now() < end);
        }
        assert.deepStrictEqual(yield* Fiber.join(reading), Option.some(1))
        assert.strictEqual(server.commands.filter(([name]) => name === "PING").length, 1)
      }))
  }
})

describe("a connection that the server closes with commands under way", () => {
  /** Closes every connection when it is asked for a key that says so, until it is told to answer. */
  const startClosing = Effect.gen(function* () {
    const state = { closes: true }
    const server = yield* startPrimary(([name = "", ...args], socket) => {
      if (args.includes("lost") && state.closes) {
        socket.end()
        return ""
      }
      return name === "GET" ? "$1\r\n1\r\n" : name === "INCR" || name === "EVAL" ? ":1\r\n" : undefined
    })
    const sent = (command: string) => server.commands.filter(([name]) => name === command).length
    return { ...server, state, sent }
  })
  /** Opens a client whose connections are all ready. */
  const opened = Effect.fnUntraced(function* (
    topology: string,
    server: { readonly port: number; readonly url: string }
  ) {
    const connected = yield* connectTo(withCache(yield* topologiesOf[topology]!(server, { ...profile, ...patient })))
    yield* connected.client.send("GET", ["ready"])
    return connected.client
  })

  for (const topology of Object.keys(topologiesOf)) {
    test(`${topology}: a read is sent once more, and what comes meanwhile waits`, () =>
      Effect.gen(function* () {
        const server = yield* startClosing
        const client = yield* opened(topology, server)
        const reading = yield* Effect.forkChild(client.send("GET", ["lost"]))
        yield* until(
          "a read that is lost",
          Effect.sync(() => server.sent("GET")),
          (count) => count === 2
        )
        server.state.closes = false
        assert.strictEqual(yield* client.send("INCR", ["k"]), 1)
        assert.strictEqual(yield* Fiber.join(reading), "1")
        assert.strictEqual(server.sent("GET"), 3)
      }))

    const changes: ReadonlySet<string> = new Set(["INCR", "EVAL", "GETEX", "EXEC"])

    test(`${topology}: nothing else is`, () =>
      Effect.gen(function* () {
        const server = yield* startClosing
        const isLost = Effect.fnUntraced(function* (
          command: string,
          send: (client: ValkeyClient["Service"]) => Effect.Effect<unknown, CacheError, Scope.Scope>,
          times = 1
        ) {
          const client = yield* opened(topology, server)
          const before = server.sent(command)
          expectConnection(yield* Effect.flip(send(client)), "lost", changes.has(command))
          assert.strictEqual(server.sent(command) - before, times, command)
        })
        yield* isLost("INCR", (client) => client.send("INCR", ["lost"]))
        yield* isLost("SSCAN", (client) => client.send("SSCAN", ["lost", 0]))
        yield* isLost("EVAL", (client) => client.send("EVAL", ["return 1", 1, "lost"]))
        yield* isLost("GETEX", (client) => client.send("GETEX", ["lost"]))
        yield* isLost("EXEC", (client) => client.transaction([{ name: "GET", args: ["lost"] }]))
        yield* isLost("GET", (client) => client.send("GET", ["lost"], { resendIf: () => false }))
        yield* isLost("GET", (client) => Effect.flatMap(client.dedicated, (own) => own.send("GET", ["lost"])))
        // A second loss is one.
        yield* isLost("GET", (client) => client.send("GET", ["lost"]), 2)
      }))
  }
})

describe("an iteration by cursor whose connection is lost between two pages", () => {
  /** Each page has one element, and the next one's cursor. */
  const startPaged = Effect.gen(function* () {
    const sockets = new Set<Socket>()
    const state = { isDown: false }
    const server = yield* startPrimary(([name = "", first, second], socket) => {
      if (state.isDown) {
        socket.destroy()
        return ""
      }
      if (!/^(?:H|S|Z)?SCAN$/.test(name)) return undefined
      sockets.add(socket)
      const cursor = name === "SCAN" ? first : second
      const bulk = `$1\r\n${cursor === "0" ? 1 : 2}\r\n`
      const elements = name === "HSCAN" || name === "ZSCAN" ? `*2\r\n${bulk}${bulk}` : `*1\r\n${bulk}`
      return `*2\r\n$1\r\n${cursor === "0" ? 7 : 0}\r\n${elements}`
    })
    return { ...server, sockets, state }
  })

  for (const [topology, layerOf] of Object.entries(topologiesOf)) {
    test(`${topology}: fails, and asks no other with its cursor`, () =>
      Effect.gen(function* () {
        const server = yield* startPaged
        const { cache, client } = yield* connectTo(withCache(yield* layerOf(server, { ...profile, ...patient })))
        const pagesOf: Record<string, Stream.Stream<unknown, CacheError>> = {
          SCAN: client.scan(),
          HSCAN: cache.hash("k").scan(),
          SSCAN: cache.unorderedSet("k").scan(),
          ZSCAN: cache.sortedSet("k").scan()
        }
        for (const [name, pages] of Object.entries(pagesOf)) {
          const asked = () => server.commands.filter(([command]) => command === name).length
          assert.strictEqual(yield* Stream.runCount(pages), 2, name)
          assert.strictEqual(asked(), 2, name)
          const lose = Effect.gen(function* () {
            const lost = [...server.sockets].at(-1)!
            lost.destroy()
            yield* isClosed(lost)
            yield* until("another connection", Effect.result(client.send("PING", [])), Result.isSuccess)
          })
          const error = yield* Effect.flip(Stream.runForEach(pages, () => lose))
          expectConnection(error, "lost", false)
          assert.propertyVal(error, "code", "CONNECTION_REPLACED", name)
          assert.strictEqual(asked(), 3, name)
        }
      }))
  }

  test("does not make a fallback leave a server that is there", () =>
    Effect.gen(function* () {
      const clock = startClock()
      const server = yield* startPaged
      const first = yield* topologiesOf["standalone"]!(server, profile)
      const { cache, client } = yield* connectTo(
        withCache(ValkeyFallback.layer({ first, second: ValkeyMemory.layer(), structures: "second" }))
      )
      const lose = Effect.gen(function* () {
        // A connection that held for so long is made anew at once.
        clock.ahead += 1500
        const lost = [...server.sockets].at(-1)!
        lost.end()
        yield* isClosed(lost)
      })
      expectConnection(yield* Effect.flip(Stream.runForEach(cache.hash("k").scan(), () => lose)), "lost", false)
      assert.strictEqual(yield* client.send("GET", ["k"]), "OK")
    }))

  test("is not ended by the second client of a fallback", () =>
    Effect.gen(function* () {
      const server = yield* startPaged
      const first = yield* topologiesOf["standalone"]!(server, profile)
      const { cache, client } = yield* connectTo(
        withCache(ValkeyFallback.layer({ first, second: ValkeyMemory.layer(), structures: "second" }))
      )
      const lose = Effect.gen(function* () {
        server.state.isDown = true
        for (const socket of server.sockets) socket.destroy()
        yield* until("the second client", Effect.result(client.send("GET", ["k"])), Result.isSuccess)
      })
      expectConnection(yield* Effect.flip(Stream.runForEach(cache.hash("k").scan(), () => lose)), "lost", false)
    }))
})
