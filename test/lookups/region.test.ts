/** Typed keyspaces. */
import { assert, expectTypeOf, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import {
  type CommandError,
  type CacheInputError,
  CacheMemory,
  CacheRegion,
  CacheService,
  layerFor,
  Serializer,
  type TypedCache,
  ValkeyMemory
} from "effect-vcache"

const User = Schema.Struct({ id: Schema.Int, name: Schema.String, born: Schema.Date })
type User = typeof User.Type

class NotFound extends Schema.TaggedError<NotFound>("NotFound")("NotFound", { id: Schema.Int }) {}

class UserRepo extends Context.Service<
  UserRepo,
  {
    readonly find: (id: number) => Effect.Effect<User, NotFound>
    readonly asked: Array<number | ReadonlyArray<number>>
  }
>()("test/UserRepo") {}

const userOf = (id: number): User => ({ id, name: `user ${id}`, born: new Date(id) })

const repo = Layer.sync(UserRepo, () => {
  const asked: Array<number | ReadonlyArray<number>> = []
  return {
    asked,
    find: (id) =>
      Effect.suspend(() => {
        asked.push(id)
        return id < 0 ? Effect.fail(new NotFound({ id })) : Effect.succeed(userOf(id))
      })
  }
})

class Users extends CacheRegion.Service<Users>()("test/Users", {
  key: Schema.Int,
  value: User,
  timeToLive: "5 minutes",
  staleFor: "1 hour",
  lookup: (id) => UserRepo.use((users) => users.find(id))
}) {}

class Batches extends CacheRegion.Service<Batches>()("test/Batches", {
  key: Schema.Struct({ tenant: Schema.String, id: Schema.Int }),
  value: Schema.String,
  name: "b*",
  lookup: ({ id }) => Effect.succeed(`one ${id}`),
  lookupMany: (keys) =>
    UserRepo.use(({ asked }) =>
      Effect.sync(() => {
        asked.push(keys.map(({ id }) => id))
        return keys.filter(({ id }) => id !== 0).map((key) => [key, `many ${key.id}`] as const)
      })
    )
}) {}

const layer = Layer.mergeAll(Users.layer, Batches.layer).pipe(Layer.provideMerge(repo), Layer.provideMerge(CacheMemory))

const test = (name: string, body: () => Effect.Effect<unknown, unknown, Users | Batches | UserRepo | CacheService>) =>
  it.effect(name, () => Effect.provide(Effect.suspend(body), Layer.fresh(layer)))

it("types", () => {
  expectTypeOf(Users.use((users) => users.get(1))).toEqualTypeOf<Effect.Effect<User, NotFound | CommandError, Users>>()
  expectTypeOf(Users.layer).toEqualTypeOf<Layer.Layer<Users, CacheInputError, CacheService | UserRepo>>()
  expectTypeOf(Batches.use((batches) => batches.get({ tenant: "t", id: 1 }))).toEqualTypeOf<
    Effect.Effect<string, CommandError, Batches>
  >()
  // @ts-expect-error -- a key of another type
  Users.use((users) => users.get("1"))
  // @ts-expect-error -- a lookup of another type
  CacheRegion.Service<Users>()("x", { key: Schema.Int, value: User, lookup: () => Effect.succeed(1) })
})

test("get looks up once; getCached, set, refresh, clear", () =>
  Effect.gen(function* () {
    const users = yield* Users
    const { asked } = yield* UserRepo
    assert.deepStrictEqual(yield* users.getCached(42), Option.none())
    assert.deepStrictEqual(yield* users.get(42), userOf(42))
    assert.deepStrictEqual(yield* users.get(42), userOf(42))
    assert.deepStrictEqual(asked, [42])
    const changed = { ...userOf(42), name: "changed" }
    yield* users.set(42, changed)
    assert.deepStrictEqual(yield* users.getCached(42), Option.some(changed))
    assert.deepStrictEqual(yield* users.refresh(42), userOf(42))
    assert.deepStrictEqual(yield* users.get(42), userOf(42))
    assert.deepStrictEqual(yield* Effect.flip(users.get(-1)), new NotFound({ id: -1 }))
    yield* TestClock.adjust("6 minutes")
    assert.deepStrictEqual(yield* users.getCached(42), Option.none())
    assert.deepStrictEqual(yield* users.get(42), userOf(42))
    yield* (yield* CacheService).set("other", 1)
    assert.strictEqual(yield* users.clear, 1)
    assert.isTrue(yield* (yield* CacheService).has("other"))
  }))

test("what set stored can be served stale, too", () =>
  Effect.gen(function* () {
    const users = yield* Users
    const late = { ...userOf(-5), name: "late" }
    yield* users.set(-5, late)
    yield* TestClock.adjust("30 minutes")
    assert.deepStrictEqual(yield* users.get(-5), late)
  }))

test("getMany: one lookup for all that are missing, or one each", () =>
  Effect.gen(function* () {
    const { asked } = yield* UserRepo
    const users = yield* Users
    assert.deepStrictEqual([...(yield* users.getMany([1, 2, 1])).keys()], [1, 2])
    assert.deepStrictEqual(asked, [1, 2])
    asked.length = 0
    const batches = yield* Batches
    const keyOf = (id: number) => ({ tenant: "t", id })
    yield* batches.set(keyOf(1), "stored")
    const keys = [0, 1, 2, 3].map(keyOf)
    const found = yield* batches.getMany(keys)
    assert.deepStrictEqual(
      keys.map((key) => found.get(key)),
      [undefined, "stored", "many 2", "many 3"]
    )
    assert.deepStrictEqual(asked, [[0, 2, 3]])
    assert.strictEqual((yield* batches.getMany(keys.slice(1))).size, 3)
    assert.strictEqual(asked.length, 1)
    assert.strictEqual(yield* batches.clear, 3)
  }))

test("invalidate: a lookup that runs is returned to its callers, and not stored", () =>
  Effect.gen(function* () {
    const gate = yield* Deferred.make<void>()
    const began = yield* Deferred.make<void>()
    const region = yield* CacheRegion.make(yield* CacheService, "slow", {
      key: Schema.String,
      value: Schema.String,
      lookup: () => Effect.andThen(Deferred.succeed(began, undefined), Deferred.await(gate)).pipe(Effect.as("older"))
    })
    const fiber = yield* Effect.forkChild(region.get("k"))
    yield* Deferred.await(began)
    yield* region.invalidate("k")
    yield* Deferred.succeed(gate, undefined)
    assert.strictEqual(yield* Fiber.join(fiber), "older")
    assert.deepStrictEqual(yield* region.getCached("k"), Option.none())
  }))

test("keys that differ are stored apart, and a key of another shape is refused", () =>
  Effect.gen(function* () {
    const cache = yield* CacheService
    const region = yield* CacheRegion.make(cache, "mixed", {
      key: Schema.Union([Schema.String, Schema.Int]),
      value: Schema.String,
      lookup: (key) => Effect.succeed(typeof key)
    })
    assert.strictEqual(yield* region.get("1"), "string")
    assert.strictEqual(yield* region.get(1), "number")
    const users = yield* Users
    assert.strictEqual((yield* Effect.flip(users.get(1.5)))._tag, "CacheInputError")
    yield* users.get(7)
    assert.include(yield* cache.keys(), "test/Users:7")
  }))

it.effect("over a cache of its own", () =>
  Effect.gen(function* () {
    const users = yield* Users
    yield* users.get(1)
    assert.deepStrictEqual(yield* (yield* Sessions).keys(), ["test/Users:1"])
  }).pipe(
    Effect.provide(
      Users.layerFor(Sessions).pipe(
        Layer.provide(repo),
        Layer.provideMerge(Layer.provide(layerFor(Sessions, { prefix: "s" }), ValkeyMemory.layer()))
      )
    )
  )
)
class Sessions extends Context.Service<Sessions, TypedCache<unknown>>()("test/Sessions") {}

it.effect("a lookup is not called, nor can it throw, where the value is cached", () =>
  Effect.gen(function* () {
    let calls = 0
    const region = yield* CacheRegion.make(yield* CacheService, "test/Calls", {
      key: Schema.Int,
      value: Schema.Int,
      lookup: (key) => {
        if (++calls > 1) throw new Error("called again")
        return Effect.succeed(key)
      }
    })
    assert.deepStrictEqual([yield* region.get(1), yield* region.get(1)], [1, 1])
    assert.deepStrictEqual(yield* region.getMany([1]), new Map([[1, 1]]))
    assert.strictEqual(calls, 1)
  }).pipe(Effect.provide(Layer.fresh(CacheMemory)))
)

it.effect("regions whose names share a beginning share no keys", () => {
  const region = (name: string) =>
    Effect.flatMap(CacheService, (cache) =>
      CacheRegion.make(cache, name, { key: Schema.String, value: Schema.String, lookup: (key) => Effect.succeed(key) })
    )
  return Effect.gen(function* () {
    const [a, ab] = [yield* region("a"), yield* region("a:b")]
    yield* a.set("b:c", "of a")
    yield* ab.set("c", "of a:b")
    assert.strictEqual(yield* a.get("b:c"), "of a")
    assert.strictEqual(yield* a.clear, 1)
    assert.strictEqual(yield* ab.get("c"), "of a:b")
  }).pipe(Effect.provide(Layer.fresh(CacheMemory)))
})

it.effect("a key of minus zero is a key", () =>
  Effect.gen(function* () {
    const cache = yield* CacheService
    const numbers = yield* CacheRegion.make(cache, "numbers", {
      key: Schema.Number,
      value: Schema.Number,
      lookup: (key) => Effect.succeed(1 / key)
    })
    const exits = [yield* Effect.exit(numbers.get(-0)), yield* Effect.exit(numbers.get(0))]
    assert.isFalse(exits.some((exit) => Exit.hasDies(exit)))
  }).pipe(Effect.provide(Layer.fresh(CacheMemory)))
)

it.effect("a region whose values no cache can store, or whose keys have no text, fails when it is built", () =>
  Effect.gen(function* () {
    const cache = yield* CacheService
    const named = Schema.Struct({ [Symbol.for("name")]: Schema.String })
    const binary = cache.withOptions({ serializer: Serializer.binary })
    const lookup = () => Effect.die("nobody asks")
    for (const [over, key, value, reason] of [
      [cache, Schema.Int, named, "its values cannot be stored: the schema cannot be encoded as JSON"],
      [binary, Schema.Int, named, "its values cannot be stored: the schema cannot be encoded as binary"],
      [cache, named, Schema.Int, "the schema of its keys cannot be encoded as JSON"]
    ] as const) {
      const error = yield* Effect.flip(CacheRegion.make(over, "test/Names", { key, value, lookup }))
      assert.deepStrictEqual({ ...error }, { _tag: "CacheInputError", operation: 'region "test/Names"', reason })
    }
    // What SchemaBinary has no form of is stored through JSON.
    const self = Schema.Struct({ any: Schema.Unknown })
    const region = yield* CacheRegion.make(binary, "test/Any", {
      key: Schema.Int,
      value: self,
      lookup: () => Effect.succeed({ any: 1 })
    })
    assert.deepStrictEqual(yield* region.get(1), { any: 1 })
    assert.deepStrictEqual(yield* region.getCached(1), Option.some({ any: 1 }))
  }).pipe(Effect.provide(CacheMemory))
)
