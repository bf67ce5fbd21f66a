/** The key space of a prefix and version. */
import type { Effect, Stream } from "effect"
import type { CacheError, CommandError } from "../../schema/CacheError.ts"
import type { KeyType } from "../../schema/Command.ts"
import type { KeyOptions } from "./KeyOptions.ts"

export interface RenameOptions {
  /** Default true. */
  readonly overwrite?: boolean | undefined
  readonly fromVersion?: number | undefined
  readonly toVersion?: number | undefined
}

export interface ScanKeysOptions extends KeyOptions {
  /** Keys looked at in one round trip, a hint. Default 1 000. */
  readonly count?: number | undefined
}

/** The options of `keys`. */
export interface KeysOptions extends KeyOptions {
  /** The number of keys at most, a whole number above 0. Which ones they are is the server's choice. Default: all. */
  readonly limit?: number | undefined
}

export interface CacheKeySpace {
  /** Moves the value to version + delta, lifetime kept; the new version. Atomic, but between slots of a cluster. */
  readonly incrVersion: (key: string, delta?: number, options?: KeyOptions) => Effect.Effect<number, CacheError>
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
  /** Deletes while scanning, in batches; how many keys went. Keys that are not UTF-8 are deleted like all others. */
  readonly deletePattern: (pattern: string, options?: ScanKeysOptions) => Effect.Effect<number, CommandError>
  /** This prefix and version only; how many keys went. */
  readonly clear: Effect.Effect<number, CommandError>
  /** This prefix in every version; how many keys went. */
  readonly clearAllVersions: Effect.Effect<number, CommandError>
  /** FLUSHDB: everything in the database, whoever wrote it. */
  readonly flushAll: Effect.Effect<void, CommandError>
}
