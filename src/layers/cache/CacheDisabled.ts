/** No cache: for a program that is to run without one, as a whole or in a part. */
import { Effect, Layer } from "effect"
import { disabledClient } from "../../services/cache/disabled.ts"
import { CacheService } from "../../services/CacheService.ts"
import { ValkeyClient } from "../../services/ValkeyClient.ts"
import * as ValkeyMemory from "../topologies/ValkeyMemory.ts"

/**
 * A client for caches that hold nothing, in place of one over servers. Reads miss, writes report that nothing was stored,
 * `getOrSet` runs its lookup, counters start from `initial` each time, and tags are forgotten without anybody being asked.
 * Locks, semaphores, `update`, transactions and scripts fail with `CacheUnsupportedError`, because pretending would give
 * everybody the lock; so do sessions, but for `find`, which says `Unknown`, and all commands of the client itself.
 * `CacheLive.layer({ enabled: false })` makes one cache so over any client.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { CacheDisabled, CacheLive, CacheService } from "effect-vcache"
 *
 * const program = CacheService.use((cache) => cache.getOrSet("user:1", Effect.succeed("Ada")))
 * console.log(Effect.runSync(Effect.provide(program, Layer.provide(CacheLive, CacheDisabled.layer))))
 * // => Ada
 * ```
 *
 * @since 0.2.0
 * @category cache
 * @see docs/outages.md
 */
export const layer: Layer.Layer<ValkeyClient> = Layer.effect(
  ValkeyClient,
  Effect.map(ValkeyMemory.make(), disabledClient)
)

/**
 * Runs the effect with a `CacheService` that holds nothing, in place of the one that it has. What took its cache from the
 * context before, as regions and memoised functions do when they are made, keeps that one.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheDisabled, CacheMemory, CacheService } from "effect-vcache"
 *
 * const isThere = CacheService.use((cache) => cache.has("user:1"))
 * const program = Effect.gen(function* () {
 *   yield* CacheService.use((cache) => cache.set("user:1", "Ada"))
 *   console.log(yield* isThere, yield* CacheDisabled.scope(isThere))
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => true false
 * ```
 *
 * @since 0.2.0
 * @category cache
 * @see docs/outages.md
 */
export const scope = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | CacheService> =>
  Effect.updateService(effect, CacheService, (cache) => cache.withOptions({ enabled: false }))
