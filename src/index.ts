/** The front door: everything a program may import, nothing else. */
export * from "./schema/CacheError.ts"
export type { ClientState } from "./schema/ClientState.ts"
export { CacheOptions, type CacheOptionsShape } from "./schema/CacheOptions.ts"
export type { Arg, Command, KeyType, Reply, ReplyEncoding, Topology } from "./schema/Command.ts"
export type { ConnectionOptions, TlsOptions } from "./schema/ConnectionOptions.ts"
export type { ClusterOptions } from "./schema/ClusterOptions.ts"
export type { ReadFrom } from "./schema/ReadFrom.ts"
export type { ReplicatedOptions } from "./schema/ReplicatedOptions.ts"
export type { SentinelOptions } from "./schema/SentinelOptions.ts"
export { Cipher } from "./schema/Cipher.ts"
export { Compressor } from "./schema/Compressor.ts"
export { defaultKeyFunction, type KeyFunction } from "./schema/Key.ts"
export * from "./schema/LockError.ts"
export type { Script, ScriptStore } from "./schema/Script.ts"
export { Serializer } from "./schema/Serializer.ts"
export type { Health } from "./services/cache/health.ts"
export type { CacheHash } from "./services/CacheHash.ts"
export * as CacheRegion from "./services/CacheRegion.ts"
export type { CacheList, ListFindOptions, ListMoveOptions } from "./services/CacheList.ts"
export type { CacheLock, Held, HeldLock, LeaseOptions, LockOptions } from "./services/CacheLock.ts"
export type { CacheQueue, Queued, QueueReturn } from "./services/CachePipeline.ts"
export * as CacheResolver from "./services/CacheResolver.ts"
export * as CacheScript from "./services/CacheScript.ts"
export * as SessionStore from "./services/SessionStore.ts"
export { type Session, SessionMissing, type SessionStoreShape } from "./services/SessionStore.ts"
export type { CacheSemaphore, SemaphoreOptions } from "./services/CacheSemaphore.ts"
export type { CacheSet, SetDestinationOptions } from "./services/CacheSet.ts"
export type {
  SortedSetAddOptions,
  CacheSortedSet,
  SortedSetRangeOptions,
  ScoreBound,
  SortedSetScoreRangeOptions
} from "./services/CacheSortedSet.ts"
export type {
  StreamAddOptions,
  StreamAutoClaimOptions,
  CacheStream,
  CacheStreamGroup,
  StreamClaimOptions,
  StreamConsumerInfo,
  StreamGroupInfo,
  StreamPendingEntry,
  StreamPendingOptions,
  StreamPendingSummary,
  StreamEntry,
  StreamInfo,
  StreamRangeOptions,
  StreamTrimOptions
} from "./services/CacheStream.ts"
export { CachePolicy, type CachePolicyShape, type Operation, type Tally } from "./services/CachePolicy.ts"
export {
  type BatchLookupOptions,
  CacheService,
  type CounterOptions,
  type KeyOptions,
  type LookupOptions,
  type RenameOptions,
  type ScanKeysOptions,
  type SetOptions,
  type TtlOptions,
  type TypedCache
} from "./services/CacheService.ts"
export {
  type DedicatedClient,
  type Message,
  type PipelineResults,
  type ScanOptions,
  type SendOptions,
  ValkeyClient,
  type ValkeyClientShape
} from "./services/ValkeyClient.ts"
export { CacheLive, layerFor } from "./layers/cache/CacheLive.ts"
export { CacheMemory } from "./layers/cache/CacheMemory.ts"
export * as Breaker from "./layers/policies/Breaker.ts"
export * as IgnoreExceptions from "./layers/policies/IgnoreExceptions.ts"
export * as Metrics from "./layers/policies/Metrics.ts"
export * as Tracing from "./layers/policies/Tracing.ts"
export * as ValkeyFallback from "./layers/topologies/ValkeyFallback.ts"
export * as ValkeyMemory from "./layers/topologies/ValkeyMemory.ts"
export { CacheFromConfig } from "./layers/cache/CacheFromConfig.ts"
export { layer as EffectBackingPersistence } from "./layers/adapters/EffectBackingPersistence.ts"
export { layer as EffectKeyValueStore } from "./layers/adapters/EffectKeyValueStore.ts"
export { layer as EffectRedis } from "./layers/adapters/EffectRedis.ts"
export { makeClient, type PromiseCache } from "./layers/adapters/PromiseClient.ts"
export * as ValkeyCluster from "./layers/topologies/ValkeyCluster.ts"
export * as ValkeyReplicated from "./layers/topologies/ValkeyReplicated.ts"
export * as ValkeySentinel from "./layers/topologies/ValkeySentinel.ts"
export * as ValkeyStandalone from "./layers/topologies/ValkeyStandalone.ts"
export * as ValkeyUrl from "./layers/topologies/ValkeyUrl.ts"
