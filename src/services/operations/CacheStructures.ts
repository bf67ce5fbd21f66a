/** Structures under one key, with the prefix, version and value codec of the cache. */
import type { CacheHash } from "./structures/CacheHash.ts"
import type { CacheList } from "./structures/CacheList.ts"
import type { CacheLists } from "./structures/CacheLists.ts"
import type { CacheSet } from "./structures/CacheSet.ts"
import type { CacheSortedSet } from "./structures/CacheSortedSet.ts"
import type { CacheStream } from "./structures/CacheStream.ts"
import type { CacheStreams } from "./structures/CacheStreams.ts"
import type { KeyOptions } from "./KeyOptions.ts"

export interface CacheStructures<A, RD = never, RE = never> {
  readonly hash: (key: string, options?: KeyOptions) => CacheHash<A, RD, RE>
  readonly list: (key: string, options?: KeyOptions) => CacheList<A, RD, RE>
  /** Several lists, of which the first one that has something is asked. Default version: the cache's. */
  readonly lists: (keys: ReadonlyArray<string>, options?: KeyOptions) => CacheLists<A, RD>
  readonly unorderedSet: (key: string, options?: KeyOptions) => CacheSet<A, RD, RE>
  readonly sortedSet: (key: string, options?: KeyOptions) => CacheSortedSet<A, RD, RE>
  readonly stream: (key: string, options?: KeyOptions) => CacheStream<A, RD, RE>
  /** Several streams, which are read over one connection. Default version: the cache's. */
  readonly streams: (keys: ReadonlyArray<string>, options?: KeyOptions) => CacheStreams<A, RD>
}
