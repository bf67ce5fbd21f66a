/** Who else reads through a near cache: a part of its contract, whose servers it shares. */
import { assert, describe } from "@effect/vitest"
import { Duration, Effect, Layer, Option, Redacted, Request as EffectRequest, Schema } from "effect"
import { CacheResolver, CacheService, SessionStatus, SessionStore, type TypedCache } from "effect-vcache"
import { HttpCache } from "effect-vcache/http"
import { Elsewhere } from "../support/near/elsewhere.ts"
import { isNear, nearCache, warm, withoutServer } from "../support/near/nearCache.ts"
import { until } from "../support/until.ts"
import type { NearTest } from "./nearContract.ts"

class Pages extends HttpCache.Service<Pages>()("test/Pages") {}

class FindName extends EffectRequest.Class<{ readonly id: number }, string> {}

const Visitor = Schema.Struct({ user: Schema.String })

const storeOver = (
  cache: TypedCache<unknown>,
  options: Partial<SessionStore.SessionStoreOptions<typeof Visitor>> = {}
) =>
  Effect.provideService(
    SessionStore.make({ data: Visitor, expiry: "fixed", near: true, timeToLive: "1 hour", ...options }),
    CacheService,
    cache
  )

/** What somebody else does to the only key there is. */
const elsewhere = (cache: TypedCache<unknown>, command: string, ...args: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const [key = ""] = yield* until("the key", cache.keys(), ({ length }) => length === 1)
    yield* (yield* Elsewhere).send(command, [cache.makeKey(key), ...args])
  })

export const nearReadersTests = (test: NearTest): void => {
  describe("fixed sessions", () => {
    test("are near where that is wanted, with what is left of their lifetimes", () =>
      Effect.gen(function* () {
        const cache = yield* nearCache()
        const [store, other] = [yield* storeOver(cache), yield* storeOver(cache, { near: false })]
        const { id } = yield* store.create({ user: "ada" })
        yield* warm(store.find(id))
        const found = yield* withoutServer(store.find(id))
        assert.deepInclude(found, { _tag: "Found", data: { user: "ada" } })
        const left = SessionStatus.$is("Found")(found) ? Duration.toMinutes(found.expiresIn) : 0
        assert.isTrue(left > 59 && left <= 60, `${left} minutes`)
        assert.isFalse(yield* isNear(other.find(id)))
        yield* warm(store.find(Redacted.make("nobody's")))
        assert.deepStrictEqual(yield* withoutServer(store.find(Redacted.make("nobody's"))), SessionStatus.Missing())
      }))

    test("are not there any more for this process once it has ended or replaced them, nor for others soon after", () =>
      Effect.gen(function* () {
        const cache = yield* nearCache()
        const store = yield* storeOver(cache)
        const first = yield* store.create({ user: "ada" })
        yield* warm(store.find(first.id))
        yield* store.save(first.id, { user: "eve" })
        assert.deepInclude(yield* store.find(first.id), { data: { user: "eve" } })
        yield* warm(store.find(first.id))
        const next = yield* store.cycle(first.id)
        // What stands there now is judged by the server each time.
        for (let i = 0; i < 2; i++) assert.deepStrictEqual(yield* store.find(first.id), SessionStatus.Ended())
        assert.isFalse(yield* isNear(store.find(first.id)))
        yield* warm(store.find(next.id))
        yield* store.destroy(next.id)
        assert.deepStrictEqual(yield* store.load(next.id), Option.none())

        const fresh = yield* nearCache()
        const theirs = yield* storeOver(fresh)
        const { id } = yield* theirs.create({ user: "ada" })
        yield* warm(theirs.find(id))
        yield* elsewhere(fresh, "UNLINK")
        yield* until("the end of it", theirs.find(id), SessionStatus.$is("Missing"))
      }))

    test("ask the server where it alone knows how long they live", () =>
      Effect.gen(function* () {
        const cache = yield* nearCache({ near: { timeToLive: "1 minute" } })
        const store = yield* storeOver(cache)
        const { id } = yield* store.create({ user: "ada" })
        for (let i = 0; i < 3; i++) yield* store.find(id)
        assert.isFalse(yield* isNear(store.find(id)))
        const found = yield* store.load(id)
        assert.isAbove(Duration.toMinutes(Option.getOrThrow(found).expiresIn), 59)
        assert.strictEqual((yield* Effect.flip(storeOver(cache, { expiry: "sliding" })))._tag, "CacheInputError")
      }))
  })

  test("cached responses are near until somebody forgets them", () =>
    Effect.gen(function* () {
      const cache = yield* nearCache()
      const context = yield* Layer.build(Layer.provide(Pages.layer, Layer.succeed(CacheService, cache)))
      const pages = yield* Effect.provideContext(Pages, context)
      let made = 0
      const page = Effect.gen(function* () {
        const next = Effect.sync(() => new Response(`made ${++made}`, { headers: { "cache-control": "max-age=600" } }))
        const response = yield* pages.handleWeb(new Request("http://shop.test/page"), () => next)
        return yield* Effect.promise(() => response.text())
      })
      const near = Effect.map(withoutServer(page), (text) => text === "made 1")
      assert.strictEqual(yield* page, "made 1")
      yield* until("the page near", Effect.andThen(page, near), (isNear) => isNear)
      const before = made
      assert.strictEqual(yield* withoutServer(page), "made 1")
      assert.strictEqual(made, before)
      yield* pages.purge("shop.test/page")
      assert.notStrictEqual(yield* page, "made 1")
    }))

  test("memoised functions, resolvers and their batches are near", () =>
    Effect.gen(function* () {
      const cache = yield* nearCache()
      const square = yield* cache.memoize({ name: "square", key: Schema.Int, value: Schema.Int }, (n) =>
        Effect.succeed(n * n)
      )
      yield* warm(square(3))
      assert.strictEqual(yield* withoutServer(square(3)), 9)
      yield* warm(square.getMany([3, 4]))
      assert.deepStrictEqual([...(yield* withoutServer(square.getMany([4, 3]))).values()], [16, 9])
      yield* square.set(3, 10)
      assert.strictEqual(yield* square(3), 10)

      const resolver = yield* Effect.provideService(
        CacheResolver.make<FindName, typeof Schema.String>({
          key: ({ id }) => `name:${id}`,
          value: Schema.String,
          lookup: (requests) => Effect.succeed(requests.map((request) => [request, `name ${request.id}`] as const)),
          missing: () => Effect.die("no such name") as never
        }),
        CacheService,
        cache
      )
      const names = Effect.forEach([1, 2], (id) => Effect.request(new FindName({ id }), resolver), { concurrency: 2 })
      yield* warm(Effect.andThen(names, cache.getMany(["name:1", "name:2"])))
      assert.deepStrictEqual(yield* withoutServer(names), ["name 1", "name 2"])
      yield* (yield* Elsewhere).send("SET", [cache.makeKey("name:2"), JSON.stringify("another")])
      yield* until("the other name", names, ([, name]) => name === "another")
    }))
}
