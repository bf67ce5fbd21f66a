/** A cache that is off: it holds nothing, asks nobody, and pretends nothing that somebody could rely on. */
import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Context, Effect, Layer, Option, Result, Schema, Stream } from "effect"
import {
  CacheDisabled,
  CacheLive,
  CacheMemory,
  CacheRegion,
  CacheService,
  CacheUnsupportedError,
  ValkeyClient,
  ValkeyMemory
} from "effect-vcache"
import { operations, pretendsNothing, sessionOperations, structureOperations } from "../support/operations.ts"

const overNothing = Layer.provide(CacheLive, CacheDisabled.layer)

/** A client that must not be asked. */
const untouched = Layer.effect(
  ValkeyClient,
  Effect.map(ValkeyMemory.make(), (memory) => {
    const asked = (name: string) => Effect.die(new Error(`${name} was sent`))
    return {
      ...memory,
      send: asked,
      request: asked,
      pipeline: () => asked("a pipeline"),
      transaction: () => asked("a transaction"),
      eval: () => asked("a script"),
      scan: () => Stream.fromEffect(asked("scan")),
      scanBinary: () => Stream.fromEffect(asked("scan")),
      dedicated: asked("dedicated")
    }
  })
)

for (const [name, off] of [
  ["over CacheDisabled", overNothing],
  ["with enabled: false", Layer.provide(CacheLive.layer({ enabled: false, near: {} }), untouched)]
] as const) {
  describe(`a cache ${name}`, () => {
    it.effect("gives of each operation what an empty cache gives, or fails with CacheUnsupportedError", () =>
      Effect.gen(function* () {
        const cache = yield* CacheService
        const forgets: ReadonlySet<string> = new Set(["invalidateTags", "tagSnapshot"])
        for (const [operation, { call, neutral }] of Object.entries(operations)) {
          const outcome = yield* Effect.result(call(cache))
          if (forgets.has(operation)) assert.isTrue(Result.isSuccess(outcome), operation)
          else if (neutral === pretendsNothing) {
            assert.instanceOf(Result.isFailure(outcome) ? outcome.failure : undefined, CacheUnsupportedError, operation)
          } else assert.deepStrictEqual(outcome, Result.succeed(neutral), operation)
        }
        for (const { call, name, neutral } of structureOperations) {
          assert.deepStrictEqual(yield* Effect.result(call(cache)), Result.succeed(neutral), name)
        }
        for (const { call, name } of sessionOperations) {
          const outcome = yield* Effect.result(call(cache))
          if (name === "session.find") assert.isTrue(Result.isSuccess(outcome))
          else assert.instanceOf(Result.isFailure(outcome) ? outcome.failure : undefined, CacheUnsupportedError, name)
        }
        assert.isTrue((yield* cache.health).ready)
      }).pipe(Effect.provide(off))
    )

    it.effect("runs lookups each time, and gives nobody a lock, a permit or a transaction", () =>
      Effect.gen(function* () {
        const cache = yield* CacheService
        let lookups = 0
        const lookup = Effect.sync(() => ++lookups)
        for (const singleFlight of ["process", "cluster"] as const) yield* cache.getOrSet("k", lookup, { singleFlight })
        assert.strictEqual(lookups, 2)
        yield* cache.set("k", 1)
        assert.deepStrictEqual(yield* cache.get("k"), Option.none())
        assert.deepStrictEqual(yield* cache.pipeline((queue) => [queue.set("k", 1), queue.get("k")]), [
          false,
          Option.none()
        ])
        const refused: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>> = [
          cache.lock("k").withLock(Effect.void),
          Effect.scoped(cache.lock("k").restore("token")),
          cache.lock("k").forceRelease,
          cache.semaphore("k", { permits: 2 }).withPermits(1)(Effect.void),
          cache.transaction((queue) => [queue.set("k", 1)]),
          cache.update("k", () => Option.some(1)),
          cache.client.send("GET", ["k"])
        ]
        for (const operation of refused) {
          const error = yield* Effect.flip(operation)
          assert.strictEqual(error._tag, "CacheUnsupportedError")
        }
      }).pipe(Effect.provide(off))
    )
  })
}

it.effect("a setting of the environment turns a cache off", () =>
  Effect.gen(function* () {
    const layer = CacheService.layerConfig({ enabled: Config.Boolean("CACHE_ENABLED").pipe(Config.withDefault(true)) })
    for (const [value, stored] of [
      ["false", false],
      ["true", true]
    ] as const) {
      const env = ConfigProvider.layer(ConfigProvider.fromUnknown({ CACHE_ENABLED: value }))
      const cache = Context.get(
        yield* Layer.build(layer.pipe(Layer.provide(ValkeyMemory.layer()), Layer.provide(env))),
        CacheService
      )
      assert.strictEqual(yield* cache.set("k", 1), stored)
    }
  })
)

it.effect("a scope of code runs without the cache; what took its cache before keeps it", () =>
  Effect.gen(function* () {
    const cache = yield* CacheService
    yield* cache.set("k", 1)
    const region = yield* CacheRegion.make(cache, "r", { key: Schema.Int, value: Schema.Int, lookup: Effect.succeed })
    const read = Effect.flatMap(CacheService, (cache) => cache.get("k"))
    assert.deepStrictEqual(yield* CacheDisabled.scope(read), Option.none())
    assert.deepStrictEqual(yield* read, Option.some(1))
    assert.deepStrictEqual(yield* cache.withOptions({ enabled: false }).get("k"), Option.none())
    yield* CacheDisabled.scope(region.set(1, 5))
    assert.strictEqual(yield* region.get(1), 5)
  }).pipe(Effect.provide(CacheMemory))
)

it.effect("views of equal options are one view, whatever object the options are given in", () =>
  Effect.gen(function* () {
    const cache = yield* CacheService
    assert.strictEqual(cache.withOptions({ prefix: "a", version: 2 }), cache.withOptions({ version: 2, prefix: "a" }))
    assert.notStrictEqual(cache.withOptions({ prefix: "a" }), cache.withOptions({ prefix: "b" }))
    assert.notStrictEqual(cache.withOptions({ prefix: "a" }), cache.withOptions({ prefix: "a", jitter: 0 }))
    const changes = { prefix: "c" }
    const view = cache.withOptions(changes)
    changes.prefix = "d"
    assert.notStrictEqual(cache.withOptions(changes), view)
    assert.strictEqual(cache.withOptions(changes).options.prefix, "d")
    assert.strictEqual(cache.withOptions({ prefix: "c" }), view)
    for (let version = 0; version < 1000; version++) {
      assert.strictEqual(cache.withOptions({ version }).options.version, version)
    }
  }).pipe(Effect.provide(CacheMemory))
)
