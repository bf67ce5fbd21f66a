/** Settings of a connection, as a caller writes them and as they are used. */
import { type Duration, Effect, type Redacted, type Result } from "effect"
import type { CacheInputError } from "./CacheError.ts"
import type { Endpoint, Identity } from "./connectionUrl.ts"
import type { Credentials } from "./Credentials.ts"
import { Fields } from "./Fields.ts"
import { redacted } from "./reveal.ts"
import { type ReplyLimitOptions, type ReplyLimits, replyLimits } from "./ReplyLimits.ts"

/**
 * The settings of TLS, as Node's `tls.connect` takes them.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export interface TlsOptions {
  /** The certificates of the authorities that are trusted, in PEM. Default: those that Node trusts. */
  readonly ca?: string
  /** The client's certificate, in PEM. Default: none. */
  readonly cert?: string
  /** The private key of `cert`, in PEM. Default: none. */
  readonly key?: string | Redacted.Redacted
  /** The name that the server's certificate must have. Default: the host that is connected to. */
  readonly servername?: string
  /** Whether a certificate that cannot be verified fails the connection. Default: true. */
  readonly rejectUnauthorized?: boolean
}

/**
 * The options that all network topologies share. What a URL says wins over them.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export interface ConnectionOptions {
  /** The user to authenticate as; it needs a `password` beside it. Default: the server's default user. */
  readonly username?: string | undefined
  /** The password to authenticate with. Default: no authentication. */
  readonly password?: string | Redacted.Redacted | undefined
  /**
   * The effect that gives the credentials in place of `username` and `password`, where these change: tokens of IAM, Entra or
   * Vault, passwords that are rotated. The effect runs before each connection, and again when three quarters of `validFor` are
   * over; then every living connection except those of subscribers is authenticated anew. Connections that are made at the same
   * time share one run. It runs in the context of the layer and has `connectTimeout`. Its failure is a failed attempt to connect:
   * `CacheConnectionError` with code `CREDENTIALS`, which names the failure's tag and nothing else of it. Default: none.
   */
  readonly credentials?: Effect.Effect<Credentials, unknown> | undefined
  /** The number of the database. Default: 0. */
  readonly database?: number | undefined
  /** Whether connections use TLS, or its settings. Default: what the URL's scheme says, else false. */
  readonly tls?: boolean | TlsOptions | undefined
  /** How long it may take from the first need of a connection to a ready one. Default: 5 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /**
   * How long a command may take, from call to reply. No operation outlives it by more than a turn of the event loop. Default: 1
   * second.
   */
  readonly commandTimeout?: Duration.Input | undefined
  /** How long a socket may stay without a byte while replies are due; then it is destroyed. Default: 3 seconds. */
  readonly socketTimeout?: Duration.Input | undefined
  /** How long the layer may take to close, whatever the server does. Default: 1 second. */
  readonly closeTimeout?: Duration.Input | undefined
  /** The time between TCP keep-alive probes. Default: 5 seconds. */
  readonly keepAlive?: Duration.Input | undefined
  /**
   * The size of a value after encoding, in bytes, at most. A larger one fails with `CacheInputError` before anything is sent.
   * Default: 16 MiB.
   */
  readonly maxValueBytes?: number | undefined
  /**
   * How large a reply may be. One beyond a limit fails its own command with `CacheServerError`, code `REPLY_TOO_LARGE`.
   * Default: those of `ReplyLimitOptions`.
   */
  readonly replyLimits?: ReplyLimitOptions | undefined
  /**
   * When the layer connects. `"lazy"` (default): building it opens nothing. `"eager"`: a connection that fails fails the layer.
   */
  readonly connect?: "lazy" | "eager" | undefined
  /** How many commands may be in flight; the next one waits. Default: 10 000. */
  readonly maxInFlight?: number | undefined
  /**
   * How long a command waits for a place in flight; then it fails with `CacheTimeoutError` of phase `queue`. Default: 1 second.
   */
  readonly queueTimeout?: Duration.Input | undefined
  /** How many dedicated connections there may be. Default: 10. */
  readonly maxConnections?: number | undefined
  /** How long to wait for a dedicated connection. Default: 5 seconds. */
  readonly poolTimeout?: Duration.Input | undefined
  /**
   * The pause before a connection is made again: `base` at first, doubling up to `max`, with jitter, for ever. Default: 50 ms, and
   * 2 seconds at most.
   */
  readonly reconnect?: { readonly base?: Duration.Input; readonly max?: Duration.Input } | undefined
  /** The name of the connections, which `CLIENT LIST` shows. Default: none. */
  readonly clientName?: string | undefined
}

export interface TlsSettings {
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: Redacted.Redacted | undefined
  readonly servername: string | undefined
  readonly rejectUnauthorized: boolean
}

/** Where a server listens. */
export type Address = Endpoint | { readonly path: string }

/** Checked settings of every connection, with all defaults filled in; times in milliseconds. */
export interface ConnectionSettings {
  readonly username: string | undefined
  readonly password: Redacted.Redacted | undefined
  readonly credentials: Effect.Effect<Credentials, unknown> | undefined
  readonly database: number
  readonly tls: TlsSettings | undefined
  readonly connectTimeout: number
  readonly commandTimeout: number
  readonly socketTimeout: number
  readonly closeTimeout: number
  readonly keepAlive: number
  readonly maxValueBytes: number
  readonly replyLimits: ReplyLimits
  readonly eager: boolean
  readonly maxInFlight: number
  readonly queueTimeout: number
  readonly maxConnections: number
  readonly poolTimeout: number
  readonly reconnectBase: number
  readonly reconnectMax: number
  readonly clientName: string | undefined
}

/** Checks the options against each other and fills in the defaults; the error names the field. */
export const connectionSettings = (
  target: Identity & { readonly _tag?: string; readonly tls?: boolean },
  options: ConnectionOptions
): Result.Result<ConnectionSettings, CacheInputError> => {
  const fields = new Fields()
  const connectTimeout = fields.millis("connectTimeout", options.connectTimeout, 5000)
  const commandTimeout = fields.millis("commandTimeout", options.commandTimeout, 1000)
  const settings: ConnectionSettings = {
    username: target.username ?? fields.text("username", options.username),
    password: fields.secret("password", target.password ?? options.password),
    credentials: options.credentials,
    database: target.database ?? fields.integer("database", options.database, 0, 0),
    tls: tlsSettings(target.tls === true, options.tls),
    connectTimeout,
    commandTimeout,
    socketTimeout: fields.millis("socketTimeout", options.socketTimeout, 3000),
    closeTimeout: fields.millis("closeTimeout", options.closeTimeout, 1000),
    keepAlive: fields.millis("keepAlive", options.keepAlive, 5000),
    maxValueBytes: fields.integer("maxValueBytes", options.maxValueBytes, 16 * 1024 * 1024),
    replyLimits: replyLimits(fields, options.replyLimits),
    eager: fields.oneOf("connect", options.connect, ["lazy", "eager"]) === "eager",
    maxInFlight: fields.integer("maxInFlight", options.maxInFlight, 10_000),
    queueTimeout: fields.millis("queueTimeout", options.queueTimeout, 1000),
    maxConnections: fields.integer("maxConnections", options.maxConnections, 10),
    poolTimeout: fields.millis("poolTimeout", options.poolTimeout, 5000),
    reconnectBase: fields.millis("reconnect.base", options.reconnect?.base, 50),
    reconnectMax: fields.millis("reconnect.max", options.reconnect?.max, 2000),
    clientName: fields.text("clientName", options.clientName)
  }
  requireIdentity(fields, settings, [
    "username",
    "credentials",
    "stand in place of a username and a password, also of those in the URL"
  ])
  fields.require(settings.reconnectBase <= settings.reconnectMax, "reconnect.base", "must not exceed reconnect.max")
  fields.require(
    settings.clientName === undefined || /^[!-~]+$/.test(settings.clientName),
    "clientName",
    "must be printable ASCII without spaces"
  )
  fields.secret("tls.key", settings.tls?.key)
  fields.require(target._tag !== "Unix" || settings.tls === undefined, "tls", "is not possible on a unix socket")
  return fields.result(settings)
}

/** A name needs a password, and an effect stands in place of both. */
export const requireIdentity = (
  fields: Fields,
  { credentials, password, username }: Pick<ConnectionSettings, "username" | "password" | "credentials">,
  [name, effect, inPlace]: readonly [name: string, effect: string, inPlace: string]
): void => {
  fields.require(username === undefined || password !== undefined, name, "needs a password beside it")
  fields.require(credentials === undefined || Effect.isEffect(credentials), effect, "must be an effect")
  fields.require(credentials === undefined || (username === undefined && password === undefined), effect, inPlace)
}

export const tlsSettings = (byUrl: boolean, option: boolean | TlsOptions | undefined): TlsSettings | undefined => {
  if (!byUrl && (option === undefined || option === false)) return undefined
  const tls = typeof option === "object" ? option : {}
  return {
    ca: tls.ca,
    cert: tls.cert,
    key: redacted(tls.key),
    servername: tls.servername,
    rejectUnauthorized: tls.rejectUnauthorized ?? true
  }
}
