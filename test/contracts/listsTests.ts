/** What several lists at once do on every topology: a part of the contract of structures, whose servers it shares. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Fiber, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import { type CacheError, CacheService, Cipher } from "effect-vcache"
import { keyOf } from "../support/formats.ts"
import { fresh } from "../support/freshCache.ts"
import { hasSlots } from "../support/hasSlots.ts"
import { until } from "../support/until.ts"

const none = Option.none()
const popped = (key: string, ...values: ReadonlyArray<unknown>) => Option.some({ key, values })

export const listsTests = (it: Vitest.MethodsNonLive<CacheService>): void => {
  it.effect("several lists: the first that has something gives it", () =>
    Effect.gen(function* () {
      const cache = yield* fresh()
      const lists = cache.lists(["{l}a", "{l}b", "{l}a"])
      assert.deepStrictEqual(yield* lists.pop(), none)
      yield* cache.list("{l}b").pushRight(1, "two", { n: 3 })
      assert.deepStrictEqual(yield* lists.pop(), popped("{l}b", 1))
      yield* cache.list("{l}a").pushRight("first", "last")
      assert.deepStrictEqual(yield* lists.pop({ from: "right" }), popped("{l}a", "last"))
      assert.deepStrictEqual(yield* lists.pop({ timeout: "1 minute" }), popped("{l}a", "first"))
      assert.deepStrictEqual(yield* lists.pop({ count: 9, from: "right" }), popped("{l}b", { n: 3 }, "two"))
      assert.deepStrictEqual(yield* lists.pop({ count: 2 }), none)

      yield* cache.list("{l}a", { version: 2 }).pushRight(7)
      assert.deepStrictEqual(yield* cache.lists(["{l}a"], { version: 2 }).pop(), popped("{l}a", 7))
      const secret = yield* fresh({ cipher: Cipher.aes256gcm([keyOf(3)]) })
      yield* secret.list("{l}b").pushRight("hidden")
      assert.deepStrictEqual(yield* secret.lists(["{l}a", "{l}b"]).pop(), popped("{l}b", "hidden"))
      const [inQueue] = yield* cache.pipeline((queue) => [queue.lists(["{l}a", "{l}b"]).pop({ count: 3 })])
      assert.deepStrictEqual(inQueue, none)
    })
  )

  it.effect("several lists: who waits is given what comes to any of them, in order, and each element once", () =>
    TestClock.withLive(
      Effect.gen(function* () {
        const cache = (yield* fresh()).withSchema(Schema.Int)
        const lists = cache.lists(["{l}a", "{l}b"])
        assert.deepStrictEqual(yield* lists.pop({ timeout: "50 millis" }), none)
        const waiting = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(lists.pop({ timeout: "1 minute" })))
        yield* Effect.sleep("50 millis")
        yield* cache.list("{l}b").pushRight(1)
        yield* cache.list("{l}a").pushRight(2, 3)
        const taken = yield* Fiber.joinAll(waiting)
        assert.sameMembers(
          taken.flatMap((found) => Option.getOrThrow(found).values),
          [1, 2, 3]
        )
        // Longer than one step.
        const patient = yield* Effect.forkChild(lists.pop({ timeout: "Infinity", count: 5 }))
        yield* Effect.sleep("1200 millis")
        yield* cache.list("{l}b").pushRight(4, 5)
        assert.deepStrictEqual(yield* Fiber.join(patient), popped("{l}b", 4, 5))
      })
    )
  )

  it.effect("several lists: whoever gives up leaves what comes where it was", () =>
    TestClock.withLive(
      Effect.gen(function* () {
        const cache = (yield* fresh()).withSchema(Schema.Int)
        const [a, b] = [cache.list("{l}a"), cache.list("{l}b")]
        for (const from of ["left", "right"] as const) {
          const waiting = yield* Effect.forkChild(
            cache.lists(["{l}b", "{l}a"]).pop({ from, count: 2, timeout: "Infinity" })
          )
          yield* Effect.sleep("50 millis")
          yield* Fiber.interrupt(waiting)
          yield* a.pushRight(1, 2, 3)
          yield* Effect.sleep("100 millis")
          yield* until("three elements", a.range(), (all) => all.length === 3)
          assert.deepStrictEqual(yield* a.range(), [1, 2, 3])
          assert.strictEqual(yield* b.size, 0)
          yield* cache.delete("{l}a")
        }
      })
    )
  )

  it.effect("several lists: one slot of a cluster or a typed error; bad input and other types", () =>
    Effect.gen(function* () {
      const cache = yield* fresh()
      for (const timeout of [0, "100 millis"] as const) {
        const apart = yield* Effect.result(cache.lists(["a", "b", "c", "d"]).pop({ timeout })).pipe(TestClock.withLive)
        if (hasSlots(cache.client)) {
          assert.strictEqual(apart._tag === "Failure" && apart.failure._tag, "CacheUnsupportedError")
        } else assert.deepStrictEqual(apart._tag === "Success" && apart.success, none)
      }
      const bad: ReadonlyArray<Effect.Effect<unknown, CacheError>> = [
        cache.lists([]).pop(),
        cache.lists([""]).pop(),
        cache.lists(["a"], { version: 0.5 }).pop(),
        cache.lists(["a"]).pop({ count: 0 }),
        cache.lists(["a"]).pop({ timeout: Number.NaN })
      ]
      for (const operation of bad) assert.strictEqual((yield* Effect.flip(operation))._tag, "CacheInputError")
      yield* cache.hash("value").set("f", 1)
      for (const timeout of [0, "1 minute"] as const) {
        const misplaced = TestClock.withLive(cache.lists(["value"]).pop({ timeout }))
        assert.deepInclude(yield* Effect.flip(misplaced), { code: "WRONGTYPE" })
      }
    })
  )
}
