/** Servers that say of themselves what a test tells them to: which cluster they are of, who serves which slots, and where a slot went. */
import type { Socket } from "node:net"
import { Effect } from "effect"
import { type Answer, pong, startRaw } from "./FakeServer.ts"
import { bulk, failure, integer, list, status } from "./resp.ts"

/** What the servers of one cluster say, each of them the same. */
export interface ClusterView {
  epoch: number
  /** The first and the last slot, and who serves them, its replicas last, by the ids that they had when this was said. */
  ranges: ReadonlyArray<readonly [start: number, end: number, ...servers: ReadonlyArray<Place>]>
}

export interface Place {
  readonly id: string
  readonly port: number
}

export interface FakeNode extends Place {
  readonly node: string
  id: string
  view: ClusterView
  /** It takes no connections. */
  isDown: boolean
  /** It tells nobody its id, nor the cluster's state. */
  isReticent: boolean
  /** What it answers SET with. */
  answer: string
  /** Keys that were set here. */
  readonly keys: Array<string>
  /** Ends its connections, and perhaps becomes another server. */
  readonly restart: (change?: Partial<Pick<FakeNode, "id" | "view" | "isDown">>) => Effect.Effect<void>
}

const nowhere: ClusterView = { epoch: 0, ranges: [] }

export const placeOf = ({ id, port }: Place): Place => ({ id, port })

export const nodeId = (letter: string): string => letter.repeat(40)

const placeReply = ({ id, port }: Place): string => list([bulk("127.0.0.1"), integer(port), bulk(id), list([])])

/** `answer` comes first, where there is one. */
export const startFakeNode = (letter: string, answer?: Answer) =>
  Effect.gen(function* () {
    const sockets = new Set<Socket>()
    const ownAnswer = ([name = "", question = "", value = ""]: ReadonlyArray<string>): string => {
      switch (`${name} ${name === "CLUSTER" ? question : ""}`) {
        case "PING ":
          return pong([name, ...(question === "" ? [] : [question])])
        case "CLUSTER SLOTS":
          return list(
            node.view.ranges.map(([start, end, ...servers]) =>
              list([integer(start), integer(end), ...servers.map(placeReply)])
            )
          )
        case "CLUSTER MYID":
          return node.isReticent ? failure("NOPERM not for you") : bulk(node.id)
        case "CLUSTER INFO":
          return node.isReticent ? failure("NOPERM not for you") : bulk(`cluster_current_epoch:${node.view.epoch}\r\n`)
        case "SET ":
          if (node.answer === status("OK")) node.keys.push(`${question}=${value}`)
          return node.answer
        default:
          return status("OK")
      }
    }
    const { port } = yield* startRaw((command, socket) => {
      sockets.add(socket)
      if (!node.isDown) return answer?.(command, socket) ?? ownAnswer(command)
      socket.destroy()
      return undefined
    })
    const node: FakeNode = {
      port,
      node: `127.0.0.1:${port}`,
      id: nodeId(letter),
      view: nowhere,
      isDown: false,
      isReticent: false,
      answer: status("OK"),
      keys: [],
      restart: (change = {}) =>
        Effect.sync(() => {
          Object.assign(node, change)
          for (const socket of sockets) socket.destroy()
          sockets.clear()
        })
    }
    return node
  })
