/** Which servers answer reads. */

/**
 * `"primary"`: always the newest value. `"replica"`: values may be old by the replication's delay, and reads fail where
 * there is no replica. `"preferReplica"`: as `"replica"`, and the primary where there is none.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/replicated.md
 */
export type ReadFrom = "primary" | "replica" | "preferReplica"

export const readFromChoices = ["primary", "replica", "preferReplica"] as const
