/** Locks: one holder at a time, in all processes, for as long as its lease lasts. */
import type { Effect, Scope } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { LockLost, LockUnavailable } from "../../schema/LockError.ts"
import type { HeldLease, LeaseOptions } from "./HeldLease.ts"

/** The options of `lock`. */
export interface LockOptions extends LeaseOptions {}

/** A lock that is held until its scope closes. */
export interface HeldLock extends HeldLease {
  /** Greater than that of any acquisition before. What stores it with its data can refuse an older holder. */
  readonly fence: bigint
  /**
   * Leaves the lock to whoever calls `restore` with the token that this gives: from then on it is neither renewed nor released here. The
   * receiver has a whole lease to restore it; where nobody does, the lock is free when that lease is over.
   */
  readonly handOver: Effect.Effect<string, CommandError | LockLost>
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
  /**
   * Goes on holding what was acquired elsewhere, by the token that `handOver` gave there: held for the scope, with the fence of that
   * acquisition and the lease of this lock's options. Fails with `LockLost` where the token holds nothing any more. The token may be sent to
   * another process; whoever has it can hold the lock, and two that restore it at the same time both do.
   */
  readonly restore: (token: string) => Effect.Effect<HeldLock, CommandError | LockLost, Scope.Scope>
  /**
   * Releases the lock, whoever holds it; false where nobody does. For operators: the holder finds out at its next renewal, after a third of
   * its lease at most, or when its work is done, and fails with `LockLost`. Until then two may work at a time: the next holder has a greater
   * fence.
   */
  readonly forceRelease: Effect.Effect<boolean, CommandError>
  /** Whether anybody holds it now. */
  readonly isLocked: Effect.Effect<boolean, CommandError>
}
