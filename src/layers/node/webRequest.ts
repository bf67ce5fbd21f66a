/** A request of Node as the cache sees it: the method, the URL and the headers. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http"

export interface Asked {
  /** Path and query as the client sent them. */
  readonly target: string
  readonly protocol: string
}

/**
 * Undefined where the cache has nothing to do with it: an upgrade, and a target that a URL would not say as it was sent. The
 * handler reads what was sent, and no other page is to be found under its name.
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

/** Without those of HTTP/2, which are no headers. */
export const webHeaders = (headers: IncomingHttpHeaders | NodeJS.Dict<number | string | Array<string>>): Headers => {
  const all = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(":") || value === undefined) continue
    for (const one of Array.isArray(value) ? value : [value]) all.append(name, String(one))
  }
  return all
}
