/** Works on many items, for no longer than a visitor waits for a page. */
import { Clock, Effect } from "effect"

/** Milliseconds after which no further item is begun. */
const patience = 10_000
const atOnce = 20

/** The result for each item; undefined for an item that was not begun in time. */
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
