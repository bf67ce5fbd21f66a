/** Semaphores: so many permits for all processes together. */
import type { Effect, Scope } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { LockLost, LockUnavailable } from "../../schema/LockError.ts"
import type { HeldLease, LeaseOptions } from "./HeldLease.ts"

/** The options of `semaphore`. `permits` is required. */
export interface SemaphoreOptions extends LeaseOptions {
  /** Total permits. Every caller should pass the same number; each call is checked against its own. */
  readonly permits: number
}

/**
 * First come, first served, whatever the weight: who waits at the head holds back those behind him, though they would fit.
 * Permits of dead holders come back when their lease ends; a dead waiter's place is free after
 * as long, 15 seconds at most.
 */
export interface CacheSemaphore {
  /** So many permits, held for the scope. */
  readonly acquire: (count: number) => Effect.Effect<HeldLease, CommandError | LockUnavailable, Scope.Scope>
  /** Runs the effect with so many permits; interrupts it and fails with `LockLost` if they are lost. */
  readonly withPermits: (
    count: number
  ) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | CommandError | LockUnavailable | LockLost, R>
  /** How many nobody holds now. */
  readonly available: Effect.Effect<number, CommandError>
}
