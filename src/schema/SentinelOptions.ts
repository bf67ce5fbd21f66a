/** Settings of a primary that sentinels watch over. */
import { type Effect, type Redacted, Result } from "effect"
import type { CacheInputError } from "./CacheError.ts"
import {
  type ConnectionOptions,
  type ConnectionSettings,
  connectionSettings,
  requireIdentity,
  type TlsOptions,
  tlsSettings
} from "./ConnectionOptions.ts"
import type { Credentials } from "./Credentials.ts"
import { type Endpoint, parseConnectionUrl, type SentinelTarget, wrongScheme } from "./connectionUrl.ts"
import { Fields } from "./Fields.ts"
import { type NatMap, type NatMapOptions, natMapOf } from "./natMap.ts"
import { type ReadFrom, readFromChoices } from "./ReadFrom.ts"

/**
 * The options of `ValkeySentinel`. Either `url`, or `name` and `sentinels`, are required.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/sentinel.md
 */
export interface SentinelOptions extends ConnectionOptions {
  /**
   * `sentinel://[user[:password]@]h1:26379,h2:26379/name[/database]`, with TLS to everybody `sentinels://…`. Its
   * credentials are the data servers'. Default: none; then `name` and `sentinels` are required.
   */
  readonly url?: string | Redacted.Redacted | undefined
  /** The primary's name, in place of the URL. Default: the name in the URL. */
  readonly name?: string | undefined
  /** The sentinels, in place of the URL. Default port: 26379. */
  readonly sentinels?: ReadonlyArray<{ readonly host: string; readonly port?: number | undefined }> | undefined
  /**
   * The user to authenticate as at the sentinels; it needs a `sentinelPassword` beside it. Default: the sentinels' default
   * user.
   */
  readonly sentinelUsername?: string | undefined
  /** The password for the sentinels. Default: no authentication there. */
  readonly sentinelPassword?: string | Redacted.Redacted | undefined
  /**
   * The effect that gives the credentials in place of `sentinelUsername` and `sentinelPassword`, where these change, as
   * `credentials` does for the servers. It runs before the sentinels are asked, once for all of them, and before each connection
   * on which one of them is listened to; it has `connectTimeout`. Default: none.
   */
  readonly sentinelCredentials?: Effect.Effect<Credentials, unknown> | undefined
  /** TLS for the connections to the sentinels. Default: none, or that of a `sentinels://` URL. */
  readonly sentinelTls?: boolean | TlsOptions | undefined
  /** Which servers answer reads. Default: `"primary"`. */
  readonly readFrom?: ReadFrom | undefined
  /**
   * Where to reach a server or a sentinel that the sentinels call `"host:port"`: for servers behind an address translation.
   * Default: everybody is reached where the sentinels say.
   */
  readonly natMap?: NatMapOptions | undefined
}

export interface SentinelSettings {
  readonly name: string
  readonly sentinels: readonly [Endpoint, ...ReadonlyArray<Endpoint>]
  readonly data: ConnectionSettings
  /** Of connections to the sentinels. */
  readonly sentinel: ConnectionSettings
  readonly readFrom: ReadFrom
  readonly natMap: NatMap
}

export const sentinelSettings = (options: SentinelOptions): Result.Result<SentinelSettings, CacheInputError> =>
  Result.gen(function* () {
    const target = yield* targetOf(options)
    const data = yield* connectionSettings(target, options)
    const fields = new Fields()
    const username = fields.text("sentinelUsername", options.sentinelUsername)
    const password = fields.secret("sentinelPassword", options.sentinelPassword)
    const credentials = options.sentinelCredentials
    requireIdentity(fields, { username, password, credentials }, [
      "sentinelUsername",
      "sentinelCredentials",
      "stand in place of a username and a password"
    ])
    const readFrom = fields.oneOf("readFrom", options.readFrom, readFromChoices)
    const natMap = natMapOf(fields, options.natMap)
    const sentinel = {
      ...data,
      username,
      password,
      credentials,
      database: 0,
      tls: tlsSettings(target.tls, options.sentinelTls)
    }
    return yield* fields.result({ name: target.name, sentinels: target.sentinels, data, sentinel, readFrom, natMap })
  })

const targetOf = ({ name, sentinels, url }: SentinelOptions): Result.Result<SentinelTarget, CacheInputError> =>
  Result.gen(function* () {
    const fields = new Fields()
    if (url !== undefined) {
      fields.require(name === undefined, "name", "is in the URL already")
      fields.require(sentinels === undefined, "sentinels", "are in the URL already")
      const target = yield* parseConnectionUrl(url)
      yield* fields.result(target)
      return target._tag === "Sentinel" ? target : yield* wrongScheme("sentinel://")
    }
    const [first, ...more] = fields.endpoints("sentinels", sentinels, 26_379)
    fields.require(typeof name === "string" && name !== "", "name", "must name the primary")
    return yield* fields.result({
      _tag: "Sentinel" as const,
      sentinels: [first, ...more] as const,
      name: name ?? "",
      tls: false,
      username: undefined,
      password: undefined,
      database: undefined
    })
  })
