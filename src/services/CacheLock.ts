/** Locks: one holder at a time, in all processes, for as long as its lease lasts. */
import type { Duration, Effect, Scope } from "effect"
import type { CacheError } from "../schema/CacheError.ts"
import type { LockLost, LockUnavailable } from "../schema/LockError.ts"

export interface LeaseOptions {
  readonly version?: number | undefined
  /** How long it outlives a dead holder. Default 30 seconds; `"Infinity"` = until it is released. */
  readonly lease?: Duration.Input | undefined
  /** How long to try. Default 0: once; `"Infinity"` = until acquired. */
  readonly wait?: Duration.Input | undefined
  /** Extended at a third of the lease while held. Default true. */
  readonly renew?: boolean | undefined
}

export type LockOptions = LeaseOptions

/** What is held until its scope closes. */
export interface Held {
  /** Of this acquisition only. */
  readonly token: string
  /** Adds to what is left of the lease. */
  readonly extend: (by: Duration.Input) => Effect.Effect<void, CacheError | LockLost>
  /** Fails when it is lost, whenever that is known here. */
  readonly lost: Effect.Effect<never, LockLost>
}

export interface HeldLock extends Held {
  /** Greater than that of any acquisition before. What stores it with its data can refuse an older holder. */
  readonly fence: bigint
}

/**
 * One key, which the holder's token stands under. It excludes for as long as the server keeps what it was told: a holder
 * that is paused past its lease, or a failover that loses the key, lets two work at a time. Fences tell them apart.
 */
export interface CacheLock {
  /** Held for the scope; released even on interruption. */
  readonly acquire: Effect.Effect<HeldLock, CacheError | LockUnavailable, Scope.Scope>
  /** Runs the effect while holding the lock; interrupts it and fails with `LockLost` if the lock is lost. A function is given the fence. */
  readonly withLock: <A, E, R>(
    effect: Effect.Effect<A, E, R> | ((held: HeldLock) => Effect.Effect<A, E, R>)
  ) => Effect.Effect<A, E | CacheError | LockUnavailable | LockLost, R>
  /** Whether anybody holds it now. */
  readonly isLocked: Effect.Effect<boolean, CacheError>
}
