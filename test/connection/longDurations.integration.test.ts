/** Durations beyond what a timer of Node's can wait, 24.8 days: in every option and every operation that has one. */
import { assert, describe, it, vi } from "@effect/vitest"
import { Effect, Fiber, Layer, Option, Stream } from "effect"
import { CacheLive, CacheService, type ConnectionOptions, ValkeyClient, ValkeyMemory, ValkeyUrl } from "effect-vcache"
import { Ticker, Timer } from "../../src/layers/connection/Timer.ts"
import { fleets } from "../support/fleets.ts"
import { startServer } from "../support/ValkeyServer.ts"

const long = "40 days"
const longSeconds = 40 * 86_400
/** More than one of Node's timers can wait, once anything is added to it. */
const longest = 2 ** 31 - 1

const optionsOf = (duration: "40 days" | number): ConnectionOptions => ({
  connectTimeout: duration,
  commandTimeout: duration,
  socketTimeout: duration,
  keepAlive: duration,
  queueTimeout: duration,
  poolTimeout: duration,
  reconnect: { base: duration, max: duration }
})

/** What Node says of a timer that cannot wait so long. */
const warnings = Effect.acquireRelease(
  Effect.sync(() => {
    const names: Array<string> = []
    const onWarning = ({ name }: Error) => void (name.startsWith("Timeout") && names.push(name))
    process.on("warning", onWarning)
    return { names, onWarning }
  }),
  ({ onWarning }) => Effect.sync(() => process.off("warning", onWarning))
)

const waitsAndGets = Effect.gen(function* () {
  const { names } = yield* warnings
  const cache = yield* CacheService
  const client = yield* ValkeyClient
  assert.strictEqual(yield* client.send("PING", [], { timeout: long }), "PONG")
  if (client.topology !== "memory")
    assert.isNull(yield* (client.serverOf?.("absent") ?? client).use((raw) => raw.get("absent")))
  const heard = yield* Effect.forkScoped(Stream.runHead(client.subscribe("channel")))

  const left = cache.list("left")
  const waiting = [
    left.awaitLeft(long),
    cache.list("right").awaitRight(long),
    cache.list("{a}from").moveTo("{a}to", { timeout: long }),
    Effect.scoped(
      Effect.flatMap(client.dedicated, ({ send }) => Effect.map(send("BLPOP", ["raw", longSeconds]), Option.fromNullOr))
    ),
    Effect.scoped(
      Effect.flatMap(client.dedicated, ({ send }) =>
        Effect.map(send("XREAD", ["BLOCK", longSeconds * 1000, "STREAMS", "stream", "$"]), Option.fromNullOr)
      )
    ),
    cache.lock("held", { lease: long, wait: long }).withLock(Effect.succeed(Option.some("locked")))
  ]
  const holder = yield* Effect.forkScoped(cache.lock("held", { lease: long }).withLock(Effect.never))
  yield* Effect.sleep(100)
  const fibers = yield* Effect.forEach(waiting, (effect) => Effect.forkScoped(effect))
  yield* Effect.sleep(500)
  for (const fiber of fibers) assert.isUndefined(fiber.pollUnsafe())

  yield* left.pushLeft("a")
  yield* cache.list("right").pushLeft("b")
  yield* cache.list("{a}from").pushLeft("c")
  yield* client.send("RPUSH", ["raw", "d"])
  yield* client.send("XADD", ["stream", "*", "f", "v"])
  yield* Fiber.interrupt(holder)
  yield* client.send("PUBLISH", ["channel", "e"])
  for (const fiber of fibers) assert.isTrue(Option.isSome(yield* Fiber.join(fiber)))
  assert.isTrue(Option.isSome(yield* Fiber.join(heard)))
  assert.deepStrictEqual(names, [])
}).pipe(Effect.scoped)

describe("durations of more than 24.8 days", () => {
  for (const [name, start] of fleets) {
    it.live(`are waited for with ${name}`, () =>
      Effect.gen(function* () {
        const { url } = yield* start
        for (const duration of [long, longest] as const) {
          const client = ValkeyUrl.layer(url, optionsOf(duration))
          yield* Effect.provide(waitsAndGets, Layer.fresh(Layer.provideMerge(CacheLive, client)))
          yield* Effect.provide(
            ValkeyClient.use((client) => client.send("FLUSHALL", [])),
            ValkeyUrl.layer(url)
          )
        }
      }).pipe(Effect.scoped)
    )
  }

  it.live("are waited for in memory", () =>
    Effect.provide(waitsAndGets, Layer.fresh(Layer.provideMerge(CacheLive, ValkeyMemory.layer())))
  )

  it.live("do not make whoever waits for a list connect again and again", () =>
    Effect.gen(function* () {
      const { call, url } = yield* startServer()
      const connections = Effect.map(call("INFO", "stats"), (info) =>
        Number(/total_connections_received:(\d+)/.exec(String(info))?.[1])
      )
      yield* Effect.gen(function* () {
        const cache = yield* CacheService
        yield* Effect.forkScoped(cache.list("q").awaitLeft(long))
        yield* Effect.sleep(200)
        const before = yield* connections
        yield* Effect.sleep(500)
        // The question itself is one.
        assert.isAtMost((yield* connections) - before, 1)
      }).pipe(Effect.scoped, Effect.provide(Layer.provide(CacheLive, ValkeyUrl.layer(url))))
    }).pipe(Effect.scoped)
  )

  it.live("what is no time to wait is refused by the server, which has the time of any command for it", () =>
    Effect.gen(function* () {
      const { call, url } = yield* startServer()
      yield* Effect.gen(function* () {
        const { send } = yield* (yield* ValkeyClient).dedicated
        for (const timeout of ["abc", "-1", "nan", "-1e300"]) {
          yield* call("CLIENT", "PAUSE", "100", "ALL")
          const error = yield* Effect.flip(send("BLPOP", ["k", timeout]))
          assert.strictEqual(error._tag === "CacheServerError" ? error.code : error._tag, "ERR")
        }
      }).pipe(Effect.scoped, Effect.provide(ValkeyUrl.layer(url)))
    }).pipe(Effect.scoped)
  )
})

describe("a timer", () => {
  const day = 86_400_000

  it("waits for as long as it is told, and once", () => {
    vi.useFakeTimers()
    try {
      const ran: Array<string> = []
      const start = (millis: number, name: string) => new Timer(millis, () => void ran.push(name))
      start(60 * day, "60 days")
      start(longest, "longest")
      start(Infinity, "never")
      start(40 * day, "cancelled").cancel()
      const late = start(40 * day, "cancelled later")
      vi.advanceTimersByTime(longest - 1)
      assert.deepStrictEqual(ran, [])
      vi.advanceTimersByTime(1)
      assert.deepStrictEqual(ran, ["longest"])
      late.cancel()
      vi.advanceTimersByTime(60 * day - longest - 1)
      assert.deepStrictEqual(ran, ["longest"])
      vi.advanceTimersByTime(1)
      assert.deepStrictEqual(ran, ["longest", "60 days"])
      vi.advanceTimersByTime(100 * day)
      assert.deepStrictEqual(ran, ["longest", "60 days"])
    } finally {
      vi.useRealTimers()
    }
  })

  it("that is due already runs as soon as it can, without a warning", () => {
    vi.useFakeTimers()
    try {
      const setTimeout = vi.spyOn(globalThis, "setTimeout")
      let runs = 0
      new Timer(-5, () => runs++).unref()
      vi.advanceTimersByTime(1)
      assert.strictEqual(runs, 1)
      assert.deepStrictEqual(
        setTimeout.mock.calls.map(([, millis]) => millis),
        [0]
      )
    } finally {
      vi.restoreAllMocks()
      vi.useRealTimers()
    }
  })

  it("that keeps no process alive does not do so later, either", () => {
    vi.useFakeTimers()
    try {
      const hasRef: Array<boolean> = []
      const setTimeout = vi.spyOn(globalThis, "setTimeout")
      new Timer(60 * day, () => {}).unref()
      vi.advanceTimersByTime(longest)
      for (const { value } of setTimeout.mock.results) hasRef.push(value.hasRef())
      assert.deepStrictEqual(hasRef, [false, false])
    } finally {
      vi.restoreAllMocks()
      vi.useRealTimers()
    }
  })

  it("that ticks does so no less often than it can", () => {
    vi.useFakeTimers()
    try {
      let ticks = 0
      const ticker = new Ticker(60 * day, () => ticks++)
      vi.advanceTimersByTime(1000)
      assert.strictEqual(ticks, 0)
      vi.advanceTimersByTime(longest)
      assert.strictEqual(ticks, 1)
      ticker.stop()
    } finally {
      vi.useRealTimers()
    }
  })
})
