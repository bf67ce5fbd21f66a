/** Leases: what locks and permits of semaphores are held by. */
import type { Duration, Effect } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { LockLost } from "../../schema/LockError.ts"
import type { KeyOptions } from "./KeyOptions.ts"

/**
 * The options of what is held by a lease: a lock, or permits of a semaphore.
 *
 * @since 0.2.0
 * @category coordination
 * @see docs/coordination.md
 */
export interface LeaseOptions extends KeyOptions {
  /** How long it stays held after its holder has died. Default: 30 seconds; `"Infinity"` = until it is released. */
  readonly lease?: Duration.Input | undefined
  /** How long `acquire` tries. Default: 0, which is one attempt; `"Infinity"` = until it is acquired. */
  readonly wait?: Duration.Input | undefined
  /** Whether the lease is extended, at a third of its length, while it is held. Default: true. */
  readonly renew?: boolean | undefined
  /**
   * What the admin pages and the command line call the holder, for instance the name of the machine and of the job: one line of 1 to 64 characters, which
   * all who can read the server see. It is a part of `token`. What `restore` holds keeps the label that it was acquired with. Default: none, and
   * the beginning of the token is shown.
   */
  readonly label?: string | undefined
}

/**
 * What is held until its scope closes.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const held = yield* (yield* CacheService).lock("import", { lease: "10 seconds", label: "importer" }).acquire
 *   yield* held.extend("1 minute")
 *   // Ends the work as soon as this process knows that others may have begun it.
 *   return yield* Effect.raceFirst(Effect.succeed("imported"), held.lost)
 * })
 * console.log(await Effect.runPromise(Effect.scoped(Effect.provide(program, CacheMemory))))
 * // => imported
 * ```
 *
 * @since 0.2.0
 * @category coordination
 * @see docs/coordination.md
 */
export interface HeldLease {
  /** The name of this acquisition, which no other acquisition has. It ends with the label of the options. */
  readonly token: string
  /** Adds `by` to what is left of the lease. Fails with `LockLost` where it is no longer held. */
  readonly extend: (by: Duration.Input) => Effect.Effect<void, CommandError | LockLost>
  /** Fails with `LockLost` as soon as this process knows that it is lost. It never succeeds. */
  readonly lost: Effect.Effect<never, LockLost>
}
