/** Settings of one server. */
import type { Redacted } from "effect"
import type { ConnectionOptions } from "./ConnectionOptions.ts"

/**
 * `valkey://[user[:password]@]host[:port][/database][?db=n]`, also `redis://`; TLS: `valkeys://`, `rediss://`;
 * a socket: `unix:///path?db=n`.
 */
export interface StandaloneOptions extends ConnectionOptions {
  readonly url: string | Redacted.Redacted
}
