/** Structures under one key, with the prefix, version and value codec of the cache. */
import type { CacheHash } from "./structures/CacheHash.ts"
import type { CacheList } from "./structures/CacheList.ts"
import type { CacheLists } from "./structures/CacheLists.ts"
import type { CacheSet } from "./structures/CacheSet.ts"
import type { CacheSortedSet } from "./structures/CacheSortedSet.ts"
import type { CacheStream } from "./structures/CacheStream.ts"
import type { CacheStreams } from "./structures/CacheStreams.ts"
import type { KeyOptions } from "./KeyOptions.ts"

/**
 * The structures of a cache, by their keys. Making one sends nothing; a key of another type fails its operations with
 * `CacheServerError` (WRONGTYPE).
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cache = (yield* CacheService).withSchema(Schema.Finite)
 *   yield* cache.hash("prices").set("tea", 3.5)
 *   // Lifetimes, names and deletion are those of any key.
 *   yield* cache.expire("prices", "1 hour")
 *   console.log(yield* cache.hash("prices").getAll, yield* cache.delete("prices"))
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => Map(1) { 'tea' => 3.5 } true
 * ```
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface CacheStructures<A, RD = never, RE = never> {
  /** The hash under this key: many named values. */
  readonly hash: (key: string, options?: KeyOptions) => CacheHash<A, RD, RE>
  /** The list under this key: elements in order. */
  readonly list: (key: string, options?: KeyOptions) => CacheList<A, RD, RE>
  /** The lists under these keys: the first one that has an element gives it. Default version: the cache's own. */
  readonly lists: (keys: ReadonlyArray<string>, options?: KeyOptions) => CacheLists<A, RD>
  /** The set under this key: members without order, each once. */
  readonly unorderedSet: (key: string, options?: KeyOptions) => CacheSet<A, RD, RE>
  /** The sorted set under this key: members in the order of their scores. */
  readonly sortedSet: (key: string, options?: KeyOptions) => CacheSortedSet<A, RD, RE>
  /** The stream under this key: an append-only log of entries. */
  readonly stream: (key: string, options?: KeyOptions) => CacheStream<A, RD, RE>
  /** The streams under these keys, which are read together over one connection. Default version: the cache's own. */
  readonly streams: (keys: ReadonlyArray<string>, options?: KeyOptions) => CacheStreams<A, RD>
}
