/** `effect-vcache/effect`: the stores of Effect's own modules, over a client or a cache. */
export * as CacheReactivity from "./layers/adapters/CacheReactivity.ts"
export * as EffectBackingPersistence from "./layers/adapters/EffectBackingPersistence.ts"
export * as EffectKeyValueStore from "./layers/adapters/EffectKeyValueStore.ts"
export * as EffectRedis from "./layers/adapters/EffectRedis.ts"
export * as EffectRunnerStorage from "./layers/adapters/EffectRunnerStorage.ts"
