/** Whether the cache can be used now. */
import type { Duration, Option } from "effect"
import type { CacheError } from "../../schema/CacheError.ts"
import type { ClientState } from "../../schema/ClientState.ts"

export interface Health {
  /**
   * Every server that commands go to has answered a PING: what a readiness probe asks. That PING is forbidden or unknown
   * is an answer, and so is MISCONF, of a server that cannot write its snapshots and can be read.
   */
  readonly ready: boolean
  /** How long that took, or took to fail. */
  readonly latency: Duration.Duration
  readonly state: ClientState
  /** Why it is not ready. */
  readonly error: Option.Option<CacheError>
}
