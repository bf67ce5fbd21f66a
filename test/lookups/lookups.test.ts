/** Lookups in memory: what is told, what is waited for, in whose context they run. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Logger, Metric, Option, References, Schema, Scope } from "effect"
import { TestClock } from "effect/testing"
import {
  CacheLive,
  CacheLookup,
  CacheMemory,
  CacheMissError,
  CacheRegion,
  CacheService,
  IgnoreExceptions,
  isLookupError,
  type TypedCache,
  ValkeyMemory
} from "effect-vcache"
import { Faults } from "effect-vcache/testing"

const stale = { timeToLive: "10 seconds", staleFor: "1 hour" } as const

const faulty = Layer.provideMerge(Faults.layer, ValkeyMemory.layer())

/** What is logged while the effect runs. */
const logged = <A, E, R>(effect: Effect.Effect<A, E, R>) => {
  const lines: Array<string> = []
  const logger = Logger.make(({ cause, logLevel, message }) => {
    lines.push(`${logLevel} ${String(message)} ${cause.reasons.map((reason) => reason._tag).join()}`)
  })
  return Effect.as(
    effect.pipe(Effect.provide(Logger.layer([logger])), Effect.provideService(References.MinimumLogLevel, "All")),
    lines
  )
}

const countOf = (name: string, cache?: string) =>
  Effect.map(Metric.snapshot, (all) => {
    const found = all.find(
      ({ attributes, id }) =>
        id === `effect_vcache_${name}_total` && (cache === undefined || attributes?.["cache"] === cache)
    )
    return found !== undefined && "count" in found.state ? Number(found.state.count) : 0
  })

describe("what a caller waits for", () => {
  it.effect("the lookup, and not the reply to its store", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const faults = yield* Faults.Faults
      yield* faults.set({ commands: ["SET"], latency: "1 hour" })
      assert.strictEqual(yield* cache.getOrSet("k", Effect.succeed(1)), 1)
      assert.deepStrictEqual(
        yield* cache.getOrSetMany(["m"], () => Effect.succeed([["m", 2] as const])),
        new Map([["m", 2]])
      )
      // Whoever asks meanwhile has the value, too.
      assert.strictEqual(yield* cache.getOrSet("k", Effect.die("must not run")), 1)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* cache.get("k"), Option.some(1))
      assert.deepStrictEqual(yield* cache.get("m"), Option.some(2))
    }).pipe(Effect.provide(Layer.provideMerge(CacheLive, faulty)))
  )

  it.effect("a function that says the lifetime of a value is asked once", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const asked: Array<unknown> = []
      const timeToLive = (value: unknown) => {
        asked.push(value)
        return "1 minute" as const
      }
      yield* cache.getOrSet("k", Effect.succeed(1), { timeToLive })
      yield* cache.getOrSetMany(["m"], () => Effect.succeed([["m", 2] as const]), { timeToLive })
      yield* cache.refresh("k", Effect.succeed(3), { timeToLive })
      assert.deepStrictEqual(asked, [1, 2, 3])
    }).pipe(Effect.provide(Layer.fresh(CacheMemory)))
  )

  it.effect("cached is getOrSet behind the lookup", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      let lookups = 0
      const ask = Effect.sync(() => ++lookups).pipe(cache.cached("k", { timeToLive: "1 minute" }))
      assert.deepStrictEqual([yield* ask, yield* ask], [1, 1])
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* ask, 2)
    }).pipe(Effect.provide(Layer.fresh(CacheMemory)))
  )

  it.effect("a failure says whether it is the lookup's own, also where that is another cache's", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const faults = yield* Faults.Faults
      const own = new CacheMissError({ operation: "elsewhere", key: "k" })
      const asks = [
        cache.getOrSet("a", Effect.fail(own)),
        cache.refresh("b", Effect.fail(own)),
        cache.getOrSetMany(["c"], () => Effect.fail(own))
      ]
      for (const ask of asks) assert.isTrue(isLookupError(yield* Effect.flip(ask)))
      assert.isTrue(isLookupError(yield* Effect.flip(cache.getOrSet("d", Effect.fail("no such user")))))
      yield* faults.set({ failure: "refused" })
      assert.isFalse(isLookupError(yield* Effect.flip(cache.getOrSet("a", Effect.fail(own)))))
    }).pipe(Effect.provide(Layer.provideMerge(CacheLive, faulty)))
  )

  it.effect("a server that does not answer once", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const faults = yield* Faults.Faults
      yield* faults.set({ latency: "1 second", failure: "timeout" })
      for (const singleFlight of ["process", "cluster"] as const) {
        const asking = yield* Effect.forkChild(cache.getOrSet("k", Effect.succeed(1), { singleFlight }))
        yield* TestClock.adjust("1 second")
        assert.isDefined(asking.pollUnsafe())
        assert.strictEqual(yield* Fiber.join(asking), 1)
        yield* TestClock.adjust("10 seconds")
      }
    }).pipe(
      Effect.provide(
        Layer.provideMerge(CacheLive.layer({ policies: [IgnoreExceptions.policy({ log: false })] }), faulty)
      )
    )
  )

  it.effect("a write that follows is not overtaken by the store", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const faults = yield* Faults.Faults
      yield* cache.getOrSet("k", Effect.succeed("old"))
      yield* cache.delete("k")
      assert.deepStrictEqual(yield* cache.get("k"), Option.none())
      // Not written yet when the key is deleted: it is not stored any more.
      yield* faults.set({ commands: ["EVALSHA", "replaceSeen", "SET"], latency: "1 second" })
      yield* cache.getOrSet("k", Effect.succeed("old"))
      yield* cache.set("other", 1).pipe(Effect.forkChild)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* cache.get("k"), Option.some("old"))
    }).pipe(Effect.provide(Layer.provideMerge(CacheLive, faulty)))
  )

  it.effect("a lookup that is shared, no longer than five minutes", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const asking = yield* Effect.forkChild(Effect.flip(cache.getOrSet("k", Effect.never)))
      const joined = yield* Effect.forkChild(Effect.flip(cache.getOrSet("k", Effect.never)))
      yield* TestClock.adjust("299 seconds")
      assert.isUndefined(joined.pollUnsafe())
      yield* TestClock.adjust("1 second")
      for (const fiber of [asking, joined]) {
        assert.deepInclude(yield* Fiber.join(fiber), { _tag: "CacheTimeoutError", phase: "lookup", timeout: 300_000 })
      }
      assert.strictEqual(yield* cache.getOrSet("k", Effect.succeed(1)), 1)
    }).pipe(Effect.provide(CacheMemory))
  )
})

describe("a refresh in the background", () => {
  type Options = typeof stale & { readonly softTimeout?: "1 second" }
  const ways = {
    getOrSet: (cache: TypedCache<unknown>, options: Options) => cache.getOrSet("k", Effect.succeed("new"), options),
    getOrSetMany: (cache: TypedCache<unknown>, options: Options) =>
      Effect.map(
        cache.getOrSetMany(["k"], (keys) => Effect.succeed(keys.map((key) => [key, "new"] as const)), options),
        (found) => found.get("k")
      )
  }

  for (const [name, ask] of Object.entries(ways)) {
    it.effect(`is begun with its fiber or not at all, wherever ${name} is interrupted: the next call begins one`, () =>
      Effect.gen(function* () {
        const cache = yield* CacheService
        for (let steps = 6; steps < 120; steps++) {
          yield* cache.set("k", "old", stale)
          yield* cache.markStale("k")
          const slow = Effect.provideService(ask(cache, stale), References.MaxOpsBeforeYield, steps)
          const one = yield* Effect.forkChild(slow, { startImmediately: true })
          yield* Fiber.interrupt(one)
          yield* Effect.repeat(Effect.yieldNow, { times: 10 })
          yield* ask(cache, stale)
          yield* Effect.repeat(Effect.yieldNow, { times: 10 })
          assert.isTrue(yield* cache.has("k"), `interrupted after ${steps} steps`)
        }
      }).pipe(Effect.provide(Layer.fresh(CacheMemory)))
    )

    it.effect(`is none where the cache has closed: ${name} serves the old value`, () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const cache = Context.get(yield* Layer.buildWithScope(CacheLive, scope), CacheService)
        yield* cache.set("k", "old", stale)
        yield* cache.markStale("k")
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(yield* ask(cache, { ...stale, softTimeout: "1 second" }), "old")
      }).pipe(Effect.provide(ValkeyMemory.layer()))
    )
  }

  it.effect("follows a failed lookup for which callers waited: only a failed refresh leaves its source alone", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const asked: Array<string> = []
      const down = (keys: ReadonlyArray<string>) =>
        Effect.sync(() => {
          asked.push(...keys)
          return keys.map((key) => CacheLookup.failed(key, "down"))
        })
      assert.strictEqual(yield* Effect.flip(cache.getOrSetMany(["k"], down, stale)), "down")
      yield* cache.set("k", "old", stale)
      yield* cache.markStale("k")
      for (let i = 0; i < 2; i++) {
        assert.deepStrictEqual(yield* cache.getOrSetMany(["k"], down, stale), new Map([["k", "old"]]))
        assert.deepStrictEqual(asked, ["k", "k"])
      }
      yield* TestClock.adjust("10 seconds")
      yield* cache.getOrSetMany(["k"], down, stale)
      assert.deepStrictEqual(asked, ["k", "k", "k"])
    }).pipe(Effect.provide(Layer.fresh(CacheMemory)))
  )
})

describe("what is told", () => {
  it.effect("an object in place of an instance of its class, which TypeScript cannot tell apart", () =>
    Effect.gen(function* () {
      class Product extends Schema.Class<Product>("Product")({ name: Schema.String, at: Schema.Date }) {}
      const plain = { name: "SECRET", at: new Date(0) }
      const reason = "Expected an instance of the class Product (an object with the same fields is not one)"
      const lines = yield* logged(
        Effect.gen(function* () {
          const products = (yield* CacheService).withSchema(Product)
          yield* products.getOrSet("k", Effect.succeed(plain))
          const error = yield* Effect.flip(products.set("k", plain))
          assert.strictEqual(error._tag === "CacheCodecError" ? error.cause?.message : undefined, reason)
          const list = (yield* CacheService).withSchema(Schema.Struct({ items: Schema.Array(Product) }))
          const nested = yield* Effect.flip(list.set("k", { items: [plain] }))
          assert.include(nested.message, `${reason} at .items[0]`)
          assert.isTrue(yield* products.set("k", new Product(plain)))
        })
      )
      assert.include(lines.join(), reason)
      assert.notInclude(lines.join(), "SECRET")
    }).pipe(Effect.provide(CacheMemory))
  )

  it.effect("a value that no cache can store: once for each kind of key, and in a metric", () =>
    Effect.gen(function* () {
      const lines = yield* logged(
        Effect.gen(function* () {
          const cache = yield* CacheService
          for (const key of ["report:1", "report:2", "report:1", "page"]) {
            yield* cache.getOrSet(key, Effect.succeed({ at: new Date(0), secret: "SECRET" }))
          }
          yield* cache.getOrSetMany(["report:3", "fine"], () =>
            Effect.succeed<Array<[string, unknown]>>([
              ["report:3", new Date(0)],
              ["fine", 1]
            ])
          )
          assert.deepStrictEqual(yield* cache.get("fine"), Option.some(1))
        })
      )
      const warnings = lines.filter((line) => line.startsWith("Warn"))
      assert.strictEqual(warnings.length, 2)
      assert.include(warnings[0], '"report:*"')
      assert.include(warnings[1], '"page"')
      assert.notInclude(lines.join(), "SECRET")
      assert.strictEqual(yield* countOf("unstorable", CacheService.key), 5)
    }).pipe(Effect.provide(CacheMemory), Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("a function timeToLive that throws, and the value is given", () =>
    Effect.gen(function* () {
      const lines = yield* logged(
        Effect.gen(function* () {
          const cache = yield* CacheService
          const timeToLive = () => {
            throw new Error("SECRET")
          }
          assert.strictEqual(yield* cache.getOrSet("k", Effect.succeed(1), { timeToLive }), 1)
          assert.deepStrictEqual(yield* cache.get("k"), Option.none())
        })
      )
      assert.strictEqual(lines.filter((line) => line.startsWith("Warn")).length, 1)
      assert.notInclude(lines.join(), "SECRET")
    }).pipe(Effect.provide(CacheMemory))
  )

  it.effect("refreshes in the background: failures at debug level, defects as errors; both are counted", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      for (const key of ["one", "two", "many"]) yield* cache.set(key, 0, stale)
      yield* TestClock.adjust("11 seconds")
      const lines = yield* logged(
        Effect.gen(function* () {
          yield* cache.getOrSet("one", Effect.fail("down"), stale)
          yield* cache.getOrSet("two", Effect.die(new Error("a bug")), stale)
          yield* cache.getOrSetMany(["many"], () => Effect.die(new Error("a bug")), stale)
        })
      )
      assert.deepStrictEqual(
        lines.map((line) => line.slice(0, 5)),
        ["Debug", "Error", "Error"]
      )
      assert.match(lines[1]!, /Die$/)
      assert.strictEqual(yield* countOf("lookup_failures"), 3)
    }).pipe(Effect.provide(CacheMemory), Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})

describe("the context of a lookup", () => {
  const Transaction = Context.Reference("test/Transaction", { defaultValue: () => "pool" })

  it.effect("a region's is its layer's, with the caller's clock, logger, tracer and annotations", () => {
    class Region extends CacheRegion.Service<Region>()("test/Region", {
      key: Schema.String,
      value: Schema.String,
      lookup: () =>
        Effect.gen(function* () {
          const annotations = yield* References.CurrentLogAnnotations
          return `${yield* Transaction} ${String(annotations["request"])}`
        })
    }) {}
    return Effect.gen(function* () {
      const region = yield* Region
      const asked = region
        .get("k")
        .pipe(Effect.provideService(Transaction, "the caller's"), Effect.annotateLogs("request", 7))
      assert.strictEqual(yield* asked, "pool 7")
    }).pipe(Effect.provide(Layer.provide(Region.layer, CacheMemory)))
  })

  it.effect("a refresh in the background runs outside of the caller's SQL transaction", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const Connection = Context.Service<object>("effect/sql/SqlClient/TransactionConnection/0")
      const Current = Context.Reference<object | undefined>("effect/sql/CurrentTransactionService", {
        defaultValue: () => undefined
      })
      const seen: Array<boolean> = []
      const lookup = Effect.map(Effect.serviceOption(Connection), (connection) => seen.push(Option.isSome(connection)))
      const inTransaction = <A, E>(effect: Effect.Effect<A, E>) =>
        effect.pipe(Effect.provideService(Connection, {}), Effect.provideService(Current, Connection))
      yield* inTransaction(cache.getOrSet("k", lookup, stale))
      yield* TestClock.adjust("11 seconds")
      yield* inTransaction(cache.getOrSet("k", lookup, stale))
      yield* inTransaction(cache.getOrSetMany(["m"], () => Effect.as(lookup, [["m", 1] as const]), stale))
      yield* TestClock.adjust("11 seconds")
      yield* inTransaction(cache.getOrSetMany(["m"], () => Effect.as(lookup, [["m", 1] as const]), stale))
      assert.deepStrictEqual(seen, [true, false, true, false])
    }).pipe(Effect.provide(CacheMemory))
  )
})
