/** A web response on its way to a client of Node. */
import type { ServerResponse } from "node:http"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"

/** A body of at most this many bytes, by its `Content-Length`, is sent in one piece. */
const onePiece = 65_536

/** Middleware may have set these already. Their values are added. */
const added: ReadonlySet<string> = new Set(["set-cookie", "vary"])

/** When the client has gone, or has an answer, the body is cancelled. A body that breaks breaks the connection. */
export const sendResponse = async (response: Response, to: ServerResponse): Promise<void> => {
  const { body, headers, status, statusText } = response
  if (to.headersSent || to.destroyed) return void body?.cancel().catch(() => {})
  const length = Number(headers.get("content-length") ?? Infinity)
  const whole = body !== null && length <= onePiece ? Buffer.from(await response.arrayBuffer()) : undefined
  to.statusCode = status
  if (statusText !== "") to.statusMessage = statusText
  for (const [name, value] of headers) {
    if (added.has(name)) to.appendHeader(name, value)
    else to.setHeader(name, value)
  }
  if (body === null || whole !== undefined) return void to.end(whole)
  // The body may begin much later: a stream of events has nothing to tell yet.
  to.flushHeaders()
  await pipeline(Readable.fromWeb(body), to).catch(() => {})
}
