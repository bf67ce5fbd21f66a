/**
 * What each public operation gives, can fail with and needs. The tables name every member: one that is added, or whose
 * channels change, does not compile here. Checked by `npm run check`.
 */
import { expectTypeOf, it } from "@effect/vitest"
import type { Effect, Option, Result, Schema, Scope, Stream } from "effect"
import type {
  CacheBatches,
  CacheConflictError,
  CacheCounters,
  CacheError,
  CacheHash,
  CacheInputError,
  CacheKeySpace,
  CacheLifetimes,
  CacheList,
  CacheLists,
  CacheLock,
  CacheLookups,
  LookupResult,
  CacheRegion,
  CacheScript,
  CacheSemaphore,
  CacheSession,
  CacheSet,
  CacheSortedSet,
  CacheStream,
  CacheStreamGroup,
  CacheStreams,
  CacheTags,
  CacheUpdates,
  CacheValues,
  CommandError,
  ExistingKeyError,
  HeldLease,
  HeldLock,
  LockLost,
  LockUnavailable,
  SessionMissing,
  SessionStoreShape,
  SessionUnknown,
  TypedCache,
  ValkeyClientShape,
  ValueError
} from "effect-vcache"

/** What decoding needs, what encoding needs. */
interface RD {
  readonly decodes: true
}
interface RE {
  readonly encodes: true
}
interface Value {
  readonly value: true
}

type ResultOf<T> = T extends (...args: ReadonlyArray<never>) => infer R ? R : T
type ChannelsOf<T> =
  ResultOf<T> extends Stream.Stream<infer _A, infer E, infer R>
    ? readonly [E, R]
    : ResultOf<T> extends Effect.Effect<infer _A, infer E, infer R>
      ? readonly [E, R]
      : readonly [never, never]
type SuccessOf<T> = ResultOf<T> extends Effect.Effect<infer A, infer _E, infer _R> ? A : never

/** Members by what they can fail with and need. */
type Channels<S> = { readonly [K in keyof S]: ChannelsOf<S[K]> }

/** Only commands; values are decoded, encoded, or both. */
type Plain = readonly [CommandError, never]
type Reads = readonly [ValueError, RD]
type Writes = readonly [ValueError, RE]
type Both = readonly [ValueError, RD | RE]

it("values, batches, counters, lifetimes, keys", () => {
  expectTypeOf<Channels<CacheValues<Value, RD, RE>>>().toEqualTypeOf<{
    readonly get: Reads
    readonly set: Writes
    readonly getAndSet: Both
    readonly getAndDelete: Reads
    readonly getAndTouch: Reads
    readonly add: Writes
    readonly delete: Plain
    readonly markStale: Plain
    readonly has: Plain
    readonly typeOf: Plain
  }>()
  expectTypeOf<Channels<CacheBatches<Value, RD, RE>>>().toEqualTypeOf<{
    readonly getMany: Reads
    readonly setMany: Writes
    readonly deleteMany: Plain
  }>()
  expectTypeOf<Channels<CacheUpdates<Value, RD, RE>>>().toEqualTypeOf<{
    readonly update: readonly [ValueError | CacheConflictError, RD | RE]
    readonly setIf: Both
  }>()
  expectTypeOf<Channels<CacheCounters>>().toEqualTypeOf<{
    readonly [K in keyof CacheCounters]: readonly [ExistingKeyError, never]
  }>()
  expectTypeOf<Channels<CacheLifetimes>>().toEqualTypeOf<{ readonly [K in keyof CacheLifetimes]: Plain }>()
  type Moves = "rename" | "incrVersion" | "decrVersion"
  expectTypeOf<Channels<CacheKeySpace>>().toEqualTypeOf<{
    readonly [K in keyof CacheKeySpace]: K extends Moves ? readonly [CacheError, never] : Plain
  }>()
})

it("lookups", () => {
  interface Own {
    readonly own: true
  }
  interface Needed {
    readonly needed: true
  }
  const cache = {} as CacheLookups<Value, RD, RE>
  const lookup = {} as Effect.Effect<Value, Own, Needed | Scope.Scope>
  const calls = () => ({
    getOrSet: cache.getOrSet("k", lookup),
    detailed: cache.getOrSetDetailed("k", lookup),
    refresh: cache.refresh("k", lookup),
    cached: cache.cached("k")(lookup),
    many: cache.getOrSetMany(["k"], () => ({}) as Effect.Effect<ReadonlyArray<[string, Value]>, Own, Needed>)
  })
  type Calls = ReturnType<typeof calls>
  expectTypeOf<Calls["getOrSet"]>().toEqualTypeOf<Effect.Effect<Value, Own | CommandError, Needed | RD | RE>>()
  expectTypeOf<Calls["detailed"]>().toEqualTypeOf<
    Effect.Effect<LookupResult<Value>, Own | CommandError, Needed | RD | RE>
  >()
  expectTypeOf<Calls["cached"]>().toEqualTypeOf<Calls["getOrSet"]>()
  expectTypeOf<Calls["refresh"]>().toEqualTypeOf<Effect.Effect<Value, Own | CommandError, Needed | RE>>()
  expectTypeOf<Calls["many"]>().toEqualTypeOf<
    Effect.Effect<ReadonlyMap<string, Value>, Own | CommandError, Needed | RD | RE>
  >()
  expectTypeOf<Channels<Omit<CacheRegion.Region<string, Value, Own, Needed>, "entries">>>().toEqualTypeOf<{
    readonly get: readonly [Own | CommandError, Needed]
    readonly getMany: readonly [Own | CommandError, Needed]
    readonly getCached: readonly [ValueError, Needed]
    readonly set: readonly [ValueError, Needed]
    readonly refresh: readonly [Own | CommandError, Needed]
    readonly invalidate: readonly [CommandError, Needed]
    readonly cacheKey: readonly [CacheInputError, Needed]
    readonly clear: Plain
  }>()
})

it("structures", () => {
  expectTypeOf<Channels<CacheHash<Value, RD, RE>>>().toEqualTypeOf<{
    readonly set: Writes
    readonly setMany: Writes
    readonly setIfAbsent: Writes
    readonly get: Reads
    readonly getMany: Reads
    readonly getAll: Reads
    readonly delete: Plain
    readonly has: Plain
    readonly size: Plain
    readonly fields: Plain
    readonly values: Reads
    readonly incr: Plain
    readonly incrFloat: Plain
    readonly expireFields: Plain
    readonly persistFields: Plain
    readonly fieldTtls: Plain
    readonly getAndTouch: Reads
    readonly setExpiring: Writes
    readonly scan: Reads
    readonly scanPage: Reads
  }>()
  expectTypeOf<Channels<CacheList<Value, RD, RE>>>().toEqualTypeOf<{
    readonly pushLeft: Writes
    readonly pushRight: Writes
    readonly popLeft: Reads
    readonly popRight: Reads
    readonly popLeftMany: Reads
    readonly popRightMany: Reads
    readonly awaitLeft: Reads
    readonly awaitRight: Reads
    readonly range: Reads
    readonly at: Reads
    readonly setAt: Writes
    readonly insert: Writes
    readonly remove: Writes
    readonly trim: Plain
    readonly size: Plain
    readonly moveTo: Reads
    readonly indexOf: Writes
    readonly indexesOf: Writes
  }>()
  expectTypeOf<Channels<CacheLists<Value, RD>>>().toEqualTypeOf<{ readonly pop: Reads }>()
  expectTypeOf<Channels<CacheSet<Value, RD, RE>>>().toEqualTypeOf<{
    readonly add: Writes
    readonly remove: Writes
    readonly has: Writes
    readonly hasMany: Writes
    readonly members: Reads
    readonly size: Plain
    readonly pop: Reads
    readonly popMany: Reads
    readonly random: Reads
    readonly randomMany: Reads
    readonly moveTo: Writes
    readonly union: Reads
    readonly intersection: Reads
    readonly difference: Reads
    readonly storeUnion: Plain
    readonly storeIntersection: Plain
    readonly storeDifference: Plain
    readonly scan: Reads
    readonly scanPage: Reads
  }>()
  expectTypeOf<Channels<CacheSortedSet<Value, RD, RE>>>().toEqualTypeOf<{
    readonly add: Writes
    readonly incr: Writes
    readonly incrIf: Writes
    readonly score: Writes
    readonly scores: Writes
    readonly rank: Writes
    readonly range: Reads
    readonly rangeWithScores: Reads
    readonly rangeByScore: Reads
    readonly countByScore: Plain
    readonly remove: Writes
    readonly removeByRank: Plain
    readonly removeByScore: Plain
    readonly popMin: Reads
    readonly popMax: Reads
    readonly size: Plain
    readonly scan: Reads
    readonly scanPage: Reads
  }>()
  expectTypeOf<Omit<Channels<CacheStream<Value, RD, RE>>, "group">>().toEqualTypeOf<{
    readonly add: Writes
    readonly size: Plain
    readonly range: Reads
    readonly trim: Plain
    readonly delete: Plain
    readonly follow: Reads
    readonly read: Reads
    readonly details: readonly [ExistingKeyError | ValueError, RD]
    readonly info: readonly [ExistingKeyError, never]
    readonly groups: Plain
  }>()
  expectTypeOf<Channels<CacheStreams<Value, RD>>>().toEqualTypeOf<{ readonly follow: Reads; readonly read: Reads }>()
  type DecodesEntries = "read" | "consume" | "claim" | "autoClaim"
  expectTypeOf<Channels<CacheStreamGroup<Value, RD>>>().toEqualTypeOf<{
    readonly [K in keyof CacheStreamGroup<Value, RD>]: K extends DecodesEntries ? Reads : Plain
  }>()
})

it("locks, semaphores, sessions", () => {
  expectTypeOf<Omit<Channels<CacheLock>, "withLock">>().toEqualTypeOf<{
    readonly acquire: readonly [CommandError | LockUnavailable, Scope.Scope]
    readonly restore: readonly [CommandError | LockLost, Scope.Scope]
    readonly forceRelease: Plain
    readonly isLocked: Plain
  }>()
  expectTypeOf<SuccessOf<CacheLock["acquire"]>>().toEqualTypeOf<HeldLock>()
  expectTypeOf<SuccessOf<CacheSemaphore["acquire"]>>().toEqualTypeOf<HeldLease>()
  const held = (lock: CacheLock, permits: CacheSemaphore, work: Effect.Effect<Value, "own", RD>) =>
    [lock.withLock(work), permits.withPermits(1)(work)] as const
  expectTypeOf<ReturnType<typeof held>[0 | 1]>().toEqualTypeOf<
    Effect.Effect<Value, "own" | CommandError | LockUnavailable | LockLost, RD>
  >()
  expectTypeOf<Omit<Channels<CacheSession<Value, RD, RE>>, "update">>().toEqualTypeOf<{
    readonly create: Writes
    readonly find: Reads
    readonly save: Writes
    readonly touch: Plain
    readonly destroy: Plain
    readonly move: Reads
  }>()
  type Store = Channels<SessionStoreShape<Value, RD, RE>>
  expectTypeOf<Store["find"]>().toEqualTypeOf<Reads>()
  expectTypeOf<Store["load"]>().toEqualTypeOf<readonly [ValueError | SessionUnknown, RD]>()
  expectTypeOf<Store["save"]>().toEqualTypeOf<readonly [ValueError | SessionMissing, RE]>()
  expectTypeOf<Store["touch"]>().toEqualTypeOf<Plain>()
  expectTypeOf<Store["destroy"]>().toEqualTypeOf<Plain>()
})

it("tags, pipelines, scripts, the state of a cache", () => {
  expectTypeOf<Channels<CacheTags>>().toEqualTypeOf<{
    readonly invalidateTags: Plain
    readonly tagSnapshot: Plain
    readonly tagsOf: readonly [ValueError, never]
  }>()
  type Cache = TypedCache<Value, RD, RE>
  const queue = (cache: Cache, value: Value) => ({
    pipeline: cache.pipeline((queued) => [queued.get("k"), queued.delete("k")]),
    each: cache.pipeline((queued) => ({ read: queued.get("k"), counted: queued.incr("n") }), { mode: "result" }),
    transaction: cache.transaction((queued) => [queued.set("k", value)])
  })
  expectTypeOf<ReturnType<typeof queue>>().toEqualTypeOf<{
    pipeline: Effect.Effect<[Option.Option<Value>, boolean], ValueError, RD>
    each: Effect.Effect<
      { read: Result.Result<Option.Option<Value>, ValueError>; counted: Result.Result<number, ExistingKeyError> },
      never,
      RD
    >
    transaction: Effect.Effect<[boolean], ValueError, RE>
  }>()
  const run = (
    cache: Cache,
    script: CacheScript.CacheScript<"key", { readonly by: typeof Schema.Number }, typeof Schema.String>
  ) => cache.script(script, { keys: { key: "k" }, args: { by: 1 } })
  expectTypeOf<ReturnType<typeof run>>().toEqualTypeOf<Effect.Effect<string, ValueError>>()
  expectTypeOf<Pick<Channels<Cache>, "health" | "near">>().toEqualTypeOf<{
    readonly health: readonly [never, never]
    readonly near: readonly [never, never]
  }>()
})

it("the client", () => {
  type Client = Channels<ValkeyClientShape>
  expectTypeOf<Pick<Client, "send" | "pipeline" | "transaction" | "eval" | "scan" | "subscribe">>().toEqualTypeOf<{
    readonly send: Plain
    readonly pipeline: Plain
    readonly transaction: Plain
    readonly eval: Plain
    readonly scan: Plain
    readonly subscribe: Plain
  }>()
  expectTypeOf<Pick<Client, "subscription" | "dedicated">>().toEqualTypeOf<{
    readonly subscription: readonly [CommandError, Scope.Scope]
    readonly dedicated: readonly [CommandError, Scope.Scope]
  }>()
  expectTypeOf<Pick<Client, "state" | "states">>().toEqualTypeOf<{
    readonly state: readonly [never, never]
    readonly states: readonly [never, never]
  }>()
})
