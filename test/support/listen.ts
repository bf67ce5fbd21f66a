/** Listens on a free loopback port until the scope closes, which ends the connections too. */
import type { Server, Socket } from "node:net"
import { Effect, type Scope } from "effect"
import { inTime } from "./until.ts"

export const listen = (server: Server, sockets: ReadonlySet<Socket>): Effect.Effect<number, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() =>
      inTime(
        "a port to listen on",
        new Promise<number>((resolve, reject) => {
          server.once("error", reject)
          server.listen(0, "127.0.0.1", () => {
            const address = server.address()
            if (typeof address === "object" && address !== null) resolve(address.port)
          })
        })
      )
    ),
    () =>
      Effect.promise(() =>
        inTime(
          "the end of a server's connections",
          new Promise<void>((resolve) => {
            for (const socket of sockets) socket.destroy()
            server.close(() => resolve())
          })
        )
      )
  )
