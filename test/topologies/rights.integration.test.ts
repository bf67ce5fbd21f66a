/** What a user has to be allowed for each operation, as the documentation says: no less is needed, and no more. */
import { readFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Context, Effect, Exit, Layer } from "effect"
import {
  CacheLive,
  CacheService,
  type ConnectionOptions,
  ValkeyClient,
  type ValkeyClientShape,
  ValkeyCluster,
  ValkeyReplicated,
  ValkeySentinel,
  ValkeyStandalone
} from "effect-vcache"
import { startTinyCluster } from "../support/ClusterFleet.ts"
import { startFakeSentinel } from "../support/FakeSentinel.ts"
import { connectTo, expectConnection, patient, profile, test, watchForTraces, withCache } from "../support/faults.ts"
import { operations, structureOperations } from "../support/operations.ts"
import { rowOf } from "../../src/layers/commands/commandTable.ts"
import { documented, type Kind, kinds, moves, noting } from "../support/rights.ts"
import { startServer, type ValkeyServer } from "../support/ValkeyServer.ts"

watchForTraces()

/** Asked for where it is allowed, and missed by nobody. */
const optional: ReadonlySet<string> = new Set(["ping", "role", "client|setname", "cluster|myid", "cluster|info"])

const user = { username: "app", password: "SECRET" }

/** Of what the server does not know nobody can have the right. */
const isOfThisAge = (name: string): boolean => rowOf(name, []).since === undefined

const allow = (server: ValkeyServer, ...commands: ReadonlyArray<string>) => {
  const rights = commands.filter(isOfThisAge).map((name) => `+${name}`)
  return server.call("ACL", "SETUSER", "app", "on", ">SECRET", "~*", "&*", "-@all", ...rights)
}

/** What was refused to the user since it was looked at last, but for what nobody misses. */
const refused = (server: ValkeyServer) =>
  Effect.map(server.call("ACL", "LOG"), (log) =>
    (Array.isArray(log) ? log : [])
      .map((entry: ReadonlyArray<unknown>) => String(entry[entry.indexOf("object") + 1]))
      .filter((name) => !optional.has(name))
  )

/** A cache of its own over the client: nothing that it keeps in the process is another's. */
const cacheOver = (client: ValkeyClientShape, prefix: string) =>
  Effect.map(Layer.build(Layer.provide(Layer.fresh(CacheLive), Layer.succeed(ValkeyClient, client))), (context) =>
    Context.get(context, CacheService).withOptions({ prefix })
  )

let runs = 0

/** What each operation needs, and whether it does the same as a user who has just that. */
const needsOf = Effect.fnUntraced(function* (
  server: ValkeyServer,
  clients: { readonly all: ValkeyClientShape; readonly limited: ValkeyClientShape },
  calls: Kind,
  prefix: string
) {
  const needs = new Map<string, ReadonlySet<string>>()
  for (const [label, call] of Object.entries(calls)) {
    const noted = new Set<string>()
    const run = (client: ValkeyClientShape) =>
      Effect.scoped(
        Effect.gen(function* () {
          yield* clients.all.send("FLUSHALL", [])
          yield* clients.all.send("SCRIPT", ["FLUSH"])
          // What is kept open for the next who asks is kept for nobody.
          const own = `${prefix}${++runs}`
          const caches = yield* Effect.all([cacheOver(client, own), cacheOver(clients.all, own)])
          const exit = yield* Effect.exit(call(...caches))
          // What nobody waits for has been executed when this is answered.
          yield* Effect.exit(client.send("ECHO", ["done"]))
          return Exit.isSuccess(exit) ? "success" : String(exit.cause)
        })
      )
    const outcome = yield* run(noting(clients.all, noted))
    noted.delete("echo")
    // A client of the cluster asks for its slots now and then.
    yield* allow(server, "echo", "cluster|slots", ...noted)
    yield* server.call("ACL", "LOG", "RESET")
    assert.strictEqual(yield* run(clients.limited), outcome, label)
    assert.deepStrictEqual(yield* refused(server), [], label)
    needs.set(label, noted)
  }
  return needs
})

const open = <E>(layer: (options: ConnectionOptions) => Layer.Layer<ValkeyClient, E>) =>
  Effect.gen(function* () {
    const { client: all } = yield* connectTo(withCache(layer(patient)))
    const { client: limited } = yield* connectTo(withCache(layer({ ...patient, ...user })))
    return { all, limited }
  })

const document = readFileSync(new URL("../../docs/connections.md", import.meta.url), "utf8")
const section = document.slice(document.indexOf("### Of each operation"), document.indexOf("## Limits"))
const items = section
  .split(/^- /m)
  .slice(1)
  .map((item) => item.replaceAll(/\s+/g, " ").trim())

/** On one server and in a cluster. */
const eachOperation = Effect.fnUntraced(function* (server: ValkeyServer) {
  const labels = Object.values(kinds).flatMap((calls) => Object.keys(calls))
  for (const name of [...Object.keys(operations), ...structureOperations.map(({ name }) => name)]) {
    const label = `\`${name.slice(name.lastIndexOf(".") + 1)}\``
    assert.isTrue(
      labels.some((known) => known.includes(label)),
      name
    )
  }
  yield* allow(server, "cluster|slots")
  const single = yield* open((options) => ValkeyStandalone.layer({ ...options, url: server.url }))
  const cluster = yield* open((options) => ValkeyCluster.layer({ ...options, url: `cluster://${server.node}` }))
  const needs = new Map<string, ReadonlyMap<string, ReadonlySet<string>>>()
  for (const [kind, calls] of Object.entries(kinds)) {
    // In one slot.
    const alone = yield* needsOf(server, single, calls, "{app}")
    assert.deepStrictEqual(yield* needsOf(server, cluster, calls, "{app}"), alone)
    needs.set(kind, alone)
  }
  const between = yield* needsOf(server, cluster, moves, "app")
  needs.set("Between slots of a cluster", between)
  const categories = yield* Effect.forEach(["dangerous", "admin"], (name) => server.call("ACL", "CAT", name))
  const dangerous = new Set(categories.flat())
  const all = new Set<string>()
  for (const calls of needs.values()) for (const names of calls.values()) for (const name of names) all.add(name)
  assert.deepStrictEqual([...all].filter((name) => dangerous.has(name)).toSorted(), ["flushdb", "info", "restore"])
  assert.deepStrictEqual(items, documented(needs))
})

/** In every topology. */
const eachConnection = Effect.fnUntraced(function* (server: ValkeyServer) {
  const sentinel = yield* startFakeSentinel(server)
  const options = { ...profile, ...user, connect: "eager", clientName: "app" } as const
  const works = <E>(layer: Layer.Layer<ValkeyClient, E>) =>
    Effect.gen(function* () {
      const { cache, client } = yield* connectTo(withCache(layer))
      yield* cache.set("k", 1)
      assert.isTrue((yield* cache.health).ready)
      assert.strictEqual((yield* client.state)._tag, "Ready")
    })
  yield* allow(server, "set")
  yield* works(ValkeyStandalone.layer({ ...options, url: server.url }))
  yield* works(ValkeyReplicated.layer({ ...options, urls: [server.url, server.url] }))
  yield* works(ValkeySentinel.layer({ ...options, name: "main", sentinels: [sentinel.endpoint] }))
  const cluster = ValkeyCluster.layer({ ...options, url: `cluster://${server.node}` })
  expectConnection(yield* Effect.flip(connectTo(withCache(cluster))), "connect", false, "NOPERM")
  yield* allow(server, "set", "cluster|slots")
  yield* works(cluster)
  // Slots that move are reached by it.
  assert.match(String(yield* server.call("ACL", "DRYRUN", "app", "ASKING")), /no permission/)
  const replicas = ValkeyCluster.layer({ ...options, readFrom: "preferReplica", url: `cluster://${server.node}` })
  expectConnection(yield* Effect.flip(connectTo(withCache(replicas))), "connect", false, "NOPERM")
  yield* allow(server, "set", "cluster|slots", "readonly")
  yield* works(replicas)

  const other = yield* startServer()
  yield* allow(other, "set")
  const second = ValkeyStandalone.layer({ ...options, url: other.url, database: 1 })
  expectConnection(yield* Effect.flip(connectTo(withCache(second))), "connect", false, "NOPERM")
  yield* allow(other, "set", "select")
  yield* works(second)
})

test("operations and connections need what the documentation says", () =>
  Effect.gen(function* () {
    const server = yield* startTinyCluster("--cluster-announce-ip", "127.0.0.1")
    yield* eachOperation(server)
    yield* eachConnection(server)
  }))
