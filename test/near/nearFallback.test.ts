/** What is told of changes while another store stands in. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Metric, Schema } from "effect"
import { TestClock } from "effect/testing"
import { CacheLive, type Invalidation, SessionStore, ValkeyClient, ValkeyFallback, ValkeyMemory } from "effect-vcache"
import { Faults } from "effect-vcache/testing"
import { invalidationContract } from "../contracts/invalidationContract.ts"
import { nearContract } from "../contracts/nearContract.ts"
import { elsewhereIsHere } from "../support/near/elsewhere.ts"
import { nearReader } from "../support/near/NearReader.ts"
import { uncaught } from "../support/uncaught.ts"

invalidationContract(
  "the client with a second one",
  ValkeyFallback.layer({ first: ValkeyMemory.layer(), second: ValkeyMemory.layer() }),
  { isAlone: true }
)

nearContract(
  "the cache with a second client",
  elsewhereIsHere(ValkeyFallback.layer({ first: ValkeyMemory.layer(), second: ValkeyMemory.layer() })),
  { pass: (millis) => TestClock.adjust(millis) }
)

/** A first client that fails as it is told to, and the client that then turns to another. */
const standingIn = Effect.gen(function* () {
  const faulty = yield* Layer.build(Layer.provideMerge(Layer.fresh(Faults.layer), Layer.fresh(ValkeyMemory.layer())))
  const both = yield* Layer.build(
    ValkeyFallback.layer({
      first: Layer.succeedContext(faulty),
      second: ValkeyMemory.layer(),
      probeInterval: "1 second"
    })
  )
  return {
    first: Context.get(faulty, ValkeyClient),
    faults: Context.get(faulty, Faults.Faults),
    client: Context.get(both, ValkeyClient)
  }
})

const keysOf = (events: ReadonlyArray<Invalidation>) =>
  events.flatMap((event) => (event._tag === "Keys" && event.own ? event.keys : []))

describe("in an outage", () => {
  it.effect("nothing is near, which is said before the second store is asked; afterwards it may be again", () =>
    Effect.gen(function* () {
      const { client, faults, first } = yield* standingIn
      const { events, read } = yield* nearReader(client, "n:")
      yield* first.send("SET", ["n:k", "1"])
      for (const isNear of [false, true]) assert.deepStrictEqual(yield* read("n:k"), { value: "1", isNear })

      yield* faults.set({ failure: "refused" })
      // Whoever asks the first is the one to notice.
      assert.isNull(yield* client.send("GET", ["n:other"]))
      for (let i = 0; i < 2; i++) assert.deepStrictEqual(yield* read("n:k"), { value: null, isNear: false })
      const down = events.find((event) => event._tag === "Down")
      assert.deepInclude(down, { server: undefined, cause: "lost" })
      assert.isTrue(events.slice(events.indexOf(down!) + 1).every(({ _tag }) => _tag === "Keys"))
      yield* client.send("SET", ["n:k", "2"])
      assert.deepStrictEqual(yield* read("n:k"), { value: "2", isNear: false })

      yield* faults.clear
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(
        events.slice(-2).map(({ _tag }) => _tag),
        ["Live", "Proof"]
      )
      // The second's value was to be forgotten, and the first's with it.
      for (const isNear of [false, true]) assert.deepStrictEqual(yield* read("n:k"), { value: null, isNear })
    })
  )

  it.effect("what this client changes is told of, whichever way it goes", () =>
    Effect.gen(function* () {
      const { client, faults } = yield* standingIn
      const { events } = yield* nearReader(client, "n:")
      yield* faults.set({ failure: "refused" })
      const ways = [
        client.send("SET", ["n:a", "1"]),
        client.pipeline([{ name: "INCR", args: ["n:b"] }]),
        client.transaction([{ name: "DEL", args: ["n:c"] }])
      ]
      yield* Effect.exit(client.send("GET", ["n:"]))
      for (const [i, way] of ways.entries()) {
        const before = events.length
        yield* way
        assert.deepStrictEqual(new Set(keysOf(events.slice(before))), new Set([`n:${"abc"[i]!}`]))
      }
    })
  )

  it.effect("metrics say that nothing is proven, for how long, and why", () =>
    Effect.gen(function* () {
      const { client, faults } = yield* standingIn
      yield* Layer.build(Layer.provide(CacheLive.layer({ near: {} }), Layer.succeed(ValkeyClient, client)))
      const shown = (name: string) =>
        Effect.map(Metric.snapshot, (metrics) => metrics.find(({ id }) => id === `effect_vcache_near_${name}`))
      const gauge = (name: string) =>
        Effect.map(shown(name), (metric) =>
          metric !== undefined && "value" in metric.state ? metric.state.value : undefined
        )
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* gauge("live"), 1)
      assert.isAtMost(Number(yield* gauge("proof_age_seconds")), 1)
      yield* faults.set({ failure: "refused" })
      yield* client.send("GET", ["k"])
      yield* TestClock.adjust("7 seconds")
      assert.strictEqual(yield* gauge("live"), 0)
      assert.isAtLeast(Number(yield* gauge("proof_age_seconds")), 7)
      const downs = yield* shown("downs_total")
      assert.match(String(downs?.attributes?.["reason"]), /^the second store is used because of a CacheConnectionError/)
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("each listener is told of its own keys, and one that throws harms nobody else", () =>
    Effect.gen(function* () {
      const { client, faults } = yield* standingIn
      const thrown = uncaught()
      const defect = new Error("a listener's own")
      let isGood = false
      yield* client.invalidations({ prefixes: ["o:"] }, ({ _tag }) => {
        if (_tag !== "Keys" || isGood) return
        isGood = true
        throw defect
      })
      const { events } = yield* nearReader(client, "n:")
      yield* faults.set({ failure: "refused" })
      yield* Effect.exit(client.send("GET", ["n:"]))
      const before = events.length
      yield* client.send("MSET", ["o:a", "1", "n:a", "1"])
      yield* client.send("SET", ["o:b", "1"])
      assert.deepStrictEqual(keysOf(events.slice(before)), ["n:a", "n:a"])
      assert.strictEqual(yield* Effect.promise(() => thrown), defect)
    })
  )

  it.effect("whether there is a session is not known, although the second store has none", () =>
    Effect.gen(function* () {
      const { client, faults } = yield* standingIn
      const cacheOver = Layer.provide(CacheLive.layer({ prefix: "n", near: {} }), Layer.succeed(ValkeyClient, client))
      const context = yield* Layer.build(cacheOver)
      const store = yield* Effect.provideContext(
        SessionStore.make({ data: Schema.String, expiry: "fixed", near: true }),
        context
      )
      const [seen, unseen] = [yield* store.create("seen"), yield* store.create("unseen")]
      assert.strictEqual((yield* store.find(seen.id))._tag, "Found")
      yield* faults.set({ failure: "refused" })
      for (const { id } of [unseen, seen, unseen]) {
        assert.strictEqual((yield* Effect.flip(store.find(id)))._tag, "CacheConnectionError")
      }
      yield* faults.clear
      yield* TestClock.adjust("2 seconds")
      assert.deepInclude(yield* store.find(unseen.id), { _tag: "Found", data: "unseen" })
    })
  )

  it.effect("who begins to listen is told of the outage, and of its end", () =>
    Effect.gen(function* () {
      const { client, faults } = yield* standingIn
      yield* faults.set({ failure: "refused" })
      yield* client.send("GET", ["n:k"])
      const { events } = yield* nearReader(client, "n:")
      assert.deepStrictEqual(
        events.map(({ _tag }) => _tag),
        ["Down"]
      )
      yield* faults.clear
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(
        events.map(({ _tag }) => _tag),
        ["Down", "Live", "Proof"]
      )
    })
  )
})
