/** Who we are changes: tokens of a short life, programs that fail to say, in every topology. */
import { assert } from "@effect/vitest"
import { Data, Effect, Fiber, Option, Redacted, Stream } from "effect"
import {
  type Credentials,
  type ValkeyClientShape,
  ValkeyCluster,
  ValkeyReplicated,
  ValkeySentinel,
  ValkeyStandalone
} from "effect-vcache"
import { startTinyCluster } from "../support/ClusterFleet.ts"
import { startFakeSentinel } from "../support/FakeSentinel.ts"
import {
  connectTo,
  expectConnection,
  failureWithin,
  patient,
  profile,
  recovered,
  test,
  watchForTraces,
  withCache
} from "../support/faults.ts"
import { until } from "../support/until.ts"
import { startServer, type ValkeyServer } from "../support/ValkeyServer.ts"

watchForTraces()

/** A server that knows us by a new name and token whenever a test says so. */
const rotating = (server: ValkeyServer) =>
  Effect.gen(function* () {
    let round = 0
    let asked = 0
    const grant = (n: number) => server.call("ACL", "SETUSER", `app${n}`, "on", `>SECRET${n}`, "~*", "&*", "+@all")
    yield* grant(0)
    return {
      credentials: Effect.sync((): Credentials => {
        asked++
        return { username: `app${round}`, password: Redacted.make(`SECRET${round}`), validFor: "200 millis" }
      }),
      asked: Effect.sync(() => asked),
      user: Effect.sync(() => `app${round}`),
      /** Waits until each connection has the new name, and takes the old one away. */
      rotate: Effect.gen(function* () {
        yield* grant(round + 1)
        const old = `app${round++}`
        const isAsOfOld = new RegExp(`^(?!.* sub=1 )(?!.* multi=\\d).* user=${old} `)
        yield* until("connections that were authenticated again", server.call("CLIENT", "LIST"), (list) => {
          return !String(list)
            .split("\n")
            .some((line) => isAsOfOld.test(line))
        })
        yield* server.call("ACL", "SETUSER", old, "off")
      }),
      failedLogins: Effect.map(server.call("INFO", "commandstats"), (info) => {
        const [, rejected, failed] = /cmdstat_auth:.*rejected_calls=(\d+),failed_calls=(\d+)/.exec(String(info)) ?? []
        return Number(rejected) + Number(failed)
      })
    }
  })

const idOf = (client: ValkeyClientShape) => client.send("CLIENT", ["ID"])

test("tokens that change while connections live: each is authenticated anew, in every topology", () =>
  Effect.gen(function* () {
    const server = yield* startTinyCluster("--cluster-announce-ip", "127.0.0.1")
    const { asked, credentials, failedLogins, rotate, user } = yield* rotating(server)
    const sentinel = yield* startFakeSentinel(server)
    const options = { ...profile, ...patient, credentials }
    const clients = yield* Effect.forEach(
      [
        ValkeyStandalone.layer({ ...options, url: server.url }),
        ValkeyReplicated.layer({ ...options, urls: [server.url, server.url] }),
        ValkeySentinel.layer({ ...options, name: "main", sentinels: [sentinel.endpoint] }),
        ValkeyCluster.layer({ ...options, url: `cluster://${server.node}` })
      ],
      (layer) => connectTo(withCache(layer))
    )
    const [single, , , cluster] = clients
    const [alone, clustered] = [single!.client, cluster!.client]
    const works = Effect.forEach(clients, ({ cache }, i) =>
      Effect.gen(function* () {
        yield* recovered(cache.set(`k${i}`, i))
        assert.deepStrictEqual(yield* recovered(cache.get(`k${i}`)), Option.some(i))
      })
    )
    yield* works
    yield* clustered.use((raw) => raw.set("raw", "1"))
    const connections = yield* Effect.forEach(clients, ({ client }) => idOf(client))
    // A subscriber goes on by what it was let in with.
    const listener = yield* Effect.forkScoped(Stream.runCollect(Stream.take(alone.subscribe("news"), 1)))
    yield* until("a subscriber", alone.send("PUBSUB", ["NUMSUB", "news"]), (reply) => String(reply) === "news,1")
    // A transaction that is begun is not made longer.
    const own = yield* alone.dedicated
    yield* own.send("MULTI", [])
    yield* own.send("SET", ["in", "transaction"])
    for (let i = 0; i < 3; i++) {
      yield* rotate
      yield* works
    }
    assert.deepStrictEqual(yield* Effect.forEach(clients, ({ client }) => idOf(client)), connections)
    assert.strictEqual(yield* clustered.use((raw) => raw.get("raw")), "1")
    assert.deepStrictEqual(yield* own.send("EXEC", []), ["OK"])
    yield* alone.send("PUBLISH", ["news", "after all"])
    assert.deepStrictEqual(yield* Fiber.join(listener), [{ channel: "news", message: "after all" }])
    assert.deepStrictEqual(yield* failedLogins, 0)
    // Those that connect anew ask anew.
    const before = yield* asked
    yield* server.call("CLIENT", "KILL", "USER", yield* user)
    yield* works
    yield* recovered(clustered.use((raw) => raw.get("raw")))
    assert.isAbove(yield* asked, before)
    assert.deepStrictEqual(yield* failedLogins, 0)
  }))

class VaultError extends Data.TaggedError("VaultError")<{ readonly token: string }> {}

test("credentials that cannot be had are a failed attempt that names no secret, and the next attempt asks again", () =>
  Effect.gen(function* () {
    const server = yield* startServer("--requirepass", "SECRET")
    let isSealed = true
    let interrupted = 0
    const from = (credentials: Effect.Effect<Credentials, unknown>) =>
      connectTo(withCache(ValkeyStandalone.layer({ ...profile, connectTimeout: 300, url: server.url, credentials })))
    const { cache, client } = yield* from(
      Effect.suspend(() =>
        isSealed ? Effect.fail(new VaultError({ token: "SECRET" })) : Effect.succeed({ password: "SECRET" })
      )
    )
    const error = yield* failureWithin(300, cache.get("k"))
    expectConnection(error, "connect", false, "CREDENTIALS")
    assert.include(JSON.stringify(error), "VaultError")
    isSealed = false
    yield* recovered(cache.set("k", 1))
    assert.strictEqual((yield* client.state)._tag, "Ready")

    for (const unusable of [
      { password: "" },
      { password: "SECRET", validFor: 0 },
      { username: "", password: "SECRET" }
    ]) {
      const { cache } = yield* from(Effect.succeed(unusable))
      expectConnection(yield* failureWithin(300, cache.get("k")), "connect", false, "CREDENTIALS")
    }
    const defective = yield* from(Effect.die(new Error("SECRET")))
    expectConnection(yield* failureWithin(300, defective.cache.get("k")), "connect", false, "CREDENTIALS")

    const slow = yield* from(Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++)))
    assert.match((yield* failureWithin(300, slow.cache.get("k")))._tag, /^Cache(?:Timeout|Connection)Error$/)
    yield* until(
      "a state that says why",
      slow.client.state,
      (state) => state._tag === "Degraded" && state.reason?.code === "CREDENTIALS"
    )
    assert.isAtLeast(interrupted, 1)
  }))
