/** `effect-vcache/testing`: faults on demand, a look into the cache, a server of one's own. */
export * as Faults from "./layers/testing/Faults.ts"
export * as LocalValkey from "./layers/testing/LocalValkey.ts"
export { type SnapshotEntry, snapshot } from "./layers/testing/snapshot.ts"
