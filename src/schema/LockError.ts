/** How locks and semaphores fail, beside the ways in which every operation can. */
import { Schema } from "effect"

/**
 * The lock or the permits were not acquired within `wait` milliseconds, because others have them.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const lock = (yield* CacheService).lock("report", { wait: "0 millis" })
 *   const second = lock
 *     .withLock(Effect.succeed("made"))
 *     .pipe(Effect.catchTag("LockUnavailable", () => Effect.succeed("somebody else makes it")))
 *   console.log(yield* lock.withLock(second))
 * })
 * await Effect.runPromise(Effect.provide(program, CacheMemory))
 * // => somebody else makes it
 * ```
 *
 * @since 0.2.0
 * @category errors
 * @see docs/coordination.md
 */
export class LockUnavailable extends Schema.TaggedError<LockUnavailable>("effect-vcache/LockUnavailable")(
  "LockUnavailable",
  {
    /** The user key of the lock or semaphore. */ key: Schema.String,
    /** How long it was waited for, in milliseconds. */ wait: Schema.Number
  }
) {
  /** The failure in one sentence. */
  override get message(): string {
    return `${JSON.stringify(this.key)} was not to be had within ${this.wait} ms`
  }
}

/**
 * The lease ended, or somebody took the key away: others may work at the same time.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const lock = (yield* CacheService).lock("report")
 *   // An operator releases it meanwhile.
 *   const work = lock.withLock(Effect.asVoid(lock.forceRelease))
 *   console.log((yield* Effect.flip(work))._tag)
 * })
 * await Effect.runPromise(Effect.provide(program, CacheMemory))
 * // => LockLost
 * ```
 *
 * @since 0.2.0
 * @category errors
 * @see docs/coordination.md
 */
export class LockLost extends Schema.TaggedError<LockLost>("effect-vcache/LockLost")("LockLost", {
  /** The user key of the lock or semaphore. */
  key: Schema.String
}) {
  /** The failure in one sentence. */
  override get message(): string {
    return `${JSON.stringify(this.key)} is no longer held`
  }
}

/**
 * What locks and semaphores fail with beside the errors of every operation.
 *
 * @since 0.2.0
 * @category errors
 * @see docs/coordination.md
 */
export type LockError = LockUnavailable | LockLost
