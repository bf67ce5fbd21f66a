/** The cache in this process. */
import { Layer } from "effect"
import type { CacheService } from "../services/CacheService.ts"
import { CacheLive } from "./CacheLive.ts"
import * as ValkeyMemory from "./ValkeyMemory.ts"

/** Needs nothing, runs under `Effect.runSync`. Two programs that each provide it have a store each. */
export const CacheMemory: Layer.Layer<CacheService> = Layer.provide(CacheLive, ValkeyMemory.layer())
