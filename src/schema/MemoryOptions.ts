/** Settings of the store in this process. */

export interface MemoryOptions {
  /** Default 100 000. */
  readonly maxEntries?: number | undefined
  /** Of keys and values together. Default 256 MiB. */
  readonly maxBytes?: number | undefined
  /**
   * What happens when it is full and nothing has expired: `"lru"` (default) removes what was not used for longest, `"none"`
   * refuses writes with OOM.
   */
  readonly eviction?: "lru" | "none" | undefined
  /** Final keys that are evicted only when no others are left: sessions, say. Locks and semaphores always are. Default: no other keys. */
  readonly evictLast?: ((key: string) => boolean) | undefined
}
