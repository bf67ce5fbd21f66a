/** Locks: one holder at a time, in all processes, for as long as its lease lasts. */
import type { Effect, Scope } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { LockLost, LockUnavailable } from "../../schema/LockError.ts"
import type { HeldLease, LeaseOptions } from "./HeldLease.ts"

/**
 * The options of `lock`.
 *
 * @since 0.2.0
 * @category coordination
 * @see docs/coordination.md
 */
export interface LockOptions extends LeaseOptions {}

/**
 * A lock that is held until its scope closes.
 *
 * @since 0.2.0
 * @category coordination
 * @see docs/coordination.md
 */
export interface HeldLock extends HeldLease {
  /**
   * A number that is greater than that of any acquisition before. A system that stores it with its data can refuse an older
   * holder.
   */
  readonly fence: bigint
  /**
   * Leaves the lock to whoever calls `restore` with the token that this returns: from then on it is neither renewed nor released
   * here. The receiver has a whole lease to restore it; where nobody does, the lock is free when that lease is over.
   */
  readonly handOver: Effect.Effect<string, CommandError | LockLost>
}

/**
 * One key, under which the token of the holder stands. It excludes others for as long as the server keeps what it was told: where
 * a holder is paused past its lease, or a failover loses the key, two may work at a time. Fences tell them apart.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const lock = (yield* CacheService).lock("nightly-report", { lease: "30 seconds", wait: "5 seconds" })
 *   yield* lock.withLock((held) => Effect.sync(() => console.log("only here, fenced:", held.fence > 0n)))
 *   console.log("locked:", yield* lock.isLocked)
 * })
 * await Effect.runPromise(Effect.provide(program, CacheMemory))
 * // => only here, fenced: true
 * // => locked: false
 * ```
 *
 * @since 0.2.0
 * @category coordination
 * @see docs/coordination.md
 */
export interface CacheLock {
  /**
   * Acquires the lock and holds it until the scope closes. Interruption releases it, too. Fails with `LockUnavailable` where
   * others hold it for the whole of `wait`.
   */
  readonly acquire: Effect.Effect<HeldLock, CommandError | LockUnavailable, Scope.Scope>
  /**
   * Runs the effect while holding the lock. Interrupts it and fails with `LockLost` if the lock is lost. A function in place of
   * the effect is given the held lock.
   */
  readonly withLock: <A, E, R>(
    effect: Effect.Effect<A, E, R> | ((held: HeldLock) => Effect.Effect<A, E, R>)
  ) => Effect.Effect<A, E | CommandError | LockUnavailable | LockLost, R>
  /**
   * Holds the lock that was acquired elsewhere, by the token that `handOver` returned there. It is held until the scope closes,
   * with the fence of that acquisition and the lease of this lock's options. Fails with `LockLost` where the token holds nothing
   * any more. The token may be sent to another process; whoever has it can hold the lock, and two that restore it at the same time
   * both do.
   */
  readonly restore: (token: string) => Effect.Effect<HeldLock, CommandError | LockLost, Scope.Scope>
  /**
   * Releases the lock, whoever holds it. Returns false where nobody does. It is for operators: the holder finds out at its next
   * renewal, after a third of its lease at most, or when its work is done, and fails with `LockLost`. Until then two may work at a
   * time: the next holder has a greater fence.
   */
  readonly forceRelease: Effect.Effect<boolean, CommandError>
  /** Returns whether anybody holds the lock now. */
  readonly isLocked: Effect.Effect<boolean, CommandError>
}
