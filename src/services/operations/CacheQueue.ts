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
import type { CacheStream } from "./structures/CacheStream.ts"
import type { CacheStreamGroup } from "./structures/CacheStreamGroup.ts"
import type { CacheValues } from "./CacheValues.ts"
import type { KeyOptions } from "./KeyOptions.ts"

/**
 * The operations that need one step on the server, and so can be queued. Their results come when the queue has run.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   // One step: nobody sees the order without the longer queue.
 *   const [, waiting] = yield* cache.transaction((queue) => [
 *     queue.set("order:1", "tea"),
 *     queue.list("orders").pushRight("order:1")
 *   ])
 *   console.log("waiting:", waiting)
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => waiting: 1
 * ```
 *
 * @since 0.2.0
 * @category pipelines
 * @see docs/pipelines.md
 */
export interface CacheQueue<A, RD = never, RE = never>
  extends CacheValues<A, RD, RE>, Omit<CacheCounters, "incrBig">, CacheLifetimes, CacheScripts {
  /** The hash under this key, as `cache.hash` gives it. */
  readonly hash: (key: string, options?: KeyOptions) => Omit<CacheHash<A, RD, RE>, "scan">
  /** The list under this key, as `cache.list` gives it. `moveTo` with a `timeout` fails with `CacheUnsupportedError` here. */
  readonly list: (key: string, options?: KeyOptions) => Omit<CacheList<A, RD, RE>, "awaitLeft" | "awaitRight">
  /** The lists under these keys, as `cache.lists` gives them. `pop` with a `timeout` fails with `CacheUnsupportedError` here. */
  readonly lists: (keys: ReadonlyArray<string>, options?: KeyOptions) => CacheLists<A, RD>
  /** The set under this key, as `cache.unorderedSet` gives it. */
  readonly unorderedSet: (key: string, options?: KeyOptions) => Omit<CacheSet<A, RD, RE>, "scan">
  /** The sorted set under this key, as `cache.sortedSet` gives it. */
  readonly sortedSet: (key: string, options?: KeyOptions) => Omit<CacheSortedSet<A, RD, RE>, "scan">
  /** The stream under this key, as `cache.stream` gives it, without what waits or takes several steps. */
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
  /** The same queue with other settings, as `cache.withOptions` gives them. */
  readonly withOptions: (options: ViewOptions) => CacheQueue<A, RD, RE>
}
