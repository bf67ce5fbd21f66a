/** What a near cache serves while its server, or the source of its values, is away. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Layer, Metric, Option } from "effect"
import { TestClock } from "effect/testing"
import {
  Breaker,
  CacheLive,
  CacheService,
  IgnoreExceptions,
  type Invalidation,
  Metrics,
  type NearOptions,
  type PolicySource,
  ValkeyClient,
  ValkeyMemory
} from "effect-vcache"
import { Faults } from "effect-vcache/testing"
import { counted } from "../support/counted.ts"

const staleFor = { timeToLive: "5 seconds", staleFor: "1 minute" } as const
const servesLong: NearOptions = { whenDown: { serveFor: "30 seconds" } }

/** A near cache over a server that proves itself as often as a real one does, and that can freeze: every command times out then. */
const nearCache = (near: NearOptions, ...policies: ReadonlyArray<PolicySource>) =>
  Effect.gen(function* () {
    const memory = yield* ValkeyMemory.make()
    const told = new Set<(event: Invalidation) => void>()
    const state = { asked: 0, sent: 0, isFrozen: false }
    const client = Layer.succeed(ValkeyClient, {
      ...memory,
      send: (...call: Parameters<typeof memory.send>) => (state.asked++, state.sent++, memory.send(...call)),
      tracked: (...call: Parameters<typeof memory.tracked>) => (state.asked++, memory.tracked(...call)),
      invalidations: (listening, onEvent) => {
        told.add(onEvent)
        return memory.invalidations(listening, (event) => {
          if (event._tag !== "Proof") onEvent(event)
        })
      }
    } satisfies typeof memory)
    const prove = Effect.map(Clock.currentTimeMillis, (sentAt) => {
      if (!state.isFrozen) for (const tell of told) tell({ _tag: "Proof", server: "memory", sentAt })
    })
    const layer = CacheLive.layer({ prefix: "n", near, policies })
    const context = yield* Layer.build(Layer.provideMerge(layer, Layer.provide(Faults.layer, client)))
    yield* prove
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(500), prove)))
    return yield* Effect.gen(function* () {
      const cache = yield* CacheService
      const faults = yield* Faults.Faults
      const freeze = Effect.andThen(
        Effect.sync(() => void (state.isFrozen = true)),
        faults.set({ latency: 100, failure: "timeout" })
      )
      const refuse = faults.set({ failure: "refused" })
      const lose = Effect.sync(() => {
        for (const tell of told) tell({ _tag: "Down", server: "memory", reason: "a test", cause: "lost" })
      })
      /** How often the server was asked for what the effect gives. */
      const asking = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        Effect.suspend(() => {
          const before = state.asked
          return Effect.map(effect, (value) => [value, state.asked - before] as const)
        })
      return { asking, cache, failed: faults.failed, freeze, lose, refuse, sent: () => state.sent }
    }).pipe(Effect.provideContext(context))
  })

describe("with the source away", () => {
  it.effect("a stale value is served from this process, also where its refresh has failed", () =>
    Effect.gen(function* () {
      const { asking, cache } = yield* nearCache({})
      let looked = 0
      const failing = Effect.suspend(() => (++looked === 1 ? Effect.succeed("v") : Effect.fail("away")))
      const read = cache.getOrSetDetailed("k", failing, staleFor)
      yield* read
      assert.strictEqual((yield* read).source, "server")
      yield* TestClock.adjust("6 seconds")
      // The first who sees that it is stale begins the refresh, which asks the server what is to be replaced.
      const first = yield* asking(read)
      assert.deepInclude(first[0], { value: "v", isStale: true, source: "near" })
      assert.deepStrictEqual([first[1], looked], [1, 2])
      for (let i = 0; i < 3; i++) {
        const [result, asked] = yield* asking(read)
        assert.deepInclude(result, { value: "v", isStale: true, source: "near" })
        assert.strictEqual(asked, 0)
      }
      assert.strictEqual(looked, 2)
      yield* TestClock.adjust("11 seconds")
      yield* read
      assert.strictEqual(looked, 3)
    })
  )

  it.effect("so are the stale ones of many", () =>
    Effect.gen(function* () {
      const { asking, cache } = yield* nearCache({})
      let looked = 0
      const read = cache.getOrSetMany(
        ["a", "b"],
        (keys) => (++looked === 1 ? Effect.succeed(keys.map((key) => [key, key] as const)) : Effect.fail("away")),
        staleFor
      )
      yield* read
      yield* read
      yield* TestClock.adjust("6 seconds")
      const both = new Map([
        ["a", "a"],
        ["b", "b"]
      ])
      assert.deepStrictEqual(yield* read, both)
      assert.deepStrictEqual(yield* asking(read), [both, 0])
      assert.strictEqual(looked, 2)
    })
  )
})

describe("a stale value that is near", () => {
  it.effect("is not looked up again where somebody else has refreshed it before the refresh has asked", () =>
    Effect.gen(function* () {
      const { cache } = yield* nearCache({})
      let looked = 0
      const read = cache.getOrSet(
        "k",
        Effect.sync(() => ++looked),
        staleFor
      )
      yield* read
      yield* read
      yield* TestClock.adjust("6 seconds")
      assert.strictEqual(yield* read, 1)
      assert.strictEqual(yield* read, 2)
      assert.strictEqual(looked, 2)
    })
  )
})

describe("with the server frozen, and serveFor", () => {
  it.effect("stale values are served for so long, nobody waits, and the source is spared", () =>
    Effect.gen(function* () {
      const { cache, freeze } = yield* nearCache(servesLong)
      let looked = 0
      const lookup = Effect.sync(() => ++looked)
      const one = cache.getOrSet("one", lookup, staleFor)
      const early = cache.getOrSet("early", lookup, {
        timeToLive: "1 minute",
        earlyRefresh: { _tag: "fraction", of: 0.1 }
      })
      const many = cache.getOrSetMany(
        ["many"],
        (keys) => Effect.map(lookup, (n) => keys.map((key) => [key, n] as const)),
        staleFor
      )
      const tagged = cache.getOrSet("tagged", lookup, { ...staleFor, tags: ["t"] })
      const all = Effect.all([one, early, many, tagged])
      yield* all
      yield* all
      yield* freeze
      const values = [1, 2, new Map([["many", 3]]), 4]
      const started = yield* Clock.currentTimeMillis
      // Around the moment at which the last proof becomes too old, each millisecond counts.
      const steps = [...Array(19).fill(100), ...Array(110).fill(1), ...Array(269).fill(100)]
      for (const step of steps) {
        yield* TestClock.adjust(step)
        const reading = yield* Effect.forkChild(all, { startImmediately: true })
        const after = (yield* Clock.currentTimeMillis) - started
        assert.deepStrictEqual<unknown>(reading.pollUnsafe(), Exit.succeed(values), `after ${after}`)
      }
      assert.strictEqual(looked, 4)
    })
  )
})

describe("with the connection lost, and serveFor", () => {
  it.effect("a refresh asks by a read whose failure drops nothing", () =>
    Effect.gen(function* () {
      const { asking, cache, lose, sent } = yield* nearCache(servesLong)
      const one = cache.getOrSet("one", Effect.fail("away"), staleFor)
      const many = cache.getOrSetMany(["many"], () => Effect.fail("away"), staleFor)
      yield* cache.getOrSet("one", Effect.succeed(1), staleFor)
      yield* cache.getOrSetMany(["many"], () => Effect.succeed([["many", 2]] as const), staleFor)
      yield* Effect.all([one, many])
      yield* lose
      yield* TestClock.adjust("6 seconds")
      const before = sent()
      assert.deepStrictEqual(yield* asking(Effect.all([one, many])), [[1, new Map([["many", 2]])], 2])
      assert.strictEqual(sent() - before, 0)
    })
  )
})

/** How many of all keys were found. */
const hits = counted("effect_vcache_hits_total")

describe("with an open circuit", () => {
  const breaker = Breaker.policy({ failures: 1, openFor: "3 seconds" })
  for (const [order, policies] of [
    ["the innermost policy", [breaker, Metrics.policy(), IgnoreExceptions.policy({ log: false })]],
    ["the outermost policy", [IgnoreExceptions.policy({ log: false }), Metrics.policy(), breaker]]
  ] as const) {
    it.effect(`near hits are served and counted, and close nothing: the breaker is ${order}`, () =>
      Effect.gen(function* () {
        const { cache, failed, refuse } = yield* nearCache({ maxStaleness: "1 minute" }, ...policies)
        const lookup = Effect.succeed("v")
        yield* cache.setMany({ a: 1, b: 2 })
        const stale = cache.getOrSet("stale", lookup, { timeToLive: "1 second", staleFor: "1 hour" })
        const near = Effect.all([
          cache.get("a"),
          cache.has("b"),
          cache.getMany(["a", "b"]),
          cache.getOrSet("a", lookup),
          stale
        ])
        yield* near
        const before = yield* near
        yield* TestClock.adjust("2 seconds")
        yield* refuse
        yield* cache.get("other")
        assert.strictEqual(yield* failed, 1)
        const counted = yield* hits
        assert.deepStrictEqual(yield* near, before)
        assert.strictEqual((yield* hits) - counted, 5)
        // Of a batch, what is near is served without the rest.
        assert.deepStrictEqual(yield* cache.getMany(["a", "other"]), new Map([["a", 1]]))
        // Nothing was sent: neither by the reads nor by the refresh.
        assert.strictEqual(yield* failed, 1)
        yield* TestClock.adjust("3 seconds")
        yield* near
        assert.isAtMost(yield* failed, 2)
        yield* cache.get("other")
        assert.strictEqual(yield* failed, 2)
        yield* cache.get("other")
        assert.strictEqual(yield* failed, 2)
      }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
    )
  }

  it.effect("a batch fails without IgnoreExceptions unless all of it is near", () =>
    Effect.gen(function* () {
      const { cache, refuse } = yield* nearCache({}, breaker)
      yield* cache.set("a", 1)
      yield* cache.get("a")
      yield* refuse
      yield* Effect.flip(cache.get("other"))
      assert.deepStrictEqual(yield* cache.getMany(["a"]), new Map([["a", 1]]))
      const error = yield* Effect.flip(cache.getMany(["a", "other"]))
      assert.deepInclude(error, { _tag: "CacheConnectionError", code: "CIRCUIT_OPEN" })
      assert.deepStrictEqual(yield* cache.get("a"), Option.some(1))
    })
  )
})
