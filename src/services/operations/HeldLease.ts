/** Leases: what locks and permits of semaphores are held by. */
import type { Duration, Effect } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { LockLost } from "../../schema/LockError.ts"
import type { KeyOptions } from "./KeyOptions.ts"

/** The options of what is held by a lease: a lock, or permits of a semaphore. */
export interface LeaseOptions extends KeyOptions {
  /** How long it outlives a dead holder. Default 30 seconds; `"Infinity"` = until it is released. */
  readonly lease?: Duration.Input | undefined
  /** How long to try. Default 0: once; `"Infinity"` = until acquired. */
  readonly wait?: Duration.Input | undefined
  /** Extended at a third of the lease while held. Default true. */
  readonly renew?: boolean | undefined
}

/** What is held until its scope closes. */
export interface HeldLease {
  /** Of this acquisition only. */
  readonly token: string
  /** Adds to what is left of the lease. */
  readonly extend: (by: Duration.Input) => Effect.Effect<void, CommandError | LockLost>
  /** Fails when it is lost, whenever that is known here. */
  readonly lost: Effect.Effect<never, LockLost>
}
