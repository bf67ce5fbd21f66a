/** `effect-vcache/keyv`: a storage adapter for Keyv, and with it for cache-manager. */
export { KeyvStore, KeyvStore as default, type KeyvStoreOptions } from "./layers/adapters/KeyvStore.ts"
