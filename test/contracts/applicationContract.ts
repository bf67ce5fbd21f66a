/** What is built on the cache for applications, whatever the cache stands on. */
import { assert, describe, layer } from "@effect/vitest"
import {
  Context,
  Duration,
  Effect,
  Layer,
  Option,
  Redacted,
  Request as EffectRequest,
  Result,
  Schema,
  Stream
} from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { KeyValueStore, Persistence } from "effect/persistence"
import { Reactivity } from "effect/reactivity"
import {
  CacheLookup,
  CacheRegion,
  CacheResolver,
  CacheService,
  Serializer,
  type TypedCache,
  ValkeyClient
} from "effect-vcache"
import { CacheReactivity, EffectBackingPersistence, EffectKeyValueStore } from "effect-vcache/effect"
import { HttpCache, HttpSessions } from "effect-vcache/http"
import { fresh, freshPrefix } from "../support/freshCache.ts"
import { pause } from "../support/pause.ts"
import { stored } from "../support/stored.ts"
import { until } from "../support/until.ts"

const over = <A, E, R>(cache: TypedCache<unknown>, effect: Effect.Effect<A, E, R | CacheService>) =>
  Effect.provideService(effect, CacheService, cache)

const Name = Schema.Struct({ name: Schema.String })

export const applicationContract = (name: string, cacheLayer: Layer.Layer<CacheService, unknown>): void => {
  layer(cacheLayer)(`${name}: applications`, (it) => {
    describe("requests", () => {
      class FindUser extends EffectRequest.Class<
        { readonly id: number },
        { readonly name: string },
        "no such user" | "down"
      > {}

      it.effect("of one batch are read together; what is missing is looked up once, and stored", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const lookups: Array<ReadonlyArray<number>> = []
          let isDown = false
          const resolver = yield* over(
            cache,
            CacheResolver.make<FindUser, typeof Name>({
              value: Name,
              key: ({ id }) => `user:${id}`,
              lookup: (requests) =>
                Effect.suspend(() => {
                  lookups.push(requests.map(({ id }) => id))
                  if (isDown) return Effect.fail("down" as const)
                  return Effect.succeed(
                    requests.flatMap((request) => {
                      if (request.id < 0) return []
                      const user = { name: `user ${request.id}` }
                      const isSecret = request.id === 9
                      return [[request, isSecret ? CacheLookup.stored(user, { timeToLive: 0 }) : user] as const]
                    })
                  )
                }),
              missing: () => "no such user" as const
            })
          )
          const ask = (...ids: ReadonlyArray<number>) =>
            Effect.forEach(ids, (id) => Effect.result(Effect.request(new FindUser({ id }), resolver)), {
              concurrency: "unbounded"
            })
          const names = (results: ReadonlyArray<Result.Result<{ readonly name: string }, string>>) =>
            results.map((result) => (Result.isSuccess(result) ? result.success.name : result.failure))
          assert.deepStrictEqual(names(yield* ask(1, 2, 1, -1)), ["user 1", "user 2", "user 1", "no such user"])
          yield* stored(cache, "any")
          assert.deepStrictEqual(names(yield* ask(2, 3)), ["user 2", "user 3"])
          assert.deepStrictEqual(lookups, [[1, 2, -1], [3]])
          assert.deepStrictEqual(names(yield* ask(9)), ["user 9"])
          assert.isFalse(yield* cache.has("user:9"))
          isDown = true
          assert.deepStrictEqual(names(yield* ask(1, 4)), ["down", "down"])
          assert.deepStrictEqual(names(yield* ask(1)), ["user 1"])
        })
      )
    })

    it.effect("a request whose value is undefined is answered, and not looked up again", () =>
      Effect.gen(function* () {
        class FindNickname extends EffectRequest.Class<{ readonly id: number }, string | undefined, "no such user"> {}
        const cache = yield* fresh()
        class Nicknames extends Context.Service<Nicknames, { readonly of: (id: number) => string | undefined }>()(
          "test/Nicknames"
        ) {}
        let lookups = 0
        const nickname = Schema.UndefinedOr(Schema.String)
        // What the lookup needs is taken from where the resolver is made.
        const resolver = yield* over(
          cache,
          Effect.provideService(
            CacheResolver.make<FindNickname, typeof nickname, Nicknames>({
              value: nickname,
              key: ({ id }) => `nickname:${id}`,
              lookup: (requests) =>
                Nicknames.use((nicknames) =>
                  Effect.succeed(requests.map((request) => [request, nicknames.of(request.id)] as const))
                ),
              missing: () => "no such user" as const
            }),
            Nicknames,
            { of: () => void lookups++ }
          )
        )
        for (let i = 0; i < 2; i++) {
          assert.isUndefined(yield* Effect.request(new FindNickname({ id: 1 }), resolver))
          yield* stored(cache, "any")
        }
        assert.strictEqual(lookups, 1)
      })
    )

    it.effect("queries run again when a key changes, whoever changes it, and only then", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const results: Array<unknown> = []
        let runs = 0
        class Users extends CacheRegion.Service<Users>()("app:Users", {
          key: Schema.Int,
          value: Schema.String,
          lookup: () => Effect.succeed("looked up")
        }) {}
        const reactive = CacheReactivity.layer().pipe(Layer.provideMerge(Layer.merge(Reactivity.layer, Users.layer)))
        yield* Effect.gen(function* () {
          const users = yield* Users
          const query = Effect.andThen(
            Effect.sync(() => runs++),
            Effect.all([cache.get("k"), users.getCached(1)])
          )
          const keys = CacheReactivity.keys("k", yield* users.cacheKey(1))
          yield* Effect.forkScoped(
            Stream.runForEach(Reactivity.stream(query, keys), (found) =>
              Effect.sync(() => results.push(found.map(Option.getOrNull)))
            )
          )
          const shows = (...expected: ReadonlyArray<unknown>) =>
            until(
              `the query to show ${expected.join()}`,
              Effect.sync(() => results.at(-1)),
              (seen) => JSON.stringify(seen) === JSON.stringify(expected)
            )
          yield* shows(null, null)
          yield* cache.set("k", 1)
          yield* shows(1, null)
          yield* users.set(1, "one")
          yield* shows(1, "one")
          // As somebody does who knows nothing of the cache.
          yield* cache.client.send("DEL", [cache.makeKey("k")])
          yield* shows(null, "one")
          yield* users.invalidate(1)
          yield* shows(null, null)
          // One change may be announced more than once.
          let before: number
          do {
            before = runs
            yield* pause(60)
          } while (runs > before)
          yield* Effect.forEach(["other", "k2", "app:Users"], (key) => cache.set(key, 1))
          yield* cache.withOptions({ version: 2 }).set("k", 2)
          yield* cache.set("k", 2)
          yield* shows(2, null)
          assert.isAtMost(runs - before, 2)
        }).pipe(Effect.scoped, Effect.provide(reactive), Effect.provideService(CacheService, cache))
      })
    )

    describe("HTTP", () => {
      it.effect("pages are made once, in each variant; sessions last", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const pages = HttpCache.make({ singleFlight: "cluster" })
          class Visit extends HttpSessions.Service<Visit>()(`test/Visit${freshPrefix()}`, {
            data: Schema.Int,
            secrets: [Redacted.make("0123456789abcdef0123456789abcdef")]
          }) {}
          let made = 0
          const routes = Layer.merge(
            HttpRouter.add(
              "GET",
              "/page",
              Effect.map(HttpServerRequest.HttpServerRequest, ({ headers }) =>
                HttpServerResponse.text(`${headers["accept-language"] ?? ""} ${++made}`, {
                  headers: { "cache-control": "max-age=60", vary: "accept-language" }
                })
              )
            ).pipe(Layer.provide(pages.layer)),
            HttpRouter.add(
              "GET",
              "/visit",
              Effect.gen(function* () {
                const visit = yield* Visit
                const count = 1 + Option.getOrElse(yield* visit.get, () => 0)
                yield* visit.set(count)
                return HttpServerResponse.text(`${count}`)
              }).pipe(Effect.orDie)
            ).pipe(Layer.provide(Visit.layer))
          )
          const { dispose, handler } = HttpRouter.toWebHandler(
            Layer.provide(routes, Layer.succeed(CacheService, cache)),
            { disableLogger: true }
          )
          const ask = (path: string, headers: Readonly<Record<string, string>>) =>
            Effect.promise(() => handler(new Request(`http://test${path}`, { headers: { ...headers } })))
          const text = (response: Response) => Effect.promise(() => response.text())
          for (const [language, expected] of [
            ["en", "en 1"],
            ["fr", "fr 2"],
            ["en", "en 1"],
            ["fr", "fr 2"]
          ] as const) {
            assert.strictEqual(yield* text(yield* ask("/page", { "accept-language": language })), expected)
            yield* stored(cache, "any")
          }
          assert.isTrue(yield* over(cache, pages.purge("test/page")))
          assert.isFalse(yield* over(cache, pages.purge("test/page")))
          for (const [language, expected] of [
            ["fr", "fr 3"],
            ["en", "en 4"],
            ["fr", "fr 3"]
          ] as const) {
            assert.strictEqual(yield* text(yield* ask("/page", { "accept-language": language })), expected)
            yield* stored(cache, "any")
          }
          assert.isAtLeast(yield* over(cache, pages.purgePrefix("test/pa")), 3)
          assert.strictEqual(yield* text(yield* ask("/page", {})), " 5")
          const first = yield* ask("/visit", {})
          const cookie = first.headers.get("set-cookie")?.split(";")[0] ?? ""
          assert.deepStrictEqual([yield* text(first), yield* text(yield* ask("/visit", { cookie }))], ["1", "2"])
          yield* Effect.promise(dispose)
        })
      )
    })

    describe("Effect's stores", () => {
      it.effect("BackingPersistence: values, many at once, lifetimes, its own namespace", () =>
        Effect.gen(function* () {
          const { client } = yield* fresh()
          const backing = EffectBackingPersistence.layer().pipe(Layer.provide(Layer.succeed(ValkeyClient, client)))
          const makeStore = (id: string) =>
            Effect.flatMap(Persistence.BackingPersistence, (persistence) => persistence.make(id))
          yield* Effect.gen(function* () {
            const id = `store:${freshPrefix()}`
            const store = yield* makeStore(id)
            const other = yield* makeStore(`${id}x`)
            assert.isUndefined(yield* store.get("a"))
            yield* store.set("a", { n: 1 }, undefined)
            yield* other.set("a", { n: 2 }, undefined)
            const many = Array.from({ length: 100 }, (_, i) => [`k${i}`, { i }, Duration.hours(1)] as const)
            yield* store.setMany([["b", { n: 3 }, undefined], ...many])
            assert.deepStrictEqual(yield* store.getMany(["a", "missing", "b", "k99"]), [
              { n: 1 },
              undefined,
              { n: 3 },
              { i: 99 }
            ])
            yield* store.remove("a")
            assert.isUndefined(yield* store.get("a"))
            yield* store.set("ever", { n: 4 }, Duration.infinity)
            assert.deepStrictEqual(yield* store.get("ever"), { n: 4 })
            yield* client.send("SET", [`${id.replaceAll(":", "%3A")}:broken`, "no JSON"])
            assert.strictEqual((yield* Effect.flip(store.get("broken")))._tag, "PersistenceError")
            assert.deepStrictEqual(yield* store.getMany(["broken", "ever"]), [undefined, { n: 4 }])
            yield* client.send("RPUSH", [`${id.replaceAll(":", "%3A")}:list`, "x"])
            assert.strictEqual((yield* Effect.flip(store.get("list")))._tag, "PersistenceError")
            yield* store.clear
            assert.isUndefined(yield* store.get("k5"))
            assert.deepStrictEqual(yield* other.get("a"), { n: 2 })
          }).pipe(Effect.provide(backing), Effect.scoped)
        })
      )

      it.effect("KeyValueStore: text and bytes, each read as the other as in Effect's own stores", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* Effect.gen(function* () {
            const store = yield* KeyValueStore.KeyValueStore
            assert.isTrue(yield* store.isEmpty)
            const reads = Effect.gen(function* () {
              const store = yield* KeyValueStore.KeyValueStore
              yield* store.set("text", "Iñt ☃")
              yield* store.set("bytes", new Uint8Array([0, 255]))
              return [yield* store.getUint8Array("text"), yield* store.get("bytes")]
            })
            assert.deepStrictEqual(yield* reads, yield* Effect.provide(reads, KeyValueStore.layerMemory))
            assert.strictEqual(yield* store.get("text"), "Iñt ☃")
            assert.deepStrictEqual(yield* store.getUint8Array("bytes"), new Uint8Array([0, 255]))
            assert.strictEqual(yield* store.modify("text", (text) => `${text}!`), "Iñt ☃!")
            assert.isUndefined(yield* store.modify("missing", (text) => text))
            assert.strictEqual(yield* store.size, 2)
            assert.sameMembers([...(yield* store.keys)], ["text", "bytes"])
            yield* store.clearPrefix("te")
            assert.isFalse(yield* store.has("text"))
            yield* store.remove("bytes")
            yield* store.clear
            assert.strictEqual(yield* store.size, 0)
            yield* cache.withOptions({ serializer: Serializer.msgpack }).set("number", 1)
            assert.deepInclude(yield* Effect.flip(store.get("number")), { method: "get", key: "number" })
            yield* cache.hash("hash").set("f", 1)
            const refused = yield* Effect.flip(store.getUint8Array("hash"))
            assert.deepInclude(refused, { _tag: "KeyValueStoreError", method: "getUint8Array", key: "hash" })
            assert.deepInclude(refused.cause, { _tag: "CacheServerError", code: "WRONGTYPE" })
            assert.strictEqual((yield* Effect.flip(store.set("", "x")))._tag, "KeyValueStoreError")
          }).pipe(Effect.provide(EffectKeyValueStore.layer()), Effect.provideService(CacheService, cache))
        })
      )
    })
  })
}
