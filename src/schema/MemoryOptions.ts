/**
 * The options of the store in this process. Every field has a default.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/memory.md
 */
export interface MemoryOptions {
  /** How many entries the store may have. Default: 100 000. */
  readonly maxEntries?: number | undefined
  /** How many bytes keys and values may take together. Default: 256 MiB. */
  readonly maxBytes?: number | undefined
  /**
   * What happens when it is full and nothing has expired: `"lru"` (default) removes what was not used for longest, `"none"`
   * refuses writes with OOM.
   */
  readonly eviction?: "lru" | "none" | undefined
  /**
   * Which final keys are evicted only when no others are left, such as those of sessions. Those of locks and semaphores always
   * are. Default: no other keys.
   */
  readonly evictLast?: ((key: string) => boolean) | undefined
}
