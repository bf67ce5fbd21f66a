/** What can be said about the tags of a value that is stored. */
import type { TagSnapshot } from "../../schema/TagSnapshot.ts"

/**
 * The tags of a value. Every operation that stores a value with tags takes these options.
 *
 * @since 0.2.0
 * @category tags
 * @see docs/tags.md
 */
export interface TagOptions {
  /**
   * The names of what the value was made from: at most 64, each well-formed text of 1 to 1 024 bytes. `invalidateTags` with one of
   * them forgets the value. They cost one round trip before the value is stored, for all tags together. Default: none.
   */
  readonly tags?: ReadonlyArray<string> | undefined
  /**
   * The `tagSnapshot` that was taken before the value was read from its source. If a tag was invalidated since then, the value is
   * stored as forgotten. Without it the tags count from when they are read, just before the value is stored, and the caller
   * answers for a value that is older than that. A pipeline or transaction needs it. Default: none.
   */
  readonly since?: TagSnapshot | undefined
}
