/** Settings of a ring of independent servers. */
import { type Duration, Redacted, Result } from "effect"
import type { CacheInputError } from "./CacheError.ts"
import { type ConnectionOptions, connectionSettings } from "./ConnectionOptions.ts"
import { endpointName, parseConnectionUrl, type WhenDown, wrongScheme } from "./connectionUrl.ts"
import { Fields } from "./Fields.ts"
import { type ServerSettings, serverSettings } from "./ServerSettings.ts"

/**
 * A server of a ring.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/ring.md
 */
export interface RingServer {
  /** A URL of one server: `valkey(s)://…`, `redis(s)://…` or `unix://…`. */
  readonly url: string | Redacted.Redacted
  /** Its share of the keys beside the others' shares. Default: 1. */
  readonly weight?: number | undefined
  /**
   * The name by which keys are assigned to it. With a name of its own a server keeps its keys when its address changes.
   * Default: `"host:port"` as the URL says it, or the path of its socket.
   */
  readonly name?: string | undefined
}

/**
 * The servers of a `ValkeyRing`, given by `url` or by `urls`, and the settings of the connections to each of them.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/ring.md
 */
export interface RingOptions extends ConnectionOptions {
  /**
   * `ring://[user[:password]@]h1:6379,h2:6379[/database][?whenDown=next]`, with TLS `rings://…`. Default: none; then `urls`
   * is required.
   */
  readonly url?: string | Redacted.Redacted | undefined
  /**
   * In place of the URL: one for each server, each with its own credentials and database. Their order means nothing.
   * Every process must have the same list, written in the same way or with the same names, or they look for a key on
   * different servers. Default: the servers of the URL.
   */
  readonly urls?: ReadonlyArray<string | Redacted.Redacted | RingServer> | undefined
  /**
   * What becomes of the keys of a server that is down. `"fail"` (default): their operations fail with its error.
   * `"next"`: the next server in each key's order serves them meanwhile. What was changed there is deleted in the
   * returning server before that is used again, and then in the next one. Locks and semaphores never move: they fail.
   */
  readonly whenDown?: WhenDown | undefined
  /** For `whenDown: "next"`: how often a server that is down is asked whether it is back. Default: 1 second. */
  readonly probeInterval?: Duration.Input | undefined
  /**
   * For `whenDown: "next"`: what happens to additions to a list, a set, a hash, a sorted set or a stream whose server is
   * down, and to scripts that do not say what they do (`Script.uses`). `"fail"` (default): they fail, and the server
   * keeps what it has. `"next"`: the next server executes them, and the whole structure is deleted in the server when it
   * is back.
   */
  readonly structures?: "fail" | "next" | undefined
}

export interface RingServerSettings extends ServerSettings {
  /** "host:port" or the path of the socket, as errors and states name it. */
  readonly node: string
  readonly name: string
  readonly weight: number
}

export interface RingSettings {
  readonly servers: ReadonlyArray<RingServerSettings>
  readonly whenDown: WhenDown
  /** Milliseconds. */
  readonly probeInterval: number
  readonly structures: "fail" | "next"
}

const maxServers = 1000

const choices = ["fail", "next"] as const

export const ringSettings = (options: RingOptions): Result.Result<RingSettings, CacheInputError> =>
  Result.gen(function* () {
    const { servers, whenDown } = yield* serversOf(options)
    const fields = new Fields()
    const byOption = fields.oneOf("whenDown", options.whenDown, choices)
    const isDistinct = (of: (server: RingServerSettings) => string) => new Set(servers.map(of)).size === servers.length
    fields.require(servers.length > 0, "urls", "must list at least one server, or there must be a url")
    fields.require(servers.length <= maxServers, "urls", `must list at most ${maxServers} servers`)
    fields.require(
      isDistinct(({ node }) => node),
      "urls",
      "must list each server once"
    )
    fields.require(
      isDistinct(({ name }) => name),
      "name",
      "must be another one for each server"
    )
    fields.require(
      servers.every(({ weight }) => Number.isFinite(weight) && weight > 0),
      "weight",
      "must be a finite number above zero"
    )
    fields.require(
      servers.every(({ name }) => name !== ""),
      "name",
      "must not be empty"
    )
    return yield* fields.result({
      servers,
      whenDown: whenDown ?? byOption,
      probeInterval: fields.millis("probeInterval", options.probeInterval, 1000),
      structures: fields.oneOf("structures", options.structures, choices)
    })
  })

interface Servers {
  readonly servers: ReadonlyArray<RingServerSettings>
  /** As the URL says. */
  readonly whenDown: WhenDown | undefined
}

const serversOf = ({ url, urls, ...options }: RingOptions): Result.Result<Servers, CacheInputError> =>
  url === undefined ? listed(urls ?? [], options) : inUrl(url, urls, options)

const listed = (
  urls: NonNullable<RingOptions["urls"]>,
  options: RingOptions
): Result.Result<Servers, CacheInputError> =>
  Result.gen(function* () {
    const servers: Array<RingServerSettings> = []
    for (const server of urls) {
      const { name, url, weight } = typeof server === "string" || Redacted.isRedacted(server) ? { url: server } : server
      servers.push(named(yield* serverSettings(url, options), name, weight))
    }
    return { servers, whenDown: undefined }
  })

const inUrl = (
  url: string | Redacted.Redacted,
  urls: RingOptions["urls"],
  options: RingOptions
): Result.Result<Servers, CacheInputError> =>
  Result.gen(function* () {
    const fields = new Fields()
    fields.require(urls === undefined, "urls", "are in the URL already")
    const target = yield* parseConnectionUrl(url)
    yield* fields.result(target)
    if (target._tag !== "Ring") return yield* wrongScheme("ring://")
    const settings = yield* connectionSettings(target, options)
    return { servers: target.servers.map((address) => named({ address, settings })), whenDown: target.whenDown }
  })

const named = (server: ServerSettings, name?: string, weight = 1): RingServerSettings => {
  const { address } = server
  const isFile = "path" in address
  const node = isFile ? address.path : endpointName(address)
  // Names of hosts are the same in capitals.
  return { ...server, node, name: name ?? (isFile ? node : node.toLowerCase()), weight }
}
