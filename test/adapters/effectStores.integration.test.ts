/** Effect's own PersistedCache, PersistedQueue, RateLimiter and CircuitBreaker on our connection, on each topology of servers. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Queue, Schema, type Scope } from "effect"
import {
  CircuitBreaker,
  Persistable,
  PersistedCache,
  PersistedQueue,
  Persistence,
  RateLimiter,
  Redis
} from "effect/persistence"
import { ValkeyUrl } from "effect-vcache"
import { EffectBackingPersistence, EffectRedis } from "effect-vcache/effect"
import { startCluster } from "../support/ClusterFleet.ts"
import { fleets } from "../support/fleets.ts"
import { startProxy } from "../support/Proxy.ts"
import { until } from "../support/until.ts"
import { startServer } from "../support/ValkeyServer.ts"

class FindUser extends Persistable.Class<{ payload: { id: number } }>()("FindUser", {
  primaryKey: ({ id }) => String(id),
  success: Schema.Struct({ id: Schema.Int, name: Schema.String }),
  error: Schema.String
}) {}

for (const [name, start] of fleets) {
  describe(`Effect's own on ${name}`, () => {
    it.live(
      "all of them",
      () =>
        Effect.scoped(
          Effect.gen(function* () {
            const { url } = yield* start
            const built = yield* Layer.build(
              Layer.provideMerge(
                Layer.merge(EffectRedis.layer(), EffectBackingPersistence.layer()),
                ValkeyUrl.layer(url)
              )
            )
            const here = <A, E>(
              effect: Effect.Effect<A, E, Redis.Redis | Persistence.BackingPersistence | Scope.Scope>
            ) => Effect.provideContext(effect, built)

            // PersistedCache: one lookup, for another process, too.
            let lookups = 0
            const makeCache = PersistedCache.make(
              ({ id }: FindUser) => {
                lookups++
                return id > 0 ? Effect.succeed({ id, name: `user ${id}` }) : Effect.fail("no such user")
              },
              { storeId: "users", timeToLive: () => "1 minute" }
            )
            for (let process = 0; process < 2; process++) {
              yield* here(
                Effect.gen(function* () {
                  const users = yield* makeCache
                  for (let i = 0; i < 3; i++) {
                    assert.deepStrictEqual(yield* users.get(new FindUser({ id: 1 })), { id: 1, name: "user 1" })
                    assert.strictEqual(yield* Effect.flip(users.get(new FindUser({ id: -1 }))), "no such user")
                  }
                }).pipe(Effect.provide(Persistence.layer), Effect.scoped)
              )
            }
            assert.strictEqual(lookups, 2)

            // PersistedQueue: what fails comes again, ids are taken once.
            yield* here(
              Effect.gen(function* () {
                const queue = yield* PersistedQueue.make({
                  name: "jobs",
                  schema: Schema.Struct({ n: Schema.Int }),
                  maxAttempts: 5
                })
                yield* queue.offer({ n: 0 }, { id: "first" })
                yield* queue.offer({ n: 0 }, { id: "first" })
                for (let n = 1; n < 10; n++) yield* queue.offer({ n })
                const done: Array<number> = []
                let failures = 0
                const worker = Effect.forever(
                  Effect.ignore(
                    queue.take(({ n }) => {
                      if (n === 5 && failures++ < 2) return Effect.fail("again")
                      return Effect.sync(() => done.push(n))
                    })
                  )
                )
                const workers = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(worker))
                yield* until(
                  "every element",
                  Effect.sync(() => done.length),
                  (count) => count >= 10
                )
                yield* Fiber.interruptAll(workers)
                assert.sameMembers(done, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
                assert.strictEqual(failures, 3)
              }).pipe(
                Effect.provide(
                  PersistedQueue.layer.pipe(
                    Layer.provide(PersistedQueue.layerStoreRedis({ prefix: "{queue}:", pollInterval: "50 millis" }))
                  )
                ),
                Effect.scoped
              )
            )

            // RateLimiter: both of its algorithms.
            yield* here(
              Effect.gen(function* () {
                const limiter = yield* RateLimiter.RateLimiter
                for (const algorithm of ["fixed-window", "token-bucket"] as const) {
                  const consume = limiter.consume({
                    algorithm,
                    key: algorithm,
                    limit: 5,
                    window: "1 minute",
                    onExceeded: "fail"
                  })
                  const outcomes = yield* Effect.all(
                    Array.from({ length: 8 }, () => Effect.exit(consume)),
                    { concurrency: "unbounded" }
                  )
                  assert.strictEqual(outcomes.filter(Exit.isSuccess).length, 5, algorithm)
                }
              }).pipe(
                Effect.provide(
                  RateLimiter.layer.pipe(Layer.provide(RateLimiter.layerStoreRedis({ prefix: "{limits}:" })))
                )
              )
            )

            // CircuitBreaker: opens after failures.
            yield* here(
              Effect.gen(function* () {
                const breaker = yield* CircuitBreaker.make({
                  tripPolicy: CircuitBreaker.consecutive(3),
                  openDuration: "1 minute"
                })
                for (let i = 0; i < 3; i++) {
                  yield* Effect.exit(breaker.execute(Effect.fail("down"), { key: "source" }))
                }
                const error = yield* Effect.flip(breaker.execute(Effect.succeed(1), { key: "source" }))
                assert.strictEqual(error._tag, "CircuitBreakerError")
              }).pipe(Effect.provide(CircuitBreaker.layerStoreRedis()), Effect.scoped)
            )

            // Channels, reserved connections, errors.
            yield* here(
              Effect.gen(function* () {
                const redis = yield* Redis.Redis
                const messages = yield* redis.subscribe("news")
                yield* redis.send("PUBLISH", "news", "hello")
                assert.deepStrictEqual(yield* Queue.take(messages), {
                  channel: "news",
                  message: "hello"
                })
                const waiting = yield* Effect.forkChild(
                  Effect.scoped(Effect.flatMap(redis.reserve, (own) => own.send("BLPOP", "list", "5")))
                )
                yield* Effect.sleep("50 millis")
                yield* redis.send("RPUSH", "list", "x")
                assert.deepStrictEqual(yield* Fiber.join(waiting), ["list", "x"])
                const error = yield* Effect.flip(redis.send("GET"))
                assert.strictEqual(error._tag, "RedisError")
              }).pipe(Effect.scoped)
            )
          })
        ),
      60_000
    )
  })
}

const redisOn = (url: string) =>
  Effect.map(Layer.build(Layer.provide(EffectRedis.layer(), ValkeyUrl.layer(url))), Context.get(Redis.Redis))

it.live("keys, scans and scripts of all servers of a cluster; what no server knows is a RedisError", () =>
  Effect.scoped(
    Effect.gen(function* () {
      const redis = yield* redisOn((yield* startCluster({ replicas: 0 })).url)
      const names = Array.from({ length: 20 }, (_, i) => `name:${i}`)
      for (const name of names) yield* redis.send("SET", name, "1")
      yield* redis.send("SET", "other", "1")
      assert.sameMembers([...(yield* redis.send<ReadonlyArray<string>>("KEYS", "name:*"))], names)
      const [cursor, found] = yield* redis.send<[string, ReadonlyArray<string>]>("SCAN", "0", "match", "name:*")
      assert.strictEqual(cursor, "0")
      assert.sameMembers([...found], names)
      assert.strictEqual((yield* redis.send<[string, ReadonlyArray<string>]>("SCAN", "0"))[1].length, 21)
      const sha = yield* redis.send<string>("SCRIPT", "LOAD", "return {KEYS[1], ARGV[1]}")
      for (const name of names) {
        assert.deepStrictEqual(yield* redis.send("EVALSHA", sha, "1", name, "arg"), [name, "arg"])
      }
      for (const refused of [
        redis.send("SCAN", "17"),
        redis.send("EVALSHA", "0".repeat(40), "1", "name:1"),
        redis.send("SCRIPT", "NONSENSE")
      ]) {
        assert.strictEqual((yield* Effect.flip(refused))._tag, "RedisError")
      }
    })
  )
)

it.live("a subscription goes on when its connection was lost", () =>
  Effect.scoped(
    Effect.gen(function* () {
      const server = yield* startServer()
      const proxy = yield* startProxy(server.port)
      const redis = yield* redisOn(proxy.url)
      const messages = yield* redis.subscribe("news")
      for (const text of ["first", "second"]) {
        yield* until("a subscriber", server.call("PUBLISH", "news", text), (heard) => heard === 1)
        assert.deepStrictEqual(yield* Queue.take(messages), { channel: "news", message: text })
        proxy.reset()
        const subscribers = Effect.map(server.call("PUBSUB", "NUMSUB", "news"), String)
        yield* until("the end of the subscription", subscribers, (text) => text === "news,0")
      }
    })
  )
)

it.effect("a subscription begins though the program's clock stands still", () =>
  Effect.gen(function* () {
    const redis = yield* redisOn((yield* startServer()).url)
    const messages = yield* redis.subscribe("news")
    yield* redis.send("PUBLISH", "news", "hello")
    assert.deepStrictEqual(yield* Queue.take(messages), { channel: "news", message: "hello" })
  })
)

it.live("nobody to subscribe with is a RedisError", () =>
  Effect.scoped(
    Effect.gen(function* () {
      const server = yield* startServer()
      const redis = yield* redisOn(server.url)
      yield* server.kill
      const messages = yield* redis.subscribe("news")
      assert.strictEqual((yield* Effect.flip(Queue.take(messages)))._tag, "RedisError")
    })
  )
)
