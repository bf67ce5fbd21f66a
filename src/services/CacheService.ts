/** The cache: what a program asks for. */
import { Context, type Duration, type Effect, type Option, type Schema, type Stream } from "effect"
import type { CacheError } from "../schema/CacheError.ts"
import type { CacheOptionsShape } from "../schema/CacheOptions.ts"
import type { KeyType } from "../schema/Command.ts"
import type { CacheHash } from "./CacheHash.ts"
import type { CacheList } from "./CacheList.ts"
import type { CacheLock, LockOptions } from "./CacheLock.ts"
import type { CacheSemaphore, SemaphoreOptions } from "./CacheSemaphore.ts"
import type { CacheQueue, Queued, QueueReturn } from "./CachePipeline.ts"
import type { ArgSchema, CacheScript, ScriptInput } from "./CacheScript.ts"
import type { CacheSet } from "./CacheSet.ts"
import type { CacheSortedSet } from "./CacheSortedSet.ts"
import type { CacheStream } from "./CacheStream.ts"
import type { Health } from "./cache/health.ts"
import type { ValkeyClientShape } from "./ValkeyClient.ts"

export interface KeyOptions {
  /** In place of the cache's own version. */
  readonly version?: number | undefined
}
export interface TtlOptions extends KeyOptions {
  /** `"Infinity"` = never expires; zero or less = expires at once. Default: the cache's own. */
  readonly timeToLive?: Duration.Input | undefined
}
export interface SetOptions extends TtlOptions {
  /** Store only where the key is absent, or only where it is present. Default: always. */
  readonly when?: "absent" | "present" | undefined
  /** Keep the lifetime that the key has. Not together with `timeToLive`. */
  readonly keepTtl?: boolean | undefined
  /** How long past its lifetime `getOrSet` may still serve the value while it looks up another. Default 0. Not together with `keepTtl`. */
  readonly staleFor?: Duration.Input | undefined
}
export interface CounterOptions extends KeyOptions {
  /** What a missing key counts from. Without it a missing key is a `CacheMissError`. */
  readonly initial?: number | undefined
  /** Lifetime of a key that `initial` creates. Default: the cache's own. An existing key keeps its lifetime. */
  readonly timeToLive?: Duration.Input | undefined
}
export interface LookupOptions<A = unknown> extends KeyOptions {
  /** Of the looked-up value, or a function of it: so that "not found" can live shorter. Zero or less = not stored. Default: the cache's own. */
  readonly timeToLive?: Duration.Input | ((value: A) => Duration.Input) | undefined
  /** How long past `timeToLive` the old value is still served while one fiber refreshes it, and when the lookup fails. Default 0. */
  readonly staleFor?: Duration.Input | undefined
  /**
   * Refresh in the background before expiry. `xfetch`: by chance, the likelier the nearer, by what the lookup took × beta
   * (default 1). `fraction`: once that part of the lifetime has passed, above 0 and below 1. Default: never.
   */
  readonly earlyRefresh?:
    | { readonly _tag: "xfetch"; readonly beta?: number | undefined }
    | { readonly _tag: "fraction"; readonly of: number }
    | undefined
  /** `"process"` (default): concurrent callers in this process share one lookup. `"cluster"`: all processes do, by a lease on the key. */
  readonly singleFlight?: "process" | "cluster" | undefined
  /** With a stale value at hand, wait this long for the lookup before serving it; the lookup goes on. Default 0. */
  readonly softTimeout?: Duration.Input | undefined
  /** Fraction, 0 to 1, by which the lifetime is spread up and down. Default: the cache's own. */
  readonly jitter?: number | undefined
}
/** Of a lookup for many keys at once, which no other process is asked about. */
export interface BatchLookupOptions<A = unknown> extends Omit<LookupOptions<A>, "singleFlight" | "softTimeout"> {}
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

/** Every operation on values of type `A`. `RD`/`RE` are what decoding and encoding need. */
export interface TypedCache<A, RD = never, RE = never> {
  /** None on a miss; a stored `null` is a hit. */
  readonly get: (key: string, options?: KeyOptions) => Effect.Effect<Option.Option<A>, CacheError, RD>
  /** Hits only, in request order, one round trip. A key that holds something other than a value counts as a miss. */
  readonly getMany: (
    keys: Iterable<string>,
    options?: KeyOptions
  ) => Effect.Effect<ReadonlyMap<string, A>, CacheError, RD>
  /** False only when `when` held it back. */
  readonly set: (key: string, value: A, options?: SetOptions) => Effect.Effect<boolean, CacheError, RE>
  /** Stores and gives the value that was there. */
  readonly getAndSet: (
    key: string,
    value: A,
    options?: SetOptions
  ) => Effect.Effect<Option.Option<A>, CacheError, RD | RE>
  /** Deletes and gives the value that was there. */
  readonly getAndDelete: (key: string, options?: KeyOptions) => Effect.Effect<Option.Option<A>, CacheError, RD>
  /** Stores only where the key is absent; whether it did. */
  readonly add: (key: string, value: A, options?: TtlOptions) => Effect.Effect<boolean, CacheError, RE>
  /** The user keys that could not be stored; empty when all were. Fails when none could. One round trip for each 1 000 entries or 1 MB. */
  readonly setMany: (
    entries: Iterable<readonly [string, A]> | Readonly<Record<string, A>>,
    options?: TtlOptions
  ) => Effect.Effect<ReadonlyArray<string>, CacheError, RE>
  /** Whether there was something to delete. */
  readonly delete: (key: string, options?: KeyOptions) => Effect.Effect<boolean, CacheError>
  /** How many of the keys existed. */
  readonly deleteMany: (keys: Iterable<string>, options?: KeyOptions) => Effect.Effect<number, CacheError>
  readonly has: (key: string, options?: KeyOptions) => Effect.Effect<boolean, CacheError>
  /** Atomic, keeps the lifetime. A result beyond 2^53 is refused with code OVERFLOW and not applied; `incrBig` counts further. */
  readonly incr: (key: string, delta?: number, options?: CounterOptions) => Effect.Effect<number, CacheError>
  readonly decr: (key: string, delta?: number, options?: CounterOptions) => Effect.Effect<number, CacheError>
  /** Exact at any size. One round trip within 64 bits; beyond, compare-and-set until it holds. */
  readonly incrBig: (key: string, delta?: bigint, options?: KeyOptions) => Effect.Effect<bigint, CacheError>
  readonly incrFloat: (key: string, delta: number, options?: CounterOptions) => Effect.Effect<number, CacheError>
  /** New lifetime; true if the key exists, also when it was and stays persistent. Zero or less deletes. */
  readonly touch: (key: string, options?: TtlOptions) => Effect.Effect<boolean, CacheError>
  /** `touch` with the lifetime as an argument. */
  readonly expire: (key: string, timeToLive: Duration.Input, options?: KeyOptions) => Effect.Effect<boolean, CacheError>
  /** Lifetime up to an instant, in milliseconds since 1970 where it is a number. A past instant deletes. */
  readonly expireAt: (key: string, instant: Date | number, options?: KeyOptions) => Effect.Effect<boolean, CacheError>
  /** True if a lifetime was removed. */
  readonly persist: (key: string, options?: KeyOptions) => Effect.Effect<boolean, CacheError>
  /** None = no such key; Some(Duration.infinity) = never expires. */
  readonly ttl: (key: string, options?: KeyOptions) => Effect.Effect<Option.Option<Duration.Duration>, CacheError>
  /**
   * The cached value, else the lookup's, stored. Concurrent callers of one key in this process share one lookup,
   * which is interrupted only when the last of them leaves. A lookup's failure is the callers' own and is not stored.
   * A stored value that cannot be decoded counts as a miss; a failing store never hides a value that the lookup produced.
   * A key that this cache writes or deletes meanwhile does not get the older result.
   */
  readonly getOrSet: <E, R>(
    key: string,
    lookup: Effect.Effect<A, E, R>,
    options?: LookupOptions<A>
  ) => Effect.Effect<A, E | CacheError, R | RD | RE>
  /** Looks the value up and stores it, whatever is cached; what is cached stays if the lookup fails. Shares no lookup, in no process, that began before. */
  readonly refresh: <E, R>(
    key: string,
    lookup: Effect.Effect<A, E, R>,
    options?: Omit<LookupOptions<A>, "singleFlight" | "softTimeout">
  ) => Effect.Effect<A, E | CacheError, R | RE>
  /**
   * `getOrSet` for many keys: one lookup for all that are missing, one more in the background for those that are stale.
   * Hits first, in request order; a key for which the lookup gives nothing is absent. Batches share no lookups.
   */
  readonly getOrSetMany: <E, R>(
    keys: Iterable<string>,
    lookup: (missing: ReadonlyArray<string>) => Effect.Effect<Iterable<readonly [string, A]>, E, R>,
    options?: BatchLookupOptions<A>
  ) => Effect.Effect<ReadonlyMap<string, A>, E | CacheError, R | RD | RE>
  /** Moves the value to version + delta, lifetime kept; the new version. Atomic, but between slots of a cluster. */
  readonly incrVersion: (key: string, delta?: number, options?: KeyOptions) => Effect.Effect<number, CacheError>
  readonly decrVersion: (key: string, delta?: number, options?: KeyOptions) => Effect.Effect<number, CacheError>
  /** False only with `overwrite: false` onto an existing key. Atomic, but between slots of a cluster. */
  readonly rename: (from: string, to: string, options?: RenameOptions) => Effect.Effect<boolean, CacheError>
  /** None = no such key. */
  readonly typeOf: (key: string, options?: KeyOptions) => Effect.Effect<Option.Option<KeyType>, CacheError>

  // The key space of this prefix and version. Patterns are globs over user keys: * ? [a-z] [^a] \
  /** Each key once. Default pattern: all. */
  readonly keys: (pattern?: string, options?: KeyOptions) => Effect.Effect<ReadonlyArray<string>, CacheError>
  /** As they are found; a key may come twice while the server resizes its table. */
  readonly scan: (
    pattern?: string,
    options?: ScanKeysOptions & { readonly type?: KeyType | undefined }
  ) => Stream.Stream<string, CacheError>
  /** Deletes while scanning, in batches; how many keys went. */
  readonly deletePattern: (pattern: string, options?: ScanKeysOptions) => Effect.Effect<number, CacheError>
  /** This prefix and version only; how many keys went. */
  readonly clear: Effect.Effect<number, CacheError>
  /** This prefix in every version; how many keys went. */
  readonly clearAllVersions: Effect.Effect<number, CacheError>
  /** FLUSHDB: everything in the database, whoever wrote it. */
  readonly flushAll: Effect.Effect<void, CacheError>

  // Structures under one key, with the cache's prefix, version and value codec.
  readonly hash: (key: string, options?: KeyOptions) => CacheHash<A, RD, RE>
  readonly list: (key: string, options?: KeyOptions) => CacheList<A, RD, RE>
  readonly unorderedSet: (key: string, options?: KeyOptions) => CacheSet<A, RD, RE>
  readonly sortedSet: (key: string, options?: KeyOptions) => CacheSortedSet<A, RD, RE>
  readonly stream: (key: string, options?: KeyOptions) => CacheStream<A, RD, RE>

  // Coordination among processes.
  readonly lock: (key: string, options?: LockOptions) => CacheLock
  readonly semaphore: (key: string, options: SemaphoreOptions) => CacheSemaphore

  /**
   * Operations in one write: a tuple or record of what the function queues gives one of what they give. Each is for
   * itself: the first failure is told though others ran; with `mode: "result"` each one's success or failure is told.
   */
  readonly pipeline: <const T extends Queued, M extends "default" | "result" = "default">(
    queue: (queue: CacheQueue<A, RD, RE>) => T,
    options?: { readonly mode?: M | undefined }
  ) => QueueReturn<T, M>
  /**
   * The same as one step that nobody comes between (MULTI). Nothing is sent where a part is refused before; one that
   * fails on the server does not undo the others, and the error says so. In a cluster all keys are in one slot.
   */
  readonly transaction: <const T extends Queued>(
    queue: (queue: CacheQueue<A, RD, RE>) => T
  ) => QueueReturn<T, "default">
  /** Runs a script: keys with prefix and version unless it says otherwise, arguments and result through its schemas. */
  readonly script: <
    K extends string,
    Args extends Readonly<Record<string, ArgSchema>>,
    Result extends Schema.Constraint
  >(
    script: CacheScript<K, Args, Result>,
    input: ScriptInput<K, Args>
  ) => Effect.Effect<Result["Type"], CacheError, Args[keyof Args]["EncodingServices"] | Result["DecodingServices"]>

  /** The same cache with values of a schema. The connection is shared; the codec is compiled once for each schema. */
  readonly withSchema: <S extends Schema.Constraint>(
    schema: S
  ) => TypedCache<S["Type"], S["DecodingServices"], S["EncodingServices"]>
  /** The same cache with other settings. The connection is shared. */
  readonly withOptions: (options: Partial<CacheOptionsShape>) => TypedCache<A, RD, RE>
  readonly options: CacheOptionsShape
  /** The final key. Unlike the operations it does not check the key. */
  readonly makeKey: (key: string, options?: KeyOptions) => string
  readonly reverseKey: (finalKey: string, options?: KeyOptions) => string
  /** Asks every server that commands go to. Fit for a readiness probe: never fails, and takes no longer than a command may. */
  readonly health: Effect.Effect<Health>
  readonly client: ValkeyClientShape
}

export class CacheService extends Context.Service<CacheService, TypedCache<unknown>>()("effect-vcache/CacheService") {}
