/** What a cache holds, for assertions. */
import { Duration, Effect, Option } from "effect"
import type { CacheError } from "../../schema/CacheError.ts"
import type { KeyType } from "../../schema/Command.ts"
import { CacheService } from "../../services/CacheService.ts"

/** What a snapshot says of one key. */
export interface SnapshotEntry {
  /** The type of what the key holds. */
  readonly type: KeyType
  /** Of strings that are values of the cache; undefined for everything else. */
  readonly value: unknown
  /** Milliseconds; `Infinity` = for ever. */
  readonly timeToLive: number
}

/** All keys of this prefix and version, by user key, in the order of their names. */
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
