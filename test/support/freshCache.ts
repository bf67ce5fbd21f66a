/** Key spaces for tests that share a server. */
import { Effect } from "effect"
import { type CacheOptions, CacheService } from "effect-vcache"

let spaces = 0

/** A prefix that no other test of this file has. */
export const freshPrefix = (): string => `t${++spaces}`

/** A cache with a key space of its own. */
export const fresh = (options: Partial<CacheOptions> = {}) =>
  Effect.map(CacheService, (cache) => cache.withOptions({ prefix: freshPrefix(), ...options }))
