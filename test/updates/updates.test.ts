/** Compare-and-set while others write: between the read and the write, in this process and in others. */
import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Option, Schema, SchemaGetter } from "effect"
import { TestClock } from "effect/testing"
import { CacheConflictError, CacheMemory, CacheService, Cipher, isCacheError } from "effect-vcache"
import { keyOf } from "../support/formats.ts"
import { fresh } from "../support/freshCache.ts"

const some = Option.some
const none = Option.none<number>()

it.effect("a write of another between read and write is seen, though it has the same header and the same length", () =>
  Effect.gen(function* () {
    const cache = (yield* fresh({ cipher: Cipher.aes256gcm([keyOf(1)]) })).withSchema(Schema.Number)
    yield* cache.set("k", 1)
    const seen: Array<Option.Option<number>> = []
    yield* cache.update("k", (current) => {
      if (seen.length === 0) Effect.runSync(cache.set("k", 5))
      seen.push(current)
      return Option.map(current, (n) => n + 1)
    })
    assert.deepStrictEqual(seen, [some(1), some(5)])
    assert.deepStrictEqual(yield* cache.get("k"), some(6))
    yield* cache.delete("k")
    yield* cache.update("k", (current) => {
      if (Option.isNone(current)) Effect.runSync(cache.set("k", 7))
      return some(Option.getOrElse(current, () => 0) + 1)
    })
    assert.deepStrictEqual(yield* cache.get("k"), some(8))
    yield* cache.update("k", (current) => {
      if (Option.contains(current, 8)) Effect.runSync(cache.set("k", 9))
      return Option.contains(current, 9) ? current : none
    })
    assert.deepStrictEqual(yield* cache.get("k"), some(9))
  }).pipe(Effect.provide(CacheMemory))
)

it.effect("who meets others again and again fails with CacheConflictError, and has written nothing", () =>
  Effect.gen(function* () {
    const cache = (yield* fresh()).withSchema(Schema.Number)
    let tries = 0
    const lost = cache.update("k", () => {
      Effect.runSync(cache.set("k", ++tries))
      return some(-1)
    })
    const fiber = yield* Effect.forkChild(Effect.flip(lost))
    yield* TestClock.adjust("10 seconds")
    const error = yield* Fiber.join(fiber)
    assert.deepStrictEqual(error, new CacheConflictError({ operation: "update", key: "k", attempts: 100 }))
    assert.isFalse(isCacheError(error))
    assert.strictEqual(tries, 100)
    assert.deepStrictEqual(yield* cache.get("k"), some(100))
    const once = cache.update("k", () => (Effect.runSync(cache.set("k", ++tries)), some(-1)), { attempts: 1 })
    assert.strictEqual((yield* Effect.flip(once))._tag, "CacheConflictError")
  }).pipe(Effect.provide(CacheMemory))
)

it.effect("updates of one key take turns, also when one is interrupted or dies in its turn", () =>
  Effect.gen(function* () {
    const cache = yield* fresh()
    const gate = yield* Deferred.make<void>()
    const slow = Schema.Number.pipe(
      Schema.decodeTo(Schema.Number, {
        decode: SchemaGetter.passthrough(),
        encode: SchemaGetter.transformEffect((n: number) => Effect.as(Deferred.await(gate), n))
      })
    )
    const first = yield* Effect.forkChild(cache.withSchema(slow).update("k", () => some(1)))
    yield* Effect.yieldNow
    const second = yield* Effect.forkChild(cache.update("k", () => some(2)))
    const other = yield* cache.update("other", () => some(3))
    assert.deepStrictEqual(other, some(3))
    assert.isUndefined(second.pollUnsafe())
    yield* Fiber.interrupt(first)
    assert.deepStrictEqual(yield* Fiber.join(second), some(2))
    const died = yield* Effect.exit(
      cache.update("k", () => {
        throw new Error("mine")
      })
    )
    assert.isTrue(Exit.hasDies(died))
    assert.deepStrictEqual(yield* cache.update("k", () => some(4)), some(4))
  }).pipe(Effect.provide(CacheMemory))
)

it.effect("a lookup that is under way does not store over an update, and one that is claimed gives way to it", () =>
  Effect.gen(function* () {
    const cache = yield* fresh()
    for (const singleFlight of ["process", "cluster"] as const) {
      const gate = yield* Deferred.make<void>()
      const lookup = Effect.as(Deferred.await(gate), "old")
      const caller = yield* Effect.forkChild(cache.getOrSet(singleFlight, lookup, { singleFlight }))
      for (let i = 0; i < 20; i++) yield* Effect.yieldNow
      assert.deepStrictEqual(
        yield* cache.update(
          singleFlight,
          Option.orElse(() => some("new"))
        ),
        some("new")
      )
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Fiber.join(caller), "old")
      for (let i = 0; i < 20; i++) yield* Effect.yieldNow
      assert.deepStrictEqual(yield* cache.get(singleFlight), some("new"))
    }
  }).pipe(Effect.provide(CacheMemory))
)

it("update runs under runSync", () => {
  const program = Effect.gen(function* () {
    const cache = yield* CacheService
    yield* cache.update("k", () => some(1))
    return yield* cache.setIf("k", some(1), 2)
  })
  assert.isTrue(Effect.runSync(Effect.provide(program, CacheMemory)))
})
