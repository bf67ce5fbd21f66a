/** Reads through a near cache whose replies take time. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import { ValkeyMemory } from "effect-vcache"
import { cacheOver } from "../support/cacheOver.ts"

/** A near cache, and a read of its key `k`. Replies to reads take so many milliseconds. */
const nearCache = (delay: number) =>
  Effect.gen(function* () {
    const client = yield* ValkeyMemory.make()
    const slow: typeof client = {
      ...client,
      tracked: (keys, options) => Effect.tap(client.tracked(keys, options), Effect.sleep(delay))
    }
    const cache = yield* cacheOver(slow, { prefix: "n", near: {} })
    const read = Effect.forkChild(cache.get("k"), { startImmediately: true })
    return { cache, read }
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
})
