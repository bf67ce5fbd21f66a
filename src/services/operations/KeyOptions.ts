/** What most operations can be told about their key. */
import type { Duration } from "effect"

export interface KeyOptions {
  /** In place of the cache's own version. */
  readonly version?: number | undefined
}

export interface TtlOptions extends KeyOptions {
  /** `"Infinity"` = never expires; zero or less = expires at once. Default: the cache's own. */
  readonly timeToLive?: Duration.Input | undefined
}
