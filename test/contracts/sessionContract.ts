/** What sessions do, whatever the cache stands on. What they hold is asked of the primary, by their own operations. */
import { assert, layer } from "@effect/vitest"
import { Duration, Effect, type Layer, Option, Redacted, Schema } from "effect"
import {
  CacheService,
  Cipher,
  type Script,
  Serializer,
  type Session,
  SessionStatus,
  SessionStore,
  type TypedCache
} from "effect-vcache"
import { keyOf } from "../support/formats.ts"
import { fresh } from "../support/freshCache.ts"
import { until } from "../support/until.ts"

const Visitor = Schema.Struct({ user: Schema.String, since: Schema.Date })
const ada = { user: "ada", since: new Date("2026-11-21T00:00:00Z") }
const eve = { ...ada, user: "eve" }

const storeOn = (cache: TypedCache<unknown>, options: Partial<SessionStore.SessionStoreOptions<typeof Visitor>> = {}) =>
  Effect.provideService(SessionStore.make({ data: Visitor, timeToLive: "1 hour", ...options }), CacheService, cache)

const { Ended, Missing } = SessionStatus

/** Asks the primary. */
const remaining: Script = {
  name: "remaining",
  lua: "return redis.call('PTTL', KEYS[1])",
  memory: ({ call }, [key = ""]) => call("PTTL", key)
}

/** The one key there is, once it is seen: scans may go to replicas. */
const onlyKey = (cache: TypedCache<unknown>) =>
  Effect.map(
    until("the key", cache.keys(), ({ length }) => length === 1),
    ([key = ""]) => key
  )

export const sessionContract = (name: string, cacheLayer: Layer.Layer<CacheService, unknown>): void => {
  layer(cacheLayer)(`${name}: sessions`, (it) => {
    it.effect("created, loaded, saved, destroyed; typed", () =>
      Effect.gen(function* () {
        const store = yield* storeOn(yield* fresh())
        const session = yield* store.create(ada)
        assert.strictEqual(Redacted.value(session.id).length, 43)
        assert.deepStrictEqual((yield* store.load(session.id)).pipe(Option.map(({ data }) => data)), Option.some(ada))
        yield* store.save(session.id, eve)
        const found = yield* store.find(session.id)
        assert.isTrue(SessionStatus.$is("Found")(found))
        assert.deepInclude(found, { data: eve })
        assert.isTrue(yield* store.touch(session.id))
        assert.isTrue(yield* store.destroy(session.id))
        assert.isFalse(yield* store.destroy(session.id))
        assert.isFalse(yield* store.touch(session.id))
        assert.deepStrictEqual(yield* store.load(session.id), Option.none())
        // Nobody brings back what was destroyed.
        assert.strictEqual((yield* Effect.flip(store.save(session.id, ada)))._tag, "SessionMissing")
        assert.strictEqual((yield* Effect.flip(store.cycle(session.id)))._tag, "SessionMissing")
        for (const id of ["unknown", "~", "~0", "~zzzzzzzzzzz", "~zzzzzzzzzzzz"]) {
          assert.deepStrictEqual(yield* store.find(Redacted.make(id)), Missing())
        }
      })
    )

    it.effect("settings that are none are refused, and nothing is stored", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const store = yield* storeOn(cache)
        for (const [timeToLive, reason] of [
          [Number.NaN, "timeToLive is not a duration"],
          [0, "timeToLive must be above zero"]
        ] as const) {
          const refusal = { _tag: "CacheInputError", reason } as const
          assert.deepInclude(yield* Effect.flip(store.create(ada, { timeToLive })), refusal)
          assert.deepInclude(yield* Effect.flip(storeOn(cache, { timeToLive })), refusal)
        }
        assert.deepInclude(yield* Effect.flip(storeOn(cache, { handover: "Infinity" })), {
          reason: "handover must be a finite duration"
        })
        assert.deepStrictEqual(yield* cache.keys(), [])
      })
    )

    it.effect("the cache holds no id that somebody could use", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const session = yield* (yield* storeOn(cache)).create(ada)
        const key = yield* onlyKey(cache)
        assert.match(key, /^session:/)
        assert.notInclude(key, Redacted.value(session.id))
        assert.notInclude(JSON.stringify(session), Redacted.value(session.id))
      })
    )

    it.effect("cycled, a session has a new id, and the old one has ended, in every format", () =>
      Effect.gen(function* () {
        for (const options of [
          {},
          { cipher: Cipher.aes256gcm([keyOf(3)]) },
          { serializer: Serializer.msgpack, prefix: "{slot}:sessions" }
        ]) {
          const cache = yield* fresh(options)
          const store = yield* storeOn(cache)
          const before = yield* store.create(ada)
          const after = yield* store.cycle(before.id)
          assert.notStrictEqual(Redacted.value(after.id), Redacted.value(before.id))
          assert.deepStrictEqual(after.data, ada)
          assert.deepStrictEqual(yield* store.find(before.id), Ended())
          assert.deepStrictEqual(yield* store.load(before.id), Option.none())
          assert.isFalse(yield* store.touch(before.id))
          assert.isFalse(yield* store.destroy(before.id))
          for (const late of [store.save(before.id, eve), store.cycle(before.id)]) {
            assert.strictEqual(
              (yield* Effect.flip<unknown, { readonly _tag: string }, never>(late))._tag,
              "SessionMissing"
            )
          }
          assert.deepStrictEqual(yield* store.find(before.id), Ended(), "whatever was tried")
          assert.deepInclude(Option.getOrThrow(yield* store.load(after.id)), { data: ada })
          yield* cache.clear
        }
      })
    )

    it.effect("an end is remembered for the handover, and not longer", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const forgetful = yield* storeOn(cache, { handover: 0 })
        const first = yield* forgetful.create(ada)
        const second = yield* forgetful.cycle(first.id)
        assert.deepStrictEqual(yield* forgetful.find(first.id), Missing())
        const key = yield* onlyKey(cache)
        const store = yield* storeOn(cache, { handover: "1 minute" })
        const third = yield* store.cycle(second.id)
        const left = yield* cache.client.eval(remaining, [cache.makeKey(key)], [])
        assert.isAtMost(Number(left), 60_000)
        assert.isAbove(Number(left), 30_000)
        // For whoever takes it for a value it is nothing.
        assert.deepStrictEqual(yield* cache.getAndDelete(key), Option.none())
        assert.deepStrictEqual(yield* store.find(second.id), Missing())
        assert.isTrue(yield* store.destroy(third.id))
      })
    )

    it.effect("of those who cycle a session at once, one gets it", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const store = yield* storeOn(cache)
        const { id } = yield* store.create(ada)
        const outcomes = yield* Effect.all(
          Array.from({ length: 5 }, () => Effect.option(store.cycle(id))),
          { concurrency: "unbounded" }
        )
        const [winner, ...more] = outcomes.flatMap((outcome: Option.Option<Session<unknown>>) =>
          Option.toArray(outcome)
        )
        assert.strictEqual(more.length, 0)
        assert.isTrue(winner !== undefined && (yield* store.destroy(winner.id)))
        assert.deepStrictEqual(yield* store.find(id), Ended())
      })
    )

    it.effect("data that cannot be decoded is a typed error, and cycling leaves it where it is", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const older = yield* Effect.provideService(
          SessionStore.make({ data: Schema.Struct({ name: Schema.String }), timeToLive: "1 hour" }),
          CacheService,
          cache
        )
        const store = yield* storeOn(cache)
        const { id } = yield* older.create({ name: "ada" })
        const failing: ReadonlyArray<Effect.Effect<unknown, unknown>> = [store.load(id), store.cycle(id)]
        for (const operation of failing) {
          assert.deepInclude(yield* Effect.flip(operation), { _tag: "CacheCodecError" })
        }
        assert.deepInclude(Option.getOrThrow(yield* older.load(id)), { data: { name: "ada" } })
        assert.isTrue(yield* store.destroy(id))
      })
    )

    it.effect("another type under the key is the server's error, and stays", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const store = yield* storeOn(cache)
        const { id } = yield* store.create(ada)
        const key = yield* onlyKey(cache)
        yield* cache.delete(key)
        yield* cache.list(key).pushRight(1)
        const failing: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
          store.load(id),
          store.save(id, eve),
          store.touch(id),
          store.cycle(id),
          store.destroy(id)
        ]
        for (const operation of failing) {
          assert.deepInclude(yield* Effect.flip(operation), { _tag: "CacheServerError", code: "WRONGTYPE" })
        }
        assert.isTrue(yield* cache.delete(key))
      })
    )

    it.effect("sliding ones live longer when they are used, fixed ones do not; a lifetime of one's own stays", () =>
      Effect.gen(function* () {
        for (const expiry of ["sliding", "fixed"] as const) {
          const cache = yield* fresh()
          const store = yield* storeOn(cache, { expiry })
          for (const [timeToLive, millis] of [
            [undefined, 3_600_000],
            ["2 hours", 7_200_000],
            ["5 minutes", 300_000],
            ["Infinity", Infinity]
          ] as const) {
            const { expiresIn, id } = yield* store.create(ada, { timeToLive })
            assert.strictEqual(Duration.toMillis(expiresIn), millis)
            const key = yield* onlyKey(cache)
            const uses: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
              store.load(id),
              store.touch(id),
              store.save(id, ada)
            ]
            for (const use of uses) {
              yield* cache.expire(key, "1 minute")
              yield* use
              const found = yield* cache.session(key).find("keep")
              const rest = SessionStatus.$is("Found")(found) ? Duration.toMillis(found.expiresIn) : 0
              if (expiry === "fixed") assert.isAtMost(rest, 60_000)
              else if (millis === Infinity) assert.strictEqual(rest, millis)
              else {
                assert.isAtMost(rest, millis)
                assert.isAbove(rest, millis - 60_000)
              }
            }
            const next = yield* store.cycle(id)
            const rest = Duration.toMillis(Option.getOrThrow(yield* store.load(next.id)).expiresIn)
            assert.isAtMost(rest, expiry === "fixed" ? 60_000 : millis)
            if (expiry === "sliding") assert.isAbove(rest, millis === Infinity ? 1e15 : millis - 60_000)
            yield* cache.clear
          }
        }
      })
    )

    it.effect("changes by a function lose none of those that are made at once", () =>
      Effect.gen(function* () {
        const entry = (yield* fresh()).withSchema(Schema.Int).session("counted")
        assert.isFalse(yield* entry.update((n) => Effect.succeed(n + 1), "keep"))
        assert.isTrue(yield* entry.create(0, "1 hour"))
        assert.isFalse(yield* entry.create(9, "1 hour"))
        const add = entry.update((n) => Effect.succeed(n + 1), "keep")
        assert.deepStrictEqual(yield* Effect.all([add, add, add], { concurrency: 3 }), [true, true, true])
        assert.deepInclude(yield* entry.find("keep"), { data: 3 })
      })
    )

    it.effect("with a tag end together, wherever they are, and nobody brings them back", () =>
      Effect.gen(function* () {
        for (const options of [{}, { cipher: Cipher.aes256gcm([keyOf(1)]) }]) {
          const cache = (yield* fresh()).withOptions(options)
          const store = yield* storeOn(cache, { expiry: "fixed", tags: ({ user }) => [user, "all"] })
          // Of another process that knows what tags there are, and of one that knows nothing of them.
          const [other, unaware] = [
            yield* storeOn(cache, { expiry: "fixed", tags: () => [] }),
            yield* storeOn(cache, { expiry: "fixed" })
          ]
          const mine = [yield* store.create(ada), yield* store.create(ada, { timeToLive: "30 days" })]
          const hers = yield* store.create(eve)
          yield* store.save(mine[0]!.id, { ...ada, since: new Date(1) })
          const [moved, changed] = [yield* store.create(eve), yield* store.create(eve)]
          yield* store.save(changed.id, ada)
          const cycled = yield* store.cycle((yield* store.create(ada)).id)
          const all = [...mine, changed, cycled]
          for (const { id } of [...all, hers, moved]) {
            assert.isTrue(Option.isSome(yield* store.load(id)))
            assert.isTrue(yield* store.touch(id))
          }
          // A tag of the cache with the same name is another.
          yield* cache.invalidateTags(["ada"])
          assert.isTrue(Option.isSome(yield* store.load(hers.id)))
          assert.isTrue(Option.isSome(yield* store.load(mine[0]!.id)))

          yield* other.destroyTagged(["ada"])
          for (const { id } of all) {
            for (const reader of [store, unaware]) assert.deepStrictEqual(yield* reader.load(id), Option.none())
            // Whoever had found it.
            assert.strictEqual((yield* Effect.flip(store.save(id, eve)))._tag, "SessionMissing")
            assert.strictEqual((yield* Effect.flip(store.cycle(id)))._tag, "SessionMissing")
            assert.isFalse(yield* store.touch(id))
            assert.isFalse(yield* store.destroy(id))
            assert.deepStrictEqual(yield* store.load(id), Option.none())
          }
          assert.isTrue(Option.isSome(yield* store.load(hers.id)))
          const again = yield* store.create(ada)
          assert.isTrue(Option.isSome(yield* store.load(again.id)))
          yield* store.destroyTagged(["all"])
          for (const { id } of [hers, moved, again]) assert.deepStrictEqual(yield* store.load(id), Option.none())
        }
      })
    )

    it.effect("have tags only where they do not slide, and none that are no tags", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        for (const expiry of ["sliding", "browser", undefined] as const) {
          assert.strictEqual((yield* Effect.flip(storeOn(cache, { expiry, tags: () => [] })))._tag, "CacheInputError")
        }
        const plain = yield* storeOn(cache, { expiry: "fixed" })
        assert.strictEqual((yield* Effect.flip(plain.destroyTagged(["a"])))._tag, "CacheInputError")
        const bad = yield* storeOn(cache, {
          expiry: "fixed",
          tags: ({ user }) => Array.from({ length: user === "ada" ? 65 : 1 }, (_, i) => `${i}`)
        })
        assert.strictEqual((yield* Effect.flip(bad.create(ada)))._tag, "CacheInputError")
        const { id } = yield* bad.create(eve)
        assert.strictEqual((yield* Effect.flip(bad.save(id, ada)))._tag, "CacheInputError")
        assert.deepInclude(yield* bad.find(id), { data: eve })
        assert.strictEqual((yield* cache.keys()).length, 1)
      })
    )
  })
}
