/** `effect-vcache/memory`: the cache without connections to servers, codecs and sessions; the front door has all of it, too. */
export * from "./schema/CacheError.ts"
export { ForeignError } from "./schema/ForeignError.ts"
export { forClients } from "./schema/forClients.ts"
export { isTransient } from "./schema/isTransient.ts"
export { CacheConflictError } from "./schema/CacheConflictError.ts"
export { CacheReplicationError } from "./schema/CacheReplicationError.ts"
export { ClientState, type ServerDown } from "./schema/ClientState.ts"
export type { DownCause, Invalidation, ReplyPlace, TrackedReply, Tracking } from "./schema/Invalidation.ts"
export type { CacheName } from "./schema/CacheName.ts"
export type { CacheNotice } from "./schema/CacheNotice.ts"
export type { CacheOptions, ViewOptions } from "./schema/CacheOptions.ts"
export type { Arg, Command, KeyType, Reply, ReplyEncoding, Topology } from "./schema/Command.ts"
export type { EarlyRefresh, LookupDefaults } from "./schema/LookupDefaults.ts"
export type { MemoryOptions } from "./schema/MemoryOptions.ts"
export type { NearOptions } from "./schema/NearOptions.ts"
export { NearState, type NearStateJson } from "./schema/NearState.ts"
export { Health, type HealthJson } from "./schema/Health.ts"
export { defaultKeyFunction, type KeyFunction } from "./schema/key.ts"
export * from "./schema/LockError.ts"
export { isLookupError } from "./schema/lookupErrors.ts"
export type { Script, ScriptStore } from "./schema/Script.ts"
export type { TagSnapshot } from "./schema/TagSnapshot.ts"
export type { ValueLimits } from "./schema/ValueLimits.ts"
export type { BatchSetOptions, CacheBatches } from "./services/operations/CacheBatches.ts"
export type { CacheCoordination } from "./services/operations/CacheCoordination.ts"
export type { BigCounterOptions, CacheCounters, CounterOptions } from "./services/operations/CacheCounters.ts"
export type { CacheHash } from "./services/operations/structures/CacheHash.ts"
export type {
  CacheKeySpace,
  KeySize,
  KeysOptions,
  KeysPage,
  LargestKeysOptions,
  RenameOptions,
  ScanKeysOptions,
  ScanKeysPageOptions
} from "./services/operations/CacheKeySpace.ts"
export type { CacheLifetimes } from "./services/operations/CacheLifetimes.ts"
export type { CacheList, ListFindOptions, ListMoveOptions } from "./services/operations/structures/CacheList.ts"
export type { CacheLists, ListsPopOptions, PoppedElements } from "./services/operations/structures/CacheLists.ts"
export type { CacheLock, HeldLock, LockOptions } from "./services/operations/CacheLock.ts"
export type { CacheFailures, FailureOptions } from "./services/operations/CacheFailures.ts"
export type {
  BatchLookupOptions,
  CacheLookups,
  Lookup,
  LookupOptions,
  LookupResult,
  RefreshOptions,
  Stale
} from "./services/operations/CacheLookups.ts"
export type { CacheMemoize, Memoized, MemoizeOptions } from "./services/operations/CacheMemoize.ts"
export type { CachePipelines, Queued, QueueReturn } from "./services/operations/CachePipelines.ts"
export type { CacheQueue } from "./services/operations/CacheQueue.ts"
export type { CacheScripts } from "./services/operations/CacheScripts.ts"
export type { CacheSemaphore, SemaphoreOptions } from "./services/operations/CacheSemaphore.ts"
export type { CacheTags, InvalidateTagsOptions } from "./services/operations/CacheTags.ts"
export type { TagOptions } from "./services/operations/TagOptions.ts"
export type { CacheSet, SetDestinationOptions } from "./services/operations/structures/CacheSet.ts"
export type {
  CacheSortedSet,
  ScoreBound,
  SortedSetAddOptions,
  SortedSetRangeOptions,
  SortedSetScoreRangeOptions
} from "./services/operations/structures/CacheSortedSet.ts"
export type {
  CacheStream,
  StreamAddOptions,
  StreamRangeOptions,
  StreamTrimOptions
} from "./services/operations/structures/CacheStream.ts"
export type {
  CacheStreamGroup,
  StreamAutoClaimOptions,
  StreamClaimOptions,
  StreamPendingEntry,
  StreamPendingOptions,
  StreamPendingSummary
} from "./services/operations/structures/CacheStreamGroup.ts"
export type { StreamEntry } from "./services/operations/structures/StreamEntry.ts"
export type {
  StreamConsumerDetails,
  StreamConsumerInfo,
  StreamDelivery,
  StreamDetails,
  StreamGroupDetails,
  StreamGroupInfo,
  StreamInfo
} from "./services/operations/structures/StreamInfo.ts"
export type {
  CacheStreams,
  KeyedStreamEntry,
  StreamPlaces,
  StreamsFollowOptions,
  StreamsReadOptions
} from "./services/operations/structures/CacheStreams.ts"
export type { StructurePage, StructurePageOptions } from "./services/operations/structures/StructurePage.ts"
export type { CacheStructures } from "./services/operations/CacheStructures.ts"
export type { CacheUpdates, SetIfOptions, UpdateOptions } from "./services/operations/CacheUpdates.ts"
export type { CacheValues, SetOptions } from "./services/operations/CacheValues.ts"
export type { KeyOptions, ReadOptions, TtlOptions } from "./services/operations/KeyOptions.ts"
export type { HeldLease, LeaseOptions } from "./services/operations/HeldLease.ts"
export type { MakeKeyOptions, TypedCache } from "./services/operations/TypedCache.ts"
export {
  CachePolicy,
  type CachePolicyShape,
  type Operation,
  type PolicySource,
  type Tally
} from "./services/CachePolicy.ts"
export * as CacheLookup from "./services/CacheLookup.ts"
export * as CacheMemo from "./services/CacheMemo.ts"
export * as CacheRegion from "./services/CacheRegion.ts"
export * as CacheResolver from "./services/CacheResolver.ts"
export * as CacheScript from "./services/CacheScript.ts"
export {
  type DedicatedClient,
  type Message,
  type PipelineResults,
  type ScanOptions,
  type ScanPage,
  type ScanPageOptions,
  type SlowCommand,
  type SlowLogOptions,
  type SendOptions,
  type InvalidationOptions,
  type Invalidations,
  type TrackedOptions,
  type ServerConnections,
  ValkeyClient,
  type ValkeyClientShape
} from "./services/ValkeyClient.ts"
export * as CacheDisabled from "./layers/cache/CacheDisabled.ts"
export { type CacheLayerOptions, CacheLive, type Configurable, layerFor } from "./layers/cache/CacheLive.ts"
export { CacheMemory } from "./layers/cache/CacheMemory.ts"
export { CacheService, type CacheServiceLayers } from "./layers/cache/serviceLayers.ts"
export {
  type CacheEvent,
  CacheEvents,
  type CacheEventsOptions,
  type CacheEventsShape
} from "./layers/policies/CacheEvents.ts"
export * as Breaker from "./layers/policies/Breaker.ts"
export * as IgnoreExceptions from "./layers/policies/IgnoreExceptions.ts"
export * as Metrics from "./layers/policies/Metrics.ts"
export * as Tracing from "./layers/policies/Tracing.ts"
export * as ValkeyFallback from "./layers/topologies/ValkeyFallback.ts"
export * as ValkeyMemory from "./layers/topologies/ValkeyMemory.ts"
