/** What a lookup for many keys says of one that it has no value for. */

/**
 * The failure of one key of a batch, which `CacheLookup.failed` makes.
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/stale-values.md
 */
export class FailedLookup<out K, out E> {
  /** The key, as the lookup was given it. */
  readonly key: K
  /** What the callers who asked for the key fail with. */
  readonly error: E

  constructor(key: K, error: E) {
    this.key = key
    this.error = error
  }
}
