/** A request of Node as the cache sees it: the method, the URL and the headers. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http"

export interface Asked {
  /** Path and query as the client sent them. */
  readonly target: string
  readonly protocol: string
}

/**
 * Undefined where the cache does not handle the request: for an upgrade, and for a target that a URL changes. The handler reads the
 * target as it was sent, so its page must not be stored under another name.
 */
export const webRequest = (
  { headers, method = "GET" }: IncomingMessage,
  { protocol, target }: Asked
): Request | undefined => {
  if (headers.upgrade !== undefined) return undefined
  const host = headers.host ?? headers[":authority"]
  try {
    const url = new URL(`${protocol}://${String(host)}${target}`)
    if (host === undefined || `${url.pathname}${url.search}` !== target) return undefined
    return new Request(url, { method, headers: webHeaders(headers) })
  } catch {
    return undefined
  }
}

/** Leaves out the pseudo-headers of HTTP/2, such as `:path`. */
export const webHeaders = (headers: IncomingHttpHeaders | NodeJS.Dict<number | string | Array<string>>): Headers => {
  const all = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(":") || value === undefined) continue
    for (const one of Array.isArray(value) ? value : [value]) all.append(name, String(one))
  }
  return all
}
