/** What a cache holds, for assertions. */
import { Duration, Effect, Option } from "effect"
import type { CacheError } from "../../schema/CacheError.ts"
import type { KeyType } from "../../schema/Command.ts"
import { CacheService } from "../../services/CacheService.ts"

/**
 * What a snapshot says of one key.
 *
 * @since 0.2.0
 * @category testing
 * @see docs/testing.md
 */
export interface SnapshotEntry {
  /** The type of what the key holds. */
  readonly type: KeyType
  /** The decoded value of a string; undefined for everything else, and for what the cache cannot decode. */
  readonly value: unknown
  /** For how many milliseconds the key still lives; `Infinity` = for ever. */
  readonly timeToLive: number
}

/**
 * Returns all keys of this prefix and version with what they hold, by user key, in the order of their names.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 * import { snapshot } from "effect-vcache/testing"
 *
 * const program = Effect.gen(function* () {
 *   yield* (yield* CacheService).set("user:1", "Ada", { timeToLive: "Infinity" })
 *   console.log((yield* snapshot).get("user:1"))
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => { type: 'string', value: 'Ada', timeToLive: Infinity }
 * ```
 *
 * @since 0.2.0
 * @category testing
 * @see docs/testing.md
 */
export const snapshot: Effect.Effect<ReadonlyMap<string, SnapshotEntry>, CacheError, CacheService> = Effect.gen(
  function* () {
    const cache = yield* CacheService
    const held = new Map<string, SnapshotEntry>()
    for (const key of (yield* cache.keys()).toSorted()) {
      const type = Option.getOrUndefined(yield* cache.typeOf(key))
      const ttl = Option.getOrUndefined(yield* cache.ttl(key))
      if (type === undefined || ttl === undefined) continue
      const value =
        type === "string"
          ? yield* Effect.catchTag(cache.get(key), "CacheCodecError", () => Effect.succeedNone)
          : Option.none()
      held.set(key, { type, value: Option.getOrUndefined(value), timeToLive: Duration.toMillis(ttl) })
    }
    return held
  }
)
