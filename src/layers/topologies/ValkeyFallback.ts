/** A client that turns to a second one while the first is down. */
import { type Duration, Effect, Layer } from "effect"
import { CacheInputError } from "../../schema/CacheError.ts"
import { toMillis } from "../../schema/timeToLive.ts"
import { ValkeyClient } from "../../services/ValkeyClient.ts"
import { makeFallback } from "../fallback/fallbackClient.ts"

/**
 * The options of `ValkeyFallback.layer`: two clients, and when each is used.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/outages.md
 */
export interface FallbackOptions<E1, R1, E2, R2> {
  /** The client that is used whenever it answers. */
  readonly first: Layer.Layer<ValkeyClient, E1, R1>
  /** Used while the first is down: in memory, say. */
  readonly second: Layer.Layer<ValkeyClient, E2, R2>
  /** How often the first is asked whether it is back. Default: 1 second. */
  readonly probeInterval?: Duration.Input | undefined
  /**
   * What happens to additions to a list, a set, a hash, a sorted set or a stream while the first is down, and to
   * scripts that do not say what they do (`Script.uses`). `"fail"` (default): they fail with the outage, and the first
   * keeps what it has. `"second"`: the second executes them, and the whole structure is deleted when the first is back.
   */
  readonly structures?: "fail" | "second" | undefined
}

/**
 * Commands go to `first`. The first one that meets a connection error or a timeout goes to `second`, and so do all
 * others until `first` answers again. What the second answered decides what happens in the first before it is used again:
 * keys whose value the second has changed or deleted are deleted, removals of parts of a structure are repeated, and
 * what was only read is left alone. `structures` says what happens to additions to structures. Subscriptions,
 * dedicated connections, the raw client, locks and semaphores are always those of `first`.
 *
 * @example
 * ```ts
 * import { Effect, Layer, Option } from "effect"
 * import { CacheLive, CacheService, ValkeyFallback, ValkeyMemory, ValkeyStandalone } from "effect-vcache"
 *
 * const client = ValkeyFallback.layer({
 *   // Nothing listens at this port.
 *   first: ValkeyStandalone.layer({ url: "valkey://127.0.0.1:1" }),
 *   second: ValkeyMemory.layer({ maxEntries: 10_000 })
 * })
 * const program = CacheService.use((cache) => Effect.andThen(cache.set("user:1", "Ada"), cache.get("user:1")))
 * console.log(Option.getOrNull(await Effect.runPromise(Effect.provide(program, Layer.provide(CacheLive, client)))))
 * // => Ada
 * ```
 *
 * @since 0.2.0
 * @category clients
 * @see docs/outages.md
 */
export const layer = <E1, R1, E2, R2>({
  first,
  probeInterval = "1 second",
  second,
  structures = "fail"
}: FallbackOptions<E1, R1, E2, R2>): Layer.Layer<ValkeyClient, E1 | E2, R1 | R2> =>
  Layer.effect(
    ValkeyClient,
    Effect.gen(function* () {
      const millis = toMillis(probeInterval)
      if (millis === undefined || millis === 0 || millis === Infinity) {
        const reason = "probeInterval must be above zero and finite"
        return yield* Effect.die(new CacheInputError({ operation: "ValkeyFallback", reason }))
      }
      const clients = yield* Effect.all([built(first), built(second)])
      const settings = { name: "ValkeyFallback", probeInterval: millis, structures }
      return makeFallback(clients, settings, yield* Effect.scope).client
    })
  )

/** In a memo of its own: the same layer may stand elsewhere in the program. */
const built = <E, R>(layer: Layer.Layer<ValkeyClient, E, R>) =>
  Effect.flatMap(Layer.build(Layer.fresh(layer)), (context) => Effect.provideContext(ValkeyClient, context))
