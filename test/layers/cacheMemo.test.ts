/** One read of each key within a scope, counted where commands are sent. */
import { assert, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Option, Schema } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import {
  CacheConnectionError,
  CacheLive,
  CacheMemo,
  CacheRegion,
  CacheService,
  layerFor,
  type TypedCache,
  ValkeyClient,
  type ValkeyClientShape,
  ValkeyMemory
} from "effect-vcache"

/** A store in memory that notes which values are asked for. `gate`: replies wait for it. */
const noted = Effect.gen(function* () {
  const memory = Context.get(yield* Layer.build(ValkeyMemory.layer()), ValkeyClient)
  const log: Array<string> = []
  const state: { gate: Effect.Effect<void, CacheConnectionError> } = { gate: Effect.void }
  const client: ValkeyClientShape = {
    ...memory,
    request: (name, args, use, options) =>
      Effect.suspend(() => {
        if (name !== "GET" && name !== "MGET") return memory.request(name, args, use, options)
        log.push(`${name} ${args.join(" ")}`)
        return Effect.andThen(state.gate, memory.request(name, args, use, options))
      })
  }
  return { client: Layer.succeed(ValkeyClient, client), log, state }
})

class Other extends Context.Service<Other, TypedCache<unknown>>()("test/Other") {}

it.effect("callers at the same time share one read, and whoever is interrupted leaves the others one", () =>
  Effect.gen(function* () {
    const { client, log, state } = yield* noted
    const cache = Context.get(yield* Layer.build(Layer.provide(CacheLive, client)), CacheService)
    yield* cache.set("k", 1)
    yield* cache.set("l", 2)
    const gate = yield* Deferred.make<void>()
    state.gate = Deferred.await(gate)
    const seen = yield* CacheMemo.scope(
      Effect.gen(function* () {
        const first = yield* Effect.forkChild(cache.get("k"), { startImmediately: true })
        const rest = yield* Effect.forEach(Array.from({ length: 20 }), (_, i) =>
          Effect.forkChild(
            i % 2 === 0 ? cache.get("k") : Effect.map(cache.getMany(["k", "l"]), (all) => all.get("k")),
            {
              startImmediately: true
            }
          )
        )
        assert.deepStrictEqual(log, ["GET :1:k", "MGET :1:l"])
        yield* Fiber.interrupt(first)
        yield* Deferred.succeed(gate, undefined)
        return yield* Effect.forEach(rest, Fiber.join)
      })
    )
    assert.strictEqual(seen.length, 20)
    assert.strictEqual(log.filter((line) => line.endsWith("k")).length, 2, log.join())
    assert.strictEqual(log.filter((line) => line.endsWith("l")).length, 1, log.join())
  })
)

it.effect("a read that fails is not remembered; its failure is its caller's", () =>
  Effect.gen(function* () {
    const { client, log, state } = yield* noted
    const cache = Context.get(yield* Layer.build(Layer.provide(CacheLive, client)), CacheService)
    yield* cache.set("k", 1)
    const down = new CacheConnectionError({ operation: "GET", phase: "connect", mayHaveExecuted: false })
    yield* CacheMemo.scope(
      Effect.gen(function* () {
        state.gate = Effect.fail(down)
        assert.deepStrictEqual(yield* Effect.flip(cache.get("k")), down)
        state.gate = Effect.void
        assert.deepStrictEqual(yield* cache.get("k"), Option.some(1))
        assert.deepStrictEqual(yield* cache.get("k"), Option.some(1))
      })
    )
    assert.strictEqual(log.length, 2)
  })
)

it.effect(
  "a request reads each key once, through caches, regions and memoised functions; the next one reads again",
  () =>
    Effect.gen(function* () {
      const { client, log } = yield* noted
      class Users extends CacheRegion.Service<Users>()("Users", {
        key: Schema.Int,
        value: Schema.String,
        lookup: (id) => Effect.succeed(`user ${id}`)
      }) {}
      const routes = Effect.gen(function* () {
        const [cache, other, users] = [yield* CacheService, yield* Other, yield* Users]
        const length = yield* cache.memoize({ name: "length", key: Schema.String, value: Schema.Int }, (text) =>
          Effect.succeed(text.length)
        )
        const handler = Effect.gen(function* () {
          const name = yield* users.get(7)
          yield* Effect.all([users.get(7), cache.get("a"), other.get("a"), length("abc"), length("abc")])
          yield* Effect.all([users.get(7), cache.getMany(["a", "b"]), length("abc")], { concurrency: "unbounded" })
          return HttpServerResponse.text(name)
        })
        return [HttpRouter.route("GET", "/", Effect.orDie(handler))]
      })
      const cacheLayers = Layer.provideMerge(
        Users.layer,
        Layer.provide(Layer.mergeAll(CacheLive, layerFor(Other)), client)
      )
      const app = Layer.mergeAll(
        HttpRouter.addAll(routes),
        HttpRouter.middleware((request) => CacheMemo.scope(request), { global: true })
      ).pipe(Layer.provide(cacheLayers))
      const { dispose, handler: handle } = HttpRouter.toWebHandler(app, { disableLogger: true })
      yield* Effect.addFinalizer(() => Effect.promise(dispose))
      const page = Effect.promise(async () => (await handle(new Request("http://localhost/"), Context.empty())).text())
      yield* page
      log.length = 0
      const expected = ["GET :1:Users:7", "GET :1:a", "GET :1:length:abc", "MGET :1:b"]
      for (let request = 0; request < 2; request++) {
        assert.strictEqual(yield* page, "user 7")
        assert.deepStrictEqual(log.splice(0).toSorted(), expected)
      }
    })
)

it.effect("scopes side by side know nothing of each other, and nothing is kept when they have ended", () =>
  Effect.gen(function* () {
    const { client, log } = yield* noted
    const cache = Context.get(yield* Layer.build(Layer.provide(CacheLive, client)), CacheService)
    yield* cache.set("k", 1)
    const read = CacheMemo.scope(Effect.andThen(cache.get("k"), cache.get("k")))
    yield* Effect.all([read, read, read], { concurrency: "unbounded" })
    assert.strictEqual(log.length, 3)
    // What goes on after the scope reads for itself.
    const gate = yield* Deferred.make<void>()
    const left = yield* CacheMemo.scope(
      Effect.andThen(cache.get("k"), Effect.forkDetach(Effect.andThen(Deferred.await(gate), cache.get("k"))))
    )
    yield* cache.set("k", 2)
    yield* Deferred.succeed(gate, undefined)
    assert.deepStrictEqual(yield* Fiber.join(left), Option.some(2))
    const died = yield* Effect.exit(CacheMemo.scope(Effect.andThen(cache.get("k"), Effect.die("mine"))))
    assert.isTrue(Exit.hasDies(died))
    log.length = 0
    yield* cache.get("k")
    assert.strictEqual(log.length, 1)
  })
)

it("runs under runSync", () => {
  const program = Effect.gen(function* () {
    const cache = yield* CacheService
    yield* cache.set("k", 1)
    return yield* Effect.all([cache.get("k"), cache.get("k")])
  })
  const read = CacheMemo.scope(program).pipe(Effect.provide(Layer.provide(CacheLive, ValkeyMemory.layer())))
  assert.deepStrictEqual(Effect.runSync(read), [Option.some(1), Option.some(1)])
})
