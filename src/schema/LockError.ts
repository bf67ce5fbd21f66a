/** How locks and semaphores fail, beside the ways in which every operation can. */
import { Schema } from "effect"

/**
 * The lock or the permits were not acquired within `wait` milliseconds, because others have them.
 *
 * @since 0.2.0
 * @category errors
 * @see docs/coordination.md
 */
export class LockUnavailable extends Schema.TaggedError<LockUnavailable>("effect-vcache/LockUnavailable")(
  "LockUnavailable",
  { key: Schema.String, wait: Schema.Number }
) {
  override get message(): string {
    return `${JSON.stringify(this.key)} was not to be had within ${this.wait} ms`
  }
}

/**
 * The lease ended, or somebody took the key away: others may work at the same time.
 *
 * @since 0.2.0
 * @category errors
 * @see docs/coordination.md
 */
export class LockLost extends Schema.TaggedError<LockLost>("effect-vcache/LockLost")("LockLost", {
  key: Schema.String
}) {
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
