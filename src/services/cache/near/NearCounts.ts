/** What a near store has done since it was made. */
export class NearCounts {
  /** Reads that were answered in this process. */
  hits = 0
  /** Those among them that nobody could prove to be up to date, as `whenDown` allows. */
  unproven = 0
  /** Reads that went to the server. */
  misses = 0
  /** Reads that waited for another one's reply. */
  shared = 0
  /** Entries that were dropped because their keys changed. */
  invalidations = 0
  /** Entries that made room for others. */
  evictions = 0
  /** Entries that a reader with another codec took over. */
  takenOver = 0
  /** Replies that were not kept, because their keys changed meanwhile. */
  discarded = 0
}
