/** A client is where its only sentinel knows the primary to be, at whatever moment the sentinel came to know it. */
import { assert } from "@effect/vitest"
import { Deferred, Effect, Redacted, Result } from "effect"
import { type ConnectionOptions, type ValkeyClientShape, ValkeySentinel } from "effect-vcache"
import { startFakeSentinel } from "../support/FakeSentinel.ts"
import { startPrimary } from "../support/fakePrimaries.ts"
import { connector, test, watchForTraces } from "../support/faults.ts"
import { pause } from "../support/pause.ts"
import { until } from "../support/until.ts"

watchForTraces()

const { connect } = connector(ValkeySentinel.layer)

const host = "127.0.0.1"

/** Says its name to whoever asks for a key, and is a replica until it is promoted. Its connections can be cut. */
const startNamed = (name: string, isReplica = false) =>
  Effect.gen(function* () {
    const sockets = new Set<{ readonly destroy: () => void }>()
    let isPromoted = !isReplica
    const { port } = yield* startPrimary(([command], socket) => {
      sockets.add(socket)
      if (command === "GET") return `$${name.length}\r\n${name}\r\n`
      return command === "ROLE" && !isPromoted ? "*2\r\n$5\r\nslave\r\n:0\r\n" : undefined
    })
    return {
      host,
      port,
      promote: Effect.sync(() => {
        isPromoted = true
      }),
      cut: Effect.sync(() => {
        for (const socket of sockets) socket.destroy()
        sockets.clear()
      })
    }
  })

/** The name of the server that a key is asked of. */
const whereIs = (client: ValkeyClientShape) =>
  Effect.map(Effect.result(client.send("GET", ["k"])), Result.getOrUndefined)

/** Two servers, a sentinel that names the first one, and a client that is connected there. */
const start = ({ isReplica = false, ...options }: ConnectionOptions & { readonly isReplica?: boolean } = {}) =>
  Effect.gen(function* () {
    const old = yield* startNamed("old")
    const next = yield* startNamed("next", isReplica)
    const sentinel = yield* startFakeSentinel(old)
    const { client } = yield* connect({ ...options, name: "main", sentinels: [sentinel.endpoint] })
    const where = whereIs(client)
    yield* until("the client at old", where, (seen) => seen === "old")
    yield* until("a subscriber", sentinel.isHeard, Boolean)
    /** And stays there. */
    const isAt = (name: string) =>
      Effect.gen(function* () {
        yield* until(`the client at ${name}`, where, (seen) => seen === name)
        yield* pause(150)
        assert.strictEqual(yield* where, name)
      })
    return { isAt, next, old, sentinel, where }
  })

test("what it said while nobody listened is asked for", () =>
  Effect.gen(function* () {
    const { isAt, next, sentinel } = yield* start()
    // The first question after the beginning has been answered.
    yield* pause(150)
    yield* sentinel.cut
    yield* sentinel.names(next)
    yield* isAt("next")
  }))

test("what it said between its answer and the subscription is asked for", () =>
  Effect.gen(function* () {
    const old = yield* startNamed("old")
    const next = yield* startNamed("next")
    const sentinel = yield* startFakeSentinel(old)
    yield* sentinel.namesOnceHeard(next)
    const { client } = yield* connect({ name: "main", sentinels: [sentinel.endpoint] })
    const where = whereIs(client)
    yield* until("the client at next", where, (seen) => seen === "next")
  }))

test("an answer that was given before an announcement does not count after it", () =>
  Effect.gen(function* () {
    const { isAt, next, old, sentinel } = yield* start()
    const { isAsked, release } = yield* sentinel.holdsAnswers
    // Whoever lost the connection asks who the primary is.
    yield* old.cut
    yield* until("a question", isAsked, Boolean)
    yield* sentinel.names(next)
    yield* sentinel.says("+switch-master", `main ${host} ${old.port} ${host} ${next.port}`)
    yield* pause(50)
    yield* release
    yield* isAt("next")
  }))

test("a primary that is replaced while the program says who it is, is not connected to", () =>
  Effect.gen(function* () {
    const asked = yield* Deferred.make<void>()
    const known = yield* Deferred.make<void>()
    let isSlow = false
    const credentials = Effect.gen(function* () {
      if (isSlow) yield* Effect.andThen(Deferred.succeed(asked, undefined), Deferred.await(known))
      return { password: Redacted.make("SECRET") }
    })
    const { next, old, sentinel, where } = yield* start({ credentials })
    yield* pause(150)
    isSlow = true
    yield* old.cut
    yield* Deferred.await(asked)
    yield* sentinel.names(next)
    yield* sentinel.says("+switch-master", `main ${host} ${old.port} ${host} ${next.port}`)
    // The sentinel is asked, and names the next one.
    yield* pause(200)
    yield* Deferred.succeed(known, undefined)
    const seen: Array<unknown> = []
    const look = Effect.tap(where, (name) => Effect.sync(() => seen.push(name)))
    yield* until("the client at next", look, (name) => name === "next")
    assert.notInclude(seen, "old")
  }))

test("a replica that is promoted while the sentinel is asked is the primary, whatever the answer is", () =>
  Effect.gen(function* () {
    const { isAt, next, old, sentinel } = yield* start({ isReplica: true })
    yield* pause(150)
    const { isAsked, release } = yield* sentinel.holdsAnswers
    yield* old.cut
    yield* until("a question", isAsked, Boolean)
    yield* next.promote
    yield* sentinel.says(
      "+failover-state-wait-promotion",
      `slave ${host}:${next.port} ${host} ${next.port} @ main ${host} ${old.port}`
    )
    yield* pause(100)
    yield* release
    yield* isAt("next")
  }))

test("one that names the new primary and still describes the old one does not make them one server", () =>
  Effect.gen(function* () {
    const { isAt, next, old, sentinel } = yield* start()
    yield* sentinel.namesOnly(next)
    yield* sentinel.says("+sdown", `master main ${host} ${old.port}`)
    yield* isAt("next")
  }))
