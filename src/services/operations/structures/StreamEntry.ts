/** What a stream is made of. */

/**
 * An entry of a stream.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface StreamEntry<A> {
  /** The id: milliseconds and a sequence, as in `"1700000000000-0"`. Later entries have greater ids. */
  readonly id: string
  /** The values by the names of their fields. */
  readonly fields: ReadonlyMap<string, A>
}
