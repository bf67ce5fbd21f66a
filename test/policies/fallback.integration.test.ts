/** A second cache while the first is down. */
import { assert } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Logger, Option, Schema } from "effect"
import {
  type CacheError,
  CacheInputError,
  CacheLive,
  CacheService,
  type KeysPage,
  type ScriptStore,
  SessionStore,
  type ConnectionOptions,
  type TypedCache,
  ValkeyClient,
  ValkeyFallback,
  ValkeyMemory,
  ValkeyStandalone
} from "effect-vcache"
import { Faults } from "effect-vcache/testing"
import { startPrimary } from "../support/fakePrimaries.ts"
import { profile, test } from "../support/faults.ts"
import { pause } from "../support/pause.ts"
import { operations, structureOperations } from "../support/operations.ts"
import { until } from "../support/until.ts"
import { startServer } from "../support/ValkeyServer.ts"

const build = (url: string, options: ConnectionOptions = {}) =>
  Effect.map(
    Layer.build(
      Layer.provideMerge(
        Layer.fresh(CacheLive),
        ValkeyFallback.layer({
          first: ValkeyStandalone.layer({ ...profile, ...options, url }),
          second: ValkeyMemory.layer(),
          probeInterval: "50 millis"
        })
      )
    ),
    (context) => ({ cache: Context.get(context, CacheService), client: Context.get(context, ValkeyClient) })
  )

test("reads and writes go to the second while the first is killed, and back; nothing older comes back", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache, client } = yield* build(server.url)
    const direct = yield* Layer.build(ValkeyStandalone.layer({ url: server.url, ...profile })).pipe(
      Effect.map(Context.get(ValkeyClient))
    )
    assert.deepStrictEqual(yield* cache.setMany({ kept: 1, changed: "old", deleted: "old", counter: 5 }), [])
    assert.strictEqual(yield* direct.send("GET", [":1:kept"]), "1")

    yield* server.freeze
    // The first to notice waits for its deadline; from then on the second answers.
    assert.deepStrictEqual(yield* cache.get("kept"), Option.none())
    yield* cache.set("changed", "new")
    yield* cache.delete("deleted")
    assert.strictEqual(yield* cache.incr("counter", 1, { initial: 0 }), 1)
    assert.deepStrictEqual(yield* cache.getMany(["changed", "kept"]), new Map([["changed", "new"]]))
    assert.deepStrictEqual(yield* cache.keys("ch*"), ["changed"])
    assert.deepStrictEqual(yield* client.transaction([{ name: "GET", args: [":1:changed"] }]), ['"new"'])
    assert.strictEqual(yield* cache.getOrSet("looked", Effect.succeed("up"), { singleFlight: "cluster" }), "up")

    yield* server.thaw
    yield* until("a value of the first", cache.get("kept"), Option.isSome)
    assert.deepStrictEqual(
      yield* cache.getMany(["kept", "changed", "deleted", "counter", "looked"]),
      new Map([["kept", 1]])
    )
    assert.strictEqual(yield* direct.send("EXISTS", [":1:changed", ":1:deleted", ":1:counter"]), 0)
    yield* cache.set("after", 1)
    assert.strictEqual(yield* direct.send("GET", [":1:after"]), "1")
  }))

test("what is invalidated by tags meanwhile is gone in the first, too, also what others have stored there", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache } = yield* build(server.url)
    const other = yield* Layer.build(
      Layer.provide(Layer.fresh(CacheLive), ValkeyStandalone.layer({ url: server.url, ...profile }))
    ).pipe(Effect.map(Context.get(CacheService)))
    yield* cache.set("own", 1, { tags: ["t"] })
    yield* other.set("other's", 1, { tags: ["t"] })
    const since = yield* cache.tagSnapshot(["t"])

    yield* server.freeze
    assert.deepStrictEqual(yield* cache.get("own"), Option.none())
    yield* cache.set("meanwhile", 1, { tags: ["t"] })
    assert.deepStrictEqual(yield* cache.get("meanwhile"), Option.some(1))
    yield* cache.invalidateTags(["t"])
    assert.deepStrictEqual(yield* cache.get("meanwhile"), Option.none())
    yield* cache.set("looked up before", 1, { tags: ["t"], since })
    assert.deepStrictEqual(yield* cache.get("looked up before"), Option.none())

    yield* server.thaw
    yield* other.set("plain", 1)
    yield* until("a value of the first", cache.get("plain"), Option.isSome)
    for (const one of [cache, other]) {
      assert.strictEqual((yield* one.getMany(["own", "other's", "meanwhile", "looked up before"])).size, 0)
    }
    yield* other.set("after", 1, { tags: ["t"] })
    assert.deepStrictEqual(yield* cache.get("after"), Option.some(1))
    yield* cache.invalidateTags(["t"])
    assert.deepStrictEqual(yield* other.get("after"), Option.none())
  }))

test("a flush meanwhile empties the first when it is back; pipelines and scans turn, too", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache, client } = yield* build(server.url)
    yield* cache.set("k", "old")
    yield* server.freeze
    const results = yield* client.pipeline([
      { name: "SET", args: [":1:p", "1"] },
      { name: "GET", args: [":1:p"] }
    ])
    assert.deepStrictEqual(
      results.map((result) => result._tag === "Success" && result.success),
      ["OK", "1"]
    )
    yield* cache.flushAll
    assert.deepStrictEqual(yield* cache.keys(), [])
    yield* server.thaw
    // The memory client has but one node, of that name.
    yield* until("the first client", client.info(), (nodes) => !nodes.has("memory"))
    assert.deepStrictEqual(yield* cache.get("k"), Option.none())
    assert.strictEqual((yield* client.state)._tag, "Ready")
  }))

test("the server's own errors and bad input stay the first's", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache, client } = yield* build(server.url)
    yield* client.send("LPUSH", [":1:list", "x"])
    assert.strictEqual((yield* Effect.flip(cache.get("list")))._tag, "CacheServerError")
    assert.instanceOf(yield* Effect.flip(cache.get("")), CacheInputError)
    assert.strictEqual(client.topology, "standalone")
  }))

test("a scan and a script that meet the outage first turn, too; a lock does not", () =>
  Effect.gen(function* () {
    for (const [meet, expected] of [
      [(cache: TypedCache<unknown>) => cache.keys(), []],
      [(cache: TypedCache<unknown>) => cache.incrFloat("n", 0.5, { initial: 1 }), 1.5]
    ] as const) {
      const server = yield* startServer()
      const { cache, client } = yield* build(server.url)
      yield* cache.set("k", 1)
      yield* server.kill
      assert.deepStrictEqual(yield* meet(cache), expected)
      assert.isTrue((yield* client.info()).has("memory"))
      const error = yield* Effect.flip(Effect.scoped(cache.lock("l").acquire))
      assert.strictEqual(error._tag, "CacheConnectionError")
    }
  }))

test("what a lookup gave is not stored in the second over what is newer there", () =>
  Effect.gen(function* () {
    for (const many of [false, true]) {
      const server = yield* startServer()
      const { cache } = yield* build(server.url, { commandTimeout: 1200, socketTimeout: 5000 })
      const begun = yield* Deferred.make<void>()
      const found = yield* Deferred.make<"old">()
      const old = Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(found))
      const asking = yield* Effect.forkChild(
        many ? cache.getOrSetMany(["k"], () => Effect.map(old, (v) => [["k", v] as const])) : cache.getOrSet("k", old)
      )
      yield* Deferred.await(begun)
      yield* server.freeze
      // Is told that the first does not answer while the store of what was looked up still waits for it.
      const other = yield* Effect.forkChild(cache.get("other"))
      yield* pause(600)
      yield* Deferred.succeed(found, "old")
      yield* Fiber.join(other)
      yield* cache.set("k", "new")
      yield* Fiber.join(asking)
      assert.deepStrictEqual(yield* cache.get("k"), Option.some("new"))
    }
  }))

test("a probe that would never come is refused", () =>
  Effect.gen(function* () {
    for (const probeInterval of [0, Infinity, Number.NaN]) {
      const memory = ValkeyMemory.layer()
      const exit = yield* Effect.exit(
        Layer.build(ValkeyFallback.layer({ first: memory, second: memory, probeInterval }))
      )
      assert.isTrue(Exit.hasDies(exit))
      assert.match(String(exit), /above zero and finite/)
    }
  }))

/** A first one that can be made to fail, and to be slow. */
const buildFaulty = Effect.fnUntraced(function* (url: string, options?: { readonly structures: "fail" | "second" }) {
  const faulty = yield* Layer.build(
    Layer.provideMerge(Layer.fresh(Faults.layer), Layer.fresh(ValkeyStandalone.layer({ ...profile, url })))
  )
  const clients = yield* Layer.build(
    Layer.provideMerge(
      Layer.fresh(CacheLive),
      ValkeyFallback.layer({
        first: Layer.succeedContext(faulty),
        second: ValkeyMemory.layer(),
        probeInterval: "20 millis",
        ...options
      })
    )
  )
  const client = Context.get(clients, ValkeyClient)
  return {
    cache: Context.get(clients, CacheService),
    client,
    first: Context.get(faulty, ValkeyClient),
    faults: Context.get(faulty, Faults.Faults),
    /** The memory client has but one node, of that name. */
    back: until("the first to be used again", client.info(), (nodes) => !nodes.has("memory"))
  }
})

test("an outage leaves alone what was only looked at, and sessions whatever is done: a queue, a board, a stream, a value", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { back, cache, faults } = yield* buildFaulty(server.url)
    const provideCache = Effect.provideService(CacheService, cache)
    const sessions = yield* provideCache(SessionStore.make({ data: Schema.Struct({ user: Schema.String }) }))
    const session = yield* sessions.create({ user: "ada" })
    const group = cache.stream("log").group("g")
    yield* cache.list("queue").pushRight("job 1", "job 2")
    yield* cache.sortedSet("board").add([["ada", 1]])
    yield* cache.stream("log").add({ paid: 1 })
    yield* group.create({ from: "0" })
    yield* cache.set("report", "value")

    yield* faults.set({ failure: "refused" })
    // There is one store of sessions: the second knows nothing of them, and must not say that there are none.
    const unasked = [
      sessions.load(session.id),
      sessions.save(session.id, { user: "eve" }),
      sessions.destroy(session.id)
    ]
    for (const operation of unasked as ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>>) {
      assert.strictEqual((yield* Effect.flip(operation))._tag, "CacheConnectionError")
    }
    assert.isTrue(Option.isNone(yield* cache.list("queue").popLeft))
    assert.deepStrictEqual(yield* cache.sortedSet("board").popMin(1), [])
    assert.isFalse(yield* cache.touch("report"))
    assert.isFalse(yield* cache.persist("report"))
    // What would forget all of it for one more fails, as it would without a second client.
    const additions: ReadonlyArray<Effect.Effect<unknown, CacheError>> = [
      cache.list("queue").pushRight("job 3"),
      cache.sortedSet("board").add([["bob", 2]]),
      cache.hash("h").set("field", 1),
      cache.unorderedSet("s").add("member"),
      cache.stream("log").add({ paid: 2 }),
      group.read("me")
    ]
    for (const addition of additions) {
      const error = yield* Effect.flip(addition)
      assert.strictEqual(error._tag, "CacheConnectionError")
    }
    yield* faults.clear
    yield* back

    assert.isTrue(Option.isSome(yield* sessions.load(session.id)))
    assert.strictEqual(yield* cache.list("queue").size, 2)
    assert.strictEqual(yield* cache.sortedSet("board").size, 1)
    assert.strictEqual(yield* cache.stream("log").size, 1)
    assert.isTrue(yield* cache.has("report"))
  }))

test("parts that were removed are removed in the first when it is back", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { back, cache, faults } = yield* buildFaulty(server.url)
    yield* cache.hash("h").setMany({ kept: 1, removed: 2 })
    yield* cache.unorderedSet("s").add("kept", "removed")
    yield* faults.set({ failure: "refused" })
    yield* cache.hash("h").delete("removed")
    yield* cache.unorderedSet("s").remove("removed")
    yield* faults.clear
    yield* back
    assert.deepStrictEqual([...(yield* cache.hash("h").getAll).keys()], ["kept"])
    assert.deepStrictEqual([...(yield* cache.unorderedSet("s").members)], ["kept"])
  }))

test('structures: "second": they are added to, and forgotten where something was added', () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { back, cache, faults, first } = yield* buildFaulty(server.url, { structures: "second" })
    for (const name of ["touched", "untouched"]) yield* cache.list(name).pushRight("old")
    yield* faults.set({ failure: "refused" })
    yield* cache.list("touched").pushRight("new")
    assert.deepStrictEqual(yield* cache.list("touched").range(0, -1), ["new"])
    yield* faults.clear
    yield* back
    assert.deepStrictEqual(yield* cache.list("touched").range(0, -1), [])
    assert.deepStrictEqual(yield* cache.list("untouched").range(0, -1), ["old"])
    assert.strictEqual(yield* first.send("DBSIZE", []), 1)
  }))

test("a script goes by what it says it does, and its twin by what it did", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    for (const structures of ["fail", "second"] as const) {
      const { back, cache, client, faults, first } = yield* buildFaulty(server.url, { structures })
      const script = (uses: "reads" | "changes" | undefined, command: "GET" | "INCR", twin = true) => ({
        name: "s",
        lua: `return redis.call('${command}', KEYS[1])`,
        uses,
        ...(twin ? { memory: ({ call }: ScriptStore, [key = ""]: ReadonlyArray<string>) => call(command, key) } : {})
      })
      assert.deepStrictEqual(yield* cache.setMany({ read: 1, changed: 1, undeclared: 1, looked: 1, queued: 1 }), [])
      yield* faults.set({ failure: "refused" })
      yield* client.eval(script("reads", "GET"), [":1:read"], [])
      yield* client.eval(script("changes", "INCR"), [":1:changed"], [])
      yield* client.pipeline([{ name: "EVAL", args: ["", 1, ":1:queued"], script: script("changes", "INCR") }])
      const undeclared = yield* Effect.exit(client.eval(script(undefined, "INCR"), [":1:undeclared"], []))
      const looked = yield* Effect.exit(client.eval(script(undefined, "GET"), [":1:looked"], []))
      assert.deepStrictEqual([undeclared, looked].map(Exit.isSuccess), Array(2).fill(structures === "second"))
      yield* faults.clear
      yield* back
      const left = [yield* first.send("KEYS", ["*"])].flat().map(String)
      const kept = structures === "second" ? [":1:looked", ":1:read"] : [":1:looked", ":1:read", ":1:undeclared"]
      assert.deepStrictEqual(left.toSorted(), kept)
    }
  }))

test("it is back soon while writes go on, and nothing older is read then", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { back, cache, faults, first } = yield* buildFaulty(server.url)
    yield* cache.set("k", 0)
    yield* faults.set({ failure: "refused" })
    let written = 0
    const writing = yield* Effect.forkChild(
      Effect.forever(
        Effect.gen(function* () {
          yield* cache.set(`k${written % 500}`, ++written)
          yield* cache.set("k", written)
          const read = Option.getOrUndefined(yield* cache.get("k"))
          assert.isTrue(read === undefined || read === written, `${String(read)} after ${written}`)
          yield* pause(1)
        })
      )
    )
    yield* until(
      "writes",
      Effect.sync(() => written),
      (count) => count > 50
    )
    // There, and some milliseconds away.
    yield* faults.set({ latency: "4 millis" })
    yield* back
    const known = written
    yield* until(
      "writes",
      Effect.sync(() => written),
      (count) => count > known + 20
    )
    assert.isAbove(Number(yield* first.send("DBSIZE", [])), 0)
    yield* Fiber.interrupt(writing)
  }))

test("what the second was left with is not read in the next outage", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { back, cache, faults } = yield* buildFaulty(server.url)
    yield* faults.set({ failure: "refused" })
    yield* cache.set("k", "of the first outage")
    yield* faults.clear
    yield* back
    yield* cache.set("k", "newer")
    yield* faults.set({ failure: "refused" })
    assert.deepStrictEqual(yield* cache.get("k"), Option.none())
    yield* faults.clear
    yield* back
    assert.deepStrictEqual(yield* cache.get("k"), Option.some("newer"))
  }))

test("a pop whose reply was lost says so, and is not answered by the second", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache, faults } = yield* buildFaulty(server.url)
    yield* cache.list("queue").pushRight("job")
    yield* faults.set({ failure: "lostReply" })
    const error = yield* Effect.flip(cache.list("queue").popLeft)
    assert.isTrue(error._tag === "CacheConnectionError" && error.mayHaveExecuted)
  }))

test("more than a thousand patterns: none is forgotten, and it is said", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { back, cache, faults } = yield* buildFaulty(server.url)
    const names = Array.from({ length: 1100 }, (_, i) => `group ${i}:a`)
    assert.deepStrictEqual(yield* cache.setMany(new Map(names.map((name) => [name, 1]))), [])
    yield* faults.set({ failure: "refused" })
    const logged: Array<unknown> = []
    const logger = Logger.make(({ message }) => void logged.push(message))
    yield* Effect.forEach(names, (name) => cache.deletePattern(name.replace(/a$/, "*")), { discard: true }).pipe(
      Effect.provide(Logger.layer([logger]))
    )
    assert.match(logged.join(), /too many patterns/)
    yield* faults.clear
    yield* back
    assert.deepStrictEqual(yield* cache.keys(), [])
  }))

test("the first is back though it does not answer PING with PONG", () =>
  Effect.gen(function* () {
    for (const error of ["NOPERM no", "MISCONF Valkey is configured to save RDB snapshots"]) {
      let isDown = true
      const server = yield* startPrimary(([name], socket) => {
        if (isDown) socket.destroy()
        return name === "PING" ? `-${error}\r\n` : name === "GET" ? "$1\r\n1\r\n" : undefined
      })
      const { cache } = yield* build(server.url)
      assert.deepStrictEqual(yield* cache.get("k"), Option.none())
      isDown = false
      yield* until("the first again", cache.get("k"), Option.isSome)
    }
  }))

test("in an outage every operation goes on, but for those that add to structures, and for locks and semaphores", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const { cache, faults } = yield* buildFaulty(server.url)
    yield* faults.set({ failure: "refused" })
    const failing: Array<string> = []
    const all = [...Object.entries(operations).map(([name, { call }]) => ({ name, call })), ...structureOperations]
    for (const { call, name } of all) {
      const exit = yield* Effect.exit(call(cache))
      if (Exit.isFailure(exit) && String(exit.cause).includes("CacheConnectionError")) failing.push(name)
    }
    assert.deepStrictEqual(failing, [
      "hash.set",
      "hash.setMany",
      "hash.setIfAbsent",
      "hash.incr",
      "hash.incrFloat",
      "hash.expireFields",
      "hash.persistFields",
      "hash.getAndTouch",
      "hash.setExpiring",
      "list.pushLeft",
      "list.pushRight",
      "list.setAt",
      "list.insert",
      "list.moveTo",
      "unorderedSet.add",
      "unorderedSet.moveTo",
      "sortedSet.add",
      "sortedSet.incr",
      "sortedSet.incrIf",
      "stream.add",
      "stream.follow",
      "streams.follow",
      "stream.group.create",
      "stream.group.setId",
      "stream.group.read",
      "stream.group.consume",
      "stream.group.claim",
      "stream.group.claimIds",
      "stream.group.autoClaim",
      "stream.group.autoClaimIds"
    ])
  }))

test("a scan in pages begins anew in the store that serves, and its cursors are of no other client", () =>
  Effect.scoped(
    Effect.gen(function* () {
      const first = yield* Layer.build(Layer.provideMerge(Layer.fresh(Faults.layer), Layer.fresh(ValkeyMemory.layer())))
      const fallback = ValkeyFallback.layer({ first: Layer.succeedContext(first), second: ValkeyMemory.layer() })
      const context = yield* Layer.build(Layer.provideMerge(Layer.fresh(CacheLive), fallback))
      const [cache, client] = [Context.get(context, CacheService), Context.get(context, ValkeyClient)]
      const faults = Context.get(first, Faults.Faults)
      yield* cache.setMany({ a: 1, b: 1, c: 1 })
      const begun = yield* cache.scanPage("*", { count: 1 })
      const cursor = Option.getOrThrow(begun.cursor)
      yield* faults.set({ failure: "refused" })
      yield* cache.setMany({ d: 1, e: 1 })
      const seen: Array<string> = []
      let next: string | undefined = cursor
      while (next !== undefined) {
        const page: KeysPage = yield* cache.scanPage("*", { count: 1, cursor: next })
        seen.push(...page.keys)
        next = Option.getOrUndefined(page.cursor)
      }
      assert.sameMembers(seen, ["d", "e"])
      assert.instanceOf(yield* Effect.flip(client.scanPage("0")), CacheInputError)
    })
  ))
