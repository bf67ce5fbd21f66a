/** Which page a request asks for: the key that it is forgotten by, and what else always tells pages apart. */
import { Headers, type HttpServerRequest } from "effect/http"
import { digest } from "../../../schema/digest.ts"
import type { HeaderRecord } from "./headers.ts"

export interface PageIdentity {
  /** Host, path and query of an application's page; the URL of a client's. */
  readonly page: string
  /** A digest of what tells two pages of one key apart, whatever they vary by. */
  readonly audience: string
}

type Request = HttpServerRequest.HttpServerRequest

/** What proxies say of the request that they were sent. Handlers make URLs of them. */
const forwarding = ["x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "x-forwarded-prefix"]

/** Servers give the path, web requests the whole URL. */
const absolute = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^#]*)/i

/**
 * Of an application: the scheme, the host and what proxies forwarded of them, so that no host gets another's page. `key` is in
 * place of path and query.
 */
export const pageOfServer = (request: Request, key: ((request: Request) => string) | undefined): PageIdentity => {
  const { headers, originalUrl, protocol, url } = request
  const [, scheme = "http", authority = "", rest] = absolute.exec(originalUrl) ?? []
  const host = headers["host"] ?? authority
  const target = rest ?? originalUrl
  return {
    page: `${host.toLowerCase()}${key === undefined ? target : key(request)}`,
    audience: digest(
      JSON.stringify([
        protocol ?? scheme.toLowerCase(),
        host,
        authority,
        // Where something in between rewrote it.
        url === target ? null : url,
        ...forwarding.map((name) => headers[name] ?? null),
        forwardedHosts(headers["forwarded"])
      ])
    )
  }
}

/**
 * Of a client: whose credentials it shows. Those are the headers that Effect redacts, by `Headers.CurrentRedactedNames`, and
 * those that always are some. What stands in the query may be one, and is not readable in the key.
 */
export const pageOfClient = (
  { headers, originalUrl }: Request,
  redacted: ReadonlyArray<string | RegExp>
): PageIdentity => {
  const isCredential = (name: string) => credentials.has(name) || Headers.isRedactedName(name, redacted)
  const shown = Object.entries(headers).filter(([name]) => isCredential(name))
  const [, scheme = "", authority = "", target = ""] = absolute.exec(originalUrl) ?? []
  const [path = "", ...query] = target.split("?")
  return {
    page: `${scheme}://${authority.replace(/^.*@/, "")}${path}${query.length === 0 ? "" : `?${digest(query.join("?"))}`}`,
    audience: digest(JSON.stringify([authority, shown.toSorted()]))
  }
}

const credentials: ReadonlySet<string> = new Set(["authorization", "cookie", "proxy-authorization", "x-api-key"])

/** `for` and `by` differ from client to client and are left out, as `X-Forwarded-For` is. */
const forwardedHosts = (header: string | undefined): string | null =>
  header === undefined
    ? null
    : header
        .split(/[;,]/)
        .map((pair) => pair.trim())
        .filter((pair) => /^(?:host|proto)=/i.test(pair))
        .join(";")

/** Of the headers that a response varies by; nothing of them can be read in it. */
export const variantOf = (names: ReadonlyArray<string>, audience: string, headers: HeaderRecord): string =>
  digest(JSON.stringify([audience, names.map((name) => [name, valueOf(name, headers[name])])]))

/** Where neither case nor white space means anything. */
const isLoose = (name: string): boolean => name === "accept-language" || name === "accept-encoding"

const valueOf = (name: string, value: string | undefined): string | null => {
  if (value === undefined) return null
  return isLoose(name) ? value.toLowerCase().replace(/\s+/g, "") : value.trim()
}
