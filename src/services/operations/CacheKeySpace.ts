/** The key space of a prefix and version. */
import type { Effect, Option, Stream } from "effect"
import type { CacheError, CommandError } from "../../schema/CacheError.ts"
import type { KeyType } from "../../schema/Command.ts"
import type { KeyOptions } from "./KeyOptions.ts"

/**
 * The options of `rename`.
 *
 * @since 0.2.0
 * @category keys
 * @see docs/operations.md
 */
export interface RenameOptions {
  /** Whether an existing key is replaced. Default: true. */
  readonly overwrite?: boolean | undefined
  /** The version of the key that is renamed. Default: the cache's own. */
  readonly fromVersion?: number | undefined
  /** The version of the new key. Default: the cache's own. */
  readonly toVersion?: number | undefined
}

/**
 * The options of `scan` and `deletePattern`.
 *
 * @since 0.2.0
 * @category keys
 * @see docs/operations.md
 */
export interface ScanKeysOptions extends KeyOptions {
  /** How many keys the server looks at in one round trip, as a hint. Default: 1 000. */
  readonly count?: number | undefined
}

/**
 * The options of `keys`.
 *
 * @since 0.2.0
 * @category keys
 * @see docs/operations.md
 */
export interface KeysOptions extends KeyOptions {
  /**
   * The number of keys that are returned at most, a whole number above 0. The server chooses which ones they are. Default: all.
   */
  readonly limit?: number | undefined
}

/**
 * The options of `scanPage`.
 *
 * @since 0.2.0
 * @category keys
 * @see docs/operations.md
 */
export interface ScanKeysPageOptions extends ScanKeysOptions {
  /** The cursor that came with the page before. Default: the scan begins. */
  readonly cursor?: string | undefined
  /** The type of the keys that are returned. Default: all types. */
  readonly type?: KeyType | undefined
}

/**
 * Some of the keys.
 *
 * @since 0.2.0
 * @category keys
 * @see docs/operations.md
 */
export interface KeysPage {
  /** The user keys, in no order. A page may be empty though others follow. */
  readonly keys: ReadonlyArray<string>
  /** The cursor of the next page, or none after the last page. */
  readonly cursor: Option.Option<string>
}

/**
 * The options of `largestKeys`.
 *
 * @since 0.2.0
 * @category keys
 * @see docs/operations.md
 */
export interface LargestKeysOptions extends KeyOptions {
  /** A glob over user keys. Default: all. */
  readonly pattern?: string | undefined
  /** The number of keys that are returned at most. Default: 10. */
  readonly limit?: number | undefined
  /** The number of keys that are measured at most, chosen at random from all keys. Default: 1 000. */
  readonly sample?: number | undefined
}

/**
 * A key, and what it takes.
 *
 * @since 0.2.0
 * @category keys
 * @see docs/operations.md
 */
export interface KeySize {
  /** The user key. */
  readonly key: string
  /** The bytes that the key takes in the memory of its server, as `memoryUsage` gives them. */
  readonly bytes: number
}

/**
 * The operations of a cache on its keys: it sees those of its prefix and version alone, unless an operation says otherwise.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   yield* cache.setMany({ "user:1": "Ada", "user:2": "Grace", "page:1": "…" })
 *   console.log((yield* cache.keys("user:*")).toSorted())
 *   console.log(yield* cache.deletePattern("user:*"), yield* cache.keys())
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => [ 'user:1', 'user:2' ]
 * // => 2 [ 'page:1' ]
 * ```
 *
 * @since 0.2.0
 * @category keys
 * @see docs/operations.md
 */
export interface CacheKeySpace {
  /**
   * Moves the value to version + `delta`, which is 1 by default, and keeps its lifetime. Returns the new version. It is atomic,
   * except between slots of a cluster.
   */
  readonly incrVersion: (key: string, delta?: number, options?: KeyOptions) => Effect.Effect<number, CacheError>
  /** Moves the value to version − `delta`, which is 1 by default. Otherwise it is as `incrVersion`. */
  readonly decrVersion: (key: string, delta?: number, options?: KeyOptions) => Effect.Effect<number, CacheError>
  /**
   * Renames the key. Returns false only where `overwrite` is false and the new key exists. It is atomic, except between slots of a
   * cluster.
   */
  readonly rename: (from: string, to: string, options?: RenameOptions) => Effect.Effect<boolean, CacheError>
  /**
   * Returns each key that matches the pattern once. Keys of other programs that are not UTF-8 are left out. The scan ends where
   * `limit` keys were found. Default pattern: all keys.
   */
  readonly keys: (pattern?: string, options?: KeysOptions) => Effect.Effect<ReadonlyArray<string>, CommandError>
  /**
   * Streams the keys as they are found. A key may come twice while the server resizes its table. Keys of other programs that are
   * not UTF-8 are left out. Default pattern: all keys.
   */
  readonly scan: (
    pattern?: string,
    options?: ScanKeysOptions & { readonly type?: KeyType | undefined }
  ) => Stream.Stream<string, CommandError>
  /**
   * Returns one page of a scan, and a cursor with which this process or another one goes on, at any time: for pages of a list, and
   * for work that is done in steps. One round trip. A key that is there from the first page to the last comes at least once,
   * unless a server restarts or fails over, or a key moves to another server, meanwhile. Fails with `CacheInputError` where
   * the cursor is not one of this cache's. Under `IgnoreExceptions` a failure is an empty last page.
   */
  readonly scanPage: (pattern?: string, options?: ScanKeysPageOptions) => Effect.Effect<KeysPage, CommandError>
  /**
   * Returns the bytes that the key takes in the memory of its server, as the server estimates them (MEMORY USAGE); none where
   * there is no such key. In memory: the bytes by which the store counts it.
   */
  readonly memoryUsage: (key: string, options?: KeyOptions) => Effect.Effect<Option.Option<number>, CommandError>
  /**
   * Returns the largest keys of a sample, the largest first. It scans all names and measures `sample` of them, chosen at random:
   * where there are more keys than that, it may miss a large one. One round trip for each 1 000 keys of the database.
   */
  readonly largestKeys: (options?: LargestKeysOptions) => Effect.Effect<ReadonlyArray<KeySize>, CommandError>
  /**
   * Deletes the keys that match the pattern, in batches while it scans. Returns how many keys it deleted. Keys that are not UTF-8
   * are deleted like all others.
   */
  readonly deletePattern: (pattern: string, options?: ScanKeysOptions) => Effect.Effect<number, CommandError>
  /** Deletes all keys of this prefix and version. Returns how many keys it deleted. */
  readonly clear: Effect.Effect<number, CommandError>
  /** Deletes all keys of this prefix, in every version. Returns how many keys it deleted. */
  readonly clearAllVersions: Effect.Effect<number, CommandError>
  /** Deletes everything in the database, whoever wrote it (FLUSHDB). */
  readonly flushAll: Effect.Effect<void, CommandError>
}
