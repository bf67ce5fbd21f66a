import { Deferred, Effect, Fiber } from "effect"
import { joining } from "./joining.ts"

/**
 * What twenty calls fail with, five at a time, by turns at once and one after the other. The first five have joined the lookup
 * `waits` times when the gate opens: reads may take another connection than stores, and all wait before there is something to read.
 */
export const twentyFailures = Effect.fnUntraced(function* <A, E, R, E2, R2>(
  call: Effect.Effect<A, E, R>,
  gate: Deferred.Deferred<void>,
  waits: number,
  stored: Effect.Effect<void, E2, R2>
) {
  const joined = yield* joining
  const failures: Array<E> = []
  for (let i = 0; i < 4; i++) {
    const calls = yield* Effect.forkChild(
      Effect.all(
        Array.from({ length: 5 }, () => Effect.flip(call)),
        { concurrency: i % 2 === 0 ? "unbounded" : 1 }
      )
    )
    if (i === 0) yield* joined(waits)
    yield* Deferred.succeed(gate, undefined)
    failures.push(...(yield* Fiber.join(calls)))
    yield* stored
  }
  return failures
})
