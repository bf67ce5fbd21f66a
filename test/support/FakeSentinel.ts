/** A sentinel that names the primary it is told to, and says to its subscribers what a test tells it to. */
import type { Socket } from "node:net"
import { Effect } from "effect"
import { startRaw } from "./FakeServer.ts"

const array = (items: ReadonlyArray<string>) =>
  `*${items.length}\r\n${items.map((item) => `$${item.length}\r\n${item}\r\n`).join("")}`

interface Place {
  readonly host: string
  readonly port: number
}

export const startFakeSentinel = (first: Place) =>
  Effect.gen(function* () {
    let primary = first
    const subscribers = new Set<Socket>()
    const { port } = yield* startRaw(([name = "", question = "", ...channels], socket) => {
      switch (name.toUpperCase()) {
        case "SUBSCRIBE":
          subscribers.add(socket)
          return [question, ...channels]
            .map((channel, i) => `*3\r\n$9\r\nsubscribe\r\n$${channel.length}\r\n${channel}\r\n:${i + 1}\r\n`)
            .join("")
        case "PING":
          return subscribers.has(socket) ? array(["pong", ""]) : "+PONG\r\n"
      }
      switch (question) {
        case "MASTER":
          return array(["name", "main", "runid", "a".repeat(40), "config-epoch", "1"])
        case "GET-MASTER-ADDR-BY-NAME":
          return array([primary.host, String(primary.port)])
        default:
          return "*0\r\n"
      }
    })
    return {
      endpoint: { host: "127.0.0.1", port },
      names: (next: Place) =>
        Effect.sync(() => {
          primary = next
        }),
      isHeard: Effect.sync(() => subscribers.size > 0),
      says: (channel: string, message: string) =>
        Effect.sync(() => {
          for (const socket of subscribers) socket.write(array(["message", channel, message]))
        })
    }
  })
