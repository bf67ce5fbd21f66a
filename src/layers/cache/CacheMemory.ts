/** The cache in this process. */
import type { CacheService } from "../../services/CacheService.ts"
import * as ValkeyMemory from "../topologies/ValkeyMemory.ts"
import { CacheLive, type CacheLayerOptions, type Configurable, configurable, over } from "./CacheLive.ts"

const store = ValkeyMemory.layer()

/**
 * Needs nothing, runs under `Effect.runSync`. One program has one store, whatever the settings of its caches; two
 * programs that each provide the layer have a store each. For a store of other bounds: `CacheLive` over `ValkeyMemory.layer`.
 *
 * @example
 * ```ts
 * import { Effect, Option } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   yield* cache.set("user:1", { name: "Ada" }, { timeToLive: "5 minutes" })
 *   return Option.getOrNull(yield* cache.get("user:1"))
 * })
 * console.log(Effect.runSync(Effect.provide(program, CacheMemory)))
 * // => { name: 'Ada' }
 * ```
 *
 * @since 0.2.0
 * @category cache
 * @see docs/memory.md
 */
export const CacheMemory: Configurable<CacheService, never, never, CacheLayerOptions> = configurable(
  over(CacheLive, store),
  (options) => over(CacheLive.layer(options), store)
)
