/** What most operations can be told about their key. */
import type { Duration } from "effect"

/**
 * The options that most operations on a key take.
 *
 * @since 0.2.0
 * @category values
 * @see docs/operations.md
 */
export interface KeyOptions {
  /** The version of the key. Default: the cache's own. */
  readonly version?: number | undefined
}

/**
 * The options of reads that the near cache may answer.
 *
 * @since 0.2.0
 * @category values
 * @see docs/operations.md
 */
export interface ReadOptions extends KeyOptions {
  /**
   * Whether the near cache may answer. False: the server is asked, and its answer takes the place of what is near. Default: as the
   * cache is set.
   */
  readonly near?: false | undefined
}

/**
 * The options of operations that give a key its lifetime.
 *
 * @since 0.2.0
 * @category values
 * @see docs/operations.md
 */
export interface TtlOptions extends KeyOptions {
  /** The lifetime of the key. `"Infinity"` = it never expires; zero or less = it expires at once. Default: the cache's own. */
  readonly timeToLive?: Duration.Input | undefined
}
