/** The credentials of a client, where they change with time. */
import type { Duration, Redacted } from "effect"

/**
 * What the effect of the option `credentials` gives: a token of IAM, Entra or Vault, or whatever was rotated last.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export interface Credentials {
  /** The user to authenticate as. Default: the server's default user. */
  readonly username?: string | undefined
  /** The password, or the token that stands in its place. */
  readonly password: string | Redacted.Redacted
  /**
   * How long the server accepts them, from now. When three quarters of it are over, the effect is run again and each connection is
   * authenticated anew. Default: for as long as the connection lasts.
   */
  readonly validFor?: Duration.Input | undefined
}
