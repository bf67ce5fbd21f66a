/** What can be queued in a pipeline or transaction. */
import type { Schema } from "effect"
import type { ViewOptions } from "../../schema/CacheOptions.ts"
import type { CacheCounters } from "./CacheCounters.ts"
import type { CacheHash } from "./structures/CacheHash.ts"
import type { CacheLifetimes } from "./CacheLifetimes.ts"
import type { CacheList } from "./structures/CacheList.ts"
import type { CacheLists } from "./structures/CacheLists.ts"
import type { CacheScripts } from "./CacheScripts.ts"
import type { CacheSet } from "./structures/CacheSet.ts"
import type { CacheSortedSet } from "./structures/CacheSortedSet.ts"
import type { CacheStream, CacheStreamGroup } from "./structures/CacheStream.ts"
import type { CacheValues } from "./CacheValues.ts"
import type { KeyOptions } from "./KeyOptions.ts"

/** The operations that need one step on the server, and so can be queued. What they give comes when the queue has run. */
export interface CacheQueue<A, RD = never, RE = never>
  extends CacheValues<A, RD, RE>, Omit<CacheCounters, "incrBig">, CacheLifetimes, CacheScripts {
  readonly hash: (key: string, options?: KeyOptions) => Omit<CacheHash<A, RD, RE>, "scan">
  readonly list: (key: string, options?: KeyOptions) => Omit<CacheList<A, RD, RE>, "awaitLeft" | "awaitRight">
  readonly lists: (keys: ReadonlyArray<string>, options?: KeyOptions) => CacheLists<A, RD>
  readonly unorderedSet: (key: string, options?: KeyOptions) => Omit<CacheSet<A, RD, RE>, "scan">
  readonly sortedSet: (key: string, options?: KeyOptions) => Omit<CacheSortedSet<A, RD, RE>, "scan">
  readonly stream: (
    key: string,
    options?: KeyOptions
  ) => Omit<CacheStream<A, RD, RE>, "follow" | "group" | "read"> & {
    readonly group: (name: string) => Omit<CacheStreamGroup<A, RD>, "consume">
  }
  /** The same queue, for values of a schema. */
  readonly withSchema: <S extends Schema.Constraint>(
    schema: S
  ) => CacheQueue<S["Type"], S["DecodingServices"], S["EncodingServices"]>
  readonly withOptions: (options: ViewOptions) => CacheQueue<A, RD, RE>
}
