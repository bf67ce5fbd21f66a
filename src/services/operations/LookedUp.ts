/** What a lookup gives, with what it says of how that is to be stored. */
import type { Duration } from "effect"

/**
 * How a looked-up value is stored.
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/stampedes.md
 */
export interface StoredOptions {
  /**
   * The lifetime of the value, in place of what the options of the lookup say. Zero or less = the value is returned, and not
   * stored. Default: the options decide.
   */
  readonly timeToLive?: Duration.Input | undefined
  /**
   * The tags of the value. The options of the lookup must say `tags: "lookup"`, or name a function, whose place these take.
   * Default: none.
   */
  readonly tags?: ReadonlyArray<string> | undefined
}

/**
 * A lookup's answer that says more than the value. `CacheLookup.stored` and `stale.unchanged` make it.
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/stampedes.md
 */
export class LookedUp<out A> implements StoredOptions {
  /** The looked-up value. */
  readonly value: A
  /** The lifetime that the lookup gave it; undefined where the options decide. */
  readonly timeToLive: Duration.Input | undefined
  /** The tags that the lookup gave it; undefined where it gave none. */
  readonly tags: ReadonlyArray<string> | undefined
  /** The value is the one that the cache has shown to the lookup. */
  readonly isUnchanged: boolean

  constructor(value: A, { tags, timeToLive }: StoredOptions = {}, isUnchanged = false) {
    this.value = value
    this.timeToLive = timeToLive
    this.tags = tags
    this.isUnchanged = isUnchanged
  }
}
