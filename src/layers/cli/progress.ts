/** Shows the progress of long work on the standard error stream, if that is a terminal. */
import { Effect } from "effect"

/** The line overwrites itself, and disappears at the end. */
export const withProgress = <A, E, R>(
  what: string,
  work: (advance: (count: number) => void) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const { stderr } = process
    if (!stderr.isTTY) return work(() => {})
    let done = 0
    const advance = (count: number) => {
      done += count
      stderr.write(`\r${done} ${what}`)
    }
    return Effect.ensuring(
      work(advance),
      Effect.sync(() => stderr.write("\r\x1b[K"))
    )
  })
