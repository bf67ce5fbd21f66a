/** Faults of a primary with sentinels. */
import { assert, describe } from "@effect/vitest"
import { Effect, Fiber, Option, Result, Stream } from "effect"
import { type ClientState, type Credentials, type SentinelOptions, ValkeySentinel } from "effect-vcache"
import {
  allTyped,
  connector,
  expectConnection,
  failureWithin,
  profile,
  recovered,
  runChild,
  slack,
  test,
  watchForTraces,
  within
} from "../support/faults.ts"
import { failures, longestGap, type Outcome, slowest, startLoad } from "../support/load.ts"
import { startFakeSentinel } from "../support/FakeSentinel.ts"
import { pause } from "../support/pause.ts"
import { type SentinelFleet, startSentinelFleet } from "../support/SentinelFleet.ts"
import { freePort } from "../support/freePort.ts"
import { readSigned, signed, writeSigned } from "../support/signed.ts"
import { until } from "../support/until.ts"
import { startServer, type ValkeyServer } from "../support/ValkeyServer.ts"

watchForTraces()

const { buildEager, connect } = connector(ValkeySentinel.layer)

/** Writes that were reported as done, by when they started. */
const acknowledged = (outcomes: ReadonlyArray<Outcome<unknown>>) =>
  outcomes.filter(({ result }) => Result.isSuccess(result))

/** Until the sentinels name another primary. */
const leaves = (fleet: SentinelFleet, primary: ValkeyServer) =>
  until("another primary", fleet.primary, ({ port }) => port !== primary.port)

describe("sentinels that cannot help", () => {
  test("all are down: the layer fails when eager, operations when lazy", () =>
    Effect.gen(function* () {
      const ports = yield* Effect.promise(() => Promise.all([freePort(), freePort()]))
      const sentinels = ports.map((port) => ({ host: "127.0.0.1", port }))
      const options = { name: "main", sentinels }
      const error = yield* failureWithin(profile.connectTimeout, buildEager(options))
      expectConnection(error, "connect", false, "SENTINELS_UNREACHABLE")
      const { cache, client } = yield* connect(options)
      for (let i = 0; i < 3; i++) {
        expectConnection(yield* failureWithin(50, cache.get("k")), "connect", false, "SENTINELS_UNREACHABLE")
      }
      const state = yield* client.state
      assert.strictEqual(state._tag === "Degraded" ? state.reason?.code : state._tag, "SENTINELS_UNREACHABLE")
    }))

  test("a batch that looks for replicas leaves no rejection that nobody handles", () =>
    Effect.gen(function* () {
      const unhandled: Array<unknown> = []
      const listen = (error: unknown) => unhandled.push(error)
      yield* Effect.acquireRelease(
        Effect.sync(() => process.on("unhandledRejection", listen)),
        () => Effect.sync(() => process.off("unhandledRejection", listen))
      )
      const sentinels = [{ host: "127.0.0.1", port: yield* Effect.promise(freePort) }]
      const { client } = yield* connect({ name: "main", sentinels, readFrom: "preferReplica" })
      const results = yield* client.pipeline([{ name: "SET", args: ["k", "v"] }])
      const [error] = yield* Effect.forEach(results, (result) => Effect.flip(Effect.fromResult(result)))
      expectConnection(error!, "connect", false, "SENTINELS_UNREACHABLE")
      yield* pause(50)
      assert.deepStrictEqual(unhandled, [])
    }))

  test("an unknown name; a frozen sentinel; passwords apart for sentinels and servers", () =>
    Effect.gen(function* () {
      const fleet = yield* startSentinelFleet({ password: "SECRETdata", sentinelPassword: "SECRETguard" })
      const sentinels = fleet.sentinels.map(({ host, port }) => ({ host, port }))
      const options = {
        name: fleet.name,
        sentinels,
        password: "SECRETdata",
        sentinelPassword: "SECRETguard",
        database: 3
      }
      const expectCode = (options: SentinelOptions, code: string) =>
        Effect.map(failureWithin(500, buildEager(options)), (error) => expectConnection(error, "connect", false, code))
      yield* expectCode({ ...options, name: "other" }, "NO_SUCH_MASTER")
      yield* expectCode({ ...options, sentinelPassword: undefined }, "NOAUTH")
      yield* expectCode({ ...options, sentinelPassword: "SECRETwrong" }, "WRONGPASS")
      yield* expectCode({ ...options, password: "SECRETwrong" }, "WRONGPASS")
      yield* expectCode({ ...options, password: undefined }, "NOAUTH")
      // A data server is no sentinel.
      const primary = fleet.servers[0]!
      yield* expectCode({ ...options, sentinels: [primary], sentinelPassword: "SECRETdata" }, "NOT_A_SENTINEL")

      yield* fleet.sentinels[0]!.freeze
      const { cache } = yield* within(500, buildEager(options))
      assert.isTrue(yield* cache.set("k", 1))
      yield* fleet.sentinels[0]!.thaw
      // One is enough to learn of the others, and the database is the one that was asked for.
      const { cache: again, client } = yield* connect({ ...options, sentinels: sentinels.slice(0, 1) })
      assert.deepStrictEqual(yield* again.get("k"), Option.some(1))
      assert.match(String(yield* client.send("CLIENT", ["INFO"])), / db=3 /)
    }))
})

describe("sentinels that say less", () => {
  test("one that only lets us ask who the primary is, is enough; one that does not let us listen is left alone", () =>
    Effect.gen(function* () {
      const fleet = yield* startSentinelFleet()
      const rights = ["on", ">pw", "allchannels", "-@all", "+ping", "+sentinel|get-master-addr-by-name"]
      for (const sentinel of fleet.sentinels) yield* sentinel.call("ACL", "SETUSER", "app", ...rights)
      const sentinels = fleet.sentinels.map(({ host, port }) => ({ host, port }))
      const options = { name: fleet.name, sentinels, sentinelUsername: "app", sentinelPassword: "pw" }
      const { cache } = yield* connect(options)
      assert.isTrue(yield* cache.set("k", 1))
      const received = Effect.map(fleet.sentinels[0]!.call("INFO", "stats"), (text) =>
        Number(/total_connections_received:(\d+)/.exec(String(text))?.[1])
      )
      yield* pause(200)
      const before = yield* received
      yield* pause(2500)
      // That of the question itself.
      assert.strictEqual(yield* received, before + 1)
      for (const sentinel of fleet.sentinels) yield* sentinel.call("ACL", "SETUSER", "app", "-sentinel")
      expectConnection(yield* failureWithin(500, buildEager(options)), "connect", false, "NOPERM")
    }))

  test("who we are to them may change: they are told anew whenever they are asked, and listened to", () =>
    Effect.gen(function* () {
      const fleet = yield* startSentinelFleet()
      const onAll = (...command: readonly [string, ...ReadonlyArray<string>]) =>
        Effect.forEach(fleet.sentinels, (sentinel) => sentinel.call(...command), { discard: true })
      const grant = (n: number) => onAll("ACL", "SETUSER", `app${n}`, "on", `>SECRET${n}`, "allchannels", "+@all")
      yield* grant(0)
      let round = 0
      const sentinelCredentials = Effect.sync((): Credentials => ({
        username: `app${round}`,
        password: `SECRET${round}`,
        validFor: "1 minute"
      }))
      const sentinels = fleet.sentinels.map(({ host, port }) => ({ host, port }))
      const options = { name: fleet.name, sentinels, sentinelCredentials }
      const { cache } = yield* connect(options)
      assert.isTrue(yield* cache.set("k", 1))
      const users = Effect.map(
        Effect.forEach(fleet.sentinels, (sentinel) => sentinel.call("CLIENT", "LIST")),
        (lists) => lists.map((list) => / sub=9 .* user=(app\d) /.exec(String(list))?.[1])
      )
      yield* until("listeners by their first name", users, (names) => names.every((name) => name === "app0"))
      yield* grant(1)
      round = 1
      // Whose connections end with it.
      yield* onAll("ACL", "DELUSER", "app0")
      yield* until("listeners by their new name", users, (names) => names.every((name) => name === "app1"))
      yield* fleet.servers[0]!.call("CLIENT", "KILL", "TYPE", "normal")
      assert.isTrue(yield* recovered(cache.set("k", 2)))

      const failing = { ...options, sentinelCredentials: Effect.fail({ _tag: "VaultError", token: "SECRET" }) }
      const error = yield* failureWithin(500, buildEager(failing))
      expectConnection(error, "connect", false, "CREDENTIALS")
      assert.include(JSON.stringify(error), "VaultError")
      assert.notInclude(JSON.stringify(error), "SECRET")
    }))

  test("two names of one server are one server", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const guards = yield* Effect.forEach(["127.0.0.1", "localhost", "localhost"], (host) =>
        startFakeSentinel({ host, port: server.port })
      )
      const { cache, client } = yield* connect({ name: "main", sentinels: guards.map(({ endpoint }) => endpoint) })
      yield* cache.set("k", 1)
      for (const { isHeard } of guards) yield* until("a subscriber", isHeard, Boolean)
      const id = yield* client.send("CLIENT", ["ID"])
      const load = yield* startLoad(2, (i) => cache.set(`k${i}`, i))
      for (let i = 0; i < 30; i++) {
        yield* guards[i % 3]!.says("+sdown", `slave 127.0.0.1:1 127.0.0.1 1 @ main ${server.host} ${server.port}`)
        yield* pause(20)
      }
      assert.deepStrictEqual(failures(yield* load.stop), [])
      assert.strictEqual(yield* client.send("CLIENT", ["ID"]), id)
    }))
})

describe("a primary that is replaced", () => {
  test("killed under load: typed failures, soon over, and what was reported as done is there", () =>
    Effect.gen(function* () {
      const fleet = yield* startSentinelFleet()
      const { cache, client } = yield* connect({ url: fleet.url })
      const states: Array<ClientState["_tag"]> = []
      const watcher = yield* Effect.forkChild(
        Stream.runForEach(client.states, ({ _tag }) => Effect.sync(() => states.push(_tag)))
      )
      const load = yield* startLoad(20, (i) => writeSigned(cache, `k${i}`, "load", i))
      yield* pause(500)
      const primary = yield* fleet.primary
      const replicatedAt = load.now()
      yield* primary.replicated(2)
      yield* fleet.setDownAfter(300)
      yield* primary.kill
      const killedAt = load.now()
      yield* leaves(fleet, primary)
      yield* within(1000, recovered(writeSigned(cache, "after", "test")))
      yield* fleet.setDownAfter(30_000)
      yield* pause(500)
      const outcomes = yield* load.stop
      allTyped(failures(outcomes))
      assert.isAbove(failures(outcomes).length, 0)
      assert.isBelow(slowest(outcomes), profile.commandTimeout + slack)
      // Those of the last moment may not have been replicated.
      for (const { index, millis, startedAt } of acknowledged(outcomes)) {
        if (startedAt + millis >= replicatedAt && startedAt < killedAt) continue
        assert.deepStrictEqual(yield* cache.get(`k${index}`), Option.some(signed(`k${index}`, "load", index)))
      }
      yield* Fiber.interrupt(watcher)
      assert.includeMembers(states, ["Connecting", "Ready", "Degraded"])
      assert.strictEqual(states.at(-1), "Ready")
    }))

  test("frozen: it is left for the new primary, and nothing that was reported as done is on the old one alone", () =>
    Effect.gen(function* () {
      const fleet = yield* startSentinelFleet()
      const { cache } = yield* connect({ url: fleet.url })
      yield* writeSigned(cache, "before", "test")
      const primary = yield* fleet.primary
      const load = yield* startLoad(20, (i) => writeSigned(cache, `k${i}`, "load", i))
      yield* pause(100)
      yield* fleet.setDownAfter(300)
      yield* primary.freeze
      yield* pause(20)
      const frozenAt = load.now()
      yield* leaves(fleet, primary)
      yield* within(1000, recovered(writeSigned(cache, "after", "test")))
      yield* fleet.setDownAfter(30_000)
      yield* primary.thaw
      yield* pause(300)
      const outcomes = yield* load.stop
      allTyped(failures(outcomes))
      assert.isBelow(slowest(outcomes), profile.commandTimeout + slack)
      for (const { index, startedAt } of acknowledged(outcomes)) {
        if (startedAt < frozenAt) continue
        assert.deepStrictEqual(yield* cache.get(`k${index}`), Option.some(signed(`k${index}`, "load", index)))
      }
    }))

  test("replaced by an operator: at most two failures and a short gap", () =>
    Effect.gen(function* () {
      const fleet = yield* startSentinelFleet()
      const { cache, client } = yield* connect({ url: fleet.url })
      const before = yield* fleet.primary
      const load = yield* startLoad(20, (i) => writeSigned(cache, `k${i}`, "load", i))
      yield* pause(200)
      yield* fleet.sentinels[1]!.call("SENTINEL", "FAILOVER", fleet.name)
      yield* leaves(fleet, before)
      yield* pause(1500)
      const outcomes = yield* load.stop
      assert.isAtMost(failures(outcomes).length, 2)
      allTyped(failures(outcomes))
      assert.isBelow(longestGap(outcomes), 300 + slack)
      const after = yield* fleet.primary
      assert.deepStrictEqual([...(yield* client.info()).keys()], [after.node])
      assert.isTrue(yield* cache.has(`k${acknowledged(outcomes).at(-1)?.index}`))
    }))

  test("sentinels that are gone matter only when the primary changes; dedicated connections follow too", () =>
    Effect.gen(function* () {
      const fleet = yield* startSentinelFleet()
      const { cache, client } = yield* connect({ url: fleet.url })
      yield* cache.set("k", 1)
      for (const sentinel of fleet.sentinels) yield* sentinel.kill
      assert.deepStrictEqual(yield* cache.get("k"), Option.some(1))
      yield* fleet.servers[0]!.call("CLIENT", "KILL", "TYPE", "normal")
      yield* until("a client that knows of the loss", client.state, ({ _tag }) => _tag !== "Ready")
      expectConnection(yield* failureWithin(100, cache.get("k")), "connect", false)
      for (const sentinel of fleet.sentinels) yield* sentinel.start
      yield* within(2500, recovered(cache.get("k")))
      yield* Effect.scoped(
        Effect.flatMap(client.dedicated, (own) => Effect.map(own.send("GET", ["1"]), (reply) => assert.isNull(reply)))
      )
    }))
})

describe("reads from replicas", () => {
  test("go to replicas, to the others when one is gone, and to the primary when it is preferred to failing", () =>
    Effect.gen(function* () {
      const fleet = yield* startSentinelFleet()
      const replicas = fleet.servers.slice(1)
      const writer = yield* connect({ url: fleet.url })
      yield* writeSigned(writer.cache, "k", "writer")
      const counts = () =>
        Effect.forEach(fleet.servers, (server) =>
          Effect.map(server.call("INFO", "commandstats"), (text) =>
            Number(/cmdstat_get:calls=(\d+)/.exec(String(text))?.[1] ?? 0)
          )
        )
      for (const replica of replicas) {
        yield* until("a key at the replica", replica.call("DBSIZE"), (keys) => keys === 1)
      }
      const reader = yield* connect({ url: fleet.url, readFrom: "replica" })
      const read = readSigned(reader.cache, "k", "writer")
      for (let i = 0; i < 60; i++) assert.isTrue(Option.isSome(yield* read))
      const [onPrimary, onFirst, onSecond] = yield* counts()
      assert.strictEqual(onPrimary, 0)
      assert.strictEqual(Number(onFirst) + Number(onSecond), 60)
      assert.isAbove(Math.min(Number(onFirst), Number(onSecond)), 0)
      // A batch that writes reads where it writes.
      const results = yield* reader.client.pipeline([
        { name: "SET", args: ["own", 1] },
        { name: "GET", args: ["own"] }
      ])
      assert.deepStrictEqual(
        results.map((result) => Result.getOrThrow(result)),
        ["OK", "1"]
      )

      const preferring = yield* connect({ url: fleet.url, readFrom: "preferReplica" })
      const readRather = readSigned(preferring.cache, "k", "writer")
      yield* readRather
      yield* replicas[0]!.kill
      const load = yield* startLoad(10, () => Effect.all([read, readRather]))
      yield* pause(300)
      yield* replicas[1]!.kill
      yield* pause(300)
      const outcomes = yield* load.stop
      allTyped(failures(outcomes))
      assert.isTrue(Option.isSome(yield* readRather))
      expectConnection(yield* failureWithin(100, read), "connect", false, "NO_REPLICA")
      assert.isTrue(yield* reader.cache.set("k", 2))
    }))
})

test("closing in the middle of a failover, and the process after it", () =>
  Effect.gen(function* () {
    const fleet = yield* startSentinelFleet()
    const [outcome, millis] = yield* Effect.promise(() => runChild(fleet.url))
    assert.deepStrictEqual(outcome, { code: 0, stdout: "closed\n", stderr: "" })
    assert.isBelow(millis, 1000 + slack)
    yield* fleet.setDownAfter(300)
    yield* (yield* fleet.primary).freeze
    const [frozen, afterFrozen] = yield* Effect.promise(() => runChild(fleet.url))
    assert.deepStrictEqual(frozen, { code: 0, stdout: "closed\n", stderr: "" })
    assert.isBelow(afterFrozen, 1000 + slack)
  }))
