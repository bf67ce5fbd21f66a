/** The places of a program where operations begin: what one of them writes may overtake what another has still to send. */
import { stat } from "node:fs"
import { Effect } from "effect"

export type Begin = (start: () => void) => void

export const beginnings: Readonly<Record<string, Begin>> = {
  /** In the middle of whatever runs, such as another operation's reply. */
  atOnce: (start) => start(),
  microtask: (start) => queueMicrotask(start),
  promise: (start) => void Promise.resolve().then(start),
  awaiting: async (start) => {
    await undefined
    await undefined
    await undefined
    start()
  },
  tick: (start) => process.nextTick(start),
  immediate: (start) => void setImmediate(start),
  timer: (start) => void setTimeout(start, 0),
  later: (start) => void setTimeout(start, Math.random() * 5),
  input: (start) => stat("/", start),
  fiber: (start) => void Effect.runFork(Effect.andThen(Effect.yieldNow, Effect.sync(start))),
  sleepingFiber: (start) => void Effect.runFork(Effect.andThen(Effect.sleep(1), Effect.sync(start)))
}
