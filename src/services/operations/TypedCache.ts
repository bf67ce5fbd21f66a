/** Everything that a cache can do, as the sum of its parts. */
import type { Effect, Schema } from "effect"
import type { CacheOptions, ViewOptions } from "../../schema/CacheOptions.ts"
import type { ValkeyClientShape } from "../ValkeyClient.ts"
import type { CacheBatches } from "./CacheBatches.ts"
import type { CacheCoordination } from "./CacheCoordination.ts"
import type { CacheCounters } from "./CacheCounters.ts"
import type { CacheKeySpace } from "./CacheKeySpace.ts"
import type { CacheLifetimes } from "./CacheLifetimes.ts"
import type { CacheLookups } from "./CacheLookups.ts"
import type { CacheMemoize } from "./CacheMemoize.ts"
import type { CachePipelines } from "./CachePipelines.ts"
import type { CacheScripts } from "./CacheScripts.ts"
import type { CacheSessions } from "./CacheSession.ts"
import type { CacheStructures } from "./CacheStructures.ts"
import type { CacheUpdates } from "./CacheUpdates.ts"
import type { CacheTags } from "./CacheTags.ts"
import type { CacheValues } from "./CacheValues.ts"
import type { Health } from "../../schema/Health.ts"
import type { NearState } from "../../schema/NearState.ts"
import type { KeyOptions } from "./KeyOptions.ts"

/**
 * The options of `makeKey`.
 *
 * @since 0.2.0
 * @category keys
 * @see docs/operations.md
 */
export interface MakeKeyOptions extends KeyOptions {
  /**
   * Whether a text that is already a final key of this prefix and version is returned as it is. It is for code that has keys of
   * both kinds; a user key that looks like a final key is taken for one. Default: false.
   */
  readonly unlessFinal?: boolean | undefined
}

/**
 * Every operation on values of type `A`. `RD`/`RE` are what decoding and encoding need.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   // Views share the connection of their cache.
 *   const prices = cache.withOptions({ prefix: "prices", timeToLive: "1 minute" }).withSchema(Schema.Finite)
 *   yield* prices.set("tea", 3.5)
 *   console.log(prices.makeKey("tea"), (yield* prices.health).ready)
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => prices:1:tea true
 * ```
 *
 * @since 0.2.0
 * @category cache
 * @see docs/operations.md
 */
export interface TypedCache<A, RD = never, RE = never>
  extends
    CacheValues<A, RD, RE>,
    CacheBatches<A, RD, RE>,
    CacheUpdates<A, RD, RE>,
    CacheCounters,
    CacheLifetimes,
    CacheLookups<A, RD, RE>,
    CacheMemoize,
    CacheKeySpace,
    CacheTags,
    CacheStructures<A, RD, RE>,
    CacheCoordination,
    CachePipelines<A, RD, RE>,
    CacheScripts,
    CacheSessions<A, RD, RE> {
  /** Returns the same cache with values of a schema. The connection is shared; the codec is compiled once for each schema. */
  readonly withSchema: <S extends Schema.Constraint>(
    schema: S
  ) => TypedCache<S["Type"], S["DecodingServices"], S["EncodingServices"]>
  /** Returns the same cache with other settings. The connection is shared, and so is the near cache. */
  readonly withOptions: (options: ViewOptions) => TypedCache<A, RD, RE>
  /** The settings of this view of the cache, with all defaults filled in. */
  readonly options: CacheOptions
  /** Returns the final key of a user key. Unlike the operations it does not check the key. */
  readonly makeKey: (key: string, options?: MakeKeyOptions) => string
  /** Returns the user key of a final key of this prefix and version, as the key function says it. */
  readonly reverseKey: (finalKey: string, options?: KeyOptions) => string
  /**
   * Asks every server that commands go to, and returns how the cache is. It is fit for a readiness probe: it never fails, and
   * takes no longer than a command may.
   */
  readonly health: Effect.Effect<Health>
  /** Returns what the near cache is doing. */
  readonly near: Effect.Effect<NearState>
  /** The client that the cache is over, for commands that the cache has no operation for. */
  readonly client: ValkeyClientShape
}
