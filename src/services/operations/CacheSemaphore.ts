/** Semaphores: so many permits for all processes together. */
import type { Effect, Scope } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { LockLost, LockUnavailable } from "../../schema/LockError.ts"
import type { HeldLease, LeaseOptions } from "./HeldLease.ts"

/**
 * The options of `semaphore`. `permits` is required.
 *
 * @since 0.2.0
 * @category coordination
 * @see docs/coordination.md
 */
export interface SemaphoreOptions extends LeaseOptions {
  /** The total of permits. Every caller should pass the same number; each call is checked against its own. */
  readonly permits: number
}

/**
 * Permits are granted in the order in which they are asked for: a waiter at the head of the queue holds back those behind it, even
 * where their smaller requests would fit. Permits of dead holders come back when their lease ends. The place of a dead waiter is
 * free after as long, 15 seconds at most.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   // Three calls of the API at once, in all processes together.
 *   const calls = (yield* CacheService).semaphore("api", { permits: 3, wait: "10 seconds" })
 *   console.log("left:", yield* calls.withPermits(2)(calls.available))
 * })
 * await Effect.runPromise(Effect.provide(program, CacheMemory))
 * // => left: 1
 * ```
 *
 * @since 0.2.0
 * @category coordination
 * @see docs/coordination.md
 */
export interface CacheSemaphore {
  /** Acquires `count` permits and holds them until the scope closes. */
  readonly acquire: (count: number) => Effect.Effect<HeldLease, CommandError | LockUnavailable, Scope.Scope>
  /** Runs the effect while holding `count` permits. Interrupts it and fails with `LockLost` if they are lost. */
  readonly withPermits: (
    count: number
  ) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | CommandError | LockUnavailable | LockLost, R>
  /** Returns how many permits nobody holds now. */
  readonly available: Effect.Effect<number, CommandError>
}
