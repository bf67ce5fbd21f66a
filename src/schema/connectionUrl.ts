/** Connection URLs. The parser is ours: iovalkey's turns a bad database into database 0 and every query into an option. */
import { Redacted, Result } from "effect"
import { CacheInputError } from "./CacheError.ts"
import { reveal } from "./reveal.ts"

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** "host:port", with an IPv6 host in brackets. */
export const endpointName = ({ host, port }: Endpoint): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`

/** The identity that a URL gives the client. */
export interface Identity {
  readonly username: string | undefined
  readonly password: Redacted.Redacted | undefined
  readonly database: number | undefined
}

export interface ServerTarget extends Identity {
  readonly _tag: "Tcp"
  readonly endpoint: Endpoint
  readonly tls: boolean
}

export interface SocketTarget extends Identity {
  readonly _tag: "Unix"
  readonly path: string
}

export interface SentinelTarget extends Identity {
  readonly _tag: "Sentinel"
  readonly sentinels: readonly [Endpoint, ...ReadonlyArray<Endpoint>]
  readonly name: string
  readonly tls: boolean
}

export interface ClusterTarget extends Identity {
  readonly _tag: "Cluster"
  readonly nodes: readonly [Endpoint, ...ReadonlyArray<Endpoint>]
  readonly tls: boolean
}

/**
 * What becomes of the keys of a ring's server that is down.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/ring.md
 */
export type WhenDown = "fail" | "next"

export interface RingTarget extends Identity {
  readonly _tag: "Ring"
  readonly servers: readonly [Endpoint, ...ReadonlyArray<Endpoint>]
  readonly tls: boolean
  readonly whenDown: WhenDown | undefined
}

export type ConnectionTarget =
  | ServerTarget
  | SocketTarget
  | SentinelTarget
  | ClusterTarget
  | RingTarget
  | { readonly _tag: "Memory" }

const defaultPort = 6379
const defaultSentinelPort = 26_379
const shape = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/?#]*)@)?([^/?#@]*)(\/[^?#]*)?(?:\?([^#]*))?$/i

/** Parses a URL of any topology. The error names the part that is wrong and shows nothing of the URL. */
export const parseConnectionUrl = (
  url: string | Redacted.Redacted
): Result.Result<ConnectionTarget, CacheInputError> => {
  try {
    return Result.succeed(parse(textOf(url)))
  } catch (error) {
    if (error instanceof Refused) return Result.fail(inputError(error.message))
    throw error
  }
}

/** The URLs of a list, which has commas between. */
export const splitUrls = (urls: string | Redacted.Redacted): ReadonlyArray<Redacted.Redacted> =>
  (textOf(urls) ?? "")
    // A comma in a URL of many hosts has no scheme after it.
    .split(/,(?=[a-z]+:\/\/)/i)
    .map((url) => Redacted.make(url))

const textOf = (url: string | Redacted.Redacted): string | undefined => (Redacted.isRedacted(url) ? reveal(url) : url)

class Refused extends Error {}

const inputError = (reason: string) => new CacheInputError({ operation: "url", reason })

const parse = (url: unknown): ConnectionTarget => {
  if (url === undefined) throw new Refused("a connection URL must be text that was not wiped")
  if (typeof url !== "string") throw new Refused("a connection URL must be text")
  const parts = shape.exec(url)
  if (!url.includes("://")) throw new Refused("the scheme is missing: write valkey://host:port, or valkeys:// for TLS")
  if (parts === null)
    throw new Refused(
      "not of the form scheme://[user[:password]@]host[:port][/database][?db=n], with hosts in a list where there are several"
    )
  const [, scheme = "", userInfo, authority = "", path = "", query] = parts
  switch (scheme.toLowerCase()) {
    case "valkey":
    case "redis":
      return tcp(false, userInfo, authority, path, query)
    case "valkeys":
    case "rediss":
      return tcp(true, userInfo, authority, path, query)
    case "unix":
      return unix(userInfo, authority, path, query)
    case "sentinel":
      return sentinel(false, userInfo, authority, path, query)
    case "sentinels":
      return sentinel(true, userInfo, authority, path, query)
    case "cluster":
      return cluster(false, userInfo, authority, path, query)
    case "clusters":
      return cluster(true, userInfo, authority, path, query)
    case "ring":
      return ring(false, userInfo, authority, path, query)
    case "rings":
      return ring(true, userInfo, authority, path, query)
    case "memory":
      if (userInfo !== undefined || authority !== "" || (path !== "" && path !== "/") || query !== undefined) {
        throw new Refused("memory:// takes nothing after it")
      }
      return { _tag: "Memory" }
    default:
      throw new Refused("the scheme must be valkey(s), redis(s), unix, sentinel(s), cluster(s), ring(s) or memory")
  }
}

const tcp = (
  tls: boolean,
  userInfo: string | undefined,
  authority: string,
  path: string,
  query: string | undefined
): ConnectionTarget => {
  const database = oneDatabase(databaseInPath(path), databaseOf(parametersOf(query)))
  return { _tag: "Tcp", endpoint: endpoint(authority), tls, ...credentials(userInfo), database }
}

const unix = (
  userInfo: string | undefined,
  authority: string,
  path: string,
  query: string | undefined
): ConnectionTarget => {
  if (authority !== "") throw new Refused("a unix URL has no host: unix:///path/to/socket")
  if (path === "" || path === "/") throw new Refused("a unix URL names a socket: unix:///path/to/socket")
  return {
    _tag: "Unix",
    path: decoded(path, "the path"),
    ...credentials(userInfo),
    database: databaseOf(parametersOf(query))
  }
}

const sentinel = (
  tls: boolean,
  userInfo: string | undefined,
  authority: string,
  path: string,
  query: string | undefined
): SentinelTarget => {
  const [name = "", database, ...rest] = path.slice(1).split("/")
  if (name === "") throw new Refused("a sentinel URL names its primary: sentinel://host/name[/database]")
  if (rest.length > 0) throw new Refused("after the primary's name comes nothing but a database")
  const fromPath = database === undefined || database === "" ? undefined : databaseNumber(database, "the path")
  return {
    _tag: "Sentinel",
    sentinels: endpoints(authority, defaultSentinelPort),
    name: decoded(name, "the primary's name"),
    tls,
    ...credentials(userInfo),
    database: oneDatabase(fromPath, databaseOf(parametersOf(query)))
  }
}

const cluster = (
  tls: boolean,
  userInfo: string | undefined,
  authority: string,
  path: string,
  query: string | undefined
): ClusterTarget => {
  const database = oneDatabase(databaseInPath(path), databaseOf(parametersOf(query)))
  if (database !== undefined && database !== 0) throw new Refused("a cluster has only database 0")
  return { _tag: "Cluster", nodes: endpoints(authority, defaultPort), tls, ...credentials(userInfo), database }
}

const ring = (
  tls: boolean,
  userInfo: string | undefined,
  authority: string,
  path: string,
  query: string | undefined
): RingTarget => {
  const parameters = parametersOf(query, "whenDown")
  const whenDown = parameters.get("whenDown")
  if (whenDown !== undefined && whenDown !== "fail" && whenDown !== "next") {
    throw new Refused("?whenDown= must be fail or next")
  }
  return {
    _tag: "Ring",
    servers: endpoints(authority, defaultPort),
    tls,
    ...credentials(userInfo),
    database: oneDatabase(databaseInPath(path), databaseOf(parameters)),
    whenDown
  }
}

const oneDatabase = (fromPath: number | undefined, fromQuery: number | undefined): number | undefined => {
  if (fromPath !== undefined && fromQuery !== undefined && fromPath !== fromQuery) {
    throw new Refused("the path and ?db= name different databases")
  }
  return fromPath ?? fromQuery
}

const endpoints = (authority: string, byDefault: number): readonly [Endpoint, ...ReadonlyArray<Endpoint>] => {
  const [first = "", ...more] = authority.split(",")
  return [endpoint(first, byDefault), ...more.map((one) => endpoint(one, byDefault))]
}

/** The URL is right, and of another topology. */
export const wrongScheme = (wanted: string): Result.Result<never, CacheInputError> =>
  Result.fail(inputError(`the URL must start with ${wanted}`))

/** Checks a host and port that were given apart. */
export const checkEndpoint = (host: unknown, port: unknown, byDefault: number): Endpoint | undefined => {
  const checked = port === undefined ? byDefault : port
  if (typeof host !== "string" || !/^[\w.:%-]+$/.test(host)) return undefined
  if (typeof checked !== "number" || !Number.isInteger(checked) || checked < 1 || checked > 65_535) return undefined
  return { host, port: checked }
}

const endpoint = (authority: string, byDefault = defaultPort): Endpoint => {
  const parts = /^(?:\[([0-9a-f:.%]+)\]|([^:[\]\s]*))(?::(\d*))?$/i.exec(authority)
  if (parts === null) throw new Refused("the host is malformed; an IPv6 address goes into brackets")
  const host = parts[1] ?? decoded(parts[2] ?? "", "the host")
  if (host === "") throw new Refused("the host is missing")
  if (!/^[\w.:%-]+$/.test(host)) throw new Refused("the host is malformed")
  const port = parts[3] === undefined || parts[3] === "" ? byDefault : Number(parts[3])
  if (port < 1 || port > 65_535) throw new Refused("the port must be between 1 and 65535")
  return { host, port }
}

const credentials = (userInfo: string | undefined) => {
  const colon = userInfo?.indexOf(":") ?? -1
  const user = colon < 0 ? userInfo : userInfo?.slice(0, colon)
  const password = colon < 0 ? undefined : userInfo?.slice(colon + 1)
  return {
    username: user === undefined || user === "" ? undefined : decoded(user, "the user name"),
    password: password === undefined || password === "" ? undefined : Redacted.make(decoded(password, "the password"))
  }
}

/** What the query sets: `db`, and what else the scheme knows. */
const parametersOf = (query: string | undefined, ...more: ReadonlyArray<string>): ReadonlyMap<string, string> => {
  const known = ["db", ...more]
  const parameters = [...new URLSearchParams(query ?? "")]
  if (parameters.some(([name]) => !known.includes(name))) {
    throw new Refused(`the only query ${more.length === 0 ? "parameter is" : "parameters are"} ${known.join(" and ")}`)
  }
  const given = new Map(parameters)
  if (given.size < parameters.length) throw new Refused("a query parameter is given twice")
  return given
}

const databaseOf = (parameters: ReadonlyMap<string, string>): number | undefined => {
  const db = parameters.get("db")
  return db === undefined ? undefined : databaseNumber(db, "?db=")
}

const databaseInPath = (path: string): number | undefined =>
  path === "" || path === "/" ? undefined : databaseNumber(path.slice(1), "the path")

const databaseNumber = (text: string, where: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new Refused(`${where} must name a database: a whole number, zero or more`)
  return Number(text)
}

const decoded = (text: string, what: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Refused(`${what} has a malformed percent escape`)
  }
}
