/** What metrics and events call a cache. */
import type { Topology } from "./Command.ts"

/**
 * The name of a cache and the topology under it, which are the labels of its metrics and events.
 *
 * @since 0.2.0
 * @category observability
 * @see docs/observability.md
 */
export interface CacheName {
  /** The name that its layer has been given, else the key of its tag. */
  readonly cache: string
  /** The topology of the client that the cache is over. */
  readonly topology: Topology
}

/** Whose operations a policy wraps where it is called for no cache. */
export const nobody: CacheName = { cache: "", topology: "memory" }
