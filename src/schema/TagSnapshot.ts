/** The records of some tags at one moment, for a caller that stores later what was read then. */

/**
 * What tags were when `tagSnapshot` read them. It is text alone, so that it can be handed to another process.
 *
 * @since 0.2.0
 * @category tags
 * @see docs/tags.md
 */
export interface TagSnapshot {
  /** The tags that the snapshot was taken of. */
  readonly tags: ReadonlyArray<string>
  /** What the server had for each tag, by the tag. */
  readonly tokens: ReadonlyMap<string, string>
  /** What counts the invalidations of the cache. */
  readonly ledger: string
  /** The history of the server that gave them. */
  readonly era: string
}
