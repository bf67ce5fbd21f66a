/** What makes servers announce changes to a hub. */
import type { Invalidation } from "../../schema/Invalidation.ts"

/** What a hub wants to know of, and whom to tell. */
export interface Coverage {
  /** None begins with another. */
  readonly prefixes: ReadonlyArray<string>
  /** Milliseconds between two proofs, at most; it becomes shorter when somebody comes who needs it so. */
  readonly heartbeat: number
  /** At once and in order, in the handler of whatever said so. */
  readonly tell: (event: Invalidation) => void
}

export interface Announcer {
  /**
   * Tells of the changes that the coverage names. The coverage of before, if there was one, goes on until every server
   * announces the new one.
   */
  readonly cover: (coverage: Coverage) => void
  /** Nobody listens any more. */
  readonly close: () => void
}
