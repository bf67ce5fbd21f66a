import { Effect } from "effect"
import { TestClock } from "effect/testing"

/** Real time, whatever clock the test has. */
export const pause = (millis: number): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const timer = setTimeout(() => resume(Effect.void), millis)
    return Effect.sync(() => clearTimeout(timer))
  })

/** The same by both clocks: servers go by the real one, what is stored by the test's. */
export const passBoth = (millis: number): Effect.Effect<void> => Effect.andThen(pause(millis), TestClock.adjust(millis))
