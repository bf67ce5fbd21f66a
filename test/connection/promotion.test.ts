/** How long an announced promotion is waited for, by a clock that the test sets. */
import { afterEach, assert, it, vi } from "@effect/vitest"
import { Effect, Result } from "effect"
import { Promotion } from "../../src/layers/connection/sentinel/Promotion.ts"
import { connectionSettings } from "../../src/schema/ConnectionOptions.ts"
import { startPrimary } from "../support/fakePrimaries.ts"

afterEach(() => void vi.useRealTimers())

it.live("ten seconds from the last announcement", () =>
  Effect.gen(function* () {
    let role = "slave"
    const { port } = yield* startPrimary(([name]) =>
      name === "ROLE" ? `*1\r\n$${role.length}\r\n${role}\r\n` : undefined
    )
    let promoted = 0
    const promotion = new Promotion({
      settings: Result.getOrThrow(
        connectionSettings({ username: undefined, password: undefined, database: undefined }, {})
      ),
      greeting: { role: "primary" },
      random: () => 0,
      onPromoted: () => promoted++
    })
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    /** Turns of the event loop, in each of which a quarter of a second passes. */
    const pass = (seconds: number) =>
      Effect.promise(async () => {
        for (let turn = 0; turn < 4 * seconds; turn++) {
          await vi.advanceTimersByTimeAsync(250)
          await new Promise((resolve) => setImmediate(resolve))
        }
      })
    const announce = Effect.sync(() => promotion.announced({ host: "127.0.0.1", port }))
    yield* announce
    yield* pass(8)
    yield* announce
    yield* pass(8)
    role = "master"
    yield* pass(1.5)
    assert.strictEqual(promoted, 1)
    assert.strictEqual(promotion.promoted?.port, port)
    // From then on the sentinels know.
    yield* pass(10)
    assert.isUndefined(promotion.promoted)
  }).pipe(Effect.scoped)
)
