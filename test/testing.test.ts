/** The kit for the tests of those who use the cache. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Fiber, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import {
  CacheLive,
  CacheServerError,
  CacheService,
  IgnoreExceptions,
  ValkeyClient,
  ValkeyMemory,
  ValkeyStandalone
} from "effect-vcache"
import { Faults, LocalValkey, snapshot } from "effect-vcache/testing"
import { findValkey } from "./support/valkeyBinary.ts"

const faulty = CacheLive.pipe(
  Layer.provideMerge(Layer.fresh(Faults.layer)),
  Layer.provide(Layer.fresh(ValkeyMemory.layer()))
)

describe("faults", () => {
  it.effect("refused, timed out, lost, or an error of one's own; then none", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const faults = yield* Faults.Faults
      yield* cache.set("k", 1)
      yield* faults.set({ commands: ["GET"], failure: "refused" })
      assert.deepInclude(yield* Effect.flip(cache.get("k")), { _tag: "CacheConnectionError", mayHaveExecuted: false })
      assert.isTrue(yield* cache.has("k"))
      yield* faults.set({ failure: "timeout" })
      assert.deepInclude(yield* Effect.flip(cache.set("k", 2)), { _tag: "CacheTimeoutError", mayHaveExecuted: true })
      yield* faults.set({ commands: ["incr"], failure: "lostReply" })
      assert.deepInclude(yield* Effect.flip(cache.incr("k")), { phase: "lost", mayHaveExecuted: true })
      const own = new CacheServerError({
        operation: "GET",
        code: "LOADING",
        reply: "LOADING",
        node: undefined,
        mayHaveExecuted: false
      })
      yield* faults.set({ failure: own })
      assert.strictEqual(yield* Effect.flip(cache.get("k")), own)
      assert.strictEqual(yield* faults.failed, 4)
      yield* faults.clear
      // It was not executed, but for the one whose reply was lost.
      assert.deepStrictEqual(yield* cache.get("k"), Option.some(2))
      assert.deepStrictEqual(
        yield* Effect.all([
          cache.pipeline((queue) => [queue.set("a", 1)]),
          cache.transaction((queue) => [queue.get("a")])
        ]),
        [[true], [Option.some(1)]]
      )
    }).pipe(Effect.provide(faulty))
  )

  it.effect("some of them, and late ones", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const faults = yield* Faults.Faults
      yield* faults.set({ rate: 0.3, failure: "refused" })
      yield* Effect.forEach(Array.from({ length: 1000 }), () => Effect.ignore(cache.get("k")))
      const failed = yield* faults.failed
      assert.isTrue(failed > 200 && failed < 400, `${failed}`)
      yield* faults.set({ latency: "1 second" })
      const getting = yield* Effect.forkChild(cache.pipeline((queue) => [queue.get("k")]))
      yield* TestClock.adjust("900 millis")
      assert.isUndefined(getting.pollUnsafe())
      yield* TestClock.adjust("200 millis")
      assert.deepStrictEqual(yield* Fiber.join(getting), [Option.none()])
      yield* faults.set({ commands: ["GET"], failure: "refused" })
      const own = yield* (yield* ValkeyClient).dedicated
      const [get, set] = yield* own.pipeline([
        { name: "GET", args: ["k"] },
        { name: "SET", args: ["k", "1"] }
      ])
      assert.deepStrictEqual([get?._tag, set?._tag], ["Failure", "Success"])
    }).pipe(Effect.provide(faulty))
  )

  it.effect("what a program does in an outage", () =>
    Effect.gen(function* () {
      const faults = yield* Faults.Faults
      const cache = yield* CacheService
      yield* faults.set({ failure: "refused" })
      assert.strictEqual(yield* cache.getOrSet("k", Effect.succeed("from the source")), "from the source")
    }).pipe(
      Effect.provide(
        Layer.fresh(CacheLive).pipe(
          Layer.provide(IgnoreExceptions.layer({ log: false })),
          Layer.provideMerge(Layer.fresh(Faults.layer)),
          Layer.provide(Layer.fresh(ValkeyMemory.layer()))
        )
      )
    )
  )
})

it.effect("a look into the cache", () =>
  Effect.gen(function* () {
    const cache = yield* CacheService
    yield* cache.set("a", { n: 1 }, { timeToLive: "1 minute" })
    yield* cache.list("b").pushRight(1)
    yield* (yield* ValkeyClient).send("SET", [cache.makeKey("c"), "not of the cache"])
    assert.deepInclude((yield* snapshot).get("c"), { type: "string", value: undefined })
    yield* cache.delete("c")
    // What coordinates is not among what is held.
    const all = yield* cache.lock("a").withLock(snapshot)
    assert.deepStrictEqual(
      all,
      new Map([
        ["a", { type: "string" as const, value: { n: 1 }, timeToLive: 60_000 }],
        ["b", { type: "list" as const, value: undefined, timeToLive: Infinity }]
      ])
    )
  }).pipe(Effect.provide(faulty))
)

const named = (server: string) =>
  Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: { VALKEY_SERVER: server } }))

const findServer = () => {
  const { libraries, server } = findValkey()
  if (libraries !== undefined) process.env["LD_LIBRARY_PATH"] = libraries
  return server
}

for (const [clock, test] of [["the system's", it.live] as const, ["a test's", it.effect] as const]) {
  test(`a server of one's own, by ${clock} clock`, () =>
    Effect.gen(function* () {
      const client = yield* ValkeyClient
      assert.strictEqual(yield* client.send("PING", []), "PONG")
    }).pipe(Effect.provide(LocalValkey.layer), named(findServer())))
}

it.live("a server of one's own freezes, dies and comes back empty", () =>
  Effect.gen(function* () {
    const server = yield* LocalValkey.make
    const client = yield* ValkeyStandalone.make({ url: server.url, commandTimeout: "1 second" })
    yield* client.send("SET", ["k", "v"])
    yield* server.freeze
    assert.deepInclude(yield* Effect.flip(client.send("GET", ["k"], { timeout: "50 millis" })), {
      _tag: "CacheTimeoutError"
    })
    yield* server.thaw
    yield* server.kill
    const dead = yield* Effect.flip(client.send("GET", ["k"]))
    assert.include(["CacheConnectionError", "CacheTimeoutError"], dead._tag)
    yield* server.start
    const back = yield* ValkeyStandalone.make({ url: server.url })
    assert.isNull(yield* back.send("GET", ["k"]))
  }).pipe(Effect.scoped, named(findServer()))
)

/** Starts what comes after it the second time; the first time another server has taken the port, and it ends. */
const lateServer = (folder: string, server: string): string => {
  const command = join(folder, "late-server")
  writeFileSync(
    command,
    `#!/bin/sh
if mkdir "${folder}/first" 2>/dev/null; then
  "${server}" "$1" "$2" --save "" & echo $! > "${folder}/other.pid"
  sleep 0.3
fi
exec "${server}" "$@"
`,
    { mode: 0o755 }
  )
  return command
}

it.live("a port that another server was faster at is left to that one", () => {
  const folder = mkdtempSync(join(tmpdir(), "vcache-"))
  return Effect.gen(function* () {
    const client = yield* ValkeyClient
    assert.match(String(yield* client.send("CONFIG", ["GET", "dir"])), /effect-vcache-/)
  }).pipe(
    Effect.provide(LocalValkey.layer),
    named(lateServer(folder, findServer())),
    Effect.ensuring(
      Effect.sync(() => {
        process.kill(Number(readFileSync(join(folder, "other.pid"), "utf8")), "SIGKILL")
        rmSync(folder, { recursive: true })
      })
    )
  )
})

it.live("a server that ends at once is no server", () =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(Effect.scoped(LocalValkey.start))
    assert.strictEqual(error.message, "LocalValkey: the server ended before it answered")
  }).pipe(named("/bin/false"))
)

it.live("no server to be found is said in one sentence", () =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(Effect.scoped(LocalValkey.start))
    assert.strictEqual(error._tag, "CacheInputError")
    assert.match(error.message, /install one/)
  }).pipe(named("/nowhere/valkey-server"))
)
