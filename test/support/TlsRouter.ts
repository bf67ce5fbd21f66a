/** What stands before servers that speak no TLS, and hears which name a client asks for. */
import { connect } from "node:net"
import { createServer, type TLSSocket } from "node:tls"
import { Effect, type Scope } from "effect"
import type { Certificate } from "./certificates.ts"
import { listen } from "./listen.ts"

export interface TlsRouter {
  readonly port: number
  /** The name in each handshake that came so far; false where there was none. */
  readonly names: Array<string | false | null>
}

export const startTlsRouter = (
  { cert, key }: Certificate,
  targetPort: number
): Effect.Effect<TlsRouter, never, Scope.Scope> =>
  Effect.gen(function* () {
    const sockets = new Set<TLSSocket>()
    const names: Array<string | false | null> = []
    const server = createServer({ cert, key }, (socket) => {
      sockets.add(socket)
      names.push(socket.servername)
      const target = connect(targetPort, "127.0.0.1").on("error", () => {})
      socket
        .on("error", () => {})
        .on("close", () => {
          sockets.delete(socket)
          target.destroy()
        })
      socket.pipe(target).pipe(socket)
    })
    return { port: yield* listen(server, sockets), names }
  })
