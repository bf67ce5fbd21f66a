/** The cache in this process. */
import { Layer } from "effect"
import { CacheService } from "../../services/CacheService.ts"
import { layerFor } from "./CacheLive.ts"
import * as ValkeyMemory from "../topologies/ValkeyMemory.ts"

/** Needs nothing, runs under `Effect.runSync`. Two programs that each provide it have a store each. */
// A layer of its own, not `CacheLive`: layers are built once, so that a program with both would have one of them twice.
export const CacheMemory: Layer.Layer<CacheService> = Layer.provide(layerFor(CacheService), ValkeyMemory.layer())
