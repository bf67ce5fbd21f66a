/** The key space of a prefix and version. */
import type { Effect, Option, Stream } from "effect"
import type { CacheError, CommandError } from "../../schema/CacheError.ts"
import type { KeyType } from "../../schema/Command.ts"
import type { KeyOptions } from "./KeyOptions.ts"

/** The options of `rename`. */
export interface RenameOptions {
  /** Default true. */
  readonly overwrite?: boolean | undefined
  /** The version of the key that is renamed. Default: the cache's own. */
  readonly fromVersion?: number | undefined
  /** The version of the new key. Default: the cache's own. */
  readonly toVersion?: number | undefined
}

/** The options of `scan` and `deletePattern`. */
export interface ScanKeysOptions extends KeyOptions {
  /** Keys looked at in one round trip, a hint. Default 1 000. */
  readonly count?: number | undefined
}

/** The options of `keys`. */
export interface KeysOptions extends KeyOptions {
  /** The number of keys at most, a whole number above 0. Which ones they are is the server's choice. Default: all. */
  readonly limit?: number | undefined
}

/** The options of `scanPage`. */
export interface ScanKeysPageOptions extends ScanKeysOptions {
  /** The cursor of the page before. Default: the scan begins. */
  readonly cursor?: string | undefined
  /** Only keys that hold this type. Default: all types. */
  readonly type?: KeyType | undefined
}

/** Some of the keys. */
export interface KeysPage {
  /** In no order; a page may be empty though others follow. */
  readonly keys: ReadonlyArray<string>
  /** Of the next page; none = there is no more. */
  readonly cursor: Option.Option<string>
}

/** The options of `largestKeys`. */
export interface LargestKeysOptions extends KeyOptions {
  /** A glob over user keys. Default: all. */
  readonly pattern?: string | undefined
  /** How many of the largest keys are returned, at most. Default: 10. */
  readonly limit?: number | undefined
  /** How many keys are measured, at most, chosen by chance from all that there are. Default: 1 000. */
  readonly sample?: number | undefined
}

/** A key, and what it takes. */
export interface KeySize {
  /** The user key. */
  readonly key: string
  /** The bytes that the key takes in the memory of its server, as `memoryUsage` gives them. */
  readonly bytes: number
}

/** The operations of a cache on its keys: it sees those of its prefix and version alone, unless an operation says otherwise. */
export interface CacheKeySpace {
  /** Moves the value to version + delta, lifetime kept; the new version. Atomic, but between slots of a cluster. */
  readonly incrVersion: (key: string, delta?: number, options?: KeyOptions) => Effect.Effect<number, CacheError>
  /** `incrVersion` by the negative of `delta`, which is 1 by default. */
  readonly decrVersion: (key: string, delta?: number, options?: KeyOptions) => Effect.Effect<number, CacheError>
  /** False only with `overwrite: false` onto an existing key. Atomic, but between slots of a cluster. */
  readonly rename: (from: string, to: string, options?: RenameOptions) => Effect.Effect<boolean, CacheError>
  /** Each key once. Default pattern: all. Keys of others that are not UTF-8 are left out. The scan ends where `limit` keys were found. */
  readonly keys: (pattern?: string, options?: KeysOptions) => Effect.Effect<ReadonlyArray<string>, CommandError>
  /** As they are found; a key may come twice while the server resizes its table. Keys of others that are not UTF-8 are left out. */
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
   * The bytes that the key takes in the memory of its server, as the server estimates them: MEMORY USAGE. None = no such key. In
   * memory: the bytes by which the store counts it.
   */
  readonly memoryUsage: (key: string, options?: KeyOptions) => Effect.Effect<Option.Option<number>, CommandError>
  /**
   * The largest keys of a sample, the largest first. All names are scanned, and `sample` of them, each as likely as any other,
   * are measured: with more keys than that a large one may be missed. One round trip for each 1 000 keys of the database.
   */
  readonly largestKeys: (options?: LargestKeysOptions) => Effect.Effect<ReadonlyArray<KeySize>, CommandError>
  /** Deletes while scanning, in batches; how many keys went. Keys that are not UTF-8 are deleted like all others. */
  readonly deletePattern: (pattern: string, options?: ScanKeysOptions) => Effect.Effect<number, CommandError>
  /** This prefix and version only; how many keys went. */
  readonly clear: Effect.Effect<number, CommandError>
  /** This prefix in every version; how many keys went. */
  readonly clearAllVersions: Effect.Effect<number, CommandError>
  /** FLUSHDB: everything in the database, whoever wrote it. */
  readonly flushAll: Effect.Effect<void, CommandError>
}
