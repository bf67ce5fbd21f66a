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
 * @since 0.2.0
 * @category cache
 * @see docs/outages.md
 */
export const scope = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | CacheService> =>
  Effect.updateService(effect, CacheService, (cache) => cache.withOptions({ enabled: false }))
