/** Waits that end: with what was waited for, or with an error that says what was seen instead. */
import { inspect } from "node:util"
import { Effect } from "effect"
import { pause } from "./pause.ts"

/** Milliseconds after which what did not come will not come: far more than a loaded machine needs, and less than a test has. */
const patience = 30_000

export interface Waiting {
  /** Milliseconds between two looks. Default 10. */
  readonly every?: number
  /** Milliseconds. Default 30 000. */
  readonly atMost?: number
}

/** Fails the test unless the effect ends in time. `seen` is shown then. */
export const bounded = <A, E, R>(
  what: string,
  effect: Effect.Effect<A, E, R>,
  seen: () => unknown = () => "nothing",
  atMost = patience
): Effect.Effect<A, E, R> =>
  Effect.raceFirst(
    effect,
    Effect.andThen(
      pause(atMost),
      Effect.suspend(() => Effect.die(lateness(what, seen(), atMost)))
    )
  )

/** Looks again and again until it sees what is waited for. A look that fails as a defect is one that saw nothing yet. */
export const until = <A, E, R>(
  what: string,
  look: Effect.Effect<A, E, R>,
  isIt: (seen: A) => boolean,
  { atMost, every = 10 }: Waiting = {}
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    let last: unknown = "nothing"
    const again: Effect.Effect<A, E, R> = Effect.gen(function* () {
      for (;;) {
        const seen = yield* Effect.map(look, (value) => ({ value })).pipe(
          Effect.catchDefect((defect) => {
            last = defect
            return Effect.succeed(undefined)
          })
        )
        if (seen !== undefined) {
          if (isIt(seen.value)) return seen.value
          last = seen.value
        }
        yield* pause(every)
      }
    })
    return bounded(what, again, () => last, atMost)
  })

/** Does what `until` does, for tests whose looks are functions and Promises. */
export const soon = (what: string, isSo: () => boolean | Promise<boolean>): Promise<boolean> =>
  Effect.runPromise(
    until(
      what,
      Effect.promise(async () => isSo()),
      (seen) => seen
    )
  )

/** Does what `bounded` does, for Promises. */
export const inTime = async <A>(
  what: string,
  promise: Promise<A>,
  seen: () => unknown = () => "nothing",
  atMost = patience
): Promise<A> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(lateness(what, seen(), atMost)), atMost)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

const lateness = (what: string, seen: unknown, millis: number): Error => {
  const shown = typeof seen === "string" ? seen : inspect(seen, { depth: 4 })
  return new Error(`Waited ${millis / 1000} s for ${what}. What was seen: ${shown.slice(0, 2000)}`)
}
