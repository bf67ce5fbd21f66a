/** Settings of the near cache, which keeps values in this process while the server announces every change. */
import type { Duration } from "effect"
import type { Tracking } from "./Invalidation.ts"
import { toMillis } from "./timeToLive.ts"

/**
 * The bounds of a near cache and how it learns of changes. Every field has a default: `near: {}` takes all of them.
 *
 * @since 0.2.0
 * @category near cache
 * @see docs/near-cache.md
 */
export interface NearOptions {
  /** The number of entries at most; the least recently used entry goes first. Default: 10 000. */
  readonly maxEntries?: number | undefined
  /** The bytes at most, measured in the stored form of keys and values. Default: 64 MiB. */
  readonly maxBytes?: number | undefined
  /** An entry is kept at most this long, and never longer than its lifetime on the server. Default: no other limit than the server's. */
  readonly timeToLive?: Duration.Input | undefined
  /** A changed value is served at most this long after the change, whatever breaks. Default: 2 seconds. */
  readonly maxStaleness?: Duration.Input | undefined
  /**
   * What the server announces. `"broadcast"` (default): every change under the prefix. `"perKey"`: only changes of keys that this
   * process has read.
   */
  readonly tracking?: Tracking | undefined
  /**
   * `"shared"` (default): readers of a key get one object, which is deeply frozen. `"copied"`: each reader gets an object of
   * its own. Values that hold anything but primitives, plain objects and arrays are always copied.
   */
  readonly values?: "shared" | "copied" | undefined
  /**
   * `"read"` (default): what has been read is near. `"all"`: all keys of the cache are. They are read when the layer is built and after each
   * loss of the channel, and each that changes is read again, so that reads of values never wait, and a key that is not there is known
   * not to be. It needs the tracking `"broadcast"` and no `timeToLive`. Where there is more than `maxEntries` or `maxBytes` allow, it is as
   * with `"read"`, which `cache.near` and a warning say. Structures, locks, tokens and `has` of what is not there ask the server.
   */
  readonly hold?: "read" | "all" | undefined
  /**
   * What happens while a server announces nothing, because it is frozen or cannot be reached. `"bypass"` (default): reads go to
   * the server, and fail where it is down. `serveFor`: what is near is served all the same, until it was proven so long ago.
   * `maxStaleness` does not hold meanwhile, and `cache.near` says so. What this process changes itself is dropped at once.
   */
  readonly whenDown?: "bypass" | { readonly serveFor: Duration.Input } | undefined
}

/** The same in numbers. */
export interface NearSettings {
  readonly maxEntries: number
  readonly maxBytes: number
  /** Milliseconds; `Infinity` = as long as the server says. */
  readonly timeToLive: number
  /** Milliseconds. */
  readonly maxStaleness: number
  readonly tracking: Tracking
  readonly values: "shared" | "copied"
  readonly hold: "read" | "all"
  /** Milliseconds for which what is near is served where a server announces nothing; 0 = none. */
  readonly serveFor: number
}

/** Or the reason why they cannot be used. */
export const nearSettings = ({
  hold = "read",
  maxBytes = 64 * 1024 * 1024,
  maxEntries = 10_000,
  maxStaleness = 2000,
  timeToLive = Infinity,
  tracking = "broadcast",
  values = "shared",
  whenDown = "bypass"
}: NearOptions): NearSettings | string => {
  if (!(maxEntries > 0 && maxBytes > 0)) return "near.maxEntries and near.maxBytes must be above zero"
  const lifetime = toMillis(timeToLive)
  if (lifetime === undefined || lifetime === 0) return "near.timeToLive must be a positive duration"
  const staleness = toMillis(maxStaleness)
  if (staleness === undefined || staleness === 0 || staleness === Infinity) {
    return "near.maxStaleness must be a positive and finite duration"
  }
  if (tracking !== "broadcast" && tracking !== "perKey") return "near.tracking must be broadcast or perKey"
  if (values !== "shared" && values !== "copied") return "near.values must be shared or copied"
  if (hold !== "read" && hold !== "all") return "near.hold must be read or all"
  if (hold === "all" && (tracking === "perKey" || lifetime !== Infinity)) {
    return "near.hold: all needs the tracking broadcast, and no near.timeToLive"
  }
  const serveFor = whenDown === "bypass" ? 0 : toMillis(whenDown.serveFor)
  if (serveFor === undefined || serveFor === Infinity || (whenDown !== "bypass" && serveFor <= staleness)) {
    return "near.whenDown must be bypass, or have a finite serveFor that is longer than near.maxStaleness"
  }
  return { hold, maxBytes, maxEntries, maxStaleness: staleness, serveFor, timeToLive: lifetime, tracking, values }
}
