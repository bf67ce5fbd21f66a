/** Locks: one holder at a time, in all processes, for as long as its lease lasts. */
import type { Effect, Scope } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { LockLost, LockUnavailable } from "../../schema/LockError.ts"
import type { HeldLease, LeaseOptions } from "./HeldLease.ts"

export interface LockOptions extends LeaseOptions {}

export interface HeldLock extends HeldLease {
  /** Greater than that of any acquisition before. What stores it with its data can refuse an older holder. */
  readonly fence: bigint
}

/**
 * One key, which the holder's token stands under. It excludes for as long as the server keeps what it was told: a holder
 * that is paused past its lease, or a failover that loses the key, lets two work at a time. Fences tell them apart.
 */
export interface CacheLock {
  /** Held for the scope; released even on interruption. */
  readonly acquire: Effect.Effect<HeldLock, CommandError | LockUnavailable, Scope.Scope>
  /** Runs the effect while holding the lock; interrupts it and fails with `LockLost` if the lock is lost. A function is given the fence. */
  readonly withLock: <A, E, R>(
    effect: Effect.Effect<A, E, R> | ((held: HeldLock) => Effect.Effect<A, E, R>)
  ) => Effect.Effect<A, E | CommandError | LockUnavailable | LockLost, R>
  /** Whether anybody holds it now. */
  readonly isLocked: Effect.Effect<boolean, CommandError>
}
