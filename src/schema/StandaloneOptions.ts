/** Settings of one server. */
import type { Redacted } from "effect"
import type { ConnectionOptions } from "./ConnectionOptions.ts"

/**
 * The options of `ValkeyStandalone`. `url` is required.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export interface StandaloneOptions extends ConnectionOptions {
  /**
   * The address of the server: `valkey://[user[:password]@]host[:port][/database][?db=n]`, with TLS `valkeys://…`, or a socket,
   * `unix:///path?db=n`. `redis://` and `rediss://` mean the same as `valkey://` and `valkeys://`.
   */
  readonly url: string | Redacted.Redacted
}
