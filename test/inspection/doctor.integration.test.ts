/** The doctor finds what was broken, and names nothing else a problem. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { type ConnectionOptions, Doctor, ValkeyCluster, ValkeyMemory, ValkeyUrl } from "effect-vcache"
import { startTinyCluster } from "../support/ClusterFleet.ts"
import { profile, test, watchForTraces } from "../support/faults.ts"
import { startServer } from "../support/ValkeyServer.ts"

watchForTraces()

const examine = (url: string, options: Doctor.DoctorOptions = {}, connection: ConnectionOptions = profile) =>
  Effect.provide(Doctor.examine(options), ValkeyUrl.layer(url, connection))

const problems = (verdicts: ReadonlyArray<Doctor.Verdict>) =>
  verdicts.filter(({ status }) => status === "problem").map(({ check, finding }) => `${check}: ${finding}`)

const find = (verdicts: ReadonlyArray<Doctor.Verdict>, check: string) =>
  verdicts.find((verdict) => verdict.check === check)

test("one server: well, with a user of few rights, full, a replica, behind a password, without TLS", () =>
  Effect.gen(function* () {
    const server = yield* startServer("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lfu")
    // How long a command takes is for the machine to say, which may be busy.
    const well = (yield* examine(server.url)).filter(({ check }) => check !== "latency")
    assert.deepStrictEqual(
      well.filter(({ status }) => status !== "ok"),
      []
    )
    assert.strictEqual(Doctor.summary(well), "Good: nothing needs to be done.")
    assert.includeMembers(
      well.map(({ check }) => check),
      ["connection", "clocks", "rights", "tracking", "maxmemory-policy", "timeout"]
    )
    assert.strictEqual(yield* server.call("DBSIZE"), 0, "it leaves nothing")

    yield* server.call("ACL", "SETUSER", "app", "on", ">p", "~app:*", "&*", "+@all", "-set", "-evalsha", "-config")
    const limited = server.url.replace("://", "://app:p@")
    const forbidden = yield* examine(limited, { prefix: "app:" })
    assert.deepStrictEqual(problems(forbidden), ["rights: The user may not run SET, EVALSHA."])
    assert.strictEqual(find(forbidden, "rights")?.advice, "ACL SETUSER <user> +set +evalsha")
    assert.strictEqual(find(forbidden, "config")?.status, "unknown")
    yield* server.call("ACL", "SETUSER", "app", "+@all")
    assert.deepStrictEqual(problems(yield* examine(limited, { prefix: "app:" })), [])
    assert.deepStrictEqual(problems(yield* examine(limited, { prefix: "else:" })), [
      'rights: The user may not use keys like "else:…".'
    ])

    yield* server.call(
      "CONFIG",
      "SET",
      "maxmemory-policy",
      "noeviction",
      "timeout",
      "60",
      "notify-keyspace-events",
      "KEA",
      "slowlog-log-slower-than",
      "-1"
    )
    const full = yield* examine(server.url)
    assert.deepStrictEqual(problems(full), [
      "maxmemory-policy: noeviction: when the server is full, it refuses writes with OOM."
    ])
    assert.strictEqual(find(full, "timeout")?.status, "advice")
    assert.strictEqual(find(full, "notify-keyspace-events")?.status, "advice")
    assert.strictEqual(find(full, "slow-log")?.status, "advice")
    assert.match(Doctor.summary(full), /^Problem: noeviction/)

    const [tls] = yield* examine(server.url.replace("valkey:", "valkeys:"))
    assert.strictEqual(tls?.status, "problem")
    assert.match(tls?.advice ?? "", /without TLS|without the s/)

    const [nobody] = yield* examine("valkey://127.0.0.1:1")
    assert.match(nobody?.finding ?? "", /ECONNREFUSED/)
    assert.match(nobody?.advice ?? "", /Nothing listens/)

    const [wrong] = yield* examine(server.url.replace("://", "://app:SECRET@"))
    assert.match(wrong?.advice ?? "", /password is wrong/)
    assert.notInclude(JSON.stringify(wrong), "SECRET")

    yield* server.call("CONFIG", "SET", "maxmemory-policy", "volatile-lfu")
    yield* server.call("REPLICAOF", "127.0.0.1", "1")
    const replica = yield* examine(server.url)
    assert.match(problems(replica).join(), /role: The server is a replica of 127\.0\.0\.1:1/)
    yield* server.call("REPLICAOF", "NO", "ONE")

    yield* server.call("CONFIG", "SET", "requirepass", "p")
    const [password] = yield* examine(server.url)
    assert.match(password?.advice ?? "", /needs a password/)
  }))

test("a cluster's single node, and the cluster", () =>
  Effect.gen(function* () {
    const server = yield* startTinyCluster()
    assert.match(problems(yield* examine(server.url)).join(), /cluster: The server belongs to a cluster/)
    const whole = yield* Effect.provide(
      Doctor.examine(),
      ValkeyCluster.layer({ ...profile, url: server.url.replace("valkey:", "cluster:") })
    )
    assert.deepStrictEqual(problems(whole), [])
    assert.strictEqual(find(whole, "version")?.server, server.node)
  }))

test("the store in memory is no server", () =>
  Effect.gen(function* () {
    const verdicts = yield* Effect.provide(Doctor.examine(), ValkeyMemory.layer())
    assert.deepStrictEqual(
      verdicts.map(({ check, status }) => [check, status]),
      [["connection", "advice"]]
    )
  }))
