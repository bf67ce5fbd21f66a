/** Work on many things in a time that a page can take. */
import { Clock, Effect } from "effect"

/** Things of which one after the other is begun for so many milliseconds. */
const patience = 10_000
const atOnce = 20

/** What becomes of each; undefined where the time was over before it was begun. */
export const inTime = <A, B, E>(
  items: ReadonlyArray<A>,
  use: (item: A) => Effect.Effect<B, E>
): Effect.Effect<ReadonlyArray<B | undefined>, E> =>
  Effect.flatMap(Clock.currentTimeMillis, (begin) =>
    Effect.forEach(
      items,
      (item) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          now - begin < patience ? use(item) : Effect.succeed(undefined)
        ),
      { concurrency: atOnce }
    )
  )
