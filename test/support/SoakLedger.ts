/** What a soak has seen of one topology: how operations ended, and what must not have happened. */
import { Effect, Result } from "effect"
import { type CacheError, isTransient, type LockLost, type LockUnavailable } from "effect-vcache"
import { slack } from "./faults.ts"
import type { Stalls } from "./stalls.ts"

export type SoakViolation =
  /** A value of another key, or older than one that was confirmed, or never written. */
  | "wrong"
  /** A failure that is none of servers that come and go. */
  | "unexpected"
  /** An operation that took longer than its deadline. */
  | "late"
  /** Confirmed and gone, though nothing had happened that loses. */
  | "lost"
  /** Two holders of a lock at a time, or a fence that did not grow. */
  | "lock"
  /** An entry that a follower or a consumer was not given, or was given out of order. */
  | "skipped"

/** From a little before a fault that loses what was confirmed, to when all servers were in step again. */
interface LossyTime {
  readonly fault: string
  readonly from: number
  to: number
}

/** Milliseconds that replication may be behind. */
const lag = 1000

export class SoakLedger {
  operations = 0
  succeeded = 0
  readonly failed: Record<string, number> = {}
  readonly faults: Record<string, number> = {}
  /** The longest of each operation, in milliseconds. */
  readonly slowest: Record<string, number> = {}
  readonly violations: Record<SoakViolation, number> = {
    wrong: 0,
    unexpected: 0,
    late: 0,
    lost: 0,
    lock: 0,
    skipped: 0
  }
  readonly examples: Array<string> = []
  /** Figures of the workloads, such as entries and acquisitions. */
  readonly figures: Record<string, number> = {}
  readonly stalls: Stalls
  lastFault = "nothing"
  readonly #lossy: Array<LossyTime> = []

  constructor(stalls: Stalls) {
    this.stalls = stalls
  }

  violation(kind: SoakViolation, what: string): void {
    if (++this.violations[kind] <= 5) this.examples.push(`${kind}: ${what}`)
  }

  count(figure: string, by = 1): void {
    this.figures[figure] = (this.figures[figure] ?? 0) + by
  }

  /** Runs it, and says how it ended. `deadline`: milliseconds it may take. */
  run<A>(
    name: string,
    deadline: number,
    operation: Effect.Effect<A, CacheError | LockLost | LockUnavailable>
  ): Effect.Effect<Result.Result<A, CacheError | LockLost | LockUnavailable>> {
    return Effect.suspend(() => {
      const since = performance.now()
      this.operations++
      return Effect.map(Effect.result(operation), (result) => {
        const took = performance.now() - since
        this.slowest[name] = Math.max(this.slowest[name] ?? 0, Math.round(took))
        if (took - this.stalls.since(since) > deadline + slack)
          this.violation("late", `${name} took ${Math.round(took)} ms`)
        if (Result.isSuccess(result)) this.succeeded++
        else this.#onFailure(name, result.failure)
        return result
      })
    })
  }

  /** Makes a fault; what was confirmed meanwhile may be lost where the fault loses. */
  during<A>(name: string, loses: boolean, fault: Effect.Effect<A>): Effect.Effect<A> {
    return Effect.suspend(() => {
      this.lastFault = name
      this.faults[name] = (this.faults[name] ?? 0) + 1
      const time = { fault: name, from: performance.now() - lag, to: Infinity }
      if (loses) this.#lossy.push(time)
      return Effect.ensuring(
        fault,
        Effect.sync(() => (time.to = performance.now()))
      )
    })
  }

  /** The fault by which what was confirmed then may be lost. */
  lossAt(from: number, to = from): string | undefined {
    return this.#lossy.find((time) => from <= time.to && to >= time.from)?.fault
  }

  #onFailure(name: string, error: CacheError | LockLost | LockUnavailable): void {
    const detail = "phase" in error ? error.phase : "code" in error ? error.code : ""
    const known = `${error._tag} ${detail}`.trim()
    this.failed[known] = (this.failed[known] ?? 0) + 1
    if (error._tag === "LockLost" || error._tag === "LockUnavailable") return
    if (!isTransient(error) || ("code" in error && error.code === "PROTOCOL"))
      this.violation("unexpected", `${name}: ${error.message}`)
  }
}

/** Whether a failed write may have been applied. */
export const mayHaveExecuted = (error: CacheError | LockLost | LockUnavailable): boolean =>
  "mayHaveExecuted" in error && error.mayHaveExecuted
