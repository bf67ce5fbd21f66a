/** What memoised functions do on every topology: a part of the contract of lookups, whose servers it shares. */
import { assert, describe, type Vitest } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Option, Schema } from "effect"
import type { CacheService } from "effect-vcache"
import { fresh } from "../support/freshCache.ts"
import { joining } from "../support/joining.ts"
import { stored } from "../support/stored.ts"

const Point = Schema.Struct({ x: Schema.Int, at: Schema.Date })

class Offset extends Context.Service<Offset, { readonly by: number }>()("test/Offset") {}

export const memoizeTests = (it: Vitest.MethodsNonLive<CacheService>): void => {
  describe("a memoised function", () => {
    it.effect(
      "runs once for each key, until it is invalidated or refreshed, with what it needed where it was made",
      () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const asked: Array<number> = []
          const point = yield* Effect.provideService(
            // Whatever the type of the cache is that it is made of.
            cache.withSchema(Schema.String).memoize({ name: "p:q", key: Schema.Int, value: Point }, (n) =>
              Effect.flatMap(Offset, ({ by }) => {
                asked.push(n)
                return n < 0 ? Effect.fail("negative" as const) : Effect.succeed({ x: n + by, at: new Date(n) })
              })
            ),
            Offset,
            { by: 100 }
          )
          assert.deepStrictEqual(yield* point(1), { x: 101, at: new Date(1) })
          assert.deepStrictEqual(yield* point(1), { x: 101, at: new Date(1) })
          assert.strictEqual(yield* Effect.flip(point(-1)), "negative")
          assert.strictEqual(yield* Effect.flip(point(-1)), "negative")
          assert.deepStrictEqual(asked, [1, -1, -1])
          yield* point.invalidate(1)
          yield* point(1)
          yield* point.refresh(1)
          yield* stored(cache, "p%3Aq:1")
          assert.deepStrictEqual(asked, [1, -1, -1, 1, 1])
          yield* point.set(2, { x: 0, at: new Date(0) })
          assert.deepStrictEqual(
            [...(yield* point.getMany([2, 3])).values()].map(({ x }) => x),
            [0, 103]
          )
          assert.isTrue(Option.isNone(yield* point.getCached(9)))
          yield* stored(cache, "p%3Aq:3")
          assert.strictEqual(yield* point.clear, 3)
        })
    )

    it.effect("runs once for all who call it at the same time", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const gate = yield* Deferred.make<void>()
        let calls = 0
        const slow = yield* cache.memoize({ name: "slow", key: Schema.String, value: Schema.Int }, () =>
          Effect.andThen(
            Deferred.await(gate),
            Effect.sync(() => ++calls)
          )
        )
        const joined = yield* joining
        const all = yield* Effect.forEach(Array.from({ length: 100 }), () => Effect.forkChild(slow("k")))
        yield* joined(99)
        yield* Deferred.succeed(gate, undefined)
        assert.deepStrictEqual(new Set(yield* Effect.forEach(all, Fiber.join)), new Set([1]))
      })
    )

    it.effect("is refused where the cache could not store its results", () =>
      Effect.gen(function* () {
        const cache = yield* fresh()
        const value = Schema.Struct({ [Symbol.for("name")]: Schema.String })
        const options = { name: "f", key: Schema.Int, value }
        const error = yield* Effect.flip(cache.memoize(options, () => Effect.die("nobody asks")))
        assert.strictEqual(error._tag, "CacheInputError")
      })
    )
  })
}
