/** Settings of one server. */
import type { Redacted } from "effect"
import type { ConnectionOptions } from "./ConnectionOptions.ts"

/**
 * `valkey://[user[:password]@]host[:port][/database][?db=n]`, also `redis://`; TLS: `valkeys://`, `rediss://`;
 * a socket: `unix:///path?db=n`.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export interface StandaloneOptions extends ConnectionOptions {
  /**
   * `valkey://[user[:password]@]host[:port][/database]`, with TLS `valkeys://…`, or `unix://` and a path. `redis://` and
   * `rediss://` are the same.
   */
  readonly url: string | Redacted.Redacted
}
