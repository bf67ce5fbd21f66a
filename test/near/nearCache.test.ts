/** Reads through a near cache whose replies take time. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import { type CacheError, ValkeyMemory } from "effect-vcache"
import { cacheOver } from "../support/cacheOver.ts"

/** A near cache of one entry, and a read of its key `k`. Replies to reads take so many milliseconds: the first, and those after it. */
const nearCache = (...delays: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const client = yield* ValkeyMemory.make()
    let asked = 0
    const slow: typeof client = {
      ...client,
      tracked: (keys, options) =>
        Effect.tap(client.tracked(keys, options), () => Effect.sleep(delays[asked++] ?? delays.at(-1)!))
    }
    const cache = yield* cacheOver(slow, { prefix: "n", near: { maxEntries: 1 } })
    const read = Effect.forkChild(cache.get("k"), { startImmediately: true })
    return { cache, read, asked: () => asked }
  })

describe("a read that joins another one", () => {
  it.effect("is given its value, and never after the end of that value's lifetime", () =>
    Effect.gen(function* () {
      const { cache, read } = yield* nearCache(100)
      yield* cache.set("k", 1, { timeToLive: 50 })
      const asking = yield* read
      yield* TestClock.adjust(30)
      const joined = yield* read
      yield* TestClock.adjust(30)
      const tooLate = yield* read
      yield* TestClock.adjust(200)
      const found = yield* Effect.forEach([asking, joined, tooLate], (fiber) => Fiber.join(fiber))
      assert.deepStrictEqual(found, [Option.some(1), Option.some(1), Option.none()])
    })
  )

  it.effect("asks again where a later reply had been read before it came", () =>
    Effect.gen(function* () {
      const { asked, cache, read } = yield* nearCache(100, 10)
      yield* cache.set("k", 1)
      const first = yield* read
      const second = yield* Effect.forkChild(cache.getMany(["k", "other"]), { startImmediately: true })
      yield* TestClock.adjust(20)
      yield* Fiber.join(second)
      // What was kept of it has made room for the other key.
      const late = yield* read
      yield* TestClock.adjust(200)
      assert.deepStrictEqual(yield* Effect.forEach([first, late], (fiber) => Fiber.join(fiber)), [
        Option.some(1),
        Option.some(1)
      ])
      assert.strictEqual(asked(), 3)
    })
  )
})

describe("a key that is none", () => {
  it.effect("is refused, however many keys are near", () =>
    Effect.gen(function* () {
      const client = yield* ValkeyMemory.make()
      const cache = yield* cacheOver(client, { prefix: "n", near: {} })
      const values = Array.from({ length: 5000 }, (_, i) => [`key ${i}`, i] as const)
      yield* cache.setMany(Object.fromEntries(values))
      yield* cache.getMany(values.map(([key]) => key))
      const state = yield* cache.near
      assert.strictEqual(state._tag === "Live" ? state.entries : 0, 5000)
      for (const key of ["", "\ud800", Number.NaN, undefined]) {
        // @ts-expect-error Programs without types pass anything.
        const read: Effect.Effect<unknown, CacheError> = cache.get(key)
        assert.strictEqual((yield* Effect.flip(read))._tag, "CacheInputError")
      }
    })
  )
})
