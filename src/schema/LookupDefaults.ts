/** What lookups of a cache do unless a call or a region says otherwise. */
import type { Duration } from "effect"
import { toMillis } from "./timeToLive.ts"

/**
 * When a fresh value is refreshed in the background. `xfetch`: by chance, the likelier the nearer its end, by what the lookup
 * took × beta (default 1). `fraction`: once that part of the lifetime has passed, above 0 and below 1.
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/stale-values.md
 */
export type EarlyRefresh =
  | { readonly _tag: "xfetch"; readonly beta?: number | undefined }
  | { readonly _tag: "fraction"; readonly of: number }

/**
 * The options of lookups that a cache can have defaults for. They never concern `set`, whose values stay plain JSON and countable.
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/stampedes.md
 */
export interface LookupDefaults {
  /** How long past `timeToLive` the old value is still served while one fiber refreshes it, and when the lookup fails. Default: 0. */
  readonly staleFor?: Duration.Input | undefined
  /** When a fresh value is refreshed in the background before it expires. Default: never. */
  readonly earlyRefresh?: EarlyRefresh | undefined
  /**
   * How long a caller with a stale value at hand waits for the lookup before it is served that value; the lookup goes on. Default:
   * 0.
   */
  readonly softTimeout?: Duration.Input | undefined
  /**
   * Who shares a lookup. `"process"` (default): concurrent callers in this process. `"cluster"`: all processes, by a claim that
   * stands in the key.
   */
  readonly singleFlight?: "process" | "cluster" | undefined
  /**
   * How long this process serves the stale value and leaves its source alone after a refresh in the background has failed. 0 =
   * every call tries again. Default: 10 seconds.
   */
  readonly errorBackoff?: Duration.Input | undefined
}

const isDuration = (input: Duration.Input | undefined): boolean => input === undefined || toMillis(input) !== undefined

const isFlight = (singleFlight: LookupDefaults["singleFlight"]): boolean =>
  singleFlight === undefined || singleFlight === "process" || singleFlight === "cluster"

const earlyRefusal = (early: EarlyRefresh): string | undefined => {
  switch (early._tag) {
    case "xfetch":
      return (early.beta ?? 1) > 0 ? undefined : "beta must be above zero"
    case "fraction":
      return early.of > 0 && early.of < 1 ? undefined : "the fraction of the lifetime must be between 0 and 1"
    default:
      return "earlyRefresh must be xfetch or fraction"
  }
}

/** Why lookups cannot be run so; undefined when they can. */
export const lookupRefusal = ({
  earlyRefresh,
  errorBackoff,
  singleFlight,
  softTimeout,
  staleFor
}: LookupDefaults): string | undefined => {
  if (!isDuration(staleFor)) return "staleFor is not a duration"
  if (!isDuration(softTimeout)) return "softTimeout is not a duration"
  if (!isDuration(errorBackoff)) return "errorBackoff is not a duration"
  if (!isFlight(singleFlight)) return "singleFlight must be process or cluster"
  return earlyRefresh === undefined ? undefined : earlyRefusal(earlyRefresh)
}

/** Why the settings of a cache for lookups cannot be used; undefined when they can. */
export const lookupDefaultsRefusal = (lookup: LookupDefaults): string | undefined => {
  const given: unknown = lookup
  if (typeof given !== "object" || given === null) return "lookup must be an object with options of lookups"
  const reason = lookupRefusal(lookup)
  return reason === undefined ? undefined : `lookup: ${reason}`
}
