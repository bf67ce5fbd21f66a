/** A relay in front of a server that loses, delays and cuts what passes. */
import { connect, createServer, type Socket } from "node:net"
import { Effect, type Scope } from "effect"
import { reset } from "./reset.ts"
import { listen } from "./listen.ts"

export interface Proxy {
  readonly port: number
  readonly url: string
  /** Replies from now on are swallowed. */
  dropReplies: boolean
  /** How many chunks came from clients. */
  writes: number
  /** Resets every connection. */
  readonly reset: () => void
}

export const startProxy = (targetPort: number): Effect.Effect<Proxy, never, Scope.Scope> =>
  Effect.gen(function* () {
    const sockets = new Set<Socket>()
    const server = createServer((client) => {
      const upstream = connect(targetPort, "127.0.0.1")
      for (const socket of [client, upstream]) {
        sockets.add(socket)
        socket.setNoDelay(true)
        socket.on("error", () => {})
      }
      client.on("data", (data) => {
        proxy.writes++
        upstream.write(data)
      })
      upstream.on("data", (data) => {
        if (!proxy.dropReplies) client.write(data)
      })
      const end = () => {
        client.destroy()
        upstream.destroy()
        sockets.delete(client)
        sockets.delete(upstream)
      }
      client.on("close", end)
      upstream.on("close", end)
    })
    const proxy: Proxy = {
      port: 0,
      url: "",
      dropReplies: false,
      writes: 0,
      reset: () => {
        for (const socket of sockets) reset(socket)
      }
    }
    const port = yield* listen(server, sockets)
    return Object.assign(proxy, { port, url: `valkey://127.0.0.1:${port}` })
  })
