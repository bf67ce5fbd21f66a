/** Relays between the servers of a cluster, so that one of them can be cut off from the others while clients still reach it. */
import { connect, createServer, type Socket } from "node:net"
import { Effect, type Scope } from "effect"
import type { ClusterFleet } from "../ClusterFleet.ts"
import { listen } from "../listen.ts"
import type { ValkeyServer } from "../ValkeyServer.ts"

export interface ClusterBus {
  readonly cutOff: (server: ValkeyServer) => Effect.Effect<void>
  readonly heal: Effect.Effect<void>
}

/** Where a message between servers names its sender, after the signature, lengths, counts and epochs. */
const senderAt = 40
const senderLength = 40

interface Relay {
  readonly to: ValkeyServer
  from: string | undefined
  readonly end: () => void
}

export const startClusterBus = (fleet: ClusterFleet): Effect.Effect<ClusterBus, never, Scope.Scope> =>
  Effect.gen(function* () {
    const relays = new Set<Relay>()
    let cut: { readonly server: ValkeyServer; readonly id: string } | undefined
    const isCut = ({ from, to }: Relay) => cut !== undefined && (to === cut.server || from === cut.id)

    for (const to of fleet.servers) {
      const sockets = new Set<Socket>()
      const [, busPort] = (yield* to.call("CONFIG", "GET", "cluster-port")) as ReadonlyArray<string>
      const proxy = createServer((socket) => {
        const upstream = connect(Number(busPort), "127.0.0.1")
        const relay: Relay = {
          to,
          from: undefined,
          end: () => {
            relays.delete(relay)
            socket.destroy()
            upstream.destroy()
          }
        }
        relays.add(relay)
        sockets.add(socket)
        for (const one of [socket, upstream]) {
          one.on("error", () => {})
          one.on("close", relay.end)
        }
        if (isCut(relay)) return relay.end()
        socket.on("data", (data: Buffer) => {
          // A server that sends nothing but whole messages begins with one.
          relay.from ??= data.toString("latin1", senderAt, senderAt + senderLength)
          if (isCut(relay)) relay.end()
          else upstream.write(data)
        })
        upstream.on("data", (data: Buffer) => socket.write(data))
      })
      yield* to.call("CONFIG", "SET", "cluster-announce-bus-port", yield* listen(proxy, sockets))
    }
    // They tell each other, and connect anew.
    yield* fleet.settled
    const drop = () => {
      for (const relay of relays) if (isCut(relay)) relay.end()
    }
    return {
      cutOff: (server) =>
        Effect.map(fleet.idOf(server), (id) => {
          cut = { server, id }
          drop()
        }),
      heal: Effect.sync(() => void (cut = undefined))
    }
  })
