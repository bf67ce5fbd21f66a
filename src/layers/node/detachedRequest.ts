/** A request that outlives its client, because other clients may wait for the same page. */
import { IncomingMessage } from "node:http"
import { Socket } from "node:net"

/** The own properties of a new request: its state as a stream and its listeners. */
const ofStream: ReadonlySet<string | symbol> = new Set(Reflect.ownKeys(new IncomingMessage(new Socket())))

const ofMessage: ReadonlySet<string | symbol> = new Set([
  "method",
  "url",
  "httpVersion",
  "httpVersionMajor",
  "httpVersionMinor"
])

/** Returns a copy of the request with other headers, without a body, and with the properties that middleware has added. */
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
