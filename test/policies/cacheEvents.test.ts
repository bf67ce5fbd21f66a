/** Events of caches: what is told, to whom, and what is lost. */
import { subscribe, unsubscribe } from "node:diagnostics_channel"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import {
  Breaker,
  CacheEvents,
  type CacheEvent,
  CacheLive,
  CacheService,
  layerFor,
  type TypedCache,
  ValkeyMemory
} from "effect-vcache"
import { Faults } from "effect-vcache/testing"

class Shop extends Context.Service<Shop, TypedCache<unknown>>()("test/Shop") {}

const caches = (capacity?: number) =>
  Layer.mergeAll(CacheLive.layer({ name: "pages" }), layerFor(Shop)).pipe(
    Layer.provideMerge(CacheEvents.layer({ capacity })),
    Layer.provide(ValkeyMemory.layer())
  )

const told = ({ _tag, cache, key, operation }: CacheEvent) => `${cache} ${operation} ${_tag} ${key ?? "-"}`

describe("CacheEvents", () => {
  it.effect("tells by cache and key what happened", () =>
    Effect.gen(function* () {
      const { subscribe } = yield* CacheEvents
      const pages = yield* CacheService
      yield* pages.set("unheard", 1)
      const events = yield* subscribe
      yield* TestClock.setTime(5000)
      yield* pages.get("k")
      yield* pages.set("k", 1)
      yield* pages.getMany(["k", "l", "unheard"])
      yield* (yield* Shop).getOrSet("m", Effect.succeed(1))
      yield* Effect.flip(pages.getOrSet("n", Effect.fail(new TypeError("SECRET"))))
      yield* Effect.flip(pages.incr("missing"))
      yield* pages.delete("k")
      yield* pages.clear
      const all = yield* Stream.runCollect(Stream.take(events, 11))
      assert.deepStrictEqual(all.map(told), [
        "pages get Miss k",
        "pages set Stored k",
        "pages getMany Hit -",
        "pages getMany Miss -",
        "test/Shop getOrSet Miss m",
        "test/Shop getOrSet.store Stored m",
        "pages getOrSet Miss n",
        "pages getOrSet LookupFailed n",
        "pages incr Failed missing",
        "pages delete Invalidated k",
        "pages clear Invalidated -"
      ])
      assert.deepInclude(all[2], { count: 2, stale: 0, at: 5000 })
      assert.deepInclude(all[7], { error: "TypeError" })
      assert.deepInclude(all[8], { error: "CacheMissError" })
      assert.notInclude(JSON.stringify(all), "SECRET")
    }).pipe(Effect.provide(caches()))
  )

  it.effect("tells of a near cache, of what servers say has changed, and of a circuit", () =>
    Effect.gen(function* () {
      const outer = yield* Scope.make()
      const around = yield* Layer.buildWithScope(
        Layer.mergeAll(CacheEvents.layer(), Layer.provide(Faults.layer, Layer.fresh(ValkeyMemory.layer()))),
        outer
      )
      const events = yield* Context.get(around, CacheEvents).subscribe
      const all: Array<CacheEvent> = []
      yield* Effect.forkScoped(Stream.runForEach(events, (event) => Effect.sync(() => all.push(event))))
      const faults = Context.get(around, Faults.Faults)
      const policies = [Breaker.policy({ failures: 1, openFor: "1 second" })]
      const cache = Context.get(
        yield* Layer.build(CacheLive.layer({ name: "pages", near: {}, policies })).pipe(Effect.provideContext(around)),
        CacheService
      )
      yield* cache.set("k", 1, { timeToLive: "1 second" })
      yield* faults.set({ failure: "refused" })
      yield* Effect.exit(cache.get("l"))
      yield* Effect.exit(cache.get("l"))
      yield* faults.clear
      yield* TestClock.adjust("2 seconds")
      yield* cache.get("l")
      yield* cache.client.send("FLUSHALL", [])
      yield* Scope.close(outer, Exit.void)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(all.map(told), [
        "pages near NearOn -",
        "pages set Stored k",
        "pages get Failed l",
        "pages breaker CircuitOpened -",
        "pages get Failed l",
        "pages near Changed k",
        "pages breaker CircuitClosed -",
        "pages get Miss l",
        "pages near Changed -",
        "pages near NearOff -"
      ])
      assert.deepInclude(all[5], { at: 2000 })
      assert.property(all[9], "reason")
    })
  )

  it.effect("drops the oldest for a listener that is slow, and counts them", () =>
    Effect.gen(function* () {
      const { dropped, subscribe } = yield* CacheEvents
      const cache = yield* CacheService
      const events = yield* subscribe
      for (let i = 0; i < 10; i++) yield* cache.set(`k${i}`, i)
      assert.strictEqual(yield* dropped, 6)
      const kept = yield* Stream.runCollect(Stream.take(events, 4))
      assert.deepStrictEqual(
        kept.map(({ key }) => key),
        ["k6", "k7", "k8", "k9"]
      )
    }).pipe(Effect.provide(caches(4)))
  )

  it.effect("tells tools that are not Effect's by a diagnostics channel", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const heard: Array<unknown> = []
      const listener = (event: unknown) => void heard.push(event)
      subscribe("effect-vcache:event", listener)
      yield* cache.set("k", 1)
      unsubscribe("effect-vcache:event", listener)
      yield* cache.set("l", 1)
      assert.deepStrictEqual(heard, [{ cache: "pages", at: 0, operation: "set", key: "k", _tag: "Stored", count: 1 }])
    }).pipe(Effect.provide(caches()))
  )
})
