/** What the tests stand on: waits that end, a clock that is fair, values that name their key, a relay that leaves nothing. */
import { subscribe, unsubscribe } from "node:diagnostics_channel"
import { connect as connectTcp, createServer, Socket } from "node:net"
import { assert, describe } from "@effect/vitest"
import { Cause, Effect, Exit } from "effect"
import { connect, test, timed, watchForTraces } from "./support/faults.ts"
import { listen } from "./support/listen.ts"
import { ownTime } from "./support/ownTime.ts"
import { pause } from "./support/pause.ts"
import { startProxy } from "./support/Proxy.ts"
import { assertSigned, signed } from "./support/signed.ts"
import { readFenced, writeFenced } from "./support/tortureScripts.ts"
import { inTime, until } from "./support/until.ts"
import { startServer } from "./support/ValkeyServer.ts"

watchForTraces()

describe("a wait", () => {
  test("that is over says what was waited for, and what was seen instead", () =>
    Effect.gen(function* () {
      let looks = 0
      const exit = yield* Effect.exit(
        until(
          "a third leg",
          Effect.sync(() => `${++looks < 3 ? "one" : "two"} legs`),
          () => false,
          { atMost: 300 }
        )
      )
      assert.isTrue(Exit.isFailure(exit))
      if (Exit.isFailure(exit))
        assert.include(Cause.pretty(exit.cause), "Waited 0.3 s for a third leg. What was seen: two legs")
      const late = yield* Effect.promise(() =>
        inTime("nothing", new Promise(() => {}), () => "nobody", 20).catch((error: unknown) => String(error))
      )
      assert.strictEqual(late, "Error: Waited 0.02 s for nothing. What was seen: nobody")
    }))

  test("goes on over looks that fail as defects, and shows the last one", () =>
    Effect.gen(function* () {
      let looks = 0
      const look = Effect.suspend(() => (++looks < 3 ? Effect.die(new Error("not there")) : Effect.succeed(looks)))
      assert.strictEqual(yield* until("a look", look, (looks) => looks === 3), 3)
      const exit = yield* Effect.exit(until("a look", Effect.die(new Error("not there")), () => true, { atMost: 50 }))
      assert.include(String(exit), "not there")
    }))
})

describe("the time that a process was given", () => {
  test("passes while it waits and while it works, and stands still while it is not run", () =>
    Effect.gen(function* () {
      const [, waited] = yield* timed(pause(200))
      assert.isAbove(waited, 20)
      assert.isBelow(waited, 300)
      const before = process.cpuUsage()
      const [, working] = yield* timed(
        Effect.sync(() => {
          const end = performance.now() + 200
          while (performance.now() < end);
        })
      )
      const { system, user } = process.cpuUsage(before)
      assert.isAtLeast(working, Math.min(190, (system + user) / 1000 - 10))
      const started = ownTime()
      // The thread sleeps as it would if the machine did not run it.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400)
      assert.isBelow(ownTime() - started, 200)
    }))
})

test("a value of another key or another writer is told apart", () =>
  Effect.sync(() => {
    assert.deepStrictEqual(assertSigned({ ...signed("k", "me", 3) }, "k", "me"), signed("k", "me", 3))
    for (const [value, message] of [
      [signed("other", "me"), /k was asked for.*other/s],
      [signed("k", "you"), /k was asked for.*you/s],
      [undefined, /k was asked for.*undefined/s],
      ["text", /k was asked for.*text/s]
    ] as const) {
      assert.throws(() => assertSigned(value, "k", "me"), message)
    }
  }))

test("a relay that is reset after it has heard of its server's end keeps no socket", () =>
  Effect.gen(function* () {
    const sockets = Effect.sync(
      () => process.getActiveResourcesInfo().filter((name) => name.startsWith("TCPSocket")).length
    )
    const served = new Set<Socket>()
    const port = yield* listen(
      createServer((socket) => served.add(socket.on("error", () => {}))),
      served
    )
    const proxy = yield* startProxy(port)
    // Some turns after it has read the end its own is under way, and it can no longer be reset.
    let turns = 0
    const onSocket = (message: unknown) => {
      const { socket } = Object(message)
      if (!(socket instanceof Socket)) return
      socket.once("end", async () => {
        if (socket.remotePort !== port) return
        for (let i = 0; i < turns; i++) await new Promise<void>((resolve) => process.nextTick(resolve))
        proxy.reset()
      })
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => subscribe("net.client.socket", onSocket)),
      () => Effect.sync(() => unsubscribe("net.client.socket", onSocket))
    )
    for (; turns < 10; turns++) {
      served.clear()
      connectTcp(proxy.port, "127.0.0.1")
        .on("error", () => {})
        .resume()
      yield* until(
        "a connection to the server",
        Effect.sync(() => served.size),
        (count) => count === 1
      )
      for (const socket of served) socket.destroy()
      yield* until("no socket", sockets, (count) => count === 0)
    }
  }))

test("a holder that stood still between its reading and its writing is refused, and no update is lost", () =>
  Effect.gen(function* () {
    const { client } = yield* connect((yield* startServer()).url)
    const read = (fence: number) => client.eval(readFenced, ["resource"], [fence])
    const write = (fence: number, value: unknown) => client.eval(writeFenced, ["resource"], [fence, Number(value) + 1])
    const old = yield* read(1)
    const fresh = yield* read(2)
    assert.strictEqual(yield* write(1, old), 0)
    assert.isNull(yield* read(1))
    assert.strictEqual(yield* write(2, fresh), 1)
    assert.deepStrictEqual(yield* client.send("HMGET", ["resource", "value", "writes"]), ["1", "1"])
  }))
