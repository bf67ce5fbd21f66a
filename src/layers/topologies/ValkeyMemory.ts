/**
 * The client over a store in this process: the same commands, interpreted. Synchronous, so that programs
 * run under `Effect.runSync`; expiring by the Effect `Clock`, so that `TestClock` works.
 */
import { Effect, Layer, type Scope } from "effect"
import { CacheInputError } from "../../schema/CacheError.ts"
import { gaugeOf } from "../../schema/gauge.ts"
import type { MemoryOptions } from "../../schema/MemoryOptions.ts"
import { isHeld } from "../../schema/reservedKeys.ts"
import { ValkeyClient, type ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { Closing } from "../memory/Closing.ts"
import { ExpirySweep } from "../memory/ExpirySweep.ts"
import { MemoryAnnouncer } from "../memory/kernel/MemoryAnnouncer.ts"
import { memoryClient } from "../memory/memoryClient.ts"
import { MemoryStore } from "../memory/store/MemoryStore.ts"

/**
 * Limits that are no positive numbers are a defect.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { ValkeyMemory } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const client = yield* ValkeyMemory.make({ maxEntries: 1000 })
 *   return yield* client.send("INCRBY", ["visits", 2])
 * })
 * console.log(Effect.runSync(Effect.scoped(program)))
 * // => 2
 * ```
 *
 * @since 0.2.0
 * @category clients
 * @see docs/memory.md
 */
export const make = Effect.fnUntraced(function* (
  options: MemoryOptions = {}
): Effect.fn.Return<ValkeyClientShape, never, Scope.Scope> {
  const { eviction = "lru", evictLast = () => false, maxBytes = 256 * 1024 * 1024, maxEntries = 100_000 } = options
  if (!(maxEntries > 0 && maxBytes > 0)) {
    return yield* Effect.die(
      new CacheInputError({ operation: "memory", reason: "maxEntries and maxBytes must be above zero" })
    )
  }
  const announcer = new MemoryAnnouncer()
  const limits = { maxEntries, maxBytes, eviction, evictLast: (key: string) => isHeld(key) || evictLast(key) }
  const store = new MemoryStore(limits, announcer.lost)
  yield* gaugeOf("memory_entries", "Keys of the store in memory", {}, () => store.entries)
  yield* gaugeOf("memory_bytes", "Bytes of the keys and values of the store in memory", {}, () => store.bytes)
  const sweep = yield* Effect.acquireRelease(
    Effect.sync(() => new ExpirySweep(store)),
    (sweep) => Effect.sync(() => sweep.close())
  )
  const closing = yield* Effect.acquireRelease(
    Effect.sync(() => new Closing()),
    (closing) => Effect.sync(() => closing.close())
  )
  closing.onClose(() => announcer.invalidations.close())
  return memoryClient(store, sweep, announcer, closing)
})

/**
 * Needs nothing and opens nothing. Each layer built has a store of its own. Limits that are no positive numbers are a defect.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { CacheLive, CacheService, ValkeyMemory } from "effect-vcache"
 *
 * const small = Layer.provide(CacheLive, ValkeyMemory.layer({ maxEntries: 2 }))
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   for (const user of ["ada", "bob", "eve"]) yield* cache.set(user, 1)
 *   return (yield* cache.keys()).toSorted()
 * })
 * console.log(Effect.runSync(Effect.provide(program, small)))
 * // => [ 'bob', 'eve' ]
 * ```
 *
 * @since 0.2.0
 * @category clients
 * @see docs/memory.md
 */
export const layer = (options: MemoryOptions = {}): Layer.Layer<ValkeyClient> =>
  Layer.effect(ValkeyClient, make(options))
