/**
 * Operations at a steady rate, with what became of each. Times are those of `ownTime`, unless another clock is given.
 * What they read and write are the values of `signed.ts`, which know whose they are.
 */
import { Effect, Fiber, Result, type Scope } from "effect"
import type { CacheError } from "effect-vcache"
import { ownTime } from "./ownTime.ts"
import { pause } from "./pause.ts"
import { bounded } from "./until.ts"

export interface Outcome<A> {
  readonly index: number
  /** Milliseconds from the start of the load. */
  readonly startedAt: number
  readonly millis: number
  readonly result: Result.Result<A, CacheError>
}

export interface Load<A> {
  /** What became of those that have ended. */
  readonly outcomes: ReadonlyArray<Outcome<A>>
  /** Starts no more, and waits for all that have started; a value that is not the caller's fails the test here. */
  readonly stop: Effect.Effect<ReadonlyArray<Outcome<A>>>
  readonly now: () => number
}

/** Starts one operation each `every` milliseconds, whether or not those before it have ended. */
export const startLoad = <A>(
  every: number,
  operation: (index: number) => Effect.Effect<A, CacheError>,
  clock: () => number = ownTime
): Effect.Effect<Load<A>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const outcomes: Array<Outcome<A>> = []
    const fibers: Array<Fiber.Fiber<void>> = []
    const started = clock()
    const now = () => clock() - started
    let isRunning = true
    const one = (index: number) =>
      Effect.suspend(() => {
        const startedAt = now()
        return Effect.map(Effect.result(operation(index)), (result) => {
          outcomes.push({ index, startedAt, millis: now() - startedAt, result })
        })
      })
    const scope = yield* Effect.scope
    const generator = yield* Effect.forkIn(
      Effect.gen(function* () {
        for (let index = 0; isRunning; index++) {
          fibers.push(yield* Effect.forkIn(one(index), scope))
          yield* pause(every)
        }
      }),
      scope
    )
    return {
      outcomes,
      now,
      stop: Effect.gen(function* () {
        isRunning = false
        yield* Fiber.join(generator)
        yield* bounded(
          "every operation of the load to end",
          Fiber.joinAll(fibers),
          () => `${outcomes.length} of ${fibers.length} have ended`
        )
        return outcomes
      })
    }
  })

export const failures = <A>(outcomes: ReadonlyArray<Outcome<A>>): ReadonlyArray<CacheError> =>
  outcomes.flatMap(({ result }) => (Result.isFailure(result) ? [result.failure] : []))

export const slowest = <A>(outcomes: ReadonlyArray<Outcome<A>>): number =>
  outcomes.reduce((most, { millis }) => Math.max(most, millis), 0)

/**
 * The longest time in which no operation succeeded, from the start of one to the start of the next that did, or of the last one
 * where none did any more.
 */
export const longestGap = <A>(outcomes: ReadonlyArray<Outcome<A>>): number => {
  const inOrder = outcomes.toSorted((a, b) => a.startedAt - b.startedAt)
  const marks = inOrder
    .filter(({ result }, i) => Result.isSuccess(result) || i === inOrder.length - 1)
    .map(({ startedAt }) => startedAt)
  return marks.slice(1).reduce((most, at, i) => Math.max(most, at - marks[i]!), 0)
}
