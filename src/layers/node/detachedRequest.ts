/** A request that outlives its client: others may wait for what a handler makes of it. */
import { IncomingMessage } from "node:http"
import { Socket } from "node:net"

/** What a request has by itself: its state as a stream and its listeners. */
const ofStream: ReadonlySet<string | symbol> = new Set(Reflect.ownKeys(new IncomingMessage(new Socket())))

const ofMessage: ReadonlySet<string | symbol> = new Set([
  "method",
  "url",
  "httpVersion",
  "httpVersionMajor",
  "httpVersionMinor"
])

/** The same request with other headers, without a body, and with all that was put on it so far. */
export const detachedRequest = <Req extends IncomingMessage>(request: Req, headers: Headers): Req => {
  const copy = new IncomingMessage(request.socket)
  for (const name of Reflect.ownKeys(request)) {
    const found = Reflect.getOwnPropertyDescriptor(request, name)
    if (found !== undefined && (ofMessage.has(name) || !ofStream.has(name))) Object.defineProperty(copy, name, found)
  }
  const all = Object.fromEntries(headers)
  Object.defineProperties(copy, {
    headers: { value: all, writable: true, configurable: true, enumerable: true },
    rawHeaders: { value: Object.entries(all).flat(), writable: true, configurable: true, enumerable: true }
  })
  copy.complete = true
  copy.push(null)
  // A framework has put methods of its own there.
  return Object.setPrototypeOf(copy, Object.getPrototypeOf(request))
}
