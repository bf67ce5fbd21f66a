/** Settings of one cache. */
import { Duration } from "effect"
import type { Cipher } from "./Cipher.ts"
import type { Compressor } from "./Compressor.ts"
import { type FormatOptions, formatRefusal } from "./Formats.ts"
import { defaultKeyFunction, type KeyFunction } from "./key.ts"
import { type LookupDefaults, lookupDefaultsRefusal } from "./LookupDefaults.ts"
import { jsonSerializer } from "./jsonSerializer.ts"
import type { Serializer } from "./Serializer.ts"
import { toMillis } from "./timeToLive.ts"
import type { ValueLimits } from "./ValueLimits.ts"

/**
 * The settings of a cache, all of them. `CacheLive.layer` takes any part of them; each field says its default.
 *
 * @since 0.2.0
 * @category cache
 * @see docs/options.md
 */
export interface CacheOptions {
  /** The namespace of the keys. Default: `""`. */
  readonly prefix: string
  /** The version of the keys, a safe integer. Default: 1. */
  readonly version: number
  /** The lifetime of values where a call names none. Default: 300 seconds; `"Infinity"` = they never expire. */
  readonly timeToLive: Duration.Input
  /** The fraction, 0 to 1, by which every lifetime is spread up and down. Default: 0. */
  readonly jitter: number
  /** The function that makes final keys. Default: `prefix:version:key`, with colons of the prefix written `%3A`. */
  readonly keyFunction: KeyFunction
  /**
   * What makes text or bytes of values. A list writes with its first and reads with whichever wrote the value. Default:
   * `Serializer.json`.
   */
  readonly serializer: Serializer | ReadonlyArray<Serializer>
  /** What compresses values. A list writes with its first and reads with whichever wrote the value. Default: none. */
  readonly compressor: Compressor | ReadonlyArray<Compressor> | undefined
  /** What encrypts values. With a cipher, values that are not encrypted are refused; counters stay plain. Default: none. */
  readonly cipher: Cipher | undefined
  /** What a value may be made of, in both directions. Default: 64 MiB, 1 000 000 parts, 512 levels, 10 000 digits. */
  readonly limits: Partial<ValueLimits> | undefined
  /**
   * The defaults of `getOrSet`, `getOrSetMany`, `refresh`, regions and memoised functions: stale values, early refreshes, who
   * shares a lookup. Their own options take precedence. They never concern `set`. Default: `{}`, none of it.
   */
  readonly lookup: LookupDefaults
  /** The settings of tags. Default: `{}`. */
  readonly tags: TagSettings
  /** Whether the cache is used. False: it holds nothing, and no server is asked; see `CacheDisabled`. Default: true. */
  readonly enabled: boolean
}

/**
 * The settings of tags. Every field has a default.
 *
 * @since 0.2.0
 * @category tags
 * @see docs/tags.md
 */
export interface TagSettings {
  /**
   * What becomes of values with tags after a failover, since a primary that takes over may have missed the last invalidations.
   * `"forget"` (default): all of them are gone after a failover, a restart, and the move of their records to another server.
   * `"trust"`: they stay, and what such an invalidation should have forgotten may come back.
   */
  readonly afterFailover?: "forget" | "trust" | undefined
}

/**
 * The settings that a view of a cache may have of its own.
 *
 * @since 0.2.0
 * @category cache
 * @see docs/options.md
 */
export interface ViewOptions extends Partial<CacheOptions> {
  /**
   * False: this view reads from the server. The near cache belongs to the layer, so a view can only read past it. Default: the
   * view reads as the layer does.
   */
  readonly near?: false | undefined
}

/** The settings of a view, all of them. */
export interface ViewSettings extends CacheOptions, Pick<ViewOptions, "near"> {}

/** The settings of a cache that names none. */
export const defaultOptions: CacheOptions = {
  prefix: "",
  version: 1,
  timeToLive: Duration.seconds(300),
  jitter: 0,
  keyFunction: defaultKeyFunction,
  serializer: jsonSerializer,
  compressor: undefined,
  cipher: undefined,
  limits: undefined,
  lookup: {},
  tags: {},
  enabled: true
}

/** Why the settings cannot be used; undefined when they can. */
export const optionsRefusal = (options: CacheOptions): string | undefined => {
  if (typeof options.prefix !== "string" || !options.prefix.isWellFormed()) return "prefix must be well-formed text"
  if (typeof options.enabled !== "boolean") return "enabled must be true or false"
  if (!Number.isSafeInteger(options.version)) return "version must be a safe integer"
  if (!(options.jitter >= 0 && options.jitter <= 1)) return "jitter must be between 0 and 1"
  const millis = toMillis(options.timeToLive)
  if (millis === undefined || millis === 0) return "timeToLive must be a positive duration"
  const { afterFailover } = options.tags
  if (afterFailover !== undefined && afterFailover !== "forget" && afterFailover !== "trust") {
    return "tags.afterFailover must be forget or trust"
  }
  return lookupDefaultsRefusal(options.lookup) ?? formatRefusal(options)
}

/** The options of a format that can be built, even where all operations are refused. */
export const usableFormat = (options: CacheOptions): FormatOptions =>
  formatRefusal(options) === undefined ? options : defaultOptions
