/** A sentinel that names the primary it is told to, and says to its subscribers what a test tells it to. */
import type { Socket } from "node:net"
import { Effect } from "effect"
import { pong, startRaw } from "./FakeServer.ts"
import { bulk, integer, list, texts } from "./resp.ts"

interface Place {
  readonly host: string
  readonly port: number
}

const descriptionOf = ({ host, port }: Place) =>
  Object.entries({
    name: "main",
    ip: host,
    port: String(port),
    runid: String(port).padStart(40, "0"),
    "config-epoch": "1"
  }).flat()

export const startFakeSentinel = (first: Place) =>
  Effect.gen(function* () {
    let primary = first
    let described = first
    let upcoming: Place | undefined
    const subscribers = new Set<Socket>()
    /** Answers that are on their way until the test lets them arrive. */
    let held: Array<() => void> | undefined
    const answer = (text: string, socket: Socket) => {
      if (held === undefined) return text
      held.push(() => socket.write(text))
      return undefined
    }
    const { port } = yield* startRaw((command, socket) => {
      const [name = "", question = "", ...channels] = command
      switch (name.toUpperCase()) {
        case "SUBSCRIBE":
          subscribers.add(socket)
          if (upcoming !== undefined) primary = described = upcoming
          return [question, ...channels]
            .map((channel, i) => list([bulk("subscribe"), bulk(channel), integer(i + 1)]))
            .join("")
        case "PING":
          return subscribers.has(socket) ? texts(["pong", question]) : pong(command)
      }
      switch (question) {
        case "MASTER":
          return answer(texts(descriptionOf(described)), socket)
        case "GET-MASTER-ADDR-BY-NAME":
          return answer(texts([primary.host, String(primary.port)]), socket)
        default:
          return answer(list([]), socket)
      }
    })
    return {
      endpoint: { host: "127.0.0.1", port },
      names: (next: Place) =>
        Effect.sync(() => {
          primary = next
          described = next
        }),
      /** What it names from the moment on when somebody asks to listen. */
      namesOnceHeard: (next: Place) =>
        Effect.sync(() => {
          upcoming = next
        }),
      /** What it names from now on, while it still describes the one before, as in the middle of a failover. */
      namesOnly: (next: Place) =>
        Effect.sync(() => {
          primary = next
        }),
      /** What it answers from now on arrives when the effect inside is run. */
      holdsAnswers: Effect.sync(() => {
        const waiting: Array<() => void> = []
        held = waiting
        const isAsked = Effect.sync(() => waiting.length > 0)
        const release = Effect.sync(() => {
          held = undefined
          for (const send of waiting) send()
        })
        return { isAsked, release }
      }),
      /** Ends the connections of its subscribers. */
      cut: Effect.sync(() => {
        for (const socket of subscribers) socket.destroy()
        subscribers.clear()
      }),
      isHeard: Effect.sync(() => subscribers.size > 0),
      says: (channel: string, message: string) =>
        Effect.sync(() => {
          for (const socket of subscribers) socket.write(texts(["message", channel, message]))
        })
    }
  })
