/**
 * A storm: operations of every kind begin in every place where a program can begin one, many at a time, while servers
 * fail. Every value names its key and its writer, so that a reply which reaches the wrong caller is found.
 */
import { Effect, Exit, Fiber, Cause, Option, type Scope } from "effect"
import type { CacheError, TypedCache } from "effect-vcache"
import { beginnings } from "./beginnings.ts"
import { NamedValues } from "./NamedValues.ts"
import { slack } from "./faults.ts"
import { pause } from "./pause.ts"
import { watchStalls } from "./stalls.ts"
import { isOrdinary, listen, type StormOperation, stormOperations } from "./stormOperations.ts"

export interface StormOptions {
  /** Values to check. */
  readonly reads: number
  /** Chains of operations, each of which begins the next few when the last few have ended. Default 40. */
  readonly width?: number | undefined
  /** Each makes a fault and mends it; one after the other, round and round. */
  readonly faults?: ReadonlyArray<Effect.Effect<unknown>> | undefined
  /** Milliseconds without a fault in between. Default 150. */
  readonly calm?: number | undefined
  /** Go on until each fault has been made so often. Default 1. */
  readonly rounds?: number | undefined
  /** The cache's `commandTimeout` in milliseconds. */
  readonly commandTimeout: number
  /** Milliseconds that a command may take beyond it. Default 0. */
  readonly standIn?: number | undefined
  /** Milliseconds after which it ends though less was read. Default 50 000. */
  readonly atMost?: number | undefined
}

export interface StormReport {
  /** Values and replies that were found to be of the key asked for. */
  readonly checked: number
  readonly missing: number
  readonly operations: number
  readonly failed: Readonly<Record<string, number>>
  readonly faults: number
  /** Milliseconds beyond the deadline by which the latest operation was late, less what the event loop stood still. */
  readonly latest: number
  readonly seconds: number
  /** Must all be 0. */
  readonly violations: Readonly<Record<Violation, number>>
  readonly examples: ReadonlyArray<string>
}

type Violation =
  /** Values and replies that belonged to somebody else. */
  | "wrong"
  /** Failures which say that replies had been mixed up. */
  | "mixedUp"
  /** Failures of no known type. */
  | "untyped"
  /** Operations that ended long after their deadline, or never. */
  | "late"

export const storm = (
  cache: TypedCache<unknown>,
  options: StormOptions
): Effect.Effect<StormReport, never, Scope.Scope> =>
  Effect.gen(function* () {
    const {
      atMost = 50_000,
      calm = 150,
      commandTimeout,
      faults = [],
      reads,
      rounds = 1,
      standIn = 0,
      width = 40
    } = options
    const violations: Record<Violation, number> = { wrong: 0, mixedUp: 0, untyped: 0, late: 0 }
    const examples: Array<string> = []
    const violation = (kind: Violation, what: string) => {
      violations[kind]++
      if (examples.length < 8) examples.push(`${kind}: ${what}`.slice(0, 300))
    }
    const values = new NamedValues((what) => violation("wrong", what))
    const operations = Object.entries(stormOperations(cache, values, "storm"))
    const lottery = operations.flatMap(([name, operation]) =>
      Array.from({ length: operation.weight }, () => [name, operation] as const)
    )
    const starts = Object.values(beginnings)
    const failed: Record<string, number> = {}
    const running = new Map<number, { readonly name: string; readonly since: number }>()
    let count = 0
    let made = 0
    let latest = 0
    let depth = 0
    let isRunning = true
    const started = performance.now()
    const stalls = yield* watchStalls

    const pick = <A>(from: ReadonlyArray<A>): A => from[Math.floor(Math.random() * from.length)]!

    const fail = (name: string, cause: Cause.Cause<CacheError>) => {
      const error = Option.getOrUndefined(Cause.findErrorOption(cause))
      if (error === undefined) return violation("untyped", `${name} ended with ${Cause.pretty(cause).slice(0, 500)}`)
      const code = "code" in error && error.code !== undefined ? error.code : "phase" in error ? error.phase : ""
      const known = `${error._tag} ${code}`
      failed[known] = (failed[known] ?? 0) + 1
      if (!isOrdinary(error)) violation("mixedUp", `${name} failed with ${known}: ${error.message}`)
    }

    const run = (name: string, operation: StormOperation, then: (succeeded: boolean) => void) => {
      const id = count++
      const since = performance.now()
      running.set(id, { name, since })
      Effect.runCallback(operation.run, {
        onExit: (exit) => {
          running.delete(id)
          const late =
            performance.now() - since - operation.deadlines * (commandTimeout + standIn) - stalls.since(since)
          latest = Math.max(latest, late)
          if (late > slack) violation("late", `${name} ended ${Math.round(late)} ms late`)
          if (Exit.isFailure(exit)) fail(name, exit.cause)
          then(Exit.isSuccess(exit))
        }
      })
    }

    /** What was to be read until the present fault is over has been read: a fault that takes long keeps the machine less busy. */
    const isAhead = () => values.checked * rounds * faults.length > reads * (made + 1)

    /** Some operations at once, where a program may begin them; then the next ones. */
    const chain = () => {
      if (!isRunning) return
      let left = 1 + Math.floor(Math.random() * 8)
      let succeeded = true
      const then = (success: boolean) => {
        succeeded &&= success
        if (--left > 0 || !isRunning) return
        // Without a server everything fails at once.
        if (!succeeded) setTimeout(chain, 1 + Math.random() * 10)
        else if (isAhead()) setTimeout(next, 50 + Math.random() * 50)
        else next()
      }
      depth++
      for (let i = left; i > 0; i--) run(...pick(lottery), then)
      depth--
    }
    const next = () => (depth > 20 ? setImmediate(chain) : pick(starts)(chain))
    for (let i = 0; i < width; i++) next()

    const listener = yield* Effect.forkChild(listen(cache, values, "channel"))
    const speaker = yield* Effect.forkChild(
      Effect.forever(
        Effect.andThen(
          Effect.ignore(
            Effect.suspend(() => cache.client.send("PUBLISH", ["channel", values.next("channel", "speaker")]))
          ),
          pause(5)
        )
      )
    )
    const weather = yield* Effect.forkChild(
      Effect.gen(function* () {
        while (faults.length > 0) {
          yield* pause(calm)
          yield* faults[made % faults.length]!
          made++
        }
      })
    )
    const isOver = () => values.checked >= reads && made >= rounds * faults.length
    while (!isOver() && performance.now() - started < atMost) yield* pause(20)
    const seconds = (performance.now() - started) / 1000
    isRunning = false
    yield* Fiber.interruptAll([listener, speaker, weather])
    // The longest of all deadlines, and as much again.
    const until = performance.now() + 16 * commandTimeout + standIn
    while (running.size > 0 && performance.now() < until) yield* pause(10)
    for (const { name, since } of running.values())
      violation("late", `${name} hangs since ${Math.round(performance.now() - since)} ms`)
    return {
      checked: values.checked,
      missing: values.missing,
      operations: count,
      failed,
      faults: made,
      latest: Math.round(latest),
      seconds,
      violations,
      examples
    }
  })
