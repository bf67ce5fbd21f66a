import { Effect } from "effect"

/** Real time, whatever clock the test has. */
export const pause = (millis: number): Effect.Effect<void> =>
  Effect.promise(() => new Promise((resolve) => setTimeout(resolve, millis)))
