/** Faults while connecting, of TLS and of sockets. */
import { connect as connectTcp, type Socket } from "node:net"
import { assert, describe } from "@effect/vitest"
import { Effect, Option } from "effect"
import type { ConnectionOptions } from "effect-vcache"
import { type Certificate, makeCertificates, tlsArguments } from "../support/certificates.ts"
import { startPrimary, topologiesOf } from "../support/fakePrimaries.ts"
import {
  buildEager,
  connect,
  connectTo,
  expectConnection,
  failureWithin,
  profile,
  recovered,
  test,
  watchForTraces,
  withCache,
  within
} from "../support/faults.ts"
import type { Answer } from "../support/FakeServer.ts"
import { pause } from "../support/pause.ts"
import { startReplicatedServers } from "../support/ReplicatedServers.ts"
import { freePort } from "../support/freePort.ts"
import { until } from "../support/until.ts"
import { startServer, startServerWith } from "../support/ValkeyServer.ts"

watchForTraces()

describe("servers that answer the handshake with less than all", () => {
  const get = ([name = ""]: ReadonlyArray<string>) => (name === "GET" ? "$1\r\n1\r\n" : undefined)
  const answering =
    (errors: Readonly<Record<string, string>>): Answer =>
    (command) => {
      const error = errors[command[0] ?? ""]
      return error === undefined ? get(command) : `-${error}\r\n`
    }
  const unknown = (name: string) => `ERR unknown command '${name}', with args beginning with: 'shop' `
  const serving: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    "snapshots fail": { PING: "MISCONF Valkey is configured to save RDB snapshots" },
    "nothing may be asked": { PING: "NOPERM no", CLIENT: "NOPERM no", ROLE: "NOPERM no" },
    "nothing is known": { PING: unknown("PING"), CLIENT: unknown("CLIENT"), ROLE: unknown("ROLE") },
    "a proxy": { PING: "ERR unsupported command", CLIENT: "unsupported command 'CLIENT'" }
  }
  for (const [topology, layerOf] of Object.entries(topologiesOf)) {
    test(`${topology}: are connected to, and healthy`, () =>
      Effect.gen(function* () {
        for (const errors of Object.values(serving)) {
          const server = yield* startPrimary(answering(errors))
          const layer = yield* layerOf(server, { ...profile, clientName: "shop" })
          const { cache } = yield* connectTo(withCache(layer))
          assert.deepStrictEqual(yield* cache.get("k"), Option.some(1))
          const { error, ready } = yield* cache.health
          assert.deepStrictEqual([ready, Option.isNone(error)], [true, true])
        }
      }))
  }

  test("and those that serve nothing are not", () =>
    Effect.gen(function* () {
      for (const reply of [
        "LOADING it loads",
        "NOAUTH who?",
        "ERR max number of clients reached",
        "DENIED protected"
      ]) {
        const server = yield* startPrimary(answering({ PING: reply }))
        const error = yield* failureWithin(200, buildEager(server.url))
        expectConnection(error, "connect", false, reply.startsWith("ERR") ? "MAXCLIENTS" : reply.split(" ")[0])
      }
    }))
})

describe("servers that are not ready", () => {
  test("a server that takes no more connections: connecting fails in time, typed", () =>
    Effect.gen(function* () {
      const server = yield* startServer("--tcp-backlog", "1")
      yield* server.freeze
      const sockets = yield* Effect.acquireRelease(
        Effect.sync(() =>
          Array.from({ length: 4 }, (): Socket => connectTcp(server.port, "127.0.0.1").on("error", () => {}))
        ),
        (sockets) => Effect.sync(() => sockets.forEach((socket) => socket.destroy()))
      )
      yield* pause(50)
      const error = yield* failureWithin(profile.connectTimeout, buildEager(server.url))
      assert.match(error._tag, /^Cache(?:Timeout|Connection)Error$/)
      assert.isFalse("mayHaveExecuted" in error && error.mayHaveExecuted)
      assert.strictEqual(sockets.length, 4)
    }))

  test("the password changes while connected: the next connection fails, and works again when it is put back", () =>
    Effect.gen(function* () {
      const server = yield* startServerWith({ password: "SECRETold" }, "--requirepass", "SECRETold")
      const { cache, client } = yield* connect(`valkey://:SECRETold@127.0.0.1:${server.port}`)
      yield* cache.set("k", 1)
      yield* client.send("CONFIG", ["SET", "requirepass", "SECRETnew"])
      assert.deepStrictEqual(yield* cache.get("k"), Option.some(1))
      const admin = yield* connect(`valkey://:SECRETnew@127.0.0.1:${server.port}`)
      yield* admin.client.send("CLIENT", ["KILL", "TYPE", "normal", "SKIPME", "yes"])
      yield* until(
        "a client that is refused",
        client.state,
        (state) => state._tag === "Degraded" && state.reason?.code === "WRONGPASS"
      )
      expectConnection(yield* failureWithin(50, cache.get("k")), "connect", false, "WRONGPASS")
      yield* admin.client.send("CONFIG", ["SET", "requirepass", "SECRETold"])
      assert.deepStrictEqual(yield* within(1500, recovered(cache.get("k"))), Option.some(1))
    }))

  test("a replica refuses writes and answers reads", () =>
    Effect.gen(function* () {
      const [primary, replica] = yield* startReplicatedServers()
      const writer = yield* connect(primary.url)
      yield* writer.cache.set("k", 1)
      const { cache } = yield* connect(replica.url)
      yield* until("a value at the replica", cache.get("k"), Option.isSome)
      const error = yield* failureWithin(50, cache.set("k", 2))
      assert.strictEqual(error._tag === "CacheServerError" ? error.code : error._tag, "READONLY")
      assert.deepStrictEqual(yield* cache.get("k"), Option.some(1))
    }))

  test("a server that loads its data: LOADING at once, and success when it has loaded", () =>
    Effect.gen(function* () {
      const server = yield* startServer(
        "--dbfilename",
        "dump.rdb",
        "--rdbcompression",
        "no",
        // Microseconds; it loads for as long as the test wants.
        "--key-load-delay",
        "5000",
        "--loading-process-events-interval-bytes",
        "1024"
      )
      const filler = yield* connect(server.url, { commandTimeout: 10_000, socketTimeout: 10_000 })
      const value = "x".repeat(200)
      const entries = Array.from({ length: 20_000 }, (_, i) => [`k${i}`, value] as const)
      assert.deepStrictEqual(yield* filler.cache.setMany(entries), [])
      yield* server.call("SAVE")
      yield* server.kill
      yield* server.start
      expectConnection(yield* failureWithin(300, buildEager(server.url)), "connect", false, "LOADING")
      const { cache } = yield* connect(server.url)
      expectConnection(yield* failureWithin(300, cache.get("k1")), "connect", false, "LOADING")
      yield* server.call("CONFIG", "SET", "key-load-delay", 0)
      assert.deepStrictEqual(yield* recovered(cache.get("k1")), Option.some(value))
    }))
})

describe("TLS", () => {
  test("certificates that cannot be trusted, each with its code; those that can", () =>
    Effect.gen(function* () {
      const certificates = yield* makeCertificates
      const { ca, client, otherCa } = certificates
      const start = (certificate: Certificate, clients?: "yes") =>
        Effect.gen(function* () {
          const port = yield* Effect.promise(freePort)
          yield* startServer(...tlsArguments(certificates, certificate, port, clients))
          return `valkeys://127.0.0.1:${port}`
        })
      const [good, expired, stranger, mutual] = yield* Effect.all(
        [
          start(certificates.server),
          start(certificates.expired),
          start(certificates.stranger),
          start(certificates.server, "yes")
        ],
        { concurrency: 4 }
      )
      const expectCode = (url: string, options: ConnectionOptions, code: RegExp) =>
        Effect.map(failureWithin(400, buildEager(url, options)), (error) => {
          expectConnection(error, "connect", false)
          assert.match(error._tag === "CacheConnectionError" ? String(error.code) : "", code)
        })
      yield* expectCode(good, {}, /SELF_SIGNED|UNABLE_TO/)
      yield* expectCode(good, { tls: { ca: otherCa } }, /SELF_SIGNED|UNABLE_TO|CERT_SIGNATURE_FAILURE/)
      yield* expectCode(good, { tls: { ca: "SECRET no certificate" } }, /SELF_SIGNED|UNABLE_TO|ERR_|PEM/)
      yield* expectCode(good, { tls: { ca, cert: "SECRET", key: "SECRET" } }, /PEM|ERR_OSSL/)
      yield* expectCode(expired, { tls: { ca } }, /CERT_HAS_EXPIRED/)
      yield* expectCode(stranger, { tls: { ca } }, /ERR_TLS_CERT_ALTNAME_INVALID/)
      yield* expectCode(mutual, { tls: { ca } }, /ERR_SSL|ECONNRESET|EPIPE/)

      for (const [url, tls] of [
        [good, { ca }],
        [good.replace("127.0.0.1", "localhost"), { ca }],
        [good, { rejectUnauthorized: false }],
        [stranger, { ca, servername: "elsewhere.invalid" }],
        [mutual, { ca, cert: client.cert, key: client.key }]
      ] as const) {
        const { cache } = yield* connect(`${url}/2`, { tls })
        assert.isTrue(yield* cache.set("k", 1))
        assert.deepStrictEqual(yield* cache.get("k"), Option.some(1))
      }
    }))

  test("one side speaks TLS and the other does not: connecting fails in time, typed", () =>
    Effect.gen(function* () {
      const certificates = yield* makeCertificates
      const port = yield* Effect.promise(freePort)
      const server = yield* startServer(...tlsArguments(certificates, certificates.server, port))
      const silent = yield* failureWithin(
        700,
        buildEager(`valkeys://127.0.0.1:${server.port}`, { connectTimeout: 700 })
      )
      assert.match(silent._tag, /^Cache(?:Timeout|Connection)Error$/)
      const plain = yield* failureWithin(700, buildEager(`valkey://127.0.0.1:${port}`, { connectTimeout: 700 }))
      assert.match(plain._tag, /^Cache(?:Timeout|Connection)Error$/)
      assert.isFalse("mayHaveExecuted" in plain && plain.mayHaveExecuted)
    }))
})

test("a unix socket that is missing, and made later", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    yield* server.kill
    const { cache } = yield* connect(`unix://${server.socket}`)
    const error = yield* failureWithin(50, cache.get("k"))
    assert.match(error._tag === "CacheConnectionError" ? String(error.code) : "", /ENOENT|ECONNREFUSED/)
    yield* server.start
    yield* within(700, recovered(cache.set("k", 1)))
    const missing = yield* connect("unix:///no/such/place")
    expectConnection(yield* failureWithin(50, missing.cache.get("k")), "connect", false, "ENOENT")
  }))
