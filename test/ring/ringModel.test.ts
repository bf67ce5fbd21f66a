/** A ring whose servers fail, over generated histories: what is read is what was written last, or nothing. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Option, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { CacheLive, CacheService, ValkeyClient, ValkeyMemory } from "effect-vcache"
import { Faults } from "effect-vcache/testing"
import { ClientStates } from "../../src/layers/connection/ClientStates.ts"
import { MachineTime } from "../../src/layers/connection/MachineTime.ts"
import { slotOfKey } from "../../src/layers/connection/cluster/slot.ts"
import { ringOver } from "../../src/layers/ring/ringClient.ts"
import { ServerRing } from "../../src/layers/ring/ServerRing.ts"
import { LastWritten, writtenSteps } from "../support/LastWritten.ts"

/** Of the servers each has some of them. */
const keys = ["{t}a", "{t}b", "c", "d", "e"] as const
const pair = ["{t}a", "{t}b"] as const
const server = Schema.Literals([0, 1, 2])

const Step = Schema.Union([
  ...writtenSteps(keys, pair),
  Schema.Struct({ _tag: Schema.tag("AllUp") }),
  Schema.Struct({ _tag: Schema.tag("Up"), server }),
  Schema.Struct({
    _tag: Schema.tag("Down"),
    server,
    failure: Schema.Literals(["refused", "timeout", "lostReply"]),
    rate: Schema.Literals([1, 1, 0.5])
  }),
  Schema.Struct({ _tag: Schema.tag("Wait"), millis: Schema.Literals([100, 1000, 3000]) })
])

const startServer = (i: number) =>
  Effect.map(
    Layer.build(Layer.provideMerge(Layer.fresh(Faults.layer), Layer.fresh(ValkeyMemory.layer()))),
    (context) => ({
      name: `s${i}`,
      node: `s${i}`,
      weight: 1,
      own: Context.get(context, ValkeyClient),
      faults: Context.get(context, Faults.Faults)
    })
  )

const startRing = Effect.gen(function* () {
  const servers = yield* Effect.forEach([0, 1, 2], startServer)
  const options = {
    whenDown: "next",
    structures: "fail",
    probeInterval: 1000,
    states: new ClientStates(),
    time: MachineTime.ofThisMachine()
  } as const
  const client = yield* ringOver(servers, options)
  const caches = Layer.provide(Layer.fresh(CacheLive), Layer.succeed(ValkeyClient, client))
  return { cache: Context.get(yield* Layer.build(caches), CacheService), servers }
})

it.effect.prop(
  "with `next`, nothing older comes back, whichever one or two of three servers fail",
  [Schema.Array(Step)],
  ([steps]) =>
    Effect.scoped(
      Effect.gen(function* () {
        const { cache, servers } = yield* startRing
        /** Those that fail, and those that were not asked since. */
        const down = new Set<number>()
        const failing = new Set<number>()

        const written = new LastWritten(cache, keys, pair, steps)
        for (const step of steps) {
          switch (step._tag) {
            case "Up":
              failing.delete(step.server)
              yield* servers[step.server]!.faults.clear
              break
            case "AllUp":
              failing.clear()
              yield* Effect.forEach(servers, ({ faults }) => faults.clear)
              break
            case "Down":
              if (down.has(step.server) || down.size < 2) {
                down.add(step.server)
                failing.add(step.server)
                yield* servers[step.server]!.faults.set({ failure: step.failure, rate: step.rate })
              }
              break
            case "Wait":
              yield* TestClock.adjust(step.millis)
              if (step.millis < 1000) break
              down.clear()
              for (const server of failing) down.add(server)
              break
            default:
              yield* written.run(step)
          }
        }
        // Once all have been back for long enough, each key is on its own server and nowhere else.
        yield* Effect.forEach(servers, ({ faults }) => faults.clear)
        for (let i = 0; i < 4; i++) yield* TestClock.adjust(3000)
        const places = yield* Effect.forEach(servers, ({ own }) => Stream.runCollect(own.scan()))
        const found = places.flat()
        assert.strictEqual(new Set(found).size, found.length, JSON.stringify(steps))
      })
    ),
  { timeout: 120_000, arbitrary: { runs: 300, seed: "effect-vcache", size: 40 } }
)

describe("what the next server still has of a key, when it is down as its owner comes back,", () => {
  /** A key that was written to the next server of its order while its owner was down. */
  const written = Effect.gen(function* () {
    const { cache, servers } = yield* startRing
    const ring = new ServerRing(servers)
    const ofOwner = (owner: number) =>
      Array.from({ length: 100 }, (_, i) => `k${i}`).find(
        (key) => ring.ownerOf(slotOfKey(cache.makeKey(key))) === owner
      )!
    const [owner = 0, next = 0] = ring.order(slotOfKey(cache.makeKey(ofOwner(0))))
    const key = ofOwner(owner)
    const fail = (server: number) => servers[server]!.faults.set({ failure: "refused" })
    const mend = (server: number) => Effect.andThen(servers[server]!.faults.clear, TestClock.adjust(3000))
    yield* fail(owner)
    yield* cache.set(key, "old")
    assert.strictEqual(yield* servers[next]!.own.send("EXISTS", [cache.makeKey(key)]), 1)
    return { cache, fail, key, mend, next, ofNext: ofOwner(next), owner }
  })

  it.effect("is forgotten before that one is used again, where it was known to be down", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { cache, fail, key, mend, next, ofNext, owner } = yield* written
        yield* fail(next)
        yield* cache.get(ofNext)
        yield* mend(owner)
        yield* cache.set(key, "new")
        yield* mend(next)
        yield* fail(owner)
        assert.deepStrictEqual(yield* cache.get(key), Option.none())
      })
    )
  )

  it.effect("is forgotten before that one is used again, where nobody had noticed", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { cache, fail, key, mend, next, owner } = yield* written
        yield* fail(next)
        yield* mend(owner)
        yield* cache.set(key, "new")
        yield* fail(owner)
        assert.deepStrictEqual(yield* cache.get(key), Option.none())
        yield* mend(next)
        assert.deepStrictEqual(yield* cache.get(key), Option.none())
      })
    )
  )
})

it.effect("two servers that come back in the same instant do not wait for each other", () =>
  Effect.scoped(
    Effect.gen(function* () {
      const { cache, servers } = yield* startRing
      const down = servers.slice(0, 2)
      yield* Effect.forEach(down, ({ faults }) => faults.set({ failure: "refused" }))
      const many = Array.from({ length: 50 }, (_, i) => `k${i}`)
      assert.deepStrictEqual(yield* cache.setMany(many.map((key) => [key, 1] as const)), [])
      // What one deletes in the other takes a while.
      yield* Effect.forEach(down, ({ faults }) => faults.set({ latency: 10 }))
      for (let i = 0; i < 300; i++) yield* TestClock.adjust(10)
      const read = yield* Effect.forkChild(cache.getMany(many), { startImmediately: true })
      for (let i = 0; i < 10; i++) yield* TestClock.adjust(10)
      const found = yield* Fiber.join(read)
      assert.isTrue(found.size > 5 && found.size < 45, String(found.size))
    })
  )
)
