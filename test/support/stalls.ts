/** How long the event loop stood still: a process cannot answer for what the machine does with others meanwhile. */
import { Effect, type Scope } from "effect"

export interface Stalls {
  /** Milliseconds of all stalls since then. */
  readonly since: (from: number) => number
}

const every = 10

/** What a timer is late by itself. */
const usual = 5

export const watchStalls: Effect.Effect<Stalls, never, Scope.Scope> = Effect.gen(function* () {
  const stalls: Array<{ readonly at: number; readonly millis: number }> = []
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    const millis = now - last - every
    last = now
    if (millis < usual) return
    stalls.push({ at: now, millis })
    if (stalls.length > 20_000) stalls.splice(0, 10_000)
  }, every)
  yield* Effect.addFinalizer(() => Effect.sync(() => clearInterval(timer)))
  return {
    since: (from) => {
      let sum = Math.max(0, performance.now() - last - every)
      for (let i = stalls.length - 1; i >= 0 && stalls[i]!.at >= from; i--) sum += stalls[i]!.millis
      return sum
    }
  }
})
