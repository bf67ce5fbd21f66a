/** What most operations can be told about their key. */
import type { Duration } from "effect"

/** The options that most operations on a key take. */
export interface KeyOptions {
  /** The version of the key. Default: the cache's own. */
  readonly version?: number | undefined
}

/** Of reads that may be answered in this process. */
export interface ReadOptions extends KeyOptions {
  /** False: ask the server, and keep what it answers in place of what is near. Default: as the cache is set. */
  readonly near?: false | undefined
}

/** The options of operations that give a key its lifetime. */
export interface TtlOptions extends KeyOptions {
  /** `"Infinity"` = never expires; zero or less = expires at once. Default: the cache's own. */
  readonly timeToLive?: Duration.Input | undefined
}
