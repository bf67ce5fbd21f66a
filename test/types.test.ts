/** Inference works without annotations, and what must not compile does not. Checked by `npm run check`; run here, too. */
import { assert, expectTypeOf, it } from "@effect/vitest"
import { Context, Effect, type Layer, Option, Redacted, Schema, type Stream } from "effect"
import {
  type CacheError,
  type CacheInputError,
  CacheLive,
  CacheLookup,
  CacheMemory,
  CacheRegion,
  CacheService,
  Cipher,
  type CommandError,
  Compressor,
  IgnoreExceptions,
  isTransient,
  layerFor,
  type LookupResult,
  Metrics,
  type Stale,
  type TypedCache,
  ValkeyClient,
  type ValkeyClientShape,
  ValkeyMemory,
  ValkeyRing,
  ValkeyStandalone,
  type ValueError
} from "effect-vcache"

const User = Schema.Struct({ id: Schema.Int, born: Schema.Date })
class Greeter extends Context.Service<Greeter, { readonly greet: string }>()("test/Greeter") {}

it("types", () => {
  const program = Effect.gen(function* () {
    const cache = yield* CacheService
    const users = cache.withSchema(User)

    expectTypeOf(yield* cache.get("k")).toEqualTypeOf<Option.Option<unknown>>()
    expectTypeOf(yield* users.get("k")).toEqualTypeOf<Option.Option<{ readonly id: number; readonly born: Date }>>()
    expectTypeOf(users.get("k")).toEqualTypeOf<Effect.Effect<Option.Option<typeof User.Type>, ValueError>>()
    expectTypeOf(users.getMany(["k"])).toEqualTypeOf<Effect.Effect<ReadonlyMap<string, typeof User.Type>, ValueError>>()
    const find = yield* cache.memoize({ name: "user", key: Schema.Int, value: User, timeToLive: "5 minutes" }, (id) =>
      id === 0 ? Effect.fail("nobody" as const) : Greeter.use(() => Effect.succeed({ id, born: new Date(0) }))
    )
    expectTypeOf(find(1)).toEqualTypeOf<Effect.Effect<typeof User.Type, "nobody" | CommandError>>()
    expectTypeOf(find.refresh(1)).toEqualTypeOf<Effect.Effect<typeof User.Type, "nobody" | CommandError>>()
    expectTypeOf(find.invalidate(1)).toEqualTypeOf<Effect.Effect<void, CommandError>>()
    expectTypeOf(find.getMany([1])).toEqualTypeOf<
      Effect.Effect<ReadonlyMap<number, typeof User.Type>, "nobody" | CommandError>
    >()
    // @ts-expect-error -- a key of another type
    find("1")
    // @ts-expect-error -- a function that gives something else
    cache.memoize({ name: "user", key: Schema.Int, value: User }, () => Effect.succeed(1))
    // @ts-expect-error -- without a name
    cache.memoize({ key: Schema.Int, value: Schema.Int }, (n) => Effect.succeed(n))

    expectTypeOf(users.scan()).toEqualTypeOf<Stream.Stream<string, CommandError>>()
    expectTypeOf(users.withOptions({ version: 2 })).toEqualTypeOf<TypedCache<typeof User.Type>>()

    const found = users.getOrSet(
      "k",
      Effect.flatMap(Greeter, () => Effect.fail("not found" as const))
    )
    expectTypeOf(found).toEqualTypeOf<Effect.Effect<typeof User.Type, CommandError | "not found", Greeter>>()

    const aged = users.getOrSet("k", Effect.succeed({ id: 1, born: new Date() }), {
      timeToLive: (user) => (user.id > 0 ? "1 hour" : user.born.getTime()),
      staleFor: "1 day",
      earlyRefresh: { _tag: "xfetch" },
      singleFlight: "cluster"
    })
    expectTypeOf(aged).toEqualTypeOf<Effect.Effect<typeof User.Type, CommandError>>()
    expectTypeOf(
      users.getOrSetMany(["k"], (missing) =>
        Effect.succeed(missing.map((key) => [key, { id: 1, born: new Date() }] as const))
      )
    ).toEqualTypeOf<Effect.Effect<ReadonlyMap<string, typeof User.Type>, CommandError>>()
    expectTypeOf(
      users.withOptions({ lookup: { staleFor: "1 hour", earlyRefresh: { _tag: "fraction", of: 0.8 } } })
    ).toEqualTypeOf<TypedCache<typeof User.Type>>()
    // @ts-expect-error -- the lifetime is no default of lookups alone
    cache.withOptions({ lookup: { timeToLive: "1 hour" } })
    // @ts-expect-error -- the spread of lifetimes concerns set, too
    cache.withOptions({ lookup: { jitter: 0.1 } })
    // @ts-expect-error -- who looks up is this process, or all
    cache.withOptions({ lookup: { singleFlight: "planet" } })
    // @ts-expect-error -- set knows no lookups
    users.set("k", { id: 1, born: new Date() }, { lookup: { staleFor: "1 hour" } })
    const shown = users.getOrSet("k", (stale) => {
      expectTypeOf(stale).toEqualTypeOf<Option.Option<Stale<typeof User.Type>>>()
      return Option.match(stale, {
        onNone: () => Effect.fail("nobody" as const),
        onSome: ({ tags, unchanged, value }) =>
          value.id > tags.length
            ? Effect.succeed(unchanged({ timeToLive: "1 hour" }))
            : Effect.succeed({ id: 1, born: new Date(0) })
      })
    })
    expectTypeOf(shown).toEqualTypeOf<Effect.Effect<typeof User.Type, "nobody" | CommandError>>()
    const own = CacheLookup.stored({ id: 1, born: new Date(0) }, { timeToLive: 0, tags: ["user:1"] })
    expectTypeOf(users.getOrSet("k", Effect.succeed(own), { tags: "lookup" })).toEqualTypeOf<
      Effect.Effect<typeof User.Type, CommandError>
    >()
    expectTypeOf(users.getOrSetDetailed("k", Effect.succeed(own))).toEqualTypeOf<
      Effect.Effect<LookupResult<typeof User.Type>, CommandError>
    >()
    expectTypeOf(users.refresh("k", Effect.succeed(own))).toEqualTypeOf<Effect.Effect<typeof User.Type, CommandError>>()
    expectTypeOf(users.getOrSetMany(["k"], () => Effect.succeed([["k", own]] as const))).toEqualTypeOf<
      Effect.Effect<ReadonlyMap<string, typeof User.Type>, CommandError>
    >()
    const conditional = cache.memoize({ name: "user", key: Schema.Int, value: User, keepFor: "1 day" }, (id, stale) =>
      Effect.succeed(
        Option.match(stale, { onNone: () => ({ id, born: new Date(0) }), onSome: (old) => old.unchanged() })
      )
    )
    expectTypeOf(conditional).toMatchTypeOf<
      Effect.Effect<(key: number) => Effect.Effect<typeof User.Type, CommandError>, CacheInputError>
    >()
    class NotFound extends Schema.TaggedError<NotFound>("test/NotFound")("NotFound", { id: Schema.Int }) {}
    const cacheFailures = { errors: NotFound, timeToLive: "1 minute" } as const
    const failing = Effect.fail("down" as const)
    // What was stored is decoded by the schema, whatever this lookup fails with.
    expectTypeOf(users.getOrSet("k", failing, { cacheFailures, timeToLive: (user) => user.id })).toEqualTypeOf<
      Effect.Effect<typeof User.Type, "down" | NotFound | CommandError>
    >()
    expectTypeOf(users.refresh("k", failing, { cacheFailures })).toEqualTypeOf<
      Effect.Effect<typeof User.Type, "down" | NotFound | CommandError>
    >()
    expectTypeOf(failing.pipe(users.cached("k", { cacheFailures }))).toEqualTypeOf<
      Effect.Effect<typeof User.Type, "down" | NotFound | CommandError>
    >()
    const remembered = yield* cache.memoize(
      { name: "user", key: Schema.Int, value: User, cacheFailures, tags: (id) => [`user:${id}`] },
      () => failing
    )
    expectTypeOf(remembered(1)).toEqualTypeOf<Effect.Effect<typeof User.Type, "down" | NotFound | CommandError>>()
    class Users extends CacheRegion.Service<Users>()("test/Users", {
      key: Schema.Int,
      value: User,
      cacheFailures,
      lookup: () => failing
    }) {}
    expectTypeOf(Users.use((users) => users.get(1))).toEqualTypeOf<
      Effect.Effect<typeof User.Type, "down" | NotFound | CommandError, Users>
    >()
    const batch = users.getOrSetMany(
      ["k"],
      (missing, stale) => {
        expectTypeOf(stale).toEqualTypeOf<ReadonlyMap<string, Stale<typeof User.Type>>>()
        return Effect.succeed(
          missing.map((key) =>
            stale.has(key) ? ([key, stale.get(key)!.unchanged()] as const) : CacheLookup.failed(key, "nobody" as const)
          )
        )
      },
      { cacheFailures, keepFor: "1 day", softTimeout: "1 second", waitFor: "1 second" }
    )
    expectTypeOf(batch).toEqualTypeOf<
      Effect.Effect<ReadonlyMap<string, typeof User.Type>, "nobody" | NotFound | CommandError>
    >()
    // Also where a value may be anything, a failure of a key is none.
    expectTypeOf(
      cache.getOrSetMany(["k"], (keys) => Effect.succeed(keys.map((key) => CacheLookup.failed(key, 1))))
    ).toEqualTypeOf<Effect.Effect<ReadonlyMap<string, unknown>, number | CommandError>>()
    // @ts-expect-error -- a batch claims no keys
    users.getOrSetMany(["k"], () => Effect.succeed([]), { singleFlight: "cluster" })
    // @ts-expect-error -- a failure has a lifetime
    users.getOrSet("k", failing, { cacheFailures: { errors: NotFound } })
    // @ts-expect-error -- a value of another shape
    users.getOrSet("k", Effect.succeed(CacheLookup.stored(1, { timeToLive: "1 hour" })))
    // @ts-expect-error -- without a stale value nothing can be unchanged
    users.getOrSet("k", (stale) => Effect.succeed(stale.unchanged()))
    // @ts-expect-error -- nobody but a lookup says so
    users.set("k", own)
    // @ts-expect-error -- not a policy of refreshing
    users.getOrSet("k", Effect.never, { earlyRefresh: { _tag: "sometimes" } })
    // @ts-expect-error -- LZ4 has no levels
    void (() => Compressor.lz4({ level: 1 }))
    // @ts-expect-error -- a key that is not redacted
    void (() => Cipher.aes256gcm(["secret"]))
    expectTypeOf(users.hash("h").getAll).toEqualTypeOf<
      Effect.Effect<ReadonlyMap<string, typeof User.Type>, ValueError>
    >()
    expectTypeOf(users.list("l").awaitLeft(5)).toEqualTypeOf<
      Effect.Effect<Option.Option<typeof User.Type>, ValueError>
    >()
    expectTypeOf(users.sortedSet("z").popMin()).toEqualTypeOf<
      Effect.Effect<ReadonlyArray<readonly [typeof User.Type, number]>, ValueError>
    >()
    // @ts-expect-error -- a member of another type
    users.unorderedSet("s").add(1)
    expectTypeOf(IgnoreExceptions.layer()).toEqualTypeOf<Layer.Layer<never>>()
    expectTypeOf(Metrics.layer()).toEqualTypeOf<Layer.Layer<never>>()
    // @ts-expect-error -- a value of another shape
    users.set("k", { id: "1", born: new Date() })
    // @ts-expect-error -- not a condition
    cache.set("k", 1, { when: "sometimes" })
    // @ts-expect-error -- a lookup of another type
    users.getOrSet("k", Effect.succeed(1))
    // @ts-expect-error -- a miss is an Option
    const value: number = yield* cache.withSchema(Schema.Number).get("k")
    void value

    const outcome = cache.get("k").pipe(
      Effect.catchTag("CacheTimeoutError", (error) => Effect.succeed(error.phase)),
      Effect.catchTag(["CacheConnectionError", "CacheServerError"], (error) => Effect.succeed(error.code)),
      Effect.catch((error) => Effect.succeed(isTransient(error)))
    )
    expectTypeOf(outcome).toMatchTypeOf<Effect.Effect<unknown, never>>()
    return yield* outcome
  })
  expectTypeOf(program).toMatchTypeOf<Effect.Effect<unknown, CacheError, CacheService | Greeter>>()

  class Sessions extends Context.Service<Sessions, TypedCache<unknown>>()("test/Sessions") {}
  expectTypeOf(layerFor(Sessions)).toEqualTypeOf<Layer.Layer<Sessions, never, ValkeyClient>>()
  expectTypeOf(layerFor(Sessions, { version: 2 })).toEqualTypeOf<Layer.Layer<Sessions, CacheInputError, ValkeyClient>>()
  expectTypeOf(CacheLive).toMatchTypeOf<Layer.Layer<CacheService, never, ValkeyClient>>()
  expectTypeOf(CacheMemory).toMatchTypeOf<Layer.Layer<CacheService>>()
  expectTypeOf(CacheLive.layer({ prefix: "p", policies: [Metrics.policy()] })).toEqualTypeOf<
    Layer.Layer<CacheService, CacheInputError, ValkeyClient>
  >()
  expectTypeOf(CacheMemory.layer()).toEqualTypeOf<Layer.Layer<CacheService, CacheInputError>>()
  expectTypeOf(ValkeyMemory.layer()).toEqualTypeOf<Layer.Layer<ValkeyClient>>()
  expectTypeOf(ValkeyStandalone.layer({ url: "valkey://h" })).toEqualTypeOf<Layer.Layer<ValkeyClient, CommandError>>()
  const ring = ValkeyRing.layer({
    urls: ["valkey://a", { url: Redacted.make("valkey://b"), weight: 2 }],
    whenDown: "next"
  })
  expectTypeOf(ring).toEqualTypeOf<Layer.Layer<ValkeyClient, CommandError>>()
  expectTypeOf<ReturnType<NonNullable<ValkeyClientShape["serverOf"]>>["node"]>().toEqualTypeOf<string>()
  // @ts-expect-error -- a server has one URL
  void (() => ValkeyRing.layer({ urls: [{ urls: ["valkey://a"] }] }))
  // @ts-expect-error -- a second client is that of ValkeyFallback
  void (() => ValkeyRing.layer({ urls: ["valkey://a"], whenDown: "second" }))
  // @ts-expect-error -- only a ring has several servers of which each is known
  void ((client: ValkeyClientShape) => client.serverOf("k"))
  expectTypeOf<CacheInputError["_tag"]>().toEqualTypeOf<"CacheInputError">()

  assert.deepStrictEqual(
    Effect.runSync(Effect.provide(program as Effect.Effect<unknown, CacheError, CacheService>, CacheMemory)),
    Option.none()
  )
})
