/** Tags: names of what values were made from. Whoever changes that forgets all of them at once. */
import type { Duration, Effect, Option } from "effect"
import type { CommandError, ValueError } from "../../schema/CacheError.ts"
import type { CacheReplicationError } from "../../schema/CacheReplicationError.ts"
import type { TagSnapshot } from "../../schema/TagSnapshot.ts"
import type { KeyOptions } from "./KeyOptions.ts"

/**
 * The options of `invalidateTags`.
 *
 * @since 0.2.0
 * @category tags
 * @see docs/tags.md
 */
export interface InvalidateTagsOptions {
  /**
   * What becomes of the values. `"remove"` (default): they are gone. `"stale"`: `get` returns none, and `getOrSet` serves them
   * while one lookup runs, for as long as they would have been served without the invalidation.
   */
  readonly mode?: "remove" | "stale" | undefined
  /** This is never given here: `ReplicatedInvalidationOptions` has the number. Default: the call waits for no replicas. */
  readonly replicas?: undefined
}

/**
 * The options of an `invalidateTags` that waits for replicas.
 *
 * @since 0.2.0
 * @category tags
 * @see docs/tags.md
 */
export interface ReplicatedInvalidationOptions extends Omit<InvalidateTagsOptions, "replicas"> {
  /** How many replicas of the primary have to acknowledge it. */
  readonly replicas: number
  /** How long the call waits for them. Default: 1 second. */
  readonly waitFor?: Duration.Input | undefined
}

/**
 * The type of `invalidateTags`. Only a call that waits for replicas can fail with `CacheReplicationError`.
 *
 * @since 0.2.0
 * @category tags
 * @see docs/tags.md
 */
export interface InvalidateTags {
  (
    tags: ReadonlyArray<string>,
    options: ReplicatedInvalidationOptions
  ): Effect.Effect<void, CommandError | CacheReplicationError>
  (tags: ReadonlyArray<string>, options?: InvalidateTagsOptions): Effect.Effect<void, CommandError>
}

/**
 * The operations of a cache that invalidate values by their tags.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   yield* cache.set("page:1", "<html>", { tags: ["product:7", "home"] })
 *   yield* cache.set("page:2", "<html>", { tags: ["product:8"] })
 *   yield* cache.invalidateTags(["product:7"])
 *   console.log(yield* cache.has("page:1"), yield* cache.has("page:2"))
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => false true
 * ```
 *
 * @since 0.2.0
 * @category tags
 * @see docs/tags.md
 */
export interface CacheTags {
  /**
   * Forgets every value that bears one of the tags, for all processes: a read that starts after this has succeeded is not given a
   * value that was stored before. Where the near cache of another process answers the read, `near.maxStaleness` is added. One
   * round trip for each 500 tags, however many values bear them; a tag that no value bears costs the same. Fails where the server
   * cannot be asked, also under `IgnoreExceptions`. After a failure, repeat the call: it may have been executed.
   *
   * With `replicas` it waits until that many replicas have the invalidation, so that a failover to one of them does not forget it.
   * Where fewer have acknowledged it in time it fails with `CacheReplicationError`, and is executed all the same. It takes a
   * connection of its own and four round trips, and fails with `CacheUnsupportedError` in memory.
   */
  readonly invalidateTags: InvalidateTags
  /**
   * Returns the tags as they are now, for the option `since`. Take the snapshot before the value is read from its source: if one
   * of the tags is invalidated between that moment and the store, the value is stored as forgotten. A snapshot stands for at least
   * as long as the cache's own lifetime. One round trip.
   */
  readonly tagSnapshot: (tags: ReadonlyArray<string>) => Effect.Effect<TagSnapshot, CommandError>
  /**
   * Returns the tags of the value, in the order of their names; none where `get` would return none. One round trip, and one more
   * where there are tags.
   */
  readonly tagsOf: (
    key: string,
    options?: KeyOptions
  ) => Effect.Effect<Option.Option<ReadonlyArray<string>>, ValueError>
}
